"""People of the demo: they write, press buttons and read, through the stand-ins alone."""

import asyncio
import time

from bot.sandbox.book import Direction, Message
from bot.sandbox.people import People
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox

_PATIENCE = 60.0
"""Real seconds after which a person gives up waiting for an answer."""
_GLANCE = 0.01


class StoryError(Exception):
    """Something that the story needs did not happen."""


class Actor:
    """One person with a chat; remembers which messages have been read."""

    def __init__(self, sandbox: Sandbox, people: People, phone: Phone) -> None:
        self.phone = phone
        self._sandbox = sandbox
        self._people = people
        self._read = len(self._received())

    def say(self, text: str) -> None:
        """Write to the bot; whatever came before counts as read."""
        self._read = len(self._received())
        self._people.says(self.phone, text)

    def forward(self, text: str) -> None:
        """Forward a text to the bot."""
        self._read = len(self._received())
        self._people.forwards(self.phone, text)

    def start(self, code: str) -> None:
        """Open the bot by a link with a code."""
        self._read = len(self._received())
        self._people.starts(self.phone, code)

    async def press(self, label: str, *, within: str = "") -> None:
        """Press the newest button with this label, under a message that contains `within`."""
        found = await self.read(within, label=label)
        data = next(data for text, data in found.buttons if label in text)
        self._read = len(self._received())
        if self.phone.chat is not None:
            self._people.presses(self.phone, self.phone.chat, int(found.sid), data)

    async def read(self, text: str, *, label: str = "") -> Message:
        """Wait for an unread message that contains `text` and has such a button."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            for message in self._received()[self._read :]:
                buttons = [shown for shown, _ in message.buttons]
                if text in message.body and (not label or any(label in one for one in buttons)):
                    return message
            await asyncio.sleep(_GLANCE)
        raise StoryError(f"{self.phone.name} waits in vain for {text or label}.")

    def unread(self) -> list[Message]:
        """Return what came since the last act."""
        return self._received()[self._read :]

    def _received(self) -> list[Message]:
        return [
            one
            for one in self._sandbox.book.of(str(self.phone.chat))
            if isinstance(one, Message) and one.direction is Direction.OUT
        ]
