"""Reports: what our own calls tell is kept before anything is done about it, like a webhook's."""

import asyncio

import structlog

from bot.config import Settings
from bot.web import intake
from bot.web.intake import Intake, UnkeptError
from channels.base import Channel, Request
from content.clock import Clock
from content.inbound import Raw
from content.store import Store

log = structlog.get_logger("reports")

_PAUSE = 1.0
"""Real seconds until an event is kept again that neither database nor disk has taken."""


class Reports:
    """An intake of this process: into the database within half a second, else the journal."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._intake: Intake | None = None

    async def keep(self, channel: Channel, request: Request) -> None:
        """Return when an event is in the database or on the disk, however long that takes."""
        raw = Raw(
            channel.name,
            channel.event_id(request),
            request.path,
            self._clock.now(),
            dict(request.data),
        )
        while True:
            try:
                return await self._opened().keep(raw)
            except UnkeptError:
                log.warning("reports.unkept", sender=channel.name)
                await asyncio.sleep(_PAUSE)

    async def stop(self) -> None:
        """Leave what is in the journal to the next process."""
        if self._intake is not None:
            await self._intake.stop()
            self._intake = None

    def _opened(self) -> Intake:
        if self._intake is None:
            journal = intake.beside(self._store, self._settings.journal_folder)
            self._intake = Intake(self._store, journal)
        return self._intake
