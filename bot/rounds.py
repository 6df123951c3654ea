"""Rounds: what the desk looks after by itself, in turn, each in a transaction of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from bot.commands import again, spread
from bot.config import Settings
from content.clock import Clock
from content.store import Store
from verification import correction, promise, trends

log = structlog.get_logger("rounds")

Work = Callable[[Session, datetime], object]

_EVERY = 20.0
"""Seconds of the clock between two rounds."""
_LEAST = 0.5
"""Real seconds between two rounds, however fast the clock runs."""


def duties(settings: Settings) -> dict[str, Work]:
    """Return what is done in each round: all of it safe to do twice, for the rows say what is done.

    Askers hear that they are not forgotten, staff what spreads, who was told a fact that its time
    is over, and workers where nobody opened that they may go again.
    """
    within, rule = timedelta(hours=settings.promise_hours), spread.rule(settings)
    usual, away = trends.Usual(), timedelta(minutes=settings.away_minutes)
    return {
        "promise": lambda session, now: promise.remind(session, now, within),
        "trends": lambda session, now: trends.watch(session, now, rule, usual),
        "expiry": correction.expire,
        "doors": lambda session, now: again.remind(session, now, away),
    }


class Rounds:
    """One loop that does every duty in turn, while `holds`, until it is stopped."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        work: Mapping[str, Work],
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        self.store = store
        self.clock = clock
        self.work = work
        self.holds = holds
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Go round until `stop`."""
        while not self._stopping.is_set():
            if self.holds():
                await self.once()
            with contextlib.suppress(TimeoutError):
                wait = max(_LEAST, self.clock.real(_EVERY))
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def once(self) -> None:
        """Do every duty once; one that fails is logged, and the next round tries it again."""
        for name, work in self.work.items():
            try:
                await self.store.write(self._now(work))
            except Exception:
                log.exception("rounds.failed", duty=name)

    def _now(self, work: Work) -> Callable[[Session], object]:
        return lambda session: work(session, self.clock.now())

    def stop(self) -> None:
        """Ask `run` to end after the duty at hand."""
        self._stopping.set()
