"""Fetching a bot's updates: one process at a time, and none is acknowledged before it is kept."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot import inbox
from channels.base import Request, SendError
from channels.telegram import Telegram
from content.clock import Clock
from content.store import Store

log = structlog.get_logger("poll")

_POLL_SECONDS = 25
_PAUSE = 3.0
_TURN = 0.2
"""Real seconds between two looks whether it is our turn to poll."""


class Poller:
    """Polls a token while this process holds the duty to."""

    def __init__(
        self, store: Store, clock: Clock, chat: Telegram, holds: Callable[[], bool]
    ) -> None:
        self.store = store
        self.clock = clock
        self.chat = chat
        self.holds = holds
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Fetch updates until `stop`."""
        offset: int | None = None
        while not self._stopping.is_set():
            if not self.holds():
                # somebody else acknowledges meanwhile
                offset = None
                await self._rest(_TURN)
                continue
            try:
                offset = await self._fetch(offset)
            except (SendError, SQLAlchemyError) as error:
                # what is not committed is not acknowledged: Telegram brings it again
                log.warning("poll.failed", reason=type(error).__name__)
                await self._rest(_PAUSE)

    def stop(self) -> None:
        """Ask `run` to end; a request that waits for updates is given up."""
        self._stopping.set()

    async def _fetch(self, offset: int | None) -> int | None:
        """Keep what has come; return the next offset, which acknowledges it."""
        updates = await self._until_stop(offset)
        if not updates:
            return offset
        requests = [Request("", update) for update in updates]
        await self.store.write(
            lambda session: inbox.keep_all(session, self.chat, requests, self.clock), shared=True
        )
        return max(_number(one) for one in updates) + 1

    async def _until_stop(self, offset: int | None) -> list[dict[str, object]]:
        """Wait for updates, but not longer than the house runs."""
        fetch = asyncio.create_task(self.chat.updates(offset, _POLL_SECONDS))
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({fetch, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if fetch.done():
            return fetch.result()
        fetch.cancel()
        with contextlib.suppress(asyncio.CancelledError, SendError):
            await fetch
        return []

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _number(update: dict[str, object]) -> int:
    number = update.get("update_id")
    return number if isinstance(number, int) else 0
