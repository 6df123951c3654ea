"""One sender at work: claims what it may start, renders, sends at the reserved instant, records."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from channels.base import Channel, SendError, Writes
from channels.meter import Meter
from content import acceptance, cap, claim, compose, outcome, pace, segment
from content.acceptance import Taken
from content.claim import Job
from content.clock import Clock
from content.compose import Reader
from content.ladder import Ladders
from content.message import Kind, Message
from content.pace import Sender
from content.reason import Reason
from content.store import Store

log = structlog.get_logger("worker")

AT_ONCE = 100
"""Requests in flight per sender."""
_AHEAD = 200
"""Jobs that are claimed beyond those: the database works while the provider does."""
_LEAST = 0.02
"""Real seconds between two claims that take nothing, however fast the clock is."""
HELD = 1.0
"""Real seconds until what is due and yet may not go out is looked at again, at night or at rest."""
_SLOW = 0.5
"""Real seconds of a slow claim that the next one makes up for at most: others wait behind it."""
_ANEW = 3
"""How often at most starts are reserved anew: a machine that is always late still sends."""
_LONGEST_PAUSE = 3600.0
"""Real seconds a provider may ask for at most: more is a mistake of its own."""
_BATCH = 500
"""Outcomes written in one transaction at most."""
_RETRY = 1.0
"""Real seconds until outcomes are written again that the database could not take."""
_STALE = 2.0
"""Real seconds behind a slow provider after which a message is looked at again before it goes."""
_CACHE = 4_096


@dataclass(frozen=True, slots=True)
class Failed:
    """A provider refused an attempt, or we did not make it."""

    ref: str
    reason: Reason
    at: datetime
    permanent: bool = False
    until: datetime | None = None
    """The provider asked for a pause until then."""


class Texts:
    """Messages by their readers, rendered once: equal readers of a notice get the same one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Reader, Message] = OrderedDict()

    def kept(self, job: Job) -> Message | None:
        """Return the message if it is at hand."""
        return self._kept.get(compose.reader(job))

    def render(self, session: Session, job: Job) -> Message:
        """Return the message, rendered if need be."""
        who = compose.reader(job)
        found = self._kept.get(who)
        if found is None:
            found = self._kept[who] = compose.message(session, who)
            while len(self._kept) > _CACHE:
                self._kept.popitem(last=False)
        return found


class Recorder:
    """Writes outcomes, as many in one transaction as have come together."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self.store = store
        self.meter = meter
        self._waiting: asyncio.Queue[Taken | Failed] = asyncio.Queue()

    def put(self, result: Taken | Failed) -> None:
        """Take an outcome; it is written soon."""
        self._waiting.put_nowait(result)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < _BATCH:
                batch.append(self._waiting.get_nowait())
            began = time.monotonic()
            await self._record(batch)
            self.meter.timed("record", time.monotonic() - began)
            for _ in batch:
                self._waiting.task_done()

    async def written(self) -> None:
        """Return when everything that was put is written."""
        await self._waiting.join()

    async def _record(self, batch: Sequence[Taken | Failed]) -> None:
        for some in (batch, *([one] for one in batch)):
            # one bad record must not hold up the others: each is then written alone
            if await self._write(some) and some is batch:
                return

    async def _write(self, some: Sequence[Taken | Failed]) -> bool:
        while True:
            try:
                await self.store.write(lambda session: _results(session, some), shared=True)
            except (OperationalError, InterfaceError, InternalError):
                # a database that is gone comes back: until then the outcomes are known here only
                log.warning("worker.record_waits", count=len(some))
                await asyncio.sleep(_RETRY)
            except Exception:
                log.exception("worker.record_failed", count=len(some))
                return False
            else:
                return True


def _own(_to: str, message: Message) -> str:
    return message.sms


class Line:
    """The requests of one sender."""

    def __init__(
        self,
        sender: Sender,
        channel: Channel,
        house: "House",
    ) -> None:
        self.sender = sender
        self.channel = channel
        self.house = house
        self.refs: set[str] = set()
        """The attempts that are claimed and whose requests have not ended."""
        self.log = log.bind(sender=sender.name)
        self._text = channel.text if isinstance(channel, Writes) else _own
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._room = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._free = datetime.min.replace(tzinfo=UTC)
        """When the limit lets this process begin the next request."""
        self._took = 0.0
        """Clock seconds that the last claim took."""

    async def step(self) -> float:
        """Claim what may start now, and send it; return when to look again (real s, 0: at once).

        Where the limits let nothing more start it first waits until they do, whoever commits
        meanwhile: the next start is reserved behind these, also for what is more urgent.
        """
        if len(self.refs) > _AHEAD:
            self._room.clear()
            await self._room.wait()
            return 0
        clock, began = self.house.clock, time.monotonic()
        permits = AT_ONCE + _AHEAD - len(self.refs)
        # starts are reserved from the moment on when the database lets us in
        jobs, limited = await self.house.store.write(
            lambda session: self._claim(session, permits, clock.now()), shared=True
        )
        took = time.monotonic() - began
        self.house.meter.claim(self.sender.name, len(jobs), took)
        self._took = min(took, _SLOW) * clock.scale
        if limited:
            jobs = await self._timely(jobs)
        for job in jobs:
            self.refs.add(job.ref)
            self._jobs.put_nowait(job)
        while len(self._sending) < min(AT_ONCE, len(self.refs)):
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        if limited:
            # half a window ahead the next starts are reserved, so that none is left unused
            await asyncio.sleep(max(_LEAST, clock.real(pace.WINDOW / 2)))
        return 0 if jobs or limited else HELD

    async def end(self) -> None:
        """Finish what is claimed, and take nothing more."""
        await self._jobs.join()
        for task in tuple(self._sending):
            task.cancel()

    async def _send(self) -> None:
        """Send one job after the other, until cancelled."""
        while True:
            job = await self._jobs.get()
            try:
                await self._deliver(job)
            finally:
                self.refs.discard(job.ref)
                if len(self.refs) <= _AHEAD:
                    self._room.set()
                self._jobs.task_done()

    def _claim(self, session: Session, permits: int, now: datetime) -> tuple[list[Job], bool]:
        """Return what was claimed, and whether the sender's limits let nothing more start now."""
        loudest = self.house.ladders.loudest(self.sender.kind, now, cap.zone(session))
        weigh = self._weigh if self.sender.segments else None
        # the slower the database, the further ahead: what this claim gets starts after its end
        sender = replace(self.sender, window=self.sender.window + 2 * self._took)
        jobs = claim.claim(session, sender, permits, now, loudest=loudest, weigh=weigh)
        for job in jobs:
            if self.house.texts.kept(job) is None:
                self._prepare(session, job)
        return jobs, claim.full(session, sender, now)

    async def _timely(self, jobs: list[Job]) -> list[Job]:
        """Reserve anew what comes too late out of a slow database, as far ahead as it was late.

        Sent now, it would come on top of what other workers have reserved meanwhile.
        """
        for _ in range(_ANEW):
            late = (self.house.clock.now() - jobs[0].at).total_seconds() if jobs else 0
            if late <= self.sender.slack:
                break
            jobs = await self._anew(jobs, timedelta(seconds=late))
        return jobs

    async def _anew(self, jobs: list[Job], ahead: timedelta) -> list[Job]:
        def reserve(session: Session) -> list[datetime]:
            units = [self._weigh(session, job) if self.sender.segments else 1 for job in jobs]
            return pace.reserve(session, self.sender, units, self.house.clock.now() + ahead)

        starts = await self.house.store.write(reserve, shared=True)
        return [replace(job, at=at) for job, at in zip(jobs, starts, strict=True)]

    def _weigh(self, session: Session, job: Job) -> int:
        return self._segments(job, self.house.texts.render(session, job))

    def _segments(self, job: Job, message: Message) -> int:
        """Return how many SMS segments the job takes at its number."""
        return segment.measure(self._text(job.to, message)).segments

    def _prepare(self, session: Session, job: Job) -> None:
        """Render in the session that is open anyway; what cannot be rendered is seen to later."""
        try:
            self.house.texts.render(session, job)
        except Exception:
            log.exception("worker.unreadable", ref=job.ref)

    async def _deliver(self, job: Job) -> None:
        """Send one message with no session open, and hand its outcome to the recorder."""
        house = self.house
        try:
            message = await self._due(job)
            if message is None:
                return
            receipt = await self.channel.send(job.to, message, job.ref)
        except SendError as error:
            self.log.warning("delivery.failed", ref=job.ref, reason=str(error))
            self._failed(job, error)
        except Exception:
            # the attempt stays open: the sweep finds out what became of it
            self.log.exception("delivery.broken", ref=job.ref)
        else:
            self.log.debug("delivery.sent", ref=job.ref)
            house.meter.taken(job.sender)
            house.recorder.put(Taken(job.ref, receipt.provider_id, house.clock.now()))

    async def _due(self, job: Job) -> Message | None:
        """Wait for the reserved instant; None where it is needed no more, or counts as lost."""
        house = self.house
        message = house.texts.kept(job)
        if message is None:
            message = await house.store.query(lambda session: house.texts.render(session, job))
        await self._start(job, message)
        now = house.clock.now()
        waited = house.clock.real((now - job.at).total_seconds()) > _STALE
        # a call disturbs a whole household: one that was confirmed meanwhile is not dialled
        if (waited or job.kind is Kind.CALL) and not await self._needed(job):
            why = Reason.CANCELLED_CALL if job.kind is Kind.CALL else Reason.NOT_NEEDED
            house.recorder.put(Failed(job.ref, why, now, permanent=True))
            return None
        return message

    async def _start(self, job: Job, message: Message) -> None:
        """Wait for the reserved instant, and let nobody begin closer to the last than the limit.

        What a busy machine has held up would otherwise reach the provider in one bunch.
        """
        units = self._segments(job, message) if self.sender.segments else 1
        async with self._turn:
            start = max(job.at, self._free)
            now = self.house.clock.now()
            if start > now:
                await self.house.clock.sleep((start - now).total_seconds())
                now = self.house.clock.now()
            self._free = max(start + timedelta(seconds=units / self.sender.rate), now)

    async def _needed(self, job: Job) -> bool:
        return await self.house.store.query(lambda session: claim.needed(session, job))

    def _failed(self, job: Job, error: SendError) -> None:
        house, now = self.house, self.house.clock.now()
        house.meter.refused(job.sender, error)
        if error.retry_after is not None:
            pause = min(error.retry_after, _LONGEST_PAUSE)
            until = now + timedelta(seconds=pause * house.clock.scale)
            house.recorder.put(Failed(job.ref, error.reason, now, until=until))
        elif not error.unknown:
            house.recorder.put(Failed(job.ref, error.reason, now, permanent=error.permanent))
        # unknown: settled by a receipt, or by the sweep when the deadline has passed


@dataclass(frozen=True, slots=True)
class House:
    """What the senders of one process share."""

    store: Store
    clock: Clock
    ladders: Ladders
    texts: Texts
    recorder: Recorder
    meter: Meter


def _results(session: Session, some: Sequence[Taken | Failed]) -> None:
    acceptance.record(session, [one for one in some if isinstance(one, Taken)])
    failed = [one for one in some if isinstance(one, Failed)]
    if failed:
        outcome.prefetch(session, [one.ref for one in failed])
    for one in failed:
        if one.until is not None:
            outcome.throttled(session, one.ref, one.until, one.at)
        else:
            outcome.failed(session, one.ref, one.reason, one.at, permanent=one.permanent)
        session.flush()
