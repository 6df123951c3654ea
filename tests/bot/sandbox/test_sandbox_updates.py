import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from telegram import Bot
from telegram.error import BadRequest, Conflict

from bot.sandbox.chats import Group
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox

Until = Callable[[Callable[[], object]], Awaitable[object]]


@pytest.fixture
def li(sandbox: Sandbox) -> Phone:
    return sandbox.phones.add(Phone("李明", chat=501))


@pytest.fixture
def group(sandbox: Sandbox, li: Phone) -> Group:
    return sandbox.chats.add_group(-1001, "三栋业主群", [li])


async def test_an_update_comes_again_until_a_higher_offset_is_asked_for(
    sandbox: Sandbox, bot: Bot, li: Phone
) -> None:
    sandbox.chats.says(li, "在吗")
    first = await bot.get_updates()
    again = await bot.get_updates()
    assert [update.update_id for update in first] == [update.update_id for update in again]
    assert await bot.get_updates(offset=first[0].update_id + 1) == ()


async def test_a_poll_waits_until_something_happens(sandbox: Sandbox, bot: Bot, li: Phone) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.sleep(0.05)
    sandbox.chats.says(li, "在吗")
    assert [update.message and update.message.text for update in await poll] == ["在吗"]


async def test_a_negative_offset_forgets_all_but_the_last(
    sandbox: Sandbox, bot: Bot, li: Phone
) -> None:
    for text in "一二三":
        sandbox.chats.says(li, text)
    updates = await bot.get_updates(offset=-1)
    assert [update.message and update.message.text for update in updates] == ["三"]
    assert len(await bot.get_updates(limit=2)) == 1


async def test_of_two_pollers_the_first_gets_409(sandbox: Sandbox, bot: Bot, li: Phone) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.sleep(0.05)
    async with Bot(sandbox.telegram_token, base_url=sandbox.telegram_base_url) as other:
        second = asyncio.create_task(other.get_updates(timeout=10))
        with pytest.raises(Conflict, match=r"(?i)other getUpdates request"):
            await first
        sandbox.chats.says(li, "在吗")
        assert len(await second) == 1


async def test_kinds_that_were_not_asked_for_do_not_come(
    sandbox: Sandbox, bot: Bot, li: Phone
) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    sandbox.chats.says(li, "在吗")
    assert await bot.get_updates() == ()


async def test_a_webhook_gets_updates_with_its_secret_and_again_after_an_error(
    sandbox: Sandbox, bot: Bot, li: Phone, committee: Any, until: Until
) -> None:
    committee.status = 500
    await bot.set_webhook(committee.url + "/telegram", secret_token="geheim")
    sandbox.chats.says(li, "在吗")
    await until(lambda: len(committee.raw) >= 1)
    committee.status = 200
    await until(lambda: len(sandbox.updates) == 0)
    headers, body = committee.raw[-1]
    assert headers["X-Telegram-Bot-Api-Secret-Token"] == "geheim"
    assert json.loads(body)["message"]["text"] == "在吗"


async def test_polling_beside_a_webhook_is_a_conflict(bot: Bot, committee: Any) -> None:
    await bot.set_webhook(committee.url)
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == committee.url
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_a_webhook_must_be_https_or_loopback(bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)https"):
        await bot.set_webhook("http://linxun.example/hook")
    assert (await bot.get_webhook_info()).url == ""


async def test_nothing_is_sent_beyond_loopback(
    sandbox: Sandbox, bot: Bot, li: Phone, until: Until
) -> None:
    await bot.set_webhook("https://linxun.example/hook")
    sandbox.chats.says(li, "在吗")
    await until(lambda: sandbox.book.notes)
    assert "beyond this machine" in sandbox.book.notes[0].what


async def test_start_carries_the_payload_of_a_deep_link(
    sandbox: Sandbox, bot: Bot, li: Phone
) -> None:
    li.started = False
    sandbox.chats.starts(li, "b3x9")
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert (message.text, message.entities[0].type) == ("/start b3x9", "bot_command")
    assert await bot.send_message(501, "欢迎")


async def test_a_forward_names_its_origin(sandbox: Sandbox, bot: Bot, li: Phone) -> None:
    sandbox.chats.forwards(li, "自来水有毒", origin="家族群")
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert message.forward_origin is not None
    assert message.forward_origin.to_dict()["sender_user_name"] == "家族群"


async def test_blocking_and_unblocking_are_told(sandbox: Sandbox, bot: Bot, li: Phone) -> None:
    sandbox.chats.blocks(li)
    sandbox.chats.unblocks(li)
    changes = [update.my_chat_member for update in await bot.get_updates()]
    assert [change and change.new_chat_member.status for change in changes] == ["kicked", "member"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/check 自来水有毒", True),
        ("/check@linxun_sandbox_bot", True),
        ("/check@other_bot", False),
        ("@linxun_sandbox_bot 是真的吗", True),
        ("自来水有毒", False),
        ("请看 /check", False),
    ],
)
async def test_privacy_mode_shows_a_bot_only_what_is_for_it(
    sandbox: Sandbox, bot: Bot, li: Phone, group: Group, text: str, seen: bool
) -> None:
    sandbox.chats.says(li, text, group=group)
    assert bool(await bot.get_updates()) is seen


async def test_a_reply_to_the_bot_in_a_group_is_seen(
    sandbox: Sandbox, bot: Bot, li: Phone, group: Group
) -> None:
    sent = await bot.send_message(group.id, "正在核实")
    sandbox.chats.says(li, "谢谢", group=group, reply_to=sent.message_id)
    assert len(await bot.get_updates()) == 1


async def test_check_as_a_reply_carries_the_rumor(
    sandbox: Sandbox, bot: Bot, li: Phone, group: Group
) -> None:
    rumor = sandbox.chats.says(li, "自来水有毒", group=group)
    sandbox.chats.says(li, "/check", group=group, reply_to=rumor["message_id"])
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert message.reply_to_message is not None
    assert message.reply_to_message.text == "自来水有毒"


async def test_a_bot_thrown_out_of_a_group_cannot_write_there(
    sandbox: Sandbox, bot: Bot, li: Phone, group: Group
) -> None:
    sandbox.chats.removes_bot(li, group)
    with pytest.raises(Exception, match="kicked"):
        await bot.send_message(group.id, "好")
    assert len(await bot.get_updates()) == 1


async def test_a_button_that_is_gone_cannot_be_pressed(
    sandbox: Sandbox, bot: Bot, li: Phone
) -> None:
    sent = await bot.send_message(501, "好")
    with pytest.raises(ValueError, match="no such button"):
        sandbox.chats.presses(li, 501, sent.message_id, "ack:1")
    assert await bot.get_updates() == ()
