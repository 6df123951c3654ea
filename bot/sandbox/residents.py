"""Residents: what the owners of the virtual phones do by themselves when something arrives."""

from collections.abc import Callable

from bot.sandbox.fields import Values
from bot.sandbox.people import People
from bot.sandbox.phones import OnChat, Phone
from bot.sandbox.stage import Stage


class Residents:
    """Plays each phone's behaviour; a manned phone is left to its visitor."""

    def __init__(self, stage: Stage, people: People) -> None:
        self._stage = stage
        self._people = people

    def read(self, chat_id: int, message: Values) -> None:
        """Somebody reads a chat message; only one with buttons to press makes them act.

        A message without the button that they would press is no attempt of theirs.
        """
        phone = self._stage.phones.by_chat(chat_id)
        if phone is None or phone.manned or not _buttons(message):
            return
        doing = phone.behaviour.chat(phone.chats)
        if doing.press and not _data(message, doing.press):
            return
        phone.chats += 1
        wait = self._stage.delay(phone, f"chat{phone.chats}", doing.after)
        self._stage.later(wait, self._act(phone, doing, message))

    def _act(self, phone: Phone, doing: OnChat, message: Values) -> Callable[[], None]:
        def act() -> None:
            if phone.manned or phone.chat is None:
                return
            if doing.blocks:
                self._people.blocks(phone)
            elif doing.text:
                self._people.says(phone, doing.text)
            elif data := doing.press and _data(message, doing.press):
                self._people.presses(phone, phone.chat, message["message_id"], data)

        return act


def _buttons(message: Values) -> dict[str, str]:
    """Return the callback_data behind each label that can be pressed now."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {
        button["text"]: button["callback_data"]
        for row in rows
        for button in row
        if "callback_data" in button
    }


def _data(message: Values, part: str) -> str:
    return next((data for label, data in _buttons(message).items() if part in label), "")
