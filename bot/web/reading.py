"""Reading in time: no provider waits for a database that does not answer."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from content.store import Store

T = TypeVar("T")

log = structlog.get_logger("web")

PATIENCE = 0.4
"""Real seconds that a read may take: with what keeping takes it stays below a second."""
_MOST = 50
"""Reads under way; while so many hang, nobody adds to them."""


class AwayError(Exception):
    """The database does not answer in time."""


class Reader:
    """Reads with a limit of time and of number."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: set[asyncio.Task[object]] = set()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns of a reading session; raises AwayError."""
        if len(self._open) >= _MOST:
            raise AwayError
        task = asyncio.create_task(self._store.query(work))
        self._open.add(task)
        task.add_done_callback(self._ended)
        # one that hangs goes on hanging, and is counted: its thread cannot be called back
        await asyncio.wait({task}, timeout=PATIENCE)
        if not task.done():
            log.warning("web.slow_read", waiting=len(self._open))
            raise AwayError
        try:
            return task.result()
        except SQLAlchemyError as error:
            log.warning("web.read_failed", reason=type(error).__name__)
            raise AwayError from error

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._open.discard(task)
        if not task.cancelled():
            task.exception()
