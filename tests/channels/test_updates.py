from typing import Any

import pytest

from channels.base import BadEventError, EventKind, Media, Request
from channels.telegram import Telegram

REF = "ab" * 16
CHAT = 8001
BOT = {"id": 7000000001, "is_bot": True, "first_name": "邻讯"}
LI = {"id": CHAT, "is_bot": False, "first_name": "李明", "language_code": "zh-hans"}
PRIVATE = {"id": CHAT, "type": "private", "first_name": "李明"}
GROUP = {"id": -100200, "type": "supergroup", "title": "3号楼"}


@pytest.fixture
def bare() -> Telegram:
    return Telegram("7000000001:" + "a" * 35, username="linxun_bot")


def update(**fields: Any) -> dict[str, object]:
    return {"update_id": 5, **fields}


def said(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, object]:
    return update(message={"message_id": 9, "date": 1, "from": LI, "chat": chat, **fields})


def mention(text: str, at: int, length: int) -> dict[str, Any]:
    return {"text": text, "entities": [{"type": "mention", "offset": at, "length": length}]}


PHOTO = [{"file_id": "s", "file_size": 1}, {"file_id": "l", "file_size": 9}]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (said(text="酒能防新冠吗"), {"kind": EventKind.TEXT, "text": "酒能防新冠吗"}),
        (said(text="/start 8F3K"), {"text": "/start 8F3K", "address": str(CHAT), "chat": ""}),
        (said(text="x"), {"message_id": "9", "language": "zh-hans", "name": "李明"}),
        (said(text="x", forward_origin={"type": "user"}), {"forwarded": True}),
        (
            said(text="真的吗", reply_to_message={"text": "吃大蒜治病", "from": LI}),
            {"quoted": "吃大蒜治病"},
        ),
        (
            said(text="真的吗", quote={"text": "大蒜"}, reply_to_message={"text": "吃大蒜治病"}),
            {"quoted": "大蒜"},
        ),
        (
            said(photo=PHOTO, caption="看"),
            {"kind": EventKind.MEDIA, "text": "看", "media": Media("l", "image/jpeg", "", 9)},
        ),
        (
            said(voice={"file_id": "v", "mime_type": "audio/ogg", "duration": 3}),
            {"kind": EventKind.MEDIA, "media": Media("v", "audio/ogg")},
        ),
        (
            said(document={"file_id": "d", "file_name": "名单.xlsx", "file_size": 7}),
            {"media": Media("d", "application/octet-stream", "名单.xlsx", 7)},
        ),
        (
            said(GROUP, text="/check 大蒜"),
            {"group": True, "addressed": True, "chat": "-100200", "address": str(CHAT)},
        ),
        (said(GROUP, text="/check@Linxun_bot 大蒜"), {"addressed": True}),
        (said(GROUP, **mention("😀 @linxun_bot 真吗", 3, 11)), {"addressed": True}),
        (said(GROUP, text="好", reply_to_message={"from": BOT, "text": "问"}), {"quoted": "问"}),
        (
            said(
                text="灯亮着",
                reply_to_message={
                    "from": BOT,
                    "text": "3号楼",
                    "message_id": 7,
                    "reply_markup": {
                        "inline_keyboard": [
                            [{"text": "网页", "url": "https://example.org"}],
                            [{"text": "已通知", "callback_data": "door::done.a.b"}],
                        ]
                    },
                },
            ),
            {"quoted": "3号楼", "replied": "door::done.a.b", "replied_id": "7"},
        ),
        (
            update(
                callback_query={
                    "id": "77",
                    "from": LI,
                    "message": {"message_id": 9, "chat": PRIVATE, "date": 0},
                    "data": f"choose:{REF}:2",
                }
            ),
            {"kind": EventKind.BUTTON, "key": f"choose:{REF}:2", "ref": REF, "callback_id": "77"},
        ),
        (
            update(
                my_chat_member={
                    "chat": PRIVATE,
                    "from": LI,
                    "old_chat_member": {"status": "member"},
                    "new_chat_member": {"status": "kicked"},
                }
            ),
            {"kind": EventKind.BLOCKED, "address": str(CHAT), "group": False},
        ),
        (
            update(
                my_chat_member={
                    "chat": GROUP,
                    "from": LI,
                    "old_chat_member": {"status": "left"},
                    "new_chat_member": {"status": "member"},
                }
            ),
            {"kind": EventKind.JOINED, "chat": "-100200", "group": True},
        ),
    ],
)
def test_an_update_becomes_an_event(
    bare: Telegram, sent: dict[str, object], expected: dict[str, object]
) -> None:
    (event,) = bare.parse(Request("", sent))
    assert {name: getattr(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    "sent",
    [
        said(GROUP, text="今天真热"),
        said(GROUP, text="/check@other_bot 大蒜"),
        said(GROUP, **mention("@other_bot 真吗", 0, 10)),
        said(GROUP, text="好", reply_to_message={"from": LI, "text": "问"}),
        said(new_chat_members=[LI]),
        update(message={"message_id": 9, "date": 1, "from": BOT, "chat": PRIVATE, "text": "x"}),
        update(channel_post={"message_id": 9}),
        update(edited_message={"message_id": 9}),
    ],
)
def test_what_is_not_meant_for_the_bot_says_nothing(
    bare: Telegram, sent: dict[str, object]
) -> None:
    assert bare.parse(Request("", sent)) == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"update_id": "5"},
        {"update_id": True},
        update(message=None),
        update(message={}),
        update(message={"from": LI, "chat": {}, "text": "x"}),
        update(message={"from": LI, "chat": PRIVATE, "text": ["x"], "message_id": 1}),
        update(message={"from": {"id": float("inf")}, "chat": PRIVATE, "text": "x"}),
        update(callback_query={"id": "1"}),
        update(my_chat_member={"new_chat_member": 3}),
    ],
)
def test_a_broken_update_is_refused(bare: Telegram, sent: dict[str, object]) -> None:
    with pytest.raises(BadEventError):
        bare.parse(Request("", sent))
