"""Acts: what a visitor of the page does with a phone, by the name of the act."""

import base64
from collections.abc import Callable
from typing import Any

from bot.sandbox.book import Direction
from bot.sandbox.calls import Calls, Live
from bot.sandbox.people import People
from bot.sandbox.phones import Phone
from bot.sandbox.stage import Stage
from bot.sandbox.texts import Texts

LONGEST = 4096
KEYS = frozenset("0123456789*#")
_JPEG = b"\xff\xd8"
"""How every JPEG begins: the chat app turns whatever is sent as a photo into one."""
Given = dict[str, Any]


class Acts:
    """Everything a visitor can do; each raises ValueError with a sentence if it cannot be done."""

    def __init__(
        self, stage: Stage, people: People, texts: Texts, calls: Calls, numbers: tuple[str, ...]
    ) -> None:
        self._stage = stage
        self._people = people
        self._texts = texts
        self._calls = calls
        self._numbers = numbers

    def table(self) -> dict[str, Callable[[Phone, Given], None]]:
        """Return every act by its name; each takes the phone over first."""
        taking: dict[str, Callable[[Phone, Given], None]] = {
            "start": lambda phone, given: self._chat(phone, "start", given),
            "say": lambda phone, given: self._chat(phone, "say", given),
            "forward": lambda phone, given: self._chat(phone, "forward", given),
            "photo": self._photo,
            "press": self._press,
            "block": lambda phone, _: self._people.blocks(_with_chat(phone)),
            "unblock": lambda phone, _: self._people.unblocks(_with_chat(phone)),
            "sms": self._sms,
            "dial": self._dial,
            "answer": lambda phone, _: self._live(phone).line.answer(),
            "decline": lambda phone, _: self._live(phone).line.decline(),
            "hangup": lambda phone, _: self._live(phone).line.hang_up(),
            "key": self._key,
            "speak": lambda phone, given: self._live(phone).line.speak(_text(given)),
        }
        table = {name: _taken_over(act) for name, act in taking.items()}
        return table | {"man": _man}

    def _chat(self, phone: Phone, act: str, given: Given) -> None:
        _with_chat(phone)
        if act == "start":
            self._people.starts(phone, str(given.get("payload", ""))[:64])
        elif act == "say":
            self._people.says(phone, _text(given), reply_to=_replied(given))
        else:
            self._people.forwards(phone, _text(given))

    def _photo(self, phone: Phone, given: Given) -> None:
        try:
            content = base64.b64decode(str(given.get("content", "")), validate=True)
        except ValueError as error:
            raise ValueError("这不是照片。This is no photo.") from error
        if not content.startswith(_JPEG):
            raise ValueError("请选一张 JPEG 照片。Choose a JPEG photo.")
        caption = str(given.get("text", "")).strip()[:1024]
        to = _replied(given)
        self._people.sends(_with_chat(phone), "photo", content, caption=caption, reply_to=to)

    def _press(self, phone: Phone, given: Given) -> None:
        chat = _with_chat(phone).chat or 0
        try:
            message_id = int(given.get("message_id", 0))
        except (TypeError, ValueError) as error:
            raise ValueError("没有这条消息。There is no such message.") from error
        self._people.presses(phone, chat, message_id, str(given.get("data", "")))

    def _sms(self, phone: Phone, given: Given) -> None:
        self._texts.says(_with_number(phone), _text(given), self._own(given))

    def _dial(self, phone: Phone, given: Given) -> None:
        if self._calls.on(phone):
            raise ValueError("正在通话。This phone is on a call.")
        self._calls.dials(_with_number(phone), self._own(given))

    def _key(self, phone: Phone, given: Given) -> None:
        key = str(given.get("key", ""))
        if key not in KEYS:
            raise ValueError("没有这个按键。There is no such key.")
        live = self._live(phone)
        # who has called us is not rung: Twilio calls that ringing all the same
        if live.call.status == "ringing" and live.call.direction is Direction.OUT:
            live.line.answer()
        elif not live.line.press(key):
            raise ValueError(
                "现在不听按键，请等提问。Keys are not heard now: wait for the question."
            )

    def _live(self, phone: Phone) -> Live:
        live = self._calls.on(phone)
        if live is None:
            raise ValueError("现在没有通话。There is no call now.")
        return live

    def _own(self, given: Given) -> str:
        to = str(given.get("to") or self._numbers[0])
        if to not in self._numbers:
            raise ValueError("这不是居委会的号码。This is not the committee's number.")
        return to


def _taken_over(act: Callable[[Phone, Given], None]) -> Callable[[Phone, Given], None]:
    def run(phone: Phone, given: Given) -> None:
        phone.manned = True
        act(phone, given)

    return run


def _man(phone: Phone, given: Given) -> None:
    phone.manned = given.get("manned") is True


def _text(given: Given) -> str:
    text = str(given.get("text", "")).strip()
    if not 1 <= len(text) <= LONGEST:
        raise ValueError("请写 1 到 4096 个字。Write 1 to 4096 characters.")
    return text


def _replied(given: Given) -> int | None:
    """Return the message that is replied to; None for none."""
    text = str(given.get("reply_to", ""))
    return int(text) if text.isdecimal() else None


def _with_chat(phone: Phone) -> Phone:
    if phone.chat is None:
        raise ValueError("这部电话没有聊天软件。This phone has no chat app.")
    return phone


def _with_number(phone: Phone) -> Phone:
    if not phone.number:
        raise ValueError("这部电话没有号码。This phone has no number.")
    return phone
