"""How the reach of a notice grew: by all, by grid and by kind, as minutes after its publication."""

import uuid
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, and_, case, extract, func, null, select
from sqlalchemy.orm import Session

from content import area, coverage, ending, notice, store
from content.coverage import SHARES
from content.delivery import Attempt, Delivery, DeliveryState, Receipt
from content.message import Kind
from content.people import OwnerKind
from content.place import Place
from content.reason import Reason

STEPS = ("contacted", "reached", "confirmed", "settled")
"""As `coverage` has the words."""
_ROWS = 2_000
"""Rows of a stream that are held at a time."""


@dataclass(frozen=True, slots=True)
class Curve:
    """When each of so many people came to each step: minutes in order, seconds exact."""

    name: str
    people: int = 0
    minutes: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def share(self, step: str, minute: float) -> float:
        """Return which share had come to this step by then."""
        return bisect_right(self.minutes[step], minute) / max(1, self.people)

    def until(self, step: str, percent: int) -> float | None:
        """Return after how many minutes so many per cent had; None: they have not yet."""
        needed = -(-self.people * percent // 100)
        times = self.minutes[step]
        return times[needed - 1] if 0 < needed <= len(times) else None

    def all_until(self, step: str) -> dict[int, float | None]:
        """Return the same for 50, 90 and 100 per cent."""
        return {share: self.until(step, share) for share in SHARES}

    @property
    def end(self) -> float:
        """Return the minute of the last step that anybody took."""
        return max((times[-1] for times in self.minutes.values() if times), default=0.0)


@dataclass(frozen=True, slots=True)
class Curves:
    """The same notice seen in three ways."""

    total: Curve
    grids: tuple[Curve, ...]
    """In the order in which people count; the name is empty where there is no grid."""
    kinds: tuple[Curve, ...]
    """Of all residents: who was contacted, reached, and has confirmed by this kind."""


class _Times:
    """Minutes by group and step, collected as they come: eight bytes for each."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._times: dict[str, dict[str, array[float]]] = defaultdict(
            lambda: {step: array("d") for step in STEPS}
        )
        self._people: dict[str, int] = defaultdict(int)

    def add(self, group: str, step: str, at: Any) -> None:
        if at is not None:
            self._times[group][step].append(max(0.0, float(at) - self._start) / 60)

    def count(self, group: str) -> None:
        self._people[group] += 1

    def curve(self, name: str, people: int | None = None) -> Curve:
        times = {step: sorted(found) for step, found in self._times[name].items()}
        return Curve(name, self._people[name] if people is None else people, times)

    def whole(self) -> Curve:
        """Return the curve of all groups together."""
        times = {
            step: sorted(chain.from_iterable(one[step] for one in self._times.values()))
            for step in STEPS
        }
        return Curve("", sum(self._people.values()), times)

    def names(self) -> list[str]:
        return sorted(self._people, key=area.natural)


def curves(session: Session, notice_id: uuid.UUID) -> Curves:
    """Return how the reach grew. Reads every delivery once, a few thousand rows at a time."""
    start = notice.get(session, notice_id).made_at.timestamp()
    grids, kinds = _Times(start), _Times(start)
    names = area.grids(session)
    for place, state, reason, door, contacted, arrived, confirmed, settled in _deliveries(
        session, notice_id
    ):
        grid = names.get(place, "")
        grids.count(grid)
        grids.add(grid, "contacted", contacted)
        grids.add(grid, "reached", _earlier(arrived, confirmed))
        grids.add(grid, "confirmed", confirmed)
        grids.add(grid, "settled", settled)
        by = ending.End(state, reason, door or "", {}, 1).by if confirmed else None
        if by is not None:
            kinds.add(by, "confirmed", confirmed)
    for kind, contacted, reached in _attempts(session, notice_id):
        kinds.add(kind, "contacted", contacted)
        kinds.add(kind, "reached", reached)
    whole = grids.whole()
    by_kind = (kinds.curve(kind, whole.people) for kind in Kind)
    return Curves(
        whole,
        tuple(grids.curve(name) for name in grids.names()),
        tuple(one for one in by_kind if any(one.minutes.values())),
    )


def _deliveries(session: Session, notice_id: uuid.UUID) -> Iterator[Any]:
    confirmed = case((Delivery.state == DeliveryState.CONFIRMED, Delivery.closed_at))
    settled = case((Delivery.state.in_(coverage.SETTLED), Delivery.closed_at))
    first = (
        select(func.min(_at()))
        .where(coverage.mine(), coverage.arrived())
        .correlate(Delivery)
        .scalar_subquery()
    )
    arrived = case((Delivery.first_at.is_not(None), first))
    home = and_(Place.community_id == Delivery.community_id, Place.id == Delivery.place_id)
    reply = case((Delivery.reason == Reason.CONFIRMED_REPLY, ending.door()), else_=null())
    query = (
        select(
            area.head(Place.path).label("place"),
            Delivery.state,
            Delivery.reason,
            reply.label("door"),
            *(
                extract("epoch", at).label(name)
                for name, at in zip(
                    ("contacted", "arrived", "confirmed", "settled"),
                    (Delivery.first_at, arrived, confirmed, settled),
                    strict=True,
                )
            ),
        )
        .select_from(Delivery)
        .outerjoin(Place, home)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == notice_id)
        .where(Delivery.recipient_kind == OwnerKind.RESIDENT)
        .execution_options(yield_per=_ROWS)
    )
    yield from session.execute(query)


def _attempts(session: Session, notice_id: uuid.UUID) -> Iterator[Any]:
    """Give the first success of each kind with each person."""
    arrived = case((coverage.arrived(), _at()))
    query = (
        select(
            Attempt.kind,
            extract("epoch", func.min(Attempt.accepted_at)).label("contacted"),
            extract("epoch", func.min(arrived)).label("reached"),
        )
        .where(Attempt.community_id == store.community(session), Attempt.notice_id == notice_id)
        # a loudspeaker is nobody
        .where(coverage.theirs(), Attempt.kind != Kind.SPEAKER)
        .group_by(Attempt.recipient_id, Attempt.kind)
        .execution_options(yield_per=_ROWS)
    )
    yield from session.execute(query)


def _earlier(one: Any, other: Any) -> Any:
    return min((at for at in (one, other) if at is not None), default=None)


def _at() -> ColumnElement[Any]:
    """Return when an attempt arrived: its first receipt that says so, else when it was closed."""
    reported = (
        select(func.min(Receipt.at))
        .where(Receipt.community_id == Attempt.community_id, Receipt.ref == Attempt.ref)
        .where(Receipt.state.in_(coverage.GOOD))
        .correlate(Attempt)
        .scalar_subquery()
    )
    return func.coalesce(reported, Attempt.closed_at)
