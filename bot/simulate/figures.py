"""What a run says: who confirmed by when, who is left for the door, what the lines did."""

import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.simulate.run import Run
from content import store
from content.delivery import Attempt, Delivery, DeliveryState
from content.people import OwnerKind
from content.reason import Reason

SHARES = (50, 90, 100)
_POINTS = 240
ACCOUNTED = (DeliveryState.CONFIRMED, DeliveryState.PASSED_ON, DeliveryState.DOOR)


@dataclass(frozen=True, slots=True)
class First:
    """How one sender made first contacts: how many, when the last began, how long they waited."""

    count: int
    last: float
    """Seconds after the alert at which the last first contact by this sender started."""
    median: float
    longest: float
    attempts: int
    """All its attempts, first and later."""


@dataclass(frozen=True, slots=True)
class Share:
    """How a group of residents came through."""

    residents: int
    confirmed: int
    door: int
    minutes: float | None
    """Until nine in ten of the group were accounted for."""


@dataclass(frozen=True, slots=True)
class Point:
    """One minute of the curve, in residents."""

    minute: float
    tried: int
    confirmed: int
    accounted: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One run in numbers; minutes count from the alert."""

    residents: int
    states: Mapping[DeliveryState, int]
    confirmed: Mapping[int, float | None]
    """Minutes until so many per cent had confirmed; None: they never did."""
    accounted: Mapping[int, float | None]
    """Minutes until so many per cent had confirmed, were told by a contact or are to be visited."""
    acts: Mapping[Reason, int]
    groups: Mapping[str, Share]
    first: Mapping[str, First]
    needs_help: int
    door_reasons: Mapping[Reason, int]
    use_of_lines: float
    """The share of line time that was used until the last call ended."""
    busiest: int
    """Calls at the same time, at most."""
    attempts: int
    taken: int
    """Attempts that a provider took, as the providers say."""
    needless: int
    """Attempts that began after their recipient had confirmed."""
    curve: tuple[Point, ...] = field(repr=False, default=())
    calls: tuple[tuple[float, float], ...] = field(repr=False, default=())
    """From when to when each call held a line, in seconds after the alert."""

    @property
    def door(self) -> int:
        """Return how many are on the door-knock list at the end."""
        return self.states.get(DeliveryState.DOOR, 0)

    @property
    def share_confirmed(self) -> float:
        """Return the share that confirmed before the end."""
        return self.states.get(DeliveryState.CONFIRMED, 0) / max(1, self.residents)


def read(run: Run) -> Figures:
    """Read a finished run's database; the providers say what they took."""
    with run.store.read() as session:
        rows = _deliveries(session, run.notice_id)
        tries = _attempts(session, run.notice_id)
    confirmed = _minutes(
        run, (row.closed_at for row in rows if row.state is DeliveryState.CONFIRMED)
    )
    accounted = _minutes(run, (row.closed_at for row in rows if row.state in ACCOUNTED))
    firsts = _firsts(tries)
    started = _minutes(run, (one.started_at for one in firsts.values()))
    done = {row.recipient_id: row.confirmed_at for row in rows if row.confirmed_at}
    return Figures(
        residents=len(rows),
        states=dict(Counter(row.state for row in rows)),
        confirmed={share: _until(confirmed, len(rows), share) for share in SHARES},
        accounted={share: _until(accounted, len(rows), share) for share in SHARES},
        acts=dict(Counter(row.reason for row in rows if row.state is DeliveryState.CONFIRMED)),
        groups=_groups(run, rows),
        first=_by_sender(run, firsts.values(), tries),
        needs_help=sum(row.needs_help for row in rows),
        door_reasons=dict(Counter(row.reason for row in rows if row.state is DeliveryState.DOOR)),
        use_of_lines=_use(run),
        busiest=_busiest(run.spans.values()),
        # a call that told several was one request
        attempts=sum(one.along is None for one in tries),
        taken=sum(len(one.taken) for one in run.providers.values()),
        needless=sum(
            one.started_at > done.get(one.recipient_id, one.started_at) + run.look
            for one in tries
            if one.along is None
        ),
        curve=_curve(started, confirmed, accounted),
        calls=tuple(sorted(run.spans.values())),
    )


def _deliveries(session: Session, notice_id: uuid.UUID) -> Sequence[Any]:
    columns = (
        *(Delivery.recipient_id, Delivery.state, Delivery.reason, Delivery.closed_at),
        *(Delivery.confirmed_at, Delivery.needs_help),
    )
    query = select(*columns).where(
        Delivery.community_id == store.community(session),
        Delivery.notice_id == notice_id,
        Delivery.recipient_kind == OwnerKind.RESIDENT,
    )
    return session.execute(query).all()


def _attempts(session: Session, notice_id: uuid.UUID) -> Sequence[Any]:
    columns = (
        *(Attempt.recipient_id, Attempt.sender, Attempt.kind, Attempt.state, Attempt.reason),
        *(Attempt.started_at, Attempt.accepted_at, Attempt.along),
    )
    query = select(*columns).where(
        Attempt.community_id == store.community(session), Attempt.notice_id == notice_id
    )
    return session.execute(query.order_by(Attempt.started_at, Attempt.id)).all()


def _minutes(run: Run, instants: Iterable[datetime]) -> list[float]:
    return sorted(run.after(at) / 60 for at in instants)


def _until(ends: Sequence[float], count: int, share: int) -> float | None:
    needed = -(-count * share // 100)
    return ends[needed - 1] if 0 < needed <= len(ends) else None


def _firsts(tries: Sequence[Any]) -> dict[uuid.UUID, Any]:
    """Return each recipient's first attempt; `tries` are in their order."""
    found: dict[uuid.UUID, Any] = {}
    for one in tries:
        found.setdefault(one.recipient_id, one)
    return found


def _by_sender(run: Run, firsts: Iterable[Any], tries: Sequence[Any]) -> dict[str, First]:
    waits: dict[str, list[float]] = defaultdict(list)
    for one in firsts:
        waits[one.sender].append(run.after(one.started_at))
    made = Counter(one.sender for one in tries if one.along is None)
    return {
        sender: First(
            len(found),
            max(found, default=0.0),
            median(found or [0.0]),
            max(found, default=0.0),
            count,
        )
        for sender, count in made.items()
        for found in (waits[sender],)
    }


def _groups(run: Run, rows: Sequence[Any]) -> dict[str, Share]:
    of: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        group = run.crowd.group(row.recipient_id)
        of[group.chinese or group.name].append(row)
    return {name: _share(run, found) for name, found in of.items()}


def _share(run: Run, rows: Sequence[Any]) -> Share:
    states = Counter(row.state for row in rows)
    ends = _minutes(run, (row.closed_at for row in rows if row.state in ACCOUNTED))
    return Share(
        len(rows),
        states[DeliveryState.CONFIRMED],
        states[DeliveryState.DOOR],
        _until(ends, len(rows), 90),
    )


def _use(run: Run) -> float:
    """Return which share of the lines' time was used until the last call began."""
    if not run.spans:
        return 0.0
    last = max(start for start, _ in run.spans.values())
    used = sum(min(end, last) - start for start, end in run.spans.values())
    return used / (last * run.scenario.limits.lines) if last else 0.0


def _busiest(spans: Iterable[tuple[float, float]]) -> int:
    changes = sorted(change for start, end in spans for change in ((start, 1), (end, -1)))
    return max(accumulate(change for _, change in changes), default=0)


def _curve(*series: Sequence[float]) -> tuple[Point, ...]:
    """Return the counts of each series at `_POINTS` moments until the last of them."""
    last = max((ends[-1] for ends in series if ends), default=0.0)
    at = [last * step / _POINTS for step in range(_POINTS + 1)]
    return tuple(Point(minute, *(bisect_right(ends, minute) for ends in series)) for minute in at)
