"""What is said at once in a chat arrives whole and in order, also past the provider's limits."""

import asyncio

from bot.inbox import Inbox
from bot.sandbox.limits import Limits
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from bot.turn import House, Say
from channels.telegram import Telegram
from content import ladder
from content.clock import Clock
from content.store import Store
from verification.shelf import Base

LI = 501


async def test_replies_wait_out_the_limit_of_their_chat(store: Store) -> None:
    clock = Clock(1.0)
    sandbox = await Sandbox.start(clock, limits=Limits(one_chat_per_second=3, one_chat_burst=2))
    sandbox.phones.add(Phone("李明", chat=LI))
    chat = Telegram(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
    )
    house = House(Base(), (), ladder.load(), "")
    inbox = Inbox(store, clock, {"telegram": chat}, house)
    try:
        await inbox._in_order([Say(str(LI), f"第{number}句") for number in range(1, 5)])
        while inbox._following:
            await asyncio.gather(*inbox._following)
        heard = [one.body for one in sandbox.book.of(str(LI))]
    finally:
        await chat.close()
        await sandbox.stop()
    assert heard == ["第1句", "第2句", "第3句", "第4句"]
