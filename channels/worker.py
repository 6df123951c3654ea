"""The engine: routes what is due, has its senders claim and send, expands and sweeps."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from channels import route, sweep
from channels.base import Channel
from channels.meter import Meter
from channels.sending import House, Line, Recorder, Texts
from content import cap, claim, compose, due, expansion, pace, pager, routing
from content.clock import Clock
from content.ladder import Ladders
from content.message import Kind
from content.pace import Sender
from content.store import Store
from content.task import TIMES, Times

log = structlog.get_logger("worker")

_IDLE = 1.0
"""Real seconds after which a loop looks again although nothing was committed."""
_SWEEP = 5.0
"""Seconds of clock time between two sweeps."""
_SEARCH = timedelta(seconds=60)
"""Clock time between two walks through the whole outbox."""
_LEAST = 0.4
"""Real seconds between two sweeps, however fast the clock is."""
_CHECKPOINT = 1.0
"""Real seconds between two times that the database's log is written back."""
_BURST = 0.04
"""Real seconds between two looks at the outbox: commits come in bursts."""
_BEGINNING = 100
"""Deliveries routed at a time while an alert is still growing."""
_BETWEEN = 0.1
"""Real seconds between two such batches."""
_HEAD_START = 0.1
"""Real seconds that a notice's first rows have the database to themselves, to be sent at once."""
_ASKED = 10
"""Lost attempts that are asked for side by side."""
_ERROR_PAUSE = 1.0

_Unrouted = tuple[list[routing.Due], ZoneInfo, dict[Kind, datetime]]
"""What waits for its next step, the community's zone, the kinds that are closed."""


@dataclass(slots=True)
class _Seen:
    """What one look at the outbox found; every loop goes by it."""

    due: dict[Kind | None, datetime] = field(default_factory=dict)
    """When the next delivery of each kind is due; None: for the router."""
    growing: bool = False
    """Whether a notice is still being expanded, or closed."""
    superfluous: list[tuple[str, str]] = field(default_factory=list)
    """(sender, provider id) of calls that nobody needs any more."""


class Worker:
    """Sends through the given channels until it is stopped; any number may share a database."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        channels: Mapping[str, Channel],
        senders: Sequence[Sender],
        ladders: Ladders,
        meter: Meter | None = None,
        holds: Callable[[], bool] = lambda: True,
        times: Times = TIMES,
    ) -> None:
        self.store = store
        self.clock = clock
        self.channels = channels
        self.senders = tuple(senders)
        self.ladders = ladders
        self.meter = meter or Meter()
        self.times = times
        self.holds = holds  # whether the sweeps are this process's duty
        self.kinds = frozenset(sender.kind for sender in senders)
        self.swept: sweep.Swept = sweep.Swept()
        self._search_at = datetime.min.replace(tzinfo=UTC)
        self._missed: set[str] = set()
        self._stopping = asyncio.Event()
        self._recalled: set[str] = set()
        self._plays = {name: one for name, one in channels.items() if one.abilities.plays}
        self._seen = _Seen()
        self._looked = asyncio.Event()
        self._recorder = Recorder(store, self.meter)
        house = House(store, clock, ladders, Texts(), self._recorder, self.meter)
        # a sender whose channel this process has not is somebody else's
        self._lines = [
            Line(one, channels[one.name], house) for one in senders if one.name in channels
        ]
        self._hourly = sweep.hourly(senders)

    async def run(self) -> None:
        """Work until `stop`; what is in flight is finished and recorded."""
        for loop in ("look", "route", "grow", "tend", "settle"):
            self.meter.expect(loop)
        recorder = asyncio.create_task(self._recorder.run())
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._watch())
            loops.create_task(self._grow())
            loops.create_task(self._sweep("tend", self._tend))
            loops.create_task(self._sweep("settle", self._settle))
            loops.create_task(self._recall())
            loops.create_task(self._checkpoint())
            loops.create_task(self._loop("route", self._route, None))
            for line in self._lines:
                self.meter.expect("claim", line.sender.name)
                loops.create_task(
                    self._loop("claim", line.step, line.sender.kind, line.sender.name)
                )
        for line in self._lines:
            await line.end()
        await self._recorder.written()
        recorder.cancel()

    def stop(self) -> None:
        """Ask the loops to end; `run` returns when everything is recorded."""
        self._stopping.set()

    async def _watch(self) -> None:
        """Look at the outbox for all the loops, after every burst of commits."""
        while not self._stopping.is_set():
            mark = self.store.mark()
            try:
                self._seen = await self.store.query(self._glance)
                self.meter.beat("look", self.clock.now())
            except Exception:
                log.exception("worker.look_failed")
                await asyncio.sleep(_ERROR_PAUSE)
            self._wake()
            await self._pause(_IDLE, mark)

    def _glance(self, session: Session) -> _Seen:
        return _Seen(
            due.next_due(session),
            expansion.growing(session),
            sweep.superfluous(session) if self.holds() or self._plays else [],
        )

    def _wake(self) -> None:
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    async def _loop(
        self,
        name: str,
        step: Callable[[], Awaitable[float]],
        kind: Kind | None,
        sender: str = "",
    ) -> None:
        """Repeat a step while something of its kind is due. One of the two edges of the house.

        A step says after how many real seconds it is worth repeating; a commit may make it sooner.
        """
        while not self._stopping.is_set():
            due = self._seen.due.get(kind)
            left = self.clock.real((due - self.clock.now()).total_seconds()) if due else _IDLE
            if left > 0:
                self.meter.beat(name, self.clock.now(), sender)
                await self._look(left)
                continue
            try:
                pause = await step()
                self.meter.beat(name, self.clock.now(), sender)
                if pause:
                    await self._look(pause)
            except Exception:
                log.exception("worker.step_failed", kind=str(kind))
                await asyncio.sleep(_ERROR_PAUSE)

    async def _recall(self) -> None:
        """Take calls back that nobody needs any more, as soon as somebody has made them so."""
        while not self._stopping.is_set():
            await self._look(_IDLE)
            try:
                # what a process holds itself nobody else can take back
                mine = self.channels if self.holds() else self._plays
                if not await sweep.recall(self._seen.superfluous, mine, self._recalled):
                    await self._rest(_ERROR_PAUSE)
            except Exception:
                log.exception("worker.recall_failed")
                await asyncio.sleep(_ERROR_PAUSE)

    async def _checkpoint(self) -> None:
        """Keep the database's log short, so that no commit has to."""
        while not self._stopping.is_set():
            await self._rest(_CHECKPOINT)
            try:
                if self.holds():
                    await self.store.checkpoint()
            except Exception:
                log.exception("worker.checkpoint_failed")

    async def _look(self, seconds: float) -> None:
        """Wait for the next look at the outbox, at most so many real seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _IDLE)):
                await self._looked.wait()

    async def _rest(self, seconds: float) -> None:
        """Wait so many real seconds, or until we are to stop."""
        # not wait_for, which can swallow that we are cancelled
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _sweep(self, name: str, step: Callable[[], Awaitable[bool]]) -> None:
        """Repeat a step on a schedule; at once again while it says so."""
        pause = max(_LEAST, self.clock.real(_SWEEP))
        while not self._stopping.is_set():
            try:
                again = self.holds() and await step()
                self.meter.beat(name, self.clock.now())
                if again:
                    continue
            except Exception:
                log.exception("worker.sweep_failed")
            await self._rest(pause)

    async def _pause(self, seconds: float, mark: int) -> None:
        began = time.monotonic()
        stop = asyncio.create_task(self._stopping.wait())
        bell = asyncio.create_task(self.store.changed(seconds, mark))
        await asyncio.wait((stop, bell), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        bell.cancel()
        # commits come in bursts: one look serves them all, but the first is seen at once
        await asyncio.sleep(max(0.0, began + _BURST - time.monotonic()))

    async def _route(self) -> float:
        """Give every due delivery its next step, and have the senders look for it."""
        now, growing = self.clock.now(), self._seen.growing
        # while a large alert grows, only its beginning is routed: every row is to be there soon
        batch = _BEGINNING if growing else route.BATCH
        found, zone, closed = await self.store.query(
            lambda session: self._unrouted(session, now, batch)
        )
        if not found:
            return max(_BURST, self.clock.real(pace.WINDOW))
        kinds = self.kinds - closed.keys()
        await self.store.write(
            lambda session: route.take(session, found, self.ladders, kinds, zone, now, closed),
            shared=True,
        )
        self._seen.due |= dict.fromkeys(kinds, now)
        self._wake()
        if growing:
            await asyncio.sleep(_BETWEEN)
        return 0

    def _unrouted(self, session: Session, now: datetime, batch: int) -> _Unrouted:
        found = routing.due(session, now, batch, hourly=self._hourly)
        return found, cap.zone(session), sweep.closed(session, self.senders, now)

    async def _grow(self) -> None:
        """Expand what is published and close what has ended, as soon as it is."""
        most, made_so_far, learn_at = expansion.FIRST, 0, expansion.LARGE
        while not self._stopping.is_set():
            made = None
            try:
                if self._seen.growing:
                    made, seconds = await self._grown(most)
                    most = expansion.chunk(most, seconds)
                    made_so_far += made or 0
                if made_so_far >= learn_at:
                    learn_at = 2 * made_so_far
                    await self.store.learn()
                self.meter.beat("grow", self.clock.now())
            except Exception:
                log.exception("worker.grow_failed")
                await asyncio.sleep(_ERROR_PAUSE)
            if made is None:
                made_so_far, learn_at = 0, expansion.LARGE
                await self._look(_IDLE)
                if self._seen.growing:
                    await asyncio.sleep(_HEAD_START)
            elif not made:
                # another worker is at it, or something is being closed
                await asyncio.sleep(_BURST)

    async def _grown(self, most: int) -> tuple[int | None, float]:
        """Do one step; return how many deliveries it made, and how long the database took (s)."""

        def grow(session: Session) -> tuple[int | None, float]:
            began = time.monotonic()
            return expansion.grow(session, self.clock.now(), most), time.monotonic() - began

        made, seconds = await self.store.write(grow, shared=True)
        self.meter.grown(made or 0)
        return made, seconds

    async def _tend(self) -> bool:
        """Sweep and call staff out; never waits for a provider."""
        now = self.clock.now()
        look = functools.partial(sweep.look, now=now, senders=self.senders, ladders=self.ladders)
        seen = await self.store.query(look)
        found = sweep.Found(silent=self.swept.silent)
        if now >= self._search_at:
            self._search_at = now + _SEARCH
            search = functools.partial(
                sweep.search, now=now, senders=self.senders, ladders=self.ladders
            )
            found = await self.store.query(search)
        self.swept = await self.store.write(lambda session: sweep.mend(session, now, seen, found))
        self.meter.swept(self.swept)
        await self.store.write(lambda session: pager.call_out(session, now, self.times))
        await self.store.learn()
        return False

    async def _settle(self) -> bool:
        """Ask the providers what became of what was lost.

        What is missed for the first time waits for the next round, and for a database that takes
        writes: where it was away, somebody may know the outcome who could not write it down.
        """
        now = self.clock.now()
        ours = {ref for line in self._lines for ref in line.refs}
        missed = await self.store.query(lambda session: _lost(session, now, ours))
        lost = [one for one in missed if one.ref in self._missed]
        if len(lost) < len(missed):
            await self.store.write(lambda _: None, shared=True)
        self._missed = {one.ref for one in missed}
        for at in range(0, len(lost), _ASKED):
            some = lost[at : at + _ASKED]
            asked = (sweep.settle(self.store, self.channels, one, self.clock) for one in some)
            done = await asyncio.gather(*asked, return_exceptions=True)
            for one, state in zip(some, done, strict=True):
                if isinstance(state, BaseException):
                    log.error("worker.settle_failed", exc_info=state)
                else:
                    self.meter.settled(one.sender, state)
        return False


def _lost(session: Session, now: datetime, ours: set[str]) -> list[sweep.Lost]:
    """Read what is overdue; `ours` are under way in this very process and not lost."""
    found = []
    for ref, state, started in sweep.refs(session, now):
        job = claim.job(session, ref)
        if job is None or ref in ours:
            continue
        try:
            message = compose.message(session, compose.reader(job))
        except Exception:
            # one message that cannot be rendered must not hold up the others
            log.exception("worker.unreadable", ref=ref)
            message = None
        urgent = sweep.urgent(session, job.notice_id)
        found.append(sweep.Lost(ref, job.sender, state, started, job.to, message, urgent=urgent))
    return found
