import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.phones import Behaviour, OnChat, Phone, PhoneKind
from bot.sandbox.server import Sandbox

LI = "+8613800000001"
WANG = "+862155550001"
Until = Callable[[Callable[[], object]], Awaitable[object]]


class Visitor:
    """Somebody at the page, with its token."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, token: str) -> None:
        self.url = sandbox.url + "/phones/api/phones"
        self.session = session
        self.headers = {"X-Sandbox-Token": token, "Origin": sandbox.url}

    async def act(
        self, key: str, act: str, given: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        url = f"{self.url}/{key}/{act}"
        sent = self.headers | headers
        async with self.session.post(url, json=given or {}, headers=sent) as answer:
            return answer.status, await answer.json()

    async def see(self, key: str = "", since: object = "") -> dict[str, Any]:
        url = f"{self.url}/{key}" if key else self.url
        async with self.session.get(url, params={"since": str(since)}) as answer:
            found: dict[str, Any] = await answer.json()
            return found


@pytest.fixture
async def visitor(sandbox: Sandbox) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession() as session:
        async with session.get(sandbox.url + "/phones") as answer:
            page = await answer.text()
        token = re.search(r'data-token="([^"]+)"', page)
        assert token is not None
        yield Visitor(sandbox, session, token[1])


@pytest.fixture(autouse=True)
def li(sandbox: Sandbox) -> Phone:
    habit = Behaviour(chats=(OnChat("收到"),))
    return sandbox.phones.add(Phone("李明<script>", LI, chat=501, behaviour=habit))


@pytest.fixture(autouse=True)
def wang(sandbox: Sandbox) -> Phone:
    return sandbox.phones.add(Phone("王奶奶", WANG, kind=PhoneKind.LANDLINE))


async def test_the_page_allows_no_foreign_script(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(sandbox.url + "/phones") as answer,
    ):
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "innerHTML" not in page
    assert not re.findall(r"(?:src|href)=.?https?:", page)


async def test_the_root_leads_to_the_page(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session, session.get(sandbox.url) as answer:
        assert answer.url.path == "/phones"


async def test_the_list_shows_every_phone_and_says_when_nothing_changed(visitor: Visitor) -> None:
    seen = await visitor.see()
    assert [phone["name"] for phone in seen["phones"]] == ["李明<script>", "王奶奶"]
    assert (await visitor.see(since=seen["version"]))["phones"] is None


async def test_a_visitor_forwards_a_rumor_and_sees_the_answer(visitor: Visitor, bot: Bot) -> None:
    status, _ = await visitor.act(LI, "forward", {"text": "自来水有毒"})
    message = (await bot.get_updates())[0].message
    assert message is not None
    await bot.send_message(message.chat.id, "这是谣言")
    thread = (await visitor.see(LI))["thread"]
    assert (status, message.text) == (200, "自来水有毒")
    assert [(one["mine"], one["body"]) for one in thread] == [
        (True, "自来水有毒"),
        (False, "这是谣言"),
    ]


async def test_a_visitor_who_acts_replaces_the_behaviour(
    sandbox: Sandbox, visitor: Visitor, bot: Bot, li: Phone
) -> None:
    await visitor.act(LI, "man", {"manned": True})
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("收到", callback_data="ack:1")]])
    sent = await bot.send_message(501, "暴雨", reply_markup=keys)
    await sandbox.stage.clock.sleep(120)
    assert await bot.get_updates() == ()
    await visitor.act(LI, "press", {"message_id": sent.message_id, "data": "ack:1"})
    assert (await bot.get_updates())[0].callback_query is not None
    assert li.manned


async def test_a_visitor_answers_a_call_and_presses_a_key(
    sandbox: Sandbox, visitor: Visitor, client: Any, committee: Any, until: Until
) -> None:
    committee.answers["/voice"] = (
        '<Response><Gather numDigits="1" timeout="2000" action="/keys"/></Response>'
    )
    await visitor.act(WANG, "man", {"manned": True})
    fields = {
        "to": WANG,
        "from_": sandbox.numbers[0],
        "url": committee.url + "/voice",
        "timeout": 600,
    }
    call = sandbox.book.find((await client.calls.create_async(**fields)).sid)
    await until(lambda: call and call.status == "ringing")
    assert (await visitor.act(WANG, "answer"))[0] == 200
    live = sandbox.calls.live
    await until(lambda: any(one.line.open for one in live.values()))
    assert (await visitor.see(WANG))["phone"]["asked"]
    await visitor.act(WANG, "key", {"key": "3"})
    await until(lambda: committee.to("/keys"))
    assert committee.to("/keys")[0]["Digits"] == "3"


async def test_a_visitor_declines_a_call(
    sandbox: Sandbox, visitor: Visitor, client: Any, until: Until
) -> None:
    await visitor.act(WANG, "man", {"manned": True})
    fields = {"to": WANG, "from_": sandbox.numbers[0], "twiml": "<Response/>", "timeout": 600}
    call = sandbox.book.find((await client.calls.create_async(**fields)).sid)
    await until(lambda: call and call.status == "ringing")
    await visitor.act(WANG, "decline")
    await until(lambda: call and call.status == "busy")
    assert (await visitor.see(WANG))["phone"]["call"] is None


async def test_a_visitor_texts_and_calls_the_hotline(
    sandbox: Sandbox, visitor: Visitor, committee: Any, until: Until
) -> None:
    sandbox.sms_webhook = committee.url + "/sms"
    sandbox.voice_webhook = committee.url + "/voice"
    await visitor.act(LI, "sms", {"text": "收到"})
    await visitor.act(LI, "dial", {"to": sandbox.numbers[1]})
    await until(lambda: committee.to("/sms") and committee.to("/voice"))
    assert committee.to("/sms")[0]["Body"] == "收到"
    assert committee.to("/voice")[0]["To"] == sandbox.numbers[1]


@pytest.mark.parametrize(
    ("key", "act", "given", "status"),
    [
        (LI, "say", {"text": ""}, 400),
        (LI, "say", {"text": "长" * 4097}, 400),
        (LI, "say", ["text"], 400),
        (LI, "press", {"message_id": "x"}, 400),
        (LI, "press", {"message_id": 1, "data": "ack"}, 400),
        (LI, "sms", {"text": "好", "to": "+8610110"}, 400),
        (LI, "dial", {}, 400),
        (LI, "key", {"key": "1"}, 400),
        (LI, "key", {"key": "12"}, 400),
        (WANG, "say", {"text": "好"}, 400),
        (LI, "explode", {}, 404),
        ("+8600000000", "say", {"text": "好"}, 404),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_sentence(
    visitor: Visitor, key: str, act: str, given: Any, status: int
) -> None:
    answered, body = await visitor.act(key, act, given)
    assert answered == status
    assert body["error"]


@pytest.mark.parametrize(
    "headers", [{"X-Sandbox-Token": "wrong"}, {"Origin": "http://evil.example"}]
)
async def test_another_site_cannot_act(
    sandbox: Sandbox, visitor: Visitor, headers: dict[str, str]
) -> None:
    status, _ = await visitor.act(LI, "say", {"text": "好"}, **headers)
    assert (status, sandbox.book.messages) == (403, [])


async def test_a_large_or_broken_body_is_refused(sandbox: Sandbox, visitor: Visitor) -> None:
    url = f"{visitor.url}/{LI}/say"
    statuses = []
    for body in (b"x" * 70_000, b"\xff", b"{", b"[" * 60_000):
        async with visitor.session.post(url, data=body, headers=visitor.headers) as answer:
            statuses.append(answer.status)
    assert statuses == [413, 400, 400, 400]
    assert sandbox.book.messages == []


async def test_only_a_recording_that_was_played_can_be_heard(
    sandbox: Sandbox, visitor: Visitor, committee: Any, until: Until
) -> None:
    sound = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + b"\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0"
    committee.answers["/a.wav"] = sound + b"data\x40\x1f\0\0" + b"\x80" * 8000
    committee.answers["/voice"] = "<Response><Play>/a.wav</Play></Response>"
    committee.types["/a.wav"] = "audio/wav"
    sandbox.voice_webhook = committee.url + "/voice"
    await visitor.act(WANG, "dial")
    await until(lambda: sandbox.book.calls[0].ended_at)
    script = (await visitor.see(WANG))["thread"][0]["script"]
    heard = sandbox.url + "/phones/api/audio"
    async with visitor.session.get(heard, params={"url": script[0]["audio"]}) as answer:
        assert (await answer.read())[:4] == b"RIFF"
    async with visitor.session.get(heard, params={"url": "http://127.0.0.1/x"}) as answer:
        assert answer.status == 404


JPEG = "/9j/4AAQ"


async def test_a_photo_with_a_word_replies_to_a_message_with_its_buttons(
    visitor: Visitor, bot: Bot
) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("已通知", callback_data="door::done")]])
    await visitor.act(LI, "start")
    sent = await bot.send_message(501, "3号楼 王奶奶", reply_markup=keys)
    given = {"content": JPEG, "text": "门口有积水", "reply_to": str(sent.message_id)}
    status, _ = await visitor.act(LI, "photo", given)
    message = (await bot.get_updates())[-1].message
    assert message is not None
    assert (status, message.caption, len(message.photo)) == (200, "门口有积水", 1)
    replied = message.reply_to_message
    assert replied is not None
    assert replied.reply_markup is not None
    assert replied.reply_markup.inline_keyboard[0][0].callback_data == "door::done"


@pytest.mark.parametrize("content", ["", "not base64!", "aGVsbG8="])
async def test_what_is_no_photo_is_refused(visitor: Visitor, content: str) -> None:
    status, body = await visitor.act(LI, "photo", {"content": content})
    assert (status, "error" in body) == (400, True)


async def test_a_word_may_be_a_reply(visitor: Visitor, bot: Bot) -> None:
    await visitor.act(LI, "start")
    sent = await bot.send_message(501, "在吗")
    await visitor.act(LI, "say", {"text": "在", "reply_to": str(sent.message_id)})
    message = (await bot.get_updates())[-1].message
    assert message is not None
    assert message.reply_to_message is not None
    assert message.reply_to_message.text == "在吗"
