"""Fetches what callers have left and could not be fetched at once, and deletes it there."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Channel, Forgets, SendError
from content.clock import Clock
from content.store import Store
from verification import leftover
from verification.leftover import Due

log = structlog.get_logger("collector")

_EVERY = 5.0
"""Seconds of the clock between two looks."""
_LEAST = 0.5
"""Real seconds between two looks, however fast the clock runs."""
_PATIENCE = 30.0
"""Real seconds that one file may take."""


class Collector:
    """One loop that goes through the leftovers, while `holds`, until it is stopped.

    Only what is committed is deleted at the provider: a crash loses no recording.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        channels: Mapping[str, Channel],
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        self.store = store
        self.clock = clock
        self.channels = channels
        self.holds = holds
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until `stop`."""
        while not self._stopping.is_set():
            if self.holds():
                try:
                    await self.once()
                except SQLAlchemyError:
                    # nothing is lost: what was not done is still due
                    log.exception("collector.look_failed")
            with contextlib.suppress(TimeoutError):
                wait = max(_LEAST, self.clock.real(_EVERY))
                await asyncio.wait_for(self._stopping.wait(), wait)

    def stop(self) -> None:
        """Ask `run` to end after the file at hand."""
        self._stopping.set()

    async def once(self) -> None:
        """Fetch and delete what is due, one after the other."""
        found = await self.store.query(lambda session: leftover.due(session, self.clock.now()))
        for one in found:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._collect(one)
            except (SendError, TimeoutError) as error:
                log.warning("collector.failed", sender=one.sender, reason=type(error).__name__)
                await self._failed(one)

    async def _collect(self, one: Due) -> None:
        channel = self.channels.get(one.sender)
        if not isinstance(channel, Forgets):
            await self.store.write(lambda session: leftover.away(session, one.id, self.clock.now()))
            return
        if one.wanted:
            data = await channel.fetch(one.reference)
            await self.store.write(
                lambda session: leftover.fetched(session, one.id, data, self.clock.now())
            )
        await channel.forget(one.reference)
        await self.store.write(lambda session: leftover.deleted(session, one.id))

    async def _failed(self, one: Due) -> None:
        await self.store.write(lambda session: leftover.failed(session, one.id, self.clock.now()))
