"""What is said at once in a chat arrives whole and in order, also past the provider's limits."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.inbox import Inbox
from bot.sandbox.limits import UNLIMITED, Limits
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from bot.turn import Effect, Foresee, House, Say
from channels.telegram import Telegram
from content import ladder
from content.alert import Stage
from content.clock import Clock
from content.store import Store
from tests.content import office
from verification.shelf import Base

LI = 501


async def _heard(store: Store, limits: Limits, effects: Sequence[Effect]) -> list[str]:
    """Say something to 李明 through the real adapter, and return what he reads."""
    clock = Clock(1.0)
    sandbox = await Sandbox.start(clock, limits=limits)
    sandbox.phones.add(Phone("李明", chat=LI))
    chat = Telegram(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
    )
    house = House(Base(), (), ladder.load(), "")
    inbox = Inbox(store, clock, {"telegram": chat}, house)
    try:
        await inbox._in_order(effects)
        while inbox._following:
            await asyncio.gather(*inbox._following)
        return [one.body for one in sandbox.book.of(str(LI))]
    finally:
        await chat.close()
        await sandbox.stop()


async def test_replies_wait_out_the_limit_of_their_chat(store: Store) -> None:
    slow = Limits(one_chat_per_second=3, one_chat_burst=2)
    said = [Say(str(LI), f"第{number}句") for number in range(1, 5)]
    assert await _heard(store, slow, said) == ["第1句", "第2句", "第3句", "第4句"]


async def test_the_figures_of_a_preview_come_after_its_forms(store: Store, now: datetime) -> None:
    with store.begin() as session:
        draft = office.at_stage(session, office.staffed(session, now), Stage.DRAFT, now)
        figures = Foresee(str(LI), draft.id, now)
    first, then = await _heard(store, UNLIMITED, [Say(str(LI), "聊天里这样写"), figures])
    assert first == "聊天里这样写"
    assert then.startswith("预览 A")
