"""The engine: routes what is due, claims, renders, sends, records, and sweeps up after itself."""

import asyncio
import contextlib
import functools
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from channels import router, sweep
from channels.base import Channel, Receipt, SendError
from channels.meter import Meter
from channels.router import Recipient, Standing
from content import cap, claim, compose, expansion, notice, outcome, pager, routing
from content.claim import Job, Sender
from content.clock import Clock
from content.compose import Reader
from content.ladder import Ladders
from content.message import Kind, Message
from content.people import Consent, OwnerKind
from content.reason import Reason
from content.routing import Due, Plan
from content.store import Store

log = structlog.get_logger("worker")

_AT_ONCE = 100
"""Requests in flight per sender."""
_IDLE = 1.0
"""Real seconds after which a loop looks again although nothing was committed."""
_SWEEP = 5.0
"""Seconds of clock time between two sweeps."""
_LONGEST_PAUSE = 3600.0
"""Real seconds a provider may ask for at most: more is a mistake of its own."""
_LEAST = 0.2
"""Real seconds between two sweeps, however fast the clock is."""
_BURST = 0.02
"""Real seconds between two looks at the outbox: commits come in bursts."""
_ASKED = 10
"""Lost attempts that are asked for side by side."""
_CACHE = 4_096
_DIRECT_TRIES = 3
_ERROR_PAUSE = 1.0

Record = tuple[str, Callable[[Session], None]]
"""An attempt's reference, and what to write about it."""


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
    ) -> None:
        self.store = store
        self.clock = clock
        self.channels = channels
        self.senders = tuple(senders)
        self.ladders = ladders
        self.meter = meter or Meter()
        self.kinds = frozenset(sender.kind for sender in senders)
        self.swept: sweep.Swept = sweep.Swept()
        self._stopping = asyncio.Event()
        self._recalled: set[str] = set()
        self._due: dict[Kind | None, datetime] = {}
        self._looked = asyncio.Event()
        self._records: asyncio.Queue[Record] = asyncio.Queue()
        self._flying: dict[str, set[asyncio.Task[None]]] = {one.name: set() for one in senders}
        self._messages: OrderedDict[Reader, Message] = OrderedDict()

    async def run(self) -> None:
        """Work until `stop`; what is in flight is finished and recorded."""
        for loop in ("look", "route", "tend", "settle"):
            self.meter.expect(loop)
        recorder = asyncio.create_task(self._record())
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._watch())
            loops.create_task(self._sweep("tend", self._tend))
            loops.create_task(self._sweep("settle", self._settle))
            loops.create_task(self._recall())
            loops.create_task(self._loop("route", self._route, None, self.clock.real(claim.WINDOW)))
            for sender in self.senders:
                self.meter.expect("claim", sender.name)
                send = functools.partial(self._send, sender)
                least = self.clock.real(1 / sender.rate)
                loops.create_task(self._loop("claim", send, sender.kind, least, sender.name))
        for flying in self._flying.values():
            if flying:
                await asyncio.wait(flying)
        await self._records.join()
        recorder.cancel()

    def stop(self) -> None:
        """Ask the loops to end; `run` returns when everything is recorded."""
        self._stopping.set()

    async def _watch(self) -> None:
        """Look when the next delivery of each kind is due, after every burst of commits."""
        while not self._stopping.is_set():
            mark = self.store.mark()
            try:
                self._due = await self.store.query(claim.next_due)
                self.meter.beat("look", self.clock.now())
            except Exception:
                log.exception("worker.look_failed")
                await asyncio.sleep(_ERROR_PAUSE)
            looked, self._looked = self._looked, asyncio.Event()
            looked.set()
            await self._pause(_IDLE, mark)

    async def _loop(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        kind: Kind | None,
        least: float,
        sender: str = "",
    ) -> None:
        """Repeat a step while something of its kind is due. One of the two edges of the house.

        A step that could do nothing, for a limit of its sender, is repeated after `least` (real s).
        """
        while not self._stopping.is_set():
            due = self._due.get(kind)
            left = self.clock.real((due - self.clock.now()).total_seconds()) if due else _IDLE
            if left > 0:
                self.meter.beat(name, self.clock.now(), sender)
                await self._look(left)
                continue
            try:
                worked = await step()
                self.meter.beat(name, self.clock.now(), sender)
                if not worked:
                    await self._look(max(least, _BURST))
            except Exception:
                log.exception("worker.step_failed", kind=str(kind))
                await asyncio.sleep(_ERROR_PAUSE)

    async def _recall(self) -> None:
        """Take calls back that nobody needs any more, as soon as somebody has made them so."""
        while not self._stopping.is_set():
            await self._look(_IDLE)
            try:
                await sweep.recall(self.store, self.channels, self._recalled)
            except Exception:
                log.exception("worker.recall_failed")
                await asyncio.sleep(_ERROR_PAUSE)

    async def _look(self, seconds: float) -> None:
        """Wait for the next look at the outbox, at most so many real seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), min(seconds, _IDLE))

    async def _sweep(self, name: str, step: Callable[[], Awaitable[bool]]) -> None:
        """Repeat a step on a schedule; at once again while it says so."""
        pause = max(_LEAST, self.clock.real(_SWEEP))
        while not self._stopping.is_set():
            try:
                again = await step()
                self.meter.beat(name, self.clock.now())
                if again:
                    continue
            except Exception:
                log.exception("worker.sweep_failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _pause(self, seconds: float, mark: int) -> None:
        stop = asyncio.create_task(self._stopping.wait())
        bell = asyncio.create_task(self.store.changed(seconds, mark))
        await asyncio.wait((stop, bell), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        bell.cancel()
        # commits come in bursts: one look serves them all
        await asyncio.sleep(_BURST)

    async def _route(self) -> bool:
        """Give every due delivery its next step."""
        now = self.clock.now()
        due = await self.store.query(lambda session: routing.due(session, now))
        if not due:
            return False
        await self.store.write(lambda session: self._plan(session, due, now))
        return True

    def _plan(self, session: Session, due: Sequence[Due], now: datetime) -> None:
        plans: list[Plan] = []
        zone = cap.zone(session)
        for one in due:
            step = self.step(one, now, zone)
            visited = one.confirms and one.recipient_kind is OwnerKind.RESIDENT
            if step.kind is Kind.DOOR and not visited:
                routing.give_up(session, one, step.reason or Reason.LADDER_EXHAUSTED, now)
            else:
                plans.append(step)
        routing.plan(session, plans, now)

    def step(self, one: Due, now: datetime, zone: ZoneInfo) -> Plan:
        """Return the next step of a delivery: by the ladder, or for a bare address once more."""
        if one.recipient_kind is OwnerKind.BARE:
            return _direct(one, now)
        step = router.next_step(
            Standing(
                one.severity,
                one.rung,
                one.tries,
                one.failed,
                one.skips,
                passed_on=one.passed_on,
                expires_at=one.expires_at,
            ),
            Recipient(one.needs, one.own, one.contacts),
            self.ladders,
            self.kinds,
            now,
            zone,
        )
        return Plan(
            one.notice_id,
            one.recipient_id,
            step.rung,
            step.tries,
            step.kind,
            step.address_id,
            step.wait,
            step.at,
            step.skips,
            step.reason,
        )

    async def _send(self, sender: Sender) -> bool:
        """Claim what this sender may start now, and send it."""
        flying = self._flying[sender.name]
        permits = _AT_ONCE - len(flying)
        if permits <= 0:
            await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            return True
        now, began = self.clock.now(), time.monotonic()
        jobs = await self.store.write(lambda session: claim.claim(session, sender, permits, now))
        self.meter.claim(sender.name, len(jobs), time.monotonic() - began)
        for job in jobs:
            task = asyncio.create_task(self._deliver(job), name=job.ref)
            flying.add(task)
            task.add_done_callback(flying.discard)
        return bool(jobs)

    async def _deliver(self, job: Job) -> None:
        """Send one message with no session open, and hand its outcome to the recorder."""
        try:
            message = await self._message(job)
            receipt = await self.channels[job.sender].send(job.to, message, job.ref)
        except SendError as error:
            log.warning("delivery.failed", ref=job.ref, sender=job.sender, reason=str(error))
            if (record := self._failure(job, error)) is not None:
                self._records.put_nowait(record)
        except Exception:
            # the attempt stays open: the sweep finds out what became of it
            log.exception("delivery.broken", ref=job.ref, sender=job.sender)
        else:
            log.info("delivery.sent", ref=job.ref, sender=job.sender)
            self.meter.taken(job.sender)
            self._records.put_nowait(self._success(job, receipt))

    def _success(self, job: Job, receipt: Receipt) -> Record:
        now = self.clock.now()
        return job.ref, lambda session: outcome.accepted(session, job.ref, receipt.provider_id, now)

    def _failure(self, job: Job, error: SendError) -> Record | None:
        now = self.clock.now()
        self.meter.refused(job.sender, error)
        if error.retry_after is not None:
            pause = min(error.retry_after, _LONGEST_PAUSE)
            until = now + timedelta(seconds=pause * self.clock.scale)
            return job.ref, lambda session: outcome.throttled(session, job.ref, until, now)
        if error.unknown:
            # settled by a receipt, or by the sweep when the deadline has passed
            return None
        return job.ref, lambda session: outcome.failed(
            session, job.ref, error.reason, now, permanent=error.permanent
        )

    async def _record(self) -> None:
        """Write outcomes, as many in one transaction as have come together."""
        while True:
            batch = [await self._records.get()]
            while not self._records.empty() and len(batch) < _AT_ONCE:
                batch.append(self._records.get_nowait())
            began = time.monotonic()
            for attempt in (batch, *([one] for one in batch)):
                try:
                    await self.store.write(lambda session, some=attempt: _all(session, some))  # type: ignore[misc]
                except Exception:
                    # one bad record must not hold up the others: each is written alone
                    log.exception("worker.record_failed", count=len(attempt))
                else:
                    if attempt is batch:
                        break
            self.meter.timed("record", time.monotonic() - began)
            for _ in batch:
                self._records.task_done()

    async def _message(self, job: Job) -> Message:
        who = compose.reader(job)
        found = self._messages.get(who)
        if found is None:
            found = await self.store.query(lambda session: compose.message(session, who))
            self._messages[who] = found
            if len(self._messages) > _CACHE:
                self._messages.popitem(last=False)
        return found

    async def _tend(self) -> bool:
        """Expand what is not expanded, sweep, call staff out; never waits for a provider."""
        now = self.clock.now()
        waiting = await self.store.query(expansion.unfinished)
        if waiting:
            grown = await self.store.write(lambda session: _expand(session, waiting[0], now))
            self.meter.grown(grown)
        work = functools.partial(sweep.tidy, now=now, senders=self.senders, ladders=self.ladders)
        self.swept = await self.store.write(work)
        self.meter.swept(self.swept)
        await self.store.write(lambda session: pager.call_out(session, now))
        return bool(waiting)

    async def _settle(self) -> bool:
        """Ask the providers what became of what was lost, and take superfluous calls back."""
        now = self.clock.now()
        ours = {task.get_name() for flying in self._flying.values() for task in flying}
        lost = await self.store.query(lambda session: self._lost(session, now, ours))
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

    def _lost(self, session: Session, now: datetime, ours: set[str]) -> list[sweep.Lost]:
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
            found.append(
                sweep.Lost(ref, job.sender, state, started, job.to, message, urgent=urgent)
            )
        return found


def _expand(session: Session, notice_id: uuid.UUID, now: datetime) -> int:
    return expansion.expand(session, notice.get(session, notice_id), now)


def _all(session: Session, records: Sequence[Record]) -> None:
    outcome.prefetch(session, [ref for ref, _ in records])
    for _, record in records:
        record(session)
        session.flush()


def _direct(one: Due, now: datetime) -> Plan:
    """Send an answer to the same address again, a few times."""
    own = [address for address in one.own if one.asked or address.consent is not Consent.WITHDRAWN]
    over = one.tries >= _DIRECT_TRIES or not own or own[0].id in one.failed
    return Plan(
        one.notice_id,
        one.recipient_id,
        one.rung,
        one.tries,
        Kind.DOOR if over else own[0].kind,
        None if over else own[0].id,
        0,
        now,
        one.skips,
        Reason.LADDER_EXHAUSTED if over else None,
    )
