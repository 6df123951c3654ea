"""The house watches itself: links, what is late, the heartbeat; and shows its figures."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from aiohttp.web import AppRunner
from sqlalchemy.orm import Session

from bot.config import Settings
from bot.heartbeat import EVERY, FAILING, SILENT, Heartbeat
from bot.metrics import Metrics
from bot.web import metrics as web
from bot.web.metrics import Access
from channels.base import Channel, SendError, Tests
from channels.meter import Meter
from content import incident, late, link, pager
from content.clock import Clock
from content.ladder import Ladders
from content.late import Cause, Late
from content.pace import Sender
from content.reason import Reason
from content.store import Store
from content.task import Times

log = structlog.get_logger("watch")

_LOOK = 10.0
"""Seconds of the clock between two looks at what is late."""
_LEAST = 0.5
"""Real seconds between two looks, however fast the clock runs."""
_REAL_LATE = 20.0
"""Real seconds that what is due may wait, however fast the clock runs: a drill is not late."""
_LINKS = 15.0
"""Real seconds between two looks whether a link test is due."""
_TEST = 30.0
"""Real seconds that a link test may take."""


class Watch:
    """Looks after one process, its senders, and the figures it shows."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        channels: Mapping[str, Channel],
        senders: Sequence[Sender],
        ladders: Ladders,
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.channels = channels
        self.senders = senders
        self.ladders = ladders
        self.meter = Meter()
        self.metrics = Metrics(self.meter, store, clock)
        self._stopping = asyncio.Event()

    @property
    def access(self) -> Access:
        """Return who may read the figures on the port of the webhooks."""
        token = self.settings.metrics_token.get_secret_value()
        return Access(token, public=bool(self.settings.public_url))

    @property
    def times(self) -> Times:
        """Return how long somebody who needs help may wait before the duty phone is told."""
        minutes = (self.settings.help_minutes, self.settings.help_done_minutes)
        return Times(*(timedelta(minutes=one) for one in minutes))

    async def run(self) -> None:
        """Watch until `stop`."""
        runner = await self._listen()
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._repeat("late", self.look, self._pause))
                if self.settings.link_test_minutes:
                    loops.create_task(self._repeat("links", self.test, lambda: _LINKS))
                if url := self.settings.heartbeat_url.get_secret_value():
                    heart = Heartbeat(url, self.meter, self.settings.proxy)
                    loops.create_task(self._repeat("heartbeat", heart.beat, lambda: EVERY))
        finally:
            if runner is not None:
                await runner.cleanup()

    def stop(self) -> None:
        """Ask `run` to end after what it is at."""
        self._stopping.set()

    async def look(self) -> bool:
        """Note what is late, call the duty phone to it, and end what is over."""
        now = self.clock.now()
        found, known = await self.store.query(lambda session: self._late(session, now))
        if not found and not known:
            return False
        await self.store.write(lambda session: _note(session, found, now, self.times))
        return bool(found)

    async def test(self) -> bool:
        """Try the links whose test is due; of several processes one does it."""
        now, every = self.clock.now(), self.settings.link_test_minutes
        due = timedelta(minutes=every * self.clock.scale)
        able = [name for name, one in self.channels.items() if isinstance(one, Tests)]
        names = await self.store.write(lambda session: link.take(session, able, due, now))
        await asyncio.gather(*(self._test(name) for name in names))
        return bool(names)

    async def _test(self, name: str) -> None:
        channel, began, reason, code = self.channels[name], time.monotonic(), None, ""
        try:
            if isinstance(channel, Tests):
                async with asyncio.timeout(_TEST):
                    await channel.test()
        except SendError as error:
            reason, code = error.reason, error.code
        except TimeoutError:
            reason = Reason.TIMEOUT
        took, now = round((time.monotonic() - began) * 1000), self.clock.now()
        if reason is not None:
            log.warning("link.failed", sender=name, reason=reason.value, code=code)
        await self.store.write(
            lambda session: link.record(session, name, reason, now, code=code, milliseconds=took)
        )

    def _late(self, session: Session, now: datetime) -> tuple[list[Late], bool]:
        failing = self.meter.failing(SILENT, FAILING)
        patience = max(late.LATE, timedelta(seconds=_REAL_LATE * self.clock.scale))
        found = late.look(session, self.senders, now, self.ladders, patience)
        held = {one.name for one in found}
        for one in self.senders:
            if one.name in failing and one.name not in held:
                since = now - timedelta(seconds=failing[one.name] * self.clock.scale)
                until = late.paused_until(session, one.name, now)
                cause = Cause.PAUSED if until else Cause.FAILING
                found.append(Late(cause, since, 0, one.name, one.kind, until))
        return found, bool(incident.going_on(session))

    async def _listen(self) -> AppRunner | None:
        if not self.settings.metrics_port:
            return None
        access = Access(self.settings.metrics_token.get_secret_value())
        return await web.listen(
            self.settings.host, self.settings.metrics_port, self.metrics, access
        )

    def _pause(self) -> float:
        return max(_LEAST, self.clock.real(_LOOK))

    async def _repeat(
        self, name: str, step: Callable[[], Awaitable[bool]], pause: Callable[[], float]
    ) -> None:
        """Repeat a step until `stop`; one that fails is logged and tried again."""
        while not self._stopping.is_set():
            try:
                await step()
            except Exception:
                log.exception("watch.failed", loop=name)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause())


def _note(session: Session, found: Sequence[Late], now: datetime, times: Times) -> None:
    for task_id in incident.note(session, found, now):
        pager.answered(session, task_id, None, now)
    pager.call_out(session, now, times)
