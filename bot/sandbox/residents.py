"""Residents: what the owners of the virtual phones do by themselves when something arrives."""

from collections.abc import Callable

from bot.sandbox.book import Message
from bot.sandbox.fields import Values
from bot.sandbox.people import People
from bot.sandbox.phones import OnChat, Phone
from bot.sandbox.stage import Stage


class Residents:
    """Plays each phone's behaviour; a manned phone is left to its visitor."""

    def __init__(self, stage: Stage, people: People) -> None:
        self._stage = stage
        self._people = people

    def read(self, chat_id: int, message: Values, entry: Message) -> None:
        """Somebody reads a chat message; only one with buttons makes them do something."""
        phone = self._stage.phones.by_chat(chat_id)
        if phone is None or phone.manned or not any(data for _, data in entry.buttons):
            return
        doing = phone.behaviour.chat(phone.chats)
        phone.chats += 1
        act = self._act(phone, doing, message["message_id"], entry)
        if act is not None:
            wait = self._stage.delay(phone, f"chat{phone.chats}", doing.after)
            self._stage.later(wait, act)

    def _act(
        self, phone: Phone, doing: OnChat, message_id: int, entry: Message
    ) -> Callable[[], None] | None:
        if doing.blocks:
            return lambda: self._people.blocks(phone)
        if doing.press:
            return lambda: self._press(phone, doing.press, message_id, entry)
        if doing.text:
            return lambda: self._say(phone, doing.text)
        return None

    def _press(self, phone: Phone, label: str, message_id: int, entry: Message) -> None:
        data = next((data for text, data in entry.buttons if label in text), None)
        if data is not None and phone.chat is not None and not (phone.manned or entry.deleted):
            self._people.presses(phone, phone.chat, message_id, data)

    def _say(self, phone: Phone, text: str) -> None:
        if not phone.manned:
            self._people.says(phone, text)
