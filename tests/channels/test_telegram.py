import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.phones import TAPS_RECEIVED, Behaviour, Phone
from bot.sandbox.server import Sandbox
from channels import _http
from channels.base import EventKind, Request, SendError
from channels.telegram import LONGEST, Telegram, split
from content import sound
from content.message import Action, Button, Message
from content.reason import Reason

REF = "ab" * 16
CHAT = 8001
PRIVATE = {"id": CHAT, "type": "private", "first_name": "李明"}


@pytest.fixture
async def telegram(sandbox: Sandbox) -> AsyncIterator[Telegram]:
    adapter = Telegram(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
        timeout=5,
    )
    yield adapter
    await adapter.close()


@pytest.fixture
def bare() -> Telegram:
    return Telegram("7000000001:" + "a" * 35, username="linxun_bot")


async def test_a_message_arrives_with_its_buttons(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    receipt = await telegram.send(str(CHAT), message, REF)
    (sent,) = sandbox.book.messages
    assert (sent.sid, sent.to, sent.body) == (receipt.provider_id, str(CHAT), message.chat)
    assert sent.buttons == (("收到", f"received:{REF}"), ("需要帮助", f"help:{REF}"))


@pytest.mark.parametrize("kind", ["image/jpeg", "audio/ogg", "application/pdf"])
async def test_a_file_that_was_sent_to_us_is_shown_in_another_chat(
    telegram: Telegram, sandbox: Sandbox, kind: str
) -> None:
    sandbox.phones.add(Phone("陈医师", chat=CHAT))
    file = sandbox.rooms.keep(b"\xff\xd8", "came", kind)
    await telegram.show(str(CHAT), kind, file.id)
    assert [sent.to for sent in sandbox.book.messages] == [str(CHAT)]


async def test_a_file_that_is_gone_is_an_error(telegram: Telegram, sandbox: Sandbox) -> None:
    sandbox.phones.add(Phone("陈医师", chat=CHAT))
    with pytest.raises(SendError):
        await telegram.show(str(CHAT), "image/jpeg", "gone")


async def test_a_voice_message_is_sent_as_one(telegram: Telegram, sandbox: Sandbox) -> None:
    sandbox.phones.add(Phone("陈医师", chat=CHAT))
    body = sound.opus(sound.chime((440,), 1.0, 24_000))
    await telegram.voice(str(CHAT), body, 1.2, "电话里这样听")
    (sent,) = sandbox.rooms.messages.values()
    assert (sent["voice"]["duration"], sent["caption"]) == (1, "电话里这样听")
    assert sandbox.rooms.files[sent["voice"]["file_id"]].content == body


async def test_a_tap_comes_back_with_the_ref(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    phone = sandbox.phones.add(
        Phone("李明", chat=CHAT, behaviour=Behaviour(chats=(TAPS_RECEIVED,)))
    )
    await telegram.send(str(CHAT), message, REF)
    (update,) = await telegram.updates(None, 5)
    (event,) = telegram.parse(Request("", update))
    assert (event.kind, event.key, event.ref) == (EventKind.BUTTON, f"received:{REF}", REF)
    assert event.address == str(phone.chat)
    await telegram.acknowledge(event.callback_id, "谢谢")
    await telegram.edit(str(CHAT), event.message_id, "已收到")


async def test_updates_come_again_until_their_number_is_passed(
    telegram: Telegram, sandbox: Sandbox
) -> None:
    phone = sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.chats.says(phone, "喝白酒能防新冠吗")
    first = await telegram.updates(None, 1)
    again = await telegram.updates(None, 1)
    after = await telegram.updates(first[-1]["update_id"] + 1, 0)
    assert first == again
    assert first[0]["message"]["text"] == "喝白酒能防新冠吗"
    assert after == []


async def test_a_long_text_is_cut_at_sentences_and_asks_under_the_last(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    long = "请待在家里。" * 1500
    await telegram.send(str(CHAT), replace(message, chat=long), REF)
    parts = sandbox.book.messages
    assert "".join(part.body for part in parts) == long
    assert all(part.body.endswith("。") for part in parts)
    assert [bool(part.buttons) for part in parts] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("短。", 1),
        ("字" * LONGEST, 1),
        ("字" * (LONGEST + 1), 2),
        ("😀" * LONGEST, 2),
        ("第一。" + "字" * (LONGEST - 2), 2),
    ],
)
def test_no_part_is_longer_than_telegram_takes(text: str, parts: int) -> None:
    cut = split(text)
    assert len(cut) == parts
    assert "".join(cut) == text
    assert all(len(part.encode("utf-16-le")) // 2 <= LONGEST for part in cut)


@pytest.mark.parametrize(
    ("phone", "to", "reason"),
    [
        (Phone("李明", chat=CHAT, blocked=True), CHAT, Reason.BLOCKED),
        (Phone("李明", chat=CHAT, started=False), CHAT, Reason.BLOCKED),
        (Phone("李明", chat=CHAT), 424242, Reason.NUMBER_INVALID),
    ],
    ids=["blocked", "never-started", "no-such-chat"],
)
async def test_a_chat_that_cannot_be_reached_is_given_up(
    telegram: Telegram,
    sandbox: Sandbox,
    message: Message,
    phone: Phone,
    to: int,
    reason: Reason | None,
) -> None:
    sandbox.phones.add(replace(phone))
    with pytest.raises(SendError) as caught:
        await telegram.send(str(to), message, REF)
    assert (caught.value.reason, caught.value.permanent) == (reason, True)


async def test_a_pause_that_telegram_asks_for_is_passed_on(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.faults.telegram.throttle(sandbox.stage.clock, 5000)
    with pytest.raises(SendError) as caught:
        await telegram.send(str(CHAT), message, REF)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.retry_after
    assert not caught.value.permanent


async def test_an_error_of_the_server_may_be_tried_again(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.faults.telegram.errors = 1
    with pytest.raises(SendError) as caught:
        await telegram.send(str(CHAT), message, REF)
    assert (caught.value.permanent, caught.value.unknown) == (False, False)


async def test_a_broken_connection_is_unknown(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.faults.telegram.drops = 1
    with pytest.raises(SendError) as caught:
        await telegram.send(str(CHAT), message, REF)
    assert caught.value.unknown


async def test_a_late_answer_is_unknown(
    telegram: Telegram, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.faults.telegram.latency = 0.3
    telegram._pool.timeout = 0.05
    with pytest.raises(SendError) as caught:
        await telegram.send(str(CHAT), message, REF)
    assert (caught.value.reason, caught.value.unknown) == (Reason.TIMEOUT, True)


async def test_a_closed_port_was_never_reached(message: Message) -> None:
    adapter = Telegram("7:" + "a" * 35, base_url="http://127.0.0.1:1/bot")
    with pytest.raises(SendError) as caught:
        await adapter.send(str(CHAT), message, REF)
    assert (caught.value.reason, caught.value.unknown) == (Reason.PROVIDER_DOWN, False)
    await adapter.close()


async def test_a_proxy_is_used_where_one_is_set(sandbox: Sandbox, message: Message) -> None:
    adapter = Telegram(
        sandbox.telegram_token, base_url=sandbox.telegram_base_url, proxy="http://127.0.0.1:1"
    )
    with pytest.raises(SendError) as caught:
        await adapter.send(str(CHAT), message, REF)
    assert caught.value.reason is Reason.PROVIDER_DOWN
    await adapter.close()


async def test_a_wrong_token_is_a_matter_of_credentials(sandbox: Sandbox, message: Message) -> None:
    adapter = Telegram("7000000001:" + "a" * 35, base_url=sandbox.telegram_base_url)
    with pytest.raises(SendError) as caught:
        await adapter.send(str(CHAT), message, REF)
    assert (caught.value.reason, caught.value.permanent) == (Reason.CREDENTIALS, True)
    await adapter.close()


async def test_telegram_cannot_be_asked(bare: Telegram, message: Message, now: datetime) -> None:
    with pytest.raises(SendError) as caught:
        await bare.find(str(CHAT), message, now)
    assert caught.value.unknown


async def test_an_edit_that_changes_nothing_is_no_error(
    telegram: Telegram, sandbox: Sandbox
) -> None:
    sandbox.phones.add(Phone("李明", chat=CHAT))
    sent = await telegram.reply(str(CHAT), "进度 1/3")
    await telegram.edit(str(CHAT), sent, "进度 1/3")
    await telegram.edit(str(CHAT), sent, "进度 2/3", ((Button("停", Action.STAFF, "1"),),))
    assert sandbox.book.messages[0].body == "进度 2/3"


async def test_a_photo_that_was_sent_can_be_fetched(telegram: Telegram, sandbox: Sandbox) -> None:
    phone = sandbox.phones.add(Phone("李明", chat=CHAT))
    sandbox.chats.sends(phone, "photo", b"JPEG")
    (update,) = await telegram.updates(None, 1)
    (event,) = telegram.parse(Request("", update))
    assert event.media is not None
    assert await telegram.fetch(event.media.file_id) == b"JPEG"


async def test_a_webhook_is_set_and_taken_away(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.webhook(f"{sandbox.url}/hooks/telegram", "secret")
    with pytest.raises(SendError):
        await telegram.updates(None, 0)
    await telegram.webhook("")
    assert await telegram.updates(None, 0) == []


async def test_the_bot_knows_its_name(telegram: Telegram) -> None:
    number, name = await telegram.me()
    assert str(number) == telegram._id
    assert name == telegram.username


def test_a_button_fits_what_telegram_carries(message: Message) -> None:
    rows = (*message.buttons, (Button("第二条", Action.CHOOSE, "f" * 20),))
    assert all(len(one.data(REF).encode()) <= 64 for row in rows for one in row)


SENT = {"ok": True, "result": {"message_id": 9, "date": 1, "chat": PRIVATE, "text": "x"}}


async def test_the_request_is_what_the_bot_api_describes(
    recorder: Any, message: Message, shared: Path
) -> None:
    recorder.body = json.dumps(SENT)
    adapter = Telegram("7:" + "a" * 35, base_url=f"{recorder.url}/bot")
    await adapter.send(str(CHAT), message, REF)
    await adapter.close()
    ((method, path, form),) = recorder.requests
    rows = [
        [
            {"text": "收到", "callback_data": f"received:{REF}"},
            {"text": "需要帮助", "callback_data": f"help:{REF}"},
        ]
    ]
    assert (method, path.lower()) == ("POST", f"/bot7:{'a' * 35}/sendmessage")
    assert (form["chat_id"], form["text"]) == ([str(CHAT)], [message.chat])
    assert json.loads(form["reply_markup"][0]) == {"inline_keyboard": rows}
    methods = json.loads((shared / "specs" / "telegram-bot-api.json").read_text())["methods"]
    assert set(form) <= {field["name"] for field in methods["sendMessage"]["fields"]}


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", (Reason.BLOCKED, True, False)),
        (403, "Forbidden: user is deactivated", (Reason.BLOCKED, True, False)),
        (403, "Forbidden: bot can't initiate conversation", (Reason.BLOCKED, True, False)),
        (400, "Bad Request: chat not found", (Reason.NUMBER_INVALID, True, False)),
        (400, "Bad Request: PEER_ID_INVALID", (Reason.NUMBER_INVALID, True, False)),
        (400, "Bad Request: message is too long", (Reason.REFUSED_CONTENT, True, False)),
        (400, "Bad Request: something else", (Reason.PROVIDER_REFUSED, True, False)),
        (401, "Unauthorized", (Reason.CREDENTIALS, True, False)),
        (404, "Not Found", (Reason.CREDENTIALS, True, False)),
        (409, "Conflict: terminated", (Reason.PROVIDER_REFUSED, False, False)),
        (500, "Internal Server Error", (Reason.PROVIDER_DOWN, False, False)),
        (502, "Bad Gateway", (Reason.OUTCOME_UNKNOWN, False, True)),
        (504, "Gateway Timeout", (Reason.OUTCOME_UNKNOWN, False, True)),
    ],
)
async def test_an_error_has_its_meaning(
    recorder: Any,
    message: Message,
    status: int,
    said: str,
    expected: tuple[Reason, bool, bool],
) -> None:
    recorder.status = status
    recorder.body = json.dumps({"ok": False, "error_code": status, "description": said})
    adapter = Telegram("7:" + "a" * 35, base_url=f"{recorder.url}/bot")
    with pytest.raises(SendError) as caught:
        await adapter.send(str(CHAT), message, REF)
    await adapter.close()
    assert (caught.value.reason, caught.value.permanent, caught.value.unknown) == expected


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"ok": true, "result": 1}'])
async def test_a_success_that_is_not_telegrams_is_unknown(
    recorder: Any, message: Message, body: str
) -> None:
    recorder.body = body
    adapter = Telegram("7:" + "a" * 35, base_url=f"{recorder.url}/bot")
    with pytest.raises(SendError) as caught:
        await adapter.send(str(CHAT), message, REF)
    await adapter.close()
    assert caught.value.unknown


async def test_a_file_beyond_the_limit_is_not_read(
    recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "LARGEST", 10)
    recorder.body = json.dumps({"ok": True, "result": {"file_id": "f", "file_path": "p"}})
    adapter = Telegram("7:" + "a" * 35, base_url=f"{recorder.url}/bot")
    with pytest.raises(SendError) as caught:
        await adapter.fetch("f")
    await adapter.close()
    assert caught.value.permanent
