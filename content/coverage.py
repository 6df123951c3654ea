"""How far a notice has come, by grid, step and kind, and what is still waited for.

The words, from the widest to the narrowest; each counts people, never messages:

- contacted: a provider took a message or a call for them.
- reached: a provider reported an SMS as delivered, or a call of their own as answered by a person;
  or they have confirmed. A chat reports nothing; an answering machine or a contact is not they.
- confirmed: a human act, see `content.confirmation`; passed on: a contact has promised to tell.
- refused: would not listen to the worker at the door; no confirmation.
- settled: confirmed, passed on, refused, on the door-knock list, or handed over where nothing was
  asked.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, select
from sqlalchemy.orm import Session

from content import area, bulk, ending, knock, store
from content.alert import MsgType, Status
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.ending import End, Why
from content.knock import Found
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Address, Contact, OwnerKind
from content.place import Place, PlaceKind

SETTLED = (
    DeliveryState.CONFIRMED,
    DeliveryState.PASSED_ON,
    DeliveryState.DOOR,
    DeliveryState.REFUSED,
    DeliveryState.DONE,
)
SHARES = (50, 90, 100)
ANSWER, STEP, LATER = "answer", "step", "later"
"""What an open delivery waits for, beside a free line of its kind: an answer, its next step, the
time that was set for it."""
GOOD = (AttemptState.ANSWERED, AttemptState.DELIVERED, AttemptState.COMPLETED)
_CONTACTED, _REACHED = "1", "2"
"""How far a kind came with somebody, in this order."""
_COUNTED = {
    DeliveryState.CONFIRMED: "confirmed",
    DeliveryState.PASSED_ON: "passed_on",
    DeliveryState.DOOR: "door",
    DeliveryState.REFUSED: "refused",
    DeliveryState.OPEN: "open",
    DeliveryState.DONE: "done",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How a group of residents was reached; `minutes` until so many per cent were settled.

    `place` names the group: a place, or the number of a step; empty for all together.
    """

    place: str
    residents: int = 0
    contacted: int = 0
    reached: int = 0
    confirmed: int = 0
    passed_on: int = 0
    need_help: int = 0
    door: int = 0
    open: int = 0
    done: int = 0
    refused: int = 0
    other: int = 0
    """Superseded, cancelled, expired or failed before they were settled."""
    minutes: dict[int, float | None] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Return how many are accounted for."""
        return self.confirmed + self.passed_on + self.door + self.done + self.refused


@dataclass(frozen=True, slots=True)
class ByKind:
    """What one kind has done, in people: a provider took it, it arrived, they confirmed by it."""

    kind: Kind
    contacted: int = 0
    reached: int = 0
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier revision had done when the next one took its place."""

    made_at: datetime
    state: NoticeState
    residents: int
    contacted: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Live:
    """How it stands with a notice: all that a progress message or a terminal shows."""

    msg_type: MsgType
    status: Status
    state: NoticeState
    expected: int
    """Recipients of the audience; who is beyond `total.residents` has no delivery yet."""
    growing: bool
    """The audience is not written out to its end yet."""
    total: Reach
    grids: tuple[Reach, ...]
    rungs: tuple[Reach, ...]
    """By the step on which a delivery stands or has ended, counted from 1."""
    kinds: tuple[ByKind, ...]
    waits: Mapping[str, int]
    """Open deliveries by what they wait for: a kind's free line, ANSWER, STEP or LATER."""
    whys: tuple[Why, ...]
    skips: Mapping[tuple[str, str], int]
    """Steps that were passed over for who has not settled: (step, reason) -> people."""
    earlier: tuple[Earlier, ...]
    doors: Mapping[Found, int] = field(default_factory=dict)
    """What workers have found at the doors, in homes; `total.door` are still to be gone to."""

    @property
    def over(self) -> bool:
        """Say whether nothing will move any more: the notice has ended, or nobody is waited for."""
        waited = self.growing or self.total.open or self.total.door
        return self.state is not NoticeState.LIVE or not waited


@dataclass(frozen=True, slots=True)
class _Cell:
    place: Any
    state: DeliveryState
    rung: int
    waits: str
    needs_help: bool
    contacted: bool
    reached: bool
    count: int


def live(session: Session, notice_id: uuid.UUID, now: datetime) -> Live:
    """Return how it stands with a notice: a few grouped queries, however many are told."""
    told = session.get_one(Notice, (store.community(session), notice_id), populate_existing=True)
    cells = _cells(session, notice_id, None, now)
    found = ending.ends(session, notice_id)
    names = area.grids(session)
    waits = Counter({one.waits: 0 for one in cells if one.waits})
    for one in cells:
        waits[one.waits] += one.count if one.waits else 0
    return Live(
        msg_type=told.msg_type,
        status=told.status,
        state=told.state,
        expected=told.expected,
        growing=told.state is NoticeState.LIVE and told.cursor is not None,
        total=next(iter(_fold(cells, lambda _: "")), Reach("")),
        grids=tuple(_fold(cells, lambda cell: names.get(cell.place, ""))),
        rungs=tuple(_fold(cells, lambda cell: str(cell.rung + 1))),
        kinds=_kinds(session, notice_id, found),
        waits={what: count for what, count in waits.most_common() if what},
        whys=ending.whys(found),
        skips=ending.skips(found),
        earlier=_earlier(session, told),
        doors=dict(knock.tally(session, notice_id)),
    )


def reach(session: Session, notice_id: uuid.UUID, by: PlaceKind | None = None) -> list[Reach]:
    """Return the reach with its minutes: in all (`by` None: one row), or by grid or building."""
    told = session.get_one(Notice, (store.community(session), notice_id))
    names = area.names(session, by) if by else {}
    cells = _cells(session, notice_id, Delivery.place_id, told.made_at)
    ends: dict[str, list[datetime]] = defaultdict(list)
    settled = select(Delivery.place_id, Delivery.closed_at).where(
        _of(session, notice_id), Delivery.state.in_(SETTLED)
    )
    for place_id, at in session.execute(settled.order_by(Delivery.closed_at)):
        if at is not None:
            ends[names.get(place_id, "") if by else ""].append(at)
    return [
        replace(one, minutes=_minutes(ends[one.place], one.residents, told.made_at))
        for one in _fold(cells, lambda cell: names.get(cell.place, "") if by else "")
    ]


def counts(session: Session, notice_id: uuid.UUID) -> dict[DeliveryState, int]:
    """Return how many deliveries are in which state: cheap, for a progress line."""
    query = (
        select(Delivery.state, func.count())
        .where(Delivery.community_id == store.community(session), Delivery.notice_id == notice_id)
        .where(Delivery.recipient_kind != OwnerKind.CONTACT)
        .group_by(Delivery.state)
    )
    return dict(session.execute(query).all())


def started(session: Session, notice_id: uuid.UUID) -> int:
    """Return to how many recipients a provider has been asked to send this notice."""
    query = select(func.count(Attempt.recipient_id.distinct())).where(
        Attempt.community_id == store.community(session), Attempt.notice_id == notice_id, theirs()
    )
    return session.scalar(query) or 0


def theirs() -> ColumnElement[bool]:
    """Return the SQL condition that an attempt was made for a resident, in whoever's hands.

    Not for a contact who is told together with them: that is nobody reached.
    """
    beside = exists().where(
        Contact.community_id == Attempt.community_id, Contact.id == Attempt.recipient_id
    )
    return ~beside


def arrived() -> ColumnElement[bool]:
    """Return the SQL condition that an attempt has reached the resident themselves."""
    contact = exists().where(
        Address.community_id == Attempt.community_id,
        Address.id == Attempt.address_id,
        Address.owner_kind == OwnerKind.CONTACT,
    )
    return and_(Attempt.state.in_(GOOD), Attempt.machine.is_(False), ~contact)


def mine() -> ColumnElement[bool]:
    """Return the SQL condition that an attempt belongs to a delivery."""
    return and_(
        Attempt.community_id == Delivery.community_id,
        Attempt.notice_id == Delivery.notice_id,
        Attempt.recipient_id == Delivery.recipient_id,
    )


def _of(session: Session, notice_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(
        Delivery.community_id == store.community(session),
        Delivery.notice_id == notice_id,
        Delivery.recipient_kind == OwnerKind.RESIDENT,
    )


def _cells(session: Session, notice_id: uuid.UUID, place: Any, now: datetime) -> list[_Cell]:
    """Count the deliveries in the finest groups that are asked about; `place` None: by grid."""
    columns: dict[str, Any] = {
        "place": area.head(Place.path) if place is None else place,
        "state": Delivery.state,
        "rung": Delivery.rung,
        "queue": case((Delivery.state == DeliveryState.OPEN, Delivery.kind), else_=None),
        "due": case((Delivery.state == DeliveryState.OPEN, Delivery.next_at <= now), else_=False),
        "need": Delivery.needs_help,
        "contacted": Delivery.first_at.is_not(None),
        "reached": _reached(),
    }
    query = (
        select(*(one.label(name) for name, one in columns.items()))
        .select_from(Delivery)
        .where(_of(session, notice_id))
    )
    if place is None:
        home = and_(Place.community_id == Delivery.community_id, Place.id == Delivery.place_id)
        query = query.outerjoin(Place, home)
    return [
        _Cell(at, state, rung, _waits(state, queue, due=due), need, contacted, reached, count)
        for (at, state, rung, queue, due, need, contacted, reached), count in bulk.Tally(
            query
        ).read(session)
    ]


def _reached() -> ColumnElement[bool]:
    return case(
        (Delivery.state == DeliveryState.CONFIRMED, True),
        (Delivery.first_at.is_(None), False),
        else_=exists().where(mine(), arrived()),
    )


def _waits(state: DeliveryState, queue: Kind | None, *, due: bool) -> str:
    if state is not DeliveryState.OPEN:
        return ""
    if queue is None:
        return STEP if due else ANSWER
    return queue.value if due else LATER


def _fold(cells: Sequence[_Cell], group: Callable[[_Cell], str]) -> list[Reach]:
    """Add the cells up to groups, in the order in which people count."""
    sums: dict[str, Any] = defaultdict(Counter)
    for one in cells:
        found = sums[group(one)]
        found["residents"] += one.count
        found[_COUNTED.get(one.state, "other")] += one.count
        for name in ("contacted", "reached"):
            found[name] += one.count * bool(getattr(one, name))
        found["need_help"] += one.count * bool(one.needs_help)
    return [Reach(name, **sums[name]) for name in sorted(sums, key=area.natural)]


def _minutes(ends: Sequence[datetime], count: int, start: datetime) -> dict[int, float | None]:
    """Return after how many minutes so many per cent of `count` had ended; `ends` are in order."""
    needed = {share: -(-count * share // 100) for share in SHARES}
    return {
        share: (ends[at - 1] - start).total_seconds() / 60 if 0 < at <= len(ends) else None
        for share, at in needed.items()
    }


def _kinds(session: Session, notice_id: uuid.UUID, found: Sequence[End]) -> tuple[ByKind, ...]:
    came = case((Attempt.accepted_at.is_(None), ""), (arrived(), _REACHED), else_=_CONTACTED)
    # by person alone: so the attempts stand in their index, and nothing is sorted
    people = (
        select(func.aggregate_strings(cast(Attempt.kind, Text) + "/" + came, " ").label("tries"))
        .where(Attempt.community_id == store.community(session), Attempt.notice_id == notice_id)
        .where(theirs())
        .group_by(Attempt.recipient_id)
    )
    contacted: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for (tries,), count in bulk.Tally(people).read(session):
        steps = dict(sorted(one.split("/") for one in tries.split()))
        for kind, step in steps.items():
            contacted[kind] += count * (step != "")
            reached[kind] += count * (step == _REACHED)
    confirmed = Counter({one.by: 0 for one in found})
    for one in found:
        confirmed[one.by] += one.count
    return tuple(
        ByKind(kind, contacted[kind], reached[kind], confirmed[kind])
        for kind in Kind
        if kind in contacted or confirmed[kind]
    )


def _earlier(session: Session, told: Notice) -> tuple[Earlier, ...]:
    """Return the earlier revisions of the same alert, the oldest first."""
    if told.alert_id is None:
        return ()
    query = (
        select(
            Notice.made_at,
            Notice.state,
            func.count(),
            func.count(Delivery.first_at),
            func.count(case((Delivery.state == DeliveryState.CONFIRMED, 1))),
        )
        .join(
            Delivery,
            and_(Delivery.community_id == Notice.community_id, Delivery.notice_id == Notice.id),
        )
        .where(Notice.community_id == told.community_id, Notice.alert_id == told.alert_id)
        .where(Notice.id != told.id, Notice.made_at <= told.made_at)
        .where(Delivery.recipient_kind == OwnerKind.RESIDENT)
        .group_by(Notice.id, Notice.made_at, Notice.state)
        .order_by(Notice.made_at)
    )
    return tuple(Earlier(*row) for row in session.execute(query))
