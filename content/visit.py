"""The door-knock list: who must be visited, what was tried before, and who has been there."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from content import area, store
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.knock import Found, Knock, Picture
from content.message import Kind
from content.people import Need, Resident
from content.place import Place, PlaceKind
from content.reason import Reason
from content.staff import Staff


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt in the words of the door-knock list."""

    kind: Kind
    state: AttemptState
    reason: Reason | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Been:
    """One knock at this door: what was found, when, by whom, and what they wrote down."""

    id: uuid.UUID
    found: Found
    at: datetime
    by: str = field(repr=False)
    note: str = field(repr=False)
    photos: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """One resident to knock at: where, who, what they need, what was tried and why it failed."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    path: str
    """Of the home: a worker's grid is what it begins with."""
    grid: str
    estate: str
    building: str
    unit: str
    floor: str
    room: str
    needs: frozenset[Need]
    state: DeliveryState
    reason: Reason | None
    skips: dict[str, str]
    tried: tuple[Tried, ...]
    name: str = field(repr=False)
    needs_help: bool = False
    been: tuple[Been, ...] = ()
    """Who has knocked, the oldest first; what was taken back is left out."""

    @property
    def place(self) -> str:
        """Return the home as it is written: 幸福里3号楼2单元501室."""
        room = f"{self.room}室" if self.room else ""
        return f"{self.estate}{self.building}{self.unit}{room}"

    @property
    def last(self) -> Been | None:
        """Return the knock that counts: the newest, remarks left out."""
        return next((one for one in reversed(self.been) if one.found is not Found.NOTE), None)

    @property
    def away_at(self) -> datetime | None:
        """Return when nobody opened, where that is the last that is known."""
        found = self.last
        return found.at if found is not None and found.found is Found.AWAY else None

    @property
    def home(self) -> tuple[str, ...]:
        """Return what tells one home from another."""
        return (self.grid, self.estate, self.building, self.unit, self.room)

    @property
    def order(self) -> tuple[object, ...]:
        """Return the place in the round of who goes from door to door."""
        steps = (*self.home[:4], self.floor, self.room)
        return (*(area.natural(one) for one in steps), self.recipient_id)


def cards(
    session: Session, notice_id: uuid.UUID, within: Iterable[str] | None = None
) -> list[Card]:
    """Return the door-knock list in the order of a round; `within` are place paths.

    Where nobody opened, the card comes back at the end, the longest ago first.
    """
    waiting = Delivery.state == DeliveryState.DOOR
    found = _cards(session, notice_id, waiting, None if within is None else tuple(within))
    return sorted(found, key=_round)


def card(session: Session, notice_id: uuid.UUID, recipient_id: uuid.UUID) -> Card | None:
    """Return the card of one resident, whatever has become of it; None where there is none."""
    found = _cards(session, notice_id, Delivery.recipient_id == recipient_id, None)
    return found[0] if found else None


def after(found: Sequence[Card], mark: Card) -> list[Card]:
    """Return the cards that come after `mark`, which may have been closed since it was shown."""
    return [one for one in found if _round(one) > _round(mark)]


def _round(card: Card) -> tuple[object, ...]:
    away = card.away_at
    return (away is not None, away.timestamp() if away else 0.0, *card.order)


def _cards(
    session: Session, notice_id: uuid.UUID, which: ColumnElement[bool], paths: Any
) -> list[Card]:
    rows = session.execute(
        select(Delivery, Resident, Place)
        .join(Resident, _to(Resident, Resident.id == Delivery.recipient_id))
        .join(Place, _to(Place, Place.id == Delivery.place_id))
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == notice_id, which)
    ).all()
    mine = [row for row in rows if paths is None or row[2].path.startswith(paths)]
    above = area.above(session, {home.path for *_, home in mine})
    tried = _tried(session, notice_id, which)
    been = _been(session, notice_id, which)
    return [
        _card(
            delivery,
            resident,
            home,
            above[home.path],
            tried.get(delivery.recipient_id, []),
            been.get(delivery.recipient_id, []),
        )
        for delivery, resident, home in mine
    ]


def _to(table: type[Any], on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Delivery.community_id, on)


def _tried(
    session: Session, notice_id: uuid.UUID, which: ColumnElement[bool]
) -> dict[uuid.UUID, list[Tried]]:
    theirs = and_(Attempt.notice_id == Delivery.notice_id, _whose(Attempt))
    query = _of(
        session,
        notice_id,
        which,
        select(
            Attempt.recipient_id,
            Attempt.kind,
            Attempt.state,
            Attempt.reason,
            Attempt.started_at,
        ).join(Attempt, _to(Attempt, theirs)),
    )
    found: dict[uuid.UUID, list[Tried]] = defaultdict(list)
    for who, *one in session.execute(query.order_by(Attempt.id)):
        found[who].append(Tried(*one))
    return found


def _been(
    session: Session, notice_id: uuid.UUID, which: ColumnElement[bool]
) -> dict[uuid.UUID, list[Been]]:
    photos = (
        select(func.count())
        .where(Picture.community_id == Knock.community_id, Picture.knock_id == Knock.id)
        .scalar_subquery()
    )
    theirs = and_(Knock.notice_id == Delivery.notice_id, _whose(Knock))
    query = _of(
        session,
        notice_id,
        which,
        select(Knock, Staff.name, photos)
        .join(Knock, _to(Knock, theirs))
        .outerjoin(Staff, _to(Staff, Staff.id == Knock.by)),
    ).where(Knock.undone_at.is_(None))
    found: dict[uuid.UUID, list[Been]] = defaultdict(list)
    for one, name, count in session.execute(query.order_by(Knock.at, Knock.id)):
        been = Been(one.id, one.found, one.at, name or "", one.note, count)
        found[one.recipient_id].append(been)
    return found


def _whose(table: type[Attempt] | type[Knock]) -> ColumnElement[bool]:
    return table.recipient_id == Delivery.recipient_id


def _of(session: Session, notice_id: uuid.UUID, which: ColumnElement[bool], query: Any) -> Any:
    """Narrow a query that joins from deliveries to those of a notice that are meant."""
    here = Delivery.community_id == store.community(session)
    return query.select_from(Delivery).where(here, Delivery.notice_id == notice_id, which)


def _card(
    delivery: Delivery,
    resident: Resident,
    home: Place,
    above: Mapping[PlaceKind, str],
    tried: Sequence[Tried],
    been: Sequence[Been],
) -> Card:
    return Card(
        notice_id=delivery.notice_id,
        recipient_id=delivery.recipient_id,
        path=home.path,
        grid=above.get(PlaceKind.GRID, ""),
        estate=above.get(PlaceKind.ESTATE, ""),
        building=above.get(PlaceKind.BUILDING, ""),
        unit=above.get(PlaceKind.UNIT, ""),
        floor=home.floor,
        room=home.room,
        needs=resident.needs,
        state=delivery.state,
        reason=delivery.reason,
        skips=dict(delivery.skips),
        tried=tuple(tried),
        name=resident.name,
        needs_help=delivery.needs_help,
        been=tuple(been),
    )
