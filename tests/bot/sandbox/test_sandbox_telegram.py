import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp
import pytest
from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
    Update,
)
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter
from telegram.ext import Application, CallbackQueryHandler

from bot.sandbox.limits import UNLIMITED, Limits
from bot.sandbox.phones import HAS_BLOCKED, TAPS_HELP, TAPS_RECEIVED, Behaviour, OnChat, Phone
from bot.sandbox.server import Sandbox
from content.clock import Clock

LI = 501
Until = Callable[[Callable[[], object]], Awaitable[object]]


def board(*data: str) -> InlineKeyboardMarkup:
    labels = ("收到", "需要帮助")
    pairs = zip(labels, data, strict=False)
    return InlineKeyboardMarkup([[InlineKeyboardButton(a, callback_data=b)] for a, b in pairs])


@pytest.fixture(autouse=True)
def li(sandbox: Sandbox) -> Phone:
    return sandbox.phones.add(Phone("李明", chat=LI, behaviour=Behaviour(chats=(TAPS_RECEIVED,))))


async def raw(
    sandbox: Sandbox, method: str, fields: dict[str, Any] | None = None, token: str = "", **kw: Any
) -> tuple[int, dict[str, Any]]:
    url = f"{sandbox.telegram_base_url}{token or sandbox.telegram_token}/{method}"
    async with aiohttp.ClientSession() as session:
        body = {"json": fields} if fields is not None else {}
        async with session.post(url, **body, **kw) as answer:
            return answer.status, await answer.json()


async def test_a_resident_taps_the_button_under_a_message(bot: Bot) -> None:
    sent = await bot.send_message(LI, "暴雨红色预警", reply_markup=board("ack:1", "help:1"))
    query = (await bot.get_updates(timeout=5))[0].callback_query
    assert query is not None
    assert (query.data, query.message and query.message.message_id) == ("ack:1", sent.message_id)
    assert await query.answer("谢谢", show_alert=True)


async def test_a_whole_application_polls_answers_and_edits(sandbox: Sandbox, until: Until) -> None:
    async def thank(update: Update, _context: object) -> None:
        query = update.callback_query
        assert query is not None
        await query.answer("谢谢")
        await query.edit_message_text("已确认")

    builder = Application.builder().token(sandbox.telegram_token)
    builder = builder.base_url(sandbox.telegram_base_url).base_file_url(sandbox.telegram_file_url)
    async with builder.build() as app:
        app.add_handler(CallbackQueryHandler(thank))
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(timeout=1)
        await app.bot.send_message(LI, "暴雨", reply_markup=board("ack:1"))
        await until(lambda: sandbox.book.texts("501")[0].body == "已确认")
        await app.updater.stop()
        await app.stop()
    assert [press.data for press in sandbox.book.presses] == ["ack:1"]


async def test_a_second_message_meets_the_second_behaviour(sandbox: Sandbox, bot: Bot) -> None:
    habit = Behaviour(chats=(OnChat(), TAPS_HELP))
    sandbox.phones.add(Phone("赵静", chat=502, behaviour=habit))
    await bot.send_message(502, "一", reply_markup=board("ack:1", "help:1"))
    await bot.send_message(502, "二", reply_markup=board("ack:2", "help:2"))
    query = (await bot.get_updates(timeout=5))[0].callback_query
    assert query is not None
    assert query.data == "help:2"


async def test_only_a_message_with_their_button_counts_as_an_attempt(
    sandbox: Sandbox, bot: Bot
) -> None:
    habit = Behaviour(chats=(TAPS_RECEIVED, TAPS_HELP))
    phone = sandbox.phones.add(Phone("赵静", chat=502, behaviour=habit))
    link = InlineKeyboardMarkup([[InlineKeyboardButton("收到", url="https://a.cn")]])
    await bot.send_message(502, "一", reply_markup=link)
    assert phone.chats == 0
    await bot.send_message(502, "二", reply_markup=board("ack:1", "help:1"))
    query = (await bot.get_updates(timeout=5))[0].callback_query
    assert query is not None
    assert query.data == "ack:1"


async def test_a_button_taken_away_before_the_tap_is_not_pressed(
    sandbox: Sandbox, bot: Bot
) -> None:
    sent = await bot.send_message(LI, "暴雨", reply_markup=board("ack:1"))
    await bot.edit_message_text("已解除", LI, sent.message_id)
    await sandbox.stage.clock.sleep(60)
    assert (await bot.get_updates(), sandbox.book.presses) == ((), [])


async def test_somebody_blocks_the_bot_or_writes_instead_of_pressing(
    sandbox: Sandbox, bot: Bot
) -> None:
    for chat, doing in ((503, OnChat(blocks=True)), (504, OnChat(text="电梯坏了"))):
        habit = Behaviour(chats=(OnChat(), doing))
        sandbox.phones.add(Phone("周", chat=chat, behaviour=habit))
        for _ in range(2):
            await bot.send_message(chat, "暴雨", reply_markup=board("ack:1"))
    await sandbox.stage.clock.sleep(60)
    updates = await bot.get_updates()
    assert [update.my_chat_member is not None for update in updates].count(True) == 1
    assert [update.message.text for update in updates if update.message] == ["电梯坏了"]


async def test_the_book_finds_a_message_by_the_ref_in_its_buttons(
    sandbox: Sandbox, bot: Bot
) -> None:
    await bot.send_message(LI, "<b>暴雨</b>", "HTML", reply_markup=board("ack:0123456789abcdef"))
    found = sandbox.book.with_ref("0123456789abcdef")
    assert [(entry.to, entry.body) for entry in found if hasattr(entry, "body")] == [
        ("501", "暴雨")
    ]


async def test_an_edit_changes_text_and_buttons_and_shows_in_the_book(
    sandbox: Sandbox, bot: Bot
) -> None:
    sent = await bot.send_message(LI, "进度 1", reply_markup=board("ack:1"))
    await bot.edit_message_text("进度 2", LI, sent.message_id)
    entry = sandbox.book.texts("501")[0]
    assert (entry.body, entry.buttons, entry.edits) == ("进度 2", (), 1)


@pytest.mark.parametrize("method", ["text", "markup"])
async def test_an_edit_that_changes_nothing_is_refused(
    sandbox: Sandbox, bot: Bot, method: str
) -> None:
    sent = await bot.send_message(LI, "进度", reply_markup=board("ack:1"))
    edit = {
        "text": partial(bot.edit_message_text, "进度"),
        "markup": bot.edit_message_reply_markup,
    }[method]
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await edit(chat_id=LI, message_id=sent.message_id, reply_markup=board("ack:1"))
    assert sandbox.book.texts()[0].edits == 0


@pytest.mark.parametrize(
    ("text", "markup", "sentence"),
    [
        ("", None, "Message text is empty"),
        ("长" * 4097, None, "Message is too long"),
        ("<q>", None, "Unsupported start tag"),
        ("<b>", None, "Can't find end tag"),
        ("好", board("x" * 65), "Button_data_invalid"),
        ("好", InlineKeyboardMarkup([[InlineKeyboardButton("收到")]]), "buttons are unallowed"),
    ],
)
async def test_what_telegram_refuses_is_refused(
    sandbox: Sandbox, bot: Bot, text: str, markup: InlineKeyboardMarkup | None, sentence: str
) -> None:
    with pytest.raises(BadRequest, match=f"(?i){sentence}"):
        await bot.send_message(LI, text, "HTML", reply_markup=markup)
    assert sandbox.book.texts() == []


async def test_4096_characters_and_64_bytes_pass(bot: Bot) -> None:
    sent = await bot.send_message(LI, "长" * 4096, reply_markup=board("x" * 64))
    assert len(sent.text or "") == 4096


async def test_html_becomes_text_and_entities(bot: Bot) -> None:
    sent = await bot.send_message(LI, '😀<b>A</b> &lt; & <a href="https://a.cn">是</a>', "HTML")
    found = [(e.type, e.offset, e.length, e.url) for e in sent.entities]
    assert sent.text == "😀A < & 是"
    assert found == [("bold", 2, 1, None), ("text_link", 8, 1, "https://a.cn")]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"chat_id": LI, "text": "a", "colour": "red"}, "unknown field"),
        ({"chat_id": LI}, "message text is empty"),
        ({"text": "a"}, "chat_id is empty"),
        ({"chat_id": LI, "text": 5}, "must be of type string"),
        ({"chat_id": LI, "text": "<b", "parse_mode": "Markdown"}, "unsupported parse_mode"),
        ({"chat_id": True, "text": "a"}, "must be of type chat"),
        ({"chat_id": LI, "text": "a", "disable_notification": "ja"}, "must be of type boolean"),
        ({"chat_id": LI, "text": "a", "message_thread_id": 1}, "does not play"),
        ({"chat_id": LI, "text": "a", "reply_markup": {"x": 1}}, "reply markup"),
        ({"chat_id": LI, "text": "a", "reply_parameters": {}}, "message_id is empty"),
        ({"chat_id": "@nobody", "text": "a"}, "chat not found"),
    ],
)
async def test_wrong_fields_are_refused(
    sandbox: Sandbox, fields: dict[str, Any], sentence: str
) -> None:
    status, body = await raw(sandbox, "sendMessage", fields)
    assert (status, body["ok"]) == (400, False)
    assert sentence in body["description"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"chat_id=%ff", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"chat_id":501,"text":"\\ud800"}', "application/json"),
        (b"chat_id=501&text=a&reply_markup=" + b"[" * 100_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_broken_bodies_are_refused(sandbox: Sandbox, body: bytes, kind: str) -> None:
    headers = {"Content-Type": kind}
    status, answer = await raw(sandbox, "sendMessage", data=body, headers=headers)
    assert (status, answer["error_code"]) == (400, 400)


async def test_forms_and_json_are_read_alike(sandbox: Sandbox) -> None:
    markup = {"inline_keyboard": [[{"text": "收到", "callback_data": "ack"}]]}
    _, one = await raw(
        sandbox, "sendMessage", {"chat_id": LI, "text": "好", "reply_markup": markup}
    )
    form = {"chat_id": str(LI), "text": "好", "reply_markup": json.dumps(markup)}
    _, two = await raw(sandbox, "sendMessage", data=form)
    assert one["result"]["reply_markup"] == two["result"]["reply_markup"] == markup


async def test_a_wrong_token_is_401_and_an_unknown_method_404(sandbox: Sandbox) -> None:
    assert (await raw(sandbox, "getMe", token="1:wrong"))[0] == 401
    assert (await raw(sandbox, "sendDice", {}))[0] == 404


async def test_the_library_reads_a_wrong_token_as_invalid(sandbox: Sandbox) -> None:
    bot = Bot("1:wrong", base_url=sandbox.telegram_base_url)
    with pytest.raises(InvalidToken):
        await bot.initialize()
    assert sandbox.book.refusals == {("telegram", 401): 1}


@pytest.mark.parametrize(
    ("phone", "error", "sentence"),
    [
        (Phone("甲", chat=601, started=False), Forbidden, "can't initiate conversation"),
        (Phone("乙", chat=601, blocked=True), Forbidden, "blocked by the user"),
        (
            Phone("丙", chat=601, behaviour=Behaviour(chats=(HAS_BLOCKED,))),
            Forbidden,
            "blocked by the user",
        ),
        (Phone("丁", chat=602), BadRequest, "chat not found"),
    ],
)
async def test_people_who_cannot_be_written_to(
    sandbox: Sandbox, bot: Bot, phone: Phone, error: type[Exception], sentence: str
) -> None:
    sandbox.phones.add(phone)
    with pytest.raises(error, match=f"(?i){sentence}"):
        await bot.send_message(601, "好")
    assert sandbox.book.texts() == []


async def test_an_unknown_callback_query_cannot_be_answered(bot: Bot) -> None:
    with pytest.raises(BadRequest) as refused:
        await bot.answer_callback_query("17", "好")
    assert "query id is invalid" in refused.value.message


async def test_replies_forced_replies_and_link_previews_are_taken(bot: Bot) -> None:
    first = await bot.send_message(LI, "一")
    second = await bot.send_message(
        LI,
        "二",
        reply_parameters=ReplyParameters(first.message_id),
        reply_markup=ForceReply(),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    assert second.reply_to_message is not None
    assert second.reply_to_message.message_id == first.message_id


async def test_a_deleted_message_is_gone(sandbox: Sandbox, bot: Bot) -> None:
    sent = await bot.send_message(LI, "好")
    assert await bot.delete_message(LI, sent.message_id)
    assert sandbox.book.texts()[0].deleted
    with pytest.raises(BadRequest, match="not found"):
        await bot.delete_message(LI, sent.message_id)


@pytest.mark.parametrize("what", ["voice", "audio", "document", "photo"])
async def test_files_go_up_and_come_down(bot: Bot, what: str) -> None:
    send = getattr(bot, f"send_{what}")
    sent = await send(LI, b"ID3-content", caption="录音")
    part = sent.photo[-1] if what == "photo" else getattr(sent, what)
    again = await send(LI, part.file_id)
    file = await bot.get_file(part.file_id)
    assert bytes(await file.download_as_bytearray()) == b"ID3-content"
    assert again.message_id != sent.message_id


@pytest.mark.parametrize(
    ("what", "content", "shown"),
    [
        ("voice", b"OggS" + bytes(24) + b"OpusHead", "voice"),
        ("voice", b"OggS" + bytes(24) + b"vorbis", "document"),
        ("voice", b"RIFF-wav", "document"),
        ("audio", b"OggS" + bytes(24) + b"OpusHead", "document"),
        ("audio", bytes(4) + b"ftypM4A", "audio"),
    ],
)
async def test_a_sound_that_telegram_cannot_play_is_a_document(
    bot: Bot, what: str, content: bytes, shown: str
) -> None:
    sent = await getattr(bot, f"send_{what}")(LI, content)
    assert getattr(sent, shown) is not None
    assert [sent.voice, sent.audio, sent.document].count(None) == 2


@pytest.mark.parametrize("voice", [{}, ["x"], 5, "nobody"])
async def test_what_is_no_file_is_refused(sandbox: Sandbox, voice: Any) -> None:
    status, body = await raw(sandbox, "sendVoice", {"chat_id": LI, "voice": voice})
    assert (status, body["ok"]) == (400, False)


async def test_a_voice_note_of_a_resident_can_be_fetched(
    sandbox: Sandbox,
    bot: Bot,
    li: Phone,
) -> None:
    sandbox.chats.sends(li, "voice", b"OggS", mime="audio/ogg")
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert message.voice is not None
    assert bytes(await (await message.voice.get_file()).download_as_bytearray()) == b"OggS"


async def test_the_bot_describes_itself_its_commands_and_a_chat(bot: Bot) -> None:
    assert (await bot.get_me()).username == "linxun_sandbox_bot"
    assert await bot.set_my_commands([("start", "开始")])
    assert (await bot.get_chat(LI)).first_name == "李明"
    with pytest.raises(BadRequest, match=r"(?i)command_invalid"):
        await bot.set_my_commands([("开始", "开始")])


@pytest.mark.parametrize(
    "limits",
    [
        Limits(chats_per_second=1, one_chat_per_second=None, group_per_minute=None),
        Limits(chats_per_second=None, one_chat_burst=1),
    ],
)
async def test_too_many_messages_get_429_with_the_seconds_to_wait(limits: Limits) -> None:
    sandbox = await Sandbox.start(Clock(1), limits=limits)
    sandbox.phones.add(Phone("李明", chat=LI))
    try:
        async with Bot(sandbox.telegram_token, base_url=sandbox.telegram_base_url) as bot:
            await bot.send_message(LI, "一")
            with pytest.raises(RetryAfter) as refused:
                await bot.send_message(LI, "二")
        assert refused.value._retry_after.total_seconds() == 1
    finally:
        await sandbox.stop()


async def test_a_message_that_was_refused_for_its_rate_is_not_in_the_book() -> None:
    sandbox = await Sandbox.start(Clock(1), limits=Limits(one_chat_burst=1))
    sandbox.phones.add(Phone("李明", chat=LI))
    answers = [await raw(sandbox, "sendMessage", {"chat_id": LI, "text": t}) for t in "一二三"]
    await sandbox.stop()
    assert [status for status, _ in answers] == [200, 429, 429]
    assert [entry.body for entry in sandbox.book.texts()] == ["一"]


async def test_limits_can_be_switched_off(bot: Bot) -> None:
    assert UNLIMITED.chats_per_second is None
    sent = [await bot.send_message(LI, str(number)) for number in range(40)]
    assert len({message.message_id for message in sent}) == 40
