"""The message that shows how a published alert comes along, and edits itself."""

import asyncio

import structlog
from sqlalchemy.orm import Session

from bot.commands import status
from bot.turn import Follow
from channels.base import SendError
from channels.telegram import Telegram
from content import coverage, notice
from content.clock import Clock
from content.delivery import DeliveryState
from content.notice import NoticeState
from content.store import Store

log = structlog.get_logger("progress")

_LEAST = 1.0
_EVERY = 15.0
"""Seconds between two edits; Telegram allows about 20 a minute in one chat."""


async def follow(store: Store, clock: Clock, chat: Telegram, what: Follow) -> None:
    """Show the progress until everybody is accounted for or the notice is over."""
    shown = ""
    message_id = ""
    while True:
        text, over = await store.query(lambda session: _line(session, what))
        try:
            if not message_id:
                message_id = await chat.reply(what.chat, text)
            elif text != shown:
                await chat.edit(what.chat, message_id, text)
            shown = text
        except SendError as error:
            log.warning("progress.not_shown", reason=str(error))
        if over:
            return
        # on a fast clock too the chat is edited at most once a second
        await asyncio.sleep(max(_LEAST, clock.real(_EVERY)))


def _line(session: Session, what: Follow) -> tuple[str, bool]:
    counts = coverage.counts(session, what.notice_id)
    live = notice.get(session, what.notice_id).state is NoticeState.LIVE
    over = not live or not counts.get(DeliveryState.OPEN, 0)
    return status.line(session, what.code, what.notice_id), over
