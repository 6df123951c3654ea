"""The door-knock list: who must be visited, what was tried before and why it failed."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from content import area, store
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind
from content.people import Need, Resident
from content.place import Place, PlaceKind
from content.reason import Reason


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


def cards(
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
    names = {kind: area.names(session, kind) for kind in kinds}
    tried = _tried(session, notice_id)
    paths = None if within is None else tuple(within)
    cards = [
        _card(delivery, resident, home, names, tried.get(delivery.recipient_id, []))
        for delivery, resident, home in rows
        if paths is None or home.path.startswith(paths)
    ]
    return sorted(cards, key=_order)


def _to(table: type[Resident | Place], on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Delivery.community_id, on)


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
    return tuple(area.natural(part) for part in (card.building, card.unit, card.floor, card.room))
