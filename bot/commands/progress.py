"""The message that shows how a published alert comes along, and edits itself."""

import asyncio
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.commands import status
from bot.turn import Follow
from channels.base import SendError
from channels.telegram import Telegram
from content.clock import Clock
from content.store import Store

log = structlog.get_logger("progress")

_LEAST = 3.5
"""Real seconds between two looks: Telegram allows about 20 edits a minute in one group."""
_EVERY = 5.0
"""Seconds of clock time between two looks."""
_SHARE = 20
"""A look that takes long is taken the more seldom: at most a twentieth of the time."""
_SOON, _LONGEST_PAUSE = 0.1, 300.0
"""Real seconds until a failed edit is tried again at the next look, and at most."""


async def follow(
    store: Store, clock: Clock, chat: Telegram, what: Follow, *, least: float = _LEAST
) -> None:
    """Show the progress until everybody is accounted for or the notice is over."""
    shown = _Shown(chat, what.chat)
    while True:
        began, took = time.monotonic(), 0.0
        over = False
        try:
            text, over = await store.query(lambda session: _text(session, what, clock))
            took = time.monotonic() - began
            pause = await shown.show(text)
        except SQLAlchemyError as error:
            # the database may be locked for a while: the next look shows what was missed
            log.warning("progress.not_read", reason=type(error).__name__)
            pause, over = 0.0, False
        if shown.lost or (over and not pause):
            return
        await asyncio.sleep(max(least, clock.real(_EVERY), took * _SHARE, pause))


class _Shown:
    """One message in one chat, edited only where it says something new."""

    def __init__(self, chat: Telegram, to: str) -> None:
        self.lost = False
        """The chat cannot be written to, or the message is gone."""
        self._chat = chat
        self._to = to
        self._id = ""
        self._text = ""

    async def show(self, text: str) -> float:
        """Send or edit; return the seconds after which to try again, 0 if all is well."""
        if text == self._text:
            return 0.0
        try:
            if self._id:
                await self._chat.edit(self._to, self._id, text)
            else:
                self._id = await self._chat.reply(self._to, text)
        except SendError as error:
            log.warning("progress.not_shown", reason=str(error))
            self.lost = error.permanent
            return min(error.retry_after or _SOON, _LONGEST_PAUSE)
        self._text = text
        return 0.0


def _text(session: Session, what: Follow, clock: Clock) -> tuple[str, bool]:
    text, found = status.report(session, what.code, what.notice_id, clock.now())
    return text, found.over
