"""How far a notice has come: by grid and building, and who must be visited at the door."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from content import store
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice
from content.people import Need, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.reason import Reason

_ACCOUNTED = (DeliveryState.CONFIRMED, DeliveryState.PASSED_ON, DeliveryState.DOOR)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a group of residents was reached; `minutes` until so many per cent were accounted for.

    Accounted for is confirmed, passed on by a contact, or on the door-knock list.
    """

    place: str
    residents: int = 0
    confirmed: int = 0
    passed_on: int = 0
    need_help: int = 0
    door: int = 0
    open: int = 0
    other: int = 0
    minutes: dict[int, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt in the words of the door-knock list."""

    kind: Kind
    state: AttemptState
    reason: Reason | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """One resident to knock at: where, who, what they need, what was tried and why it failed."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    grid: str
    building: str
    unit: str
    floor: str
    room: str
    needs: frozenset[Need]
    reason: Reason | None
    skips: dict[str, str]
    tried: tuple[Tried, ...]
    name: str = field(repr=False)
    needs_help: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    place_id: uuid.UUID | None
    state: DeliveryState
    closed_at: datetime | None
    needs_help: bool


def reach(session: Session, notice_id: uuid.UUID, by: PlaceKind | None = None) -> list[Reach]:
    """Return the reach in all (`by` None: one row) or by grid or building, in their order."""
    notice = session.get_one(Notice, (store.community(session), notice_id))
    groups: dict[str, list[_Row]] = defaultdict(list)
    names = _ancestors(session, by) if by else {}
    for row in _rows(session, notice_id):
        groups[names.get(row.place_id, "") if by else ""].append(row)
    return [_reach(place, groups[place], notice.made_at) for place in sorted(groups, key=_natural)]


def counts(session: Session, notice_id: uuid.UUID) -> dict[DeliveryState, int]:
    """Return how many deliveries are in which state: cheap, for a progress line."""
    query = (
        select(Delivery.state, func.count())
        .where(Delivery.community_id == store.community(session), Delivery.notice_id == notice_id)
        .group_by(Delivery.state)
    )
    return dict(session.execute(query).all())


def doors(
    session: Session, notice_id: uuid.UUID, within: Iterable[str] | None = None
) -> list[Card]:
    """Return the door-knock list by building, unit and floor; `within` are place paths."""
    rows = session.execute(
        select(Delivery, Resident, Place)
        .join(Resident, _to(Resident, Resident.id == Delivery.recipient_id))
        .join(Place, _to(Place, Place.id == Delivery.place_id))
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == notice_id, Delivery.state == DeliveryState.DOOR)
    ).all()
    kinds = (PlaceKind.GRID, PlaceKind.BUILDING, PlaceKind.UNIT)
    names = {kind: _ancestors(session, kind) for kind in kinds}
    tried = _tried(session, notice_id)
    paths = None if within is None else tuple(within)
    cards = [
        _card(delivery, resident, home, names, tried.get(delivery.recipient_id, []))
        for delivery, resident, home in rows
        if paths is None or home.path.startswith(paths)
    ]
    return sorted(cards, key=_order)


def _rows(session: Session, notice_id: uuid.UUID) -> list[_Row]:
    query = select(
        Delivery.place_id, Delivery.state, Delivery.closed_at, Delivery.needs_help
    ).where(
        Delivery.community_id == store.community(session),
        Delivery.notice_id == notice_id,
        Delivery.recipient_kind == OwnerKind.RESIDENT,
    )
    return [_Row(*row) for row in session.execute(query)]


def _reach(place: str, rows: Sequence[_Row], start: datetime) -> Reach:
    states = [row.state for row in rows]
    ends = sorted(
        (row.closed_at - start).total_seconds() / 60
        for row in rows
        if row.state in _ACCOUNTED and row.closed_at is not None
    )
    return Reach(
        place=place,
        residents=len(rows),
        confirmed=states.count(DeliveryState.CONFIRMED),
        passed_on=states.count(DeliveryState.PASSED_ON),
        need_help=sum(row.needs_help for row in rows),
        door=states.count(DeliveryState.DOOR),
        open=states.count(DeliveryState.OPEN),
        other=sum(state not in (*_ACCOUNTED, DeliveryState.OPEN) for state in states),
        minutes={share: _until(ends, len(rows), share) for share in (50, 90, 100)},
    )


def _until(ends: Sequence[float], count: int, share: int) -> float | None:
    needed = -(-count * share // 100)
    return ends[needed - 1] if 0 < needed <= len(ends) else None


def _to(table: type[Resident | Place], on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Delivery.community_id, on)


def _ancestors(session: Session, kind: PlaceKind) -> dict[uuid.UUID | None, str]:
    """Return, for every place, the name of the place of this kind that it lies in (or is)."""
    places = {
        place_id: (parent_id, place_kind, name)
        for place_id, parent_id, place_kind, name in session.execute(
            select(Place.id, Place.parent_id, Place.kind, Place.name).where(
                Place.community_id == store.community(session)
            )
        )
    }
    found: dict[uuid.UUID | None, str] = {}
    for start in places:
        at: uuid.UUID | None = start
        while at in places and places[at][1] is not kind:
            at = places[at][0]
        found[start] = places[at][2] if at in places else ""
    return found


def _tried(session: Session, notice_id: uuid.UUID) -> dict[uuid.UUID, list[Tried]]:
    query = (
        select(Attempt)
        .where(Attempt.community_id == store.community(session), Attempt.notice_id == notice_id)
        .order_by(Attempt.id)
    )
    found: dict[uuid.UUID, list[Tried]] = defaultdict(list)
    for one in session.scalars(query):
        found[one.recipient_id].append(Tried(one.kind, one.state, one.reason, one.started_at))
    return found


def _card(
    delivery: Delivery,
    resident: Resident,
    home: Place,
    names: dict[PlaceKind, dict[uuid.UUID | None, str]],
    tried: Sequence[Tried],
) -> Card:
    return Card(
        notice_id=delivery.notice_id,
        recipient_id=delivery.recipient_id,
        grid=names[PlaceKind.GRID][home.id],
        building=names[PlaceKind.BUILDING][home.id],
        unit=names[PlaceKind.UNIT][home.id],
        floor=home.floor,
        room=home.room,
        needs=resident.needs,
        reason=delivery.reason,
        skips=dict(delivery.skips),
        tried=tuple(tried),
        name=resident.name,
        needs_help=delivery.needs_help,
    )


def _order(card: Card) -> tuple[object, ...]:
    return tuple(_natural(part) for part in (card.building, card.unit, card.floor, card.room))


def _natural(text: str) -> tuple[int, str]:
    """Order 2号楼 before 10号楼."""
    digits = "".join(char for char in text if char.isdigit())
    return (int(digits) if digits else 0, text)


def started(session: Session, notice_id: uuid.UUID) -> int:
    """Return to how many recipients a provider has been asked to send this notice."""
    query = select(func.count(Attempt.recipient_id.distinct())).where(
        Attempt.community_id == store.community(session), Attempt.notice_id == notice_id
    )
    return session.scalar(query) or 0
