"""A run: one alert to everybody, in virtual time, through the real router, ladders and ledger."""

import heapq
import itertools
import math
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy.orm import Session

from bot.simulate import acting, behaviour, crowd, provider, telling
from bot.simulate.acting import Entry
from bot.simulate.behaviour import Deed, Talk
from bot.simulate.provider import Virtual
from bot.simulate.scenario import ANSWER_SECONDS, HOURLY, ZONE, Scenario
from channels import route, sweep
from channels.base import SendError
from content import (
    claim,
    compose,
    due,
    expansion,
    outcome,
    pace,
    segment,
)
from content.acceptance import Taken
from content.claim import Job
from content.compose import Reader
from content.delivery import AttemptState
from content.ladder import Ladders
from content.message import Kind, Message, Spoken, Written
from content.pace import Sender
from content.reason import Reason
from content.store import Store

_LOOK, _LARGE_LOOK = timedelta(seconds=1), timedelta(seconds=4)
"""How often the outbox is looked at, at most: less often in a street."""
_LARGE = 20_000
_TIDY, _SETTLE = timedelta(seconds=120), timedelta(seconds=5)
_ANSWERS = timedelta(seconds=ANSWER_SECONDS)
_PERMITS = 1_000
_MOMENT = timedelta(seconds=5)
"""Until what is due and cannot begin is looked at again, where no line is waited for."""
_PATIENCE = timedelta(seconds=15)
"""How long news may wait to be written together, where nothing depends on it before."""
Watch = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class _Deed:
    """Something that will happen to an attempt, unless its call is taken back before."""

    job: Job
    provider_id: str
    what: Deed
    sequence: int


class Run:
    """One scenario played once; afterwards `store` holds everything that happened."""

    def __init__(self, scenario: Scenario, seed: int, store: Store, ladders: Ladders) -> None:
        self.scenario = scenario
        self.seed = seed
        self.store = store
        self.ladders = ladders
        self.look = _LOOK if scenario.residents < _LARGE else _LARGE_LOOK
        # what may start until the next look is reserved at once
        ahead = self.look.total_seconds()
        self.senders = tuple(replace(one, window=ahead) for one in scenario.senders())
        self.kinds = frozenset(one.kind for one in self.senders)
        self.start = scenario.start
        self.clock = Virtual(self.start)
        self.ends = self.start + timedelta(hours=scenario.hours)
        self.providers = provider.opened(scenario, self.clock, seed)
        self.spans: dict[str, tuple[float, float]] = {}
        """When each call held a line, by its reference: from, to, in seconds after the alert."""
        self.steps = 0
        self.notice_id = uuid.UUID(int=0)
        self.crowd = crowd.Crowd(scenario.groups)
        self._heap: list[tuple[datetime, int, Entry | _Deed]] = []
        self._wakes: list[datetime] = []
        """When something on the heap is to be written that others wait for."""
        self._ends: list[datetime] = []
        """When calls end: nobody looks at that, unless a line or a number is waited for."""
        self._serial = itertools.count()
        self._due: dict[Kind | None, datetime] = {}
        self._held: dict[str, datetime] = {}
        self._tries: Counter[tuple[uuid.UUID, Kind]] = Counter()
        self._lost: set[str] = set()
        """Attempts of which something will never be heard, until a sweep has settled them."""
        self._calls: dict[str, uuid.UUID] = {}
        """Attempts that hold a line, as far as we know, and whom they call."""
        self._recalled: set[str] = set()
        self._tidied = self._settles = self.start
        self._growing = False
        self._acted: set[uuid.UUID] = set()
        """Who has confirmed otherwise than in a call that is under way."""
        self._message: Message | None = None
        self._segments = 1
        self._talk = Talk(0.0, 0.0, 0.0)

    def after(self, at: datetime) -> float:
        """Return how many seconds after the alert an instant is."""
        return (at - self.start).total_seconds()

    async def play(self, watch: Watch | None = None) -> None:
        """Publish, and let everything happen until nothing is left or the alert has expired."""
        with self.store.begin() as session:
            self.crowd = crowd.make(session, self.scenario, self.seed, self.start)
        with self.store.begin() as session:
            self._publish(session)
            self._due = due.next_due(session)
        await self._step(self.start)
        while (at := self._next()) is not None and at < self.ends:
            await self._step(at)
            if watch is not None:
                watch(at)
        await self._step(self.ends)
        while self._growing:
            with self.store.begin() as session:
                self._tend(session, self.ends)

    def _publish(self, session: Session) -> None:
        """Enqueue the alert, and learn how long it takes to say."""
        self.notice_id = telling.publish(session, self.scenario, self.start, self.ends)
        who = Reader(self.notice_id, Written.HANS, Spoken.MANDARIN)
        self._message = compose.message(session, who)
        self._segments = segment.measure(self._message.sms).segments
        if self._message.speech is not None:
            self._talk = behaviour.talk(self._message.speech)
        self._growing = True

    def _next(self) -> datetime | None:
        """Return when the next thing can happen; None: nothing ever will."""
        wanted = self._wakes[:1]
        # what came before has been written with an earlier look
        wanted += [at + _PATIENCE for at, _, _ in self._heap[:1]]
        wanted += [at for kind, at in self._due.items() if kind is None]
        wanted += [
            max(self._due[one.kind], self._held.get(one.name, self.start))
            for one in self.senders
            if one.kind in self._due
        ]
        if self._growing:
            wanted.append(self.clock.at)
        if self._lost:
            wanted.append(self._settles)
        if self.ends in self._held.values():
            wanted += self._ends[:1]
        if not wanted:
            return None
        looks = math.ceil((min(wanted) - self.start) / self.look)
        return max(self.start + looks * self.look, self.clock.at + self.look)

    async def _step(self, at: datetime) -> None:
        """Let happen what is due by `at`, then route, claim and send."""
        self.clock.at = at
        self.steps += 1
        with self.store.begin() as session:
            self._happen(session, at)
            self._tend(session, at)
            if self._route(session, at):
                self._due = due.next_due(session)
            jobs = self._claim(session, at) if at < self.ends else []
            self._due = due.next_due(session)
        self._wait(at)
        for job in jobs:
            await self._send(job, at)
        self.clock.at = at
        if self._acted:
            await self._recall(at)
        if self._lost and at >= self._settles:
            await self._settle(at)

    def _happen(self, session: Session, at: datetime) -> None:
        """Write everything that has happened until now, in its order, in one transaction."""
        happened: list[tuple[datetime, Entry]] = []
        while self._heap and self._heap[0][0] <= at:
            then, _, one = heapq.heappop(self._heap)
            entry = self._done(one, then) if isinstance(one, _Deed) else one
            if entry is not None:
                happened.append((then, entry))
        for waiting in (self._wakes, self._ends):
            while waiting and waiting[0] <= at:
                heapq.heappop(waiting)
        acting.write(session, happened)

    def _tend(self, session: Session, at: datetime) -> None:
        """Expand a step further, sweep every two minutes and at the end."""
        if at >= min(self._tidied + _TIDY, self.ends):
            astray = tuple(sweep.astray(session, at, self.senders, self.ladders))
            sweep.mend(session, at, sweep.Swept(), sweep.Found(astray=astray))
            self._tidied = at
            self._growing = True
        if self._growing:
            self._growing = expansion.grow(session, at) is not None

    def _route(self, session: Session, at: datetime) -> bool:
        """Give every due delivery its next step; say whether there was any."""
        if not self._growing and self._due.get(None, self.ends) > at:
            return False
        while True:
            routed = route.route(session, self.ladders, self.kinds, ZONE, at, hourly=HOURLY)
            if routed < route.BATCH:
                return True

    def _claim(self, session: Session, at: datetime) -> list[Job]:
        """Claim what every sender may start until the next look; note who must wait and how long.

        A sender that is at its limit is not asked again before it can start anything.
        """
        jobs: list[Job] = []
        for sender in self.senders:
            due = max(
                self._due.get(sender.kind, self.ends), self._held.get(sender.name, self.start)
            )
            if due > at:
                continue
            found = self._starts(session, sender, at)
            jobs += found
            if sender.lines is not None:
                self._calls |= {job.ref: job.recipient_id for job in found}
        return jobs

    def _starts(self, session: Session, sender: Sender, at: datetime) -> list[Job]:
        """Claim what a sender may start until the next look, and hold it until that or later."""
        loudest = self.ladders.loudest(sender.kind, at, ZONE)
        weigh = self._weigh if sender.segments else None
        jobs = claim.claim(session, sender, _PERMITS, at, loudest=loudest, weigh=weigh)
        free = pace.free_at(session, sender.name) if jobs else None
        if free is not None:
            # the look before the next start, which is claimed in it
            self._held[sender.name] = max(at + self.look, free - self.look)
        return jobs

    def _weigh(self, _session: Session, _job: Job) -> int:
        """Return how many SMS segments the alert takes; contacts' names are not counted."""
        return self._segments

    def _wait(self, at: datetime) -> None:
        """Hold who has work and could not begin it: until a call ends, or for a moment."""
        for sender in self.senders:
            late = self._due.get(sender.kind, self.ends) <= at
            if late and self._held.get(sender.name, self.start) <= at:
                full = sender.lines is not None and len(self._calls) >= sender.lines
                self._held[sender.name] = self.ends if full else at + _MOMENT

    def _free(self, ref: str, sender: str, at: datetime) -> None:
        """Count a line as free: its sender may start the next call."""
        if self._calls.pop(ref, None) is not None:
            self._held[sender] = min(self._held.get(sender, at), at)

    async def _send(self, job: Job, at: datetime) -> None:
        """Hand one message to its provider, and let the outcome and people's deeds come."""
        self.clock.at = start = max(at, job.at)
        asked = self.providers[job.sender]
        answered = start + timedelta(seconds=asked.answers_in())
        try:
            receipt = await asked.send(job.to, self._message, job.ref)
        except SendError as error:
            self._failed(job, error, answered)
            if error.code:
                self._react(job, error.code, start)
            return
        self._later(answered, Taken(job.ref, receipt.provider_id, answered))
        self._react(job, receipt.provider_id, answered)

    def _failed(self, job: Job, error: SendError, at: datetime) -> None:
        """Write a failure as the worker does: a pause, an unknown outcome, or a reason."""
        if error.unknown:
            self._lost.add(job.ref)
            return
        self._later(at, partial(self._refused, job, error), patient=False)

    def _refused(self, job: Job, error: SendError, session: Session, now: datetime) -> None:
        self._free(job.ref, job.sender, now)
        if error.retry_after is not None:
            until = now + timedelta(seconds=error.retry_after)
            self._held[job.sender] = max(until, self._held.get(job.sender, until))
            outcome.throttled(session, job.ref, until, now)
        else:
            outcome.failed(session, job.ref, error.reason, now, permanent=error.permanent)

    def _react(self, job: Job, provider_id: str, start: datetime) -> None:
        """Draw what happens to this attempt and what people do about it."""
        self._tries[job.recipient_id, job.kind] += 1
        number = f"{self.crowd.index(job.recipient_id)}/{job.kind}"
        nth = self._tries[job.recipient_id, job.kind]
        chance = Random(f"{self.seed}/{number}/{nth}")  # noqa: S311 - nothing is guarded by it
        group = behaviour.CONTACTS if job.alone else self.crowd.group(job.recipient_id)
        wrong = job.to in self.crowd.wrong
        deeds = behaviour.deeds(group, job.kind, self._talk, chance, wrong=wrong)
        for sequence, one in enumerate(deeds):
            at = start + timedelta(seconds=one.after)
            if job.kind is Kind.CALL:
                self._holds(job, provider_id, one.what, start, at)
            if one.what in acting.UNHEARD:
                continue
            if one.what in acting.NEWS and chance.random() < self.scenario.faults.lost:
                self._lost.add(job.ref)
                continue
            deed = _Deed(job, provider_id, one.what, sequence)
            self._later(at, deed)
            if one.what in acting.ENDS:
                heapq.heappush(self._ends, at)

    def _holds(self, job: Job, provider_id: str, deed: Deed, start: datetime, at: datetime) -> None:
        """Note until when a call can be taken back, and when it holds its line."""
        if deed is Deed.ANSWERED or deed in acting.ENDS:
            self.providers[job.sender].fixed.setdefault(provider_id, at)
        if deed in acting.ENDS:
            self.spans[job.ref] = (self.after(start), self.after(at))

    def _done(self, deed: _Deed, at: datetime) -> Entry | None:
        """Return what is to be written of a deed; None where the call was taken back before it."""
        job, what = deed.job, deed.what
        if job.ref in self.providers[job.sender].recalled and what is not Deed.CALLED_BACK:
            return None
        if what in acting.ENDS:
            self._free(job.ref, job.sender, at)
        # nobody is called a second time while they press a key
        if what in acting.CONFIRMS and job.ref not in self._calls:
            self._acted.add(job.recipient_id)
        return acting.entry(job, deed.provider_id, what, at, deed.sequence)

    async def _recall(self, at: datetime) -> None:
        """Take back the calls that an act has made superfluous."""
        called = self.scenario.household_confirms or not self._acted.isdisjoint(
            self._calls.values()
        )
        self._acted.clear()
        if not called:
            return
        before = {name: set(one.recalled) for name, one in self.providers.items()}
        calls = await self.store.query(sweep.superfluous)
        await sweep.recall(calls, self.providers, self._recalled)
        for name, one in self.providers.items():
            for ref in one.recalled - before[name]:
                self._later(at, partial(self._taken_back, ref, name), patient=False)

    def _taken_back(self, ref: str, sender: str, session: Session, now: datetime) -> None:
        self._free(ref, sender, now)
        self.spans[ref] = (self.spans[ref][0], self.after(now))
        outcome.receipt(session, ref, AttemptState.FAILED, now, reason=Reason.CANCELLED_CALL)

    async def _settle(self, at: datetime) -> None:
        """Ask the providers what became of the attempts past their deadline."""
        with self.store.read() as session:
            overdue = sweep.refs(session, at)
            found = [(claim.job(session, ref), state, started) for ref, state, started in overdue]
            urgent = sweep.urgent(session, self.notice_id)
        for job, state, started in found:
            if job is not None:
                lost = sweep.Lost(
                    job.ref, job.sender, state, started, job.to, self._message, urgent=urgent
                )
                await sweep.settle(self.store, self.providers, lost, self.clock)
        with self.store.read() as session:
            self._forget(session, at)
            self._due = due.next_due(session)
            # what begins from now on has its deadline later than this
            first = sweep.next_deadline(session) or self.ends
            self._settles = max(at + _SETTLE, min(first, at + _ANSWERS))

    def _forget(self, session: Session, at: datetime) -> None:
        """Wait no longer for news of attempts that are closed by now, and free their lines."""
        for ref, sender in acting.closed(session, self._lost):
            self._lost.discard(ref)
            self._free(ref, sender, at)

    def _later(self, at: datetime, entry: Entry | _Deed, *, patient: bool = True) -> None:
        """Write an entry at its time; a patient one goes with the next look, or soon."""
        heapq.heappush(self._heap, (at, next(self._serial), entry))
        if not patient:
            heapq.heappush(self._wakes, at)
