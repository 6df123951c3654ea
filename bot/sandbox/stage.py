"""The stage: the clock, the phones, the book and the running work that all stand-ins share."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from bot.sandbox.book import Book
from bot.sandbox.faults import Faults
from bot.sandbox.limits import Limits
from bot.sandbox.phones import Phone, Phones
from content.clock import Clock

log = logging.getLogger(__name__)


class Stage:
    """What the stand-ins share, and everything that is under way on it."""

    def __init__(self, clock: Clock, seed: int, limits: Limits) -> None:
        self.clock = clock
        self.seed = seed
        self.limits = limits
        self.faults = Faults()
        self.phones = Phones()
        self.book = Book()
        self.sms_webhook = ""
        self.voice_webhook = ""
        self.voice_status_webhook = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._closed = False

    def rng(self, *names: object) -> Random:
        """Return a source of chance that depends on the seed and these names only."""
        return Random("/".join(map(str, (self.seed, *names))))  # noqa: S311 - a game of chance

    def delay(self, phone: Phone, what: str, seconds: float) -> float:
        """Return `seconds`, more or less by the phone's spread, the same for the same seed."""
        spread = phone.behaviour.spread
        return seconds * self.rng(phone.key, what).uniform(1 - spread, 1 + spread)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let some work run on its own until it is done or the stage closes."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something in so many clock seconds, unless the stage closes before."""
        if self._closed:
            return

        def run() -> None:
            self._timers.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(self.clock.real(seconds), run)
        self._timers.add(handle)

    async def close(self) -> None:
        """Drop all that is under way."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the sandbox itself failed", exc_info=error)
            self.book.note(self.clock.now(), 0, f"the sandbox itself failed: {error!r}")
