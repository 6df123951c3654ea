"""What the router reads of the outbox and writes back: who needs a step, and the step."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Integer as Int
from sqlalchemy import (
    String,
    Update,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session

from content import bulk, event, last_step, often, outcome, store
from content import due as queue
from content.alert import Severity
from content.delivery import Delivery, DeliveryState, deliveries, is_open
from content.due import ASKED_FOR
from content.last_step import Listed
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, AddressView, Contact, Need, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.reason import Reason

Key = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that waits for its next step, with everything the step depends on."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    recipient_kind: OwnerKind
    severity: Severity
    expires_at: datetime
    confirms: bool
    """Whether an act is waited for: nobody is visited for less."""
    rung: int
    tries: int
    skips: Mapping[str, str]
    passed_on: bool
    failed: frozenset[uuid.UUID]
    asked: bool
    """It answers its reader, who is told although they have opted out."""
    needs: frozenset[Need]
    own: tuple[AddressView, ...]
    contacts: tuple[AddressView, ...]
    rested: frozenset[uuid.UUID] = frozenset()
    """Addresses that were called often enough within the hour."""
    wait: int = 0
    """Seconds; a bare address with a wait is called until somebody has heard it."""
    home: uuid.UUID | None = None
    """The household of a resident; None where only the building is known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The step of one delivery; `kind` DOOR ends the ladder with its reason."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    rung: int
    tries: int
    kind: Kind
    address_id: uuid.UUID | None
    wait: int
    at: datetime
    skips: Mapping[str, str]
    reason: Reason | None = None


class _Row(NamedTuple):
    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    recipient_kind: OwnerKind
    rung: int
    tries: int
    skips: Mapping[str, str]
    reason: Reason | None
    next_at: datetime
    severity: Severity
    expires_at: datetime
    confirms: bool
    kind: NoticeKind
    wait: int
    needs: frozenset[Need] | None
    home: uuid.UUID | None


class _Ways(NamedTuple):
    """The addresses by which a recipient can be reached, in the order in which they are tried."""

    own: list[AddressView]
    contacts: list[AddressView]


def due(
    session: Session, now: datetime, limit: int = 500, *, hourly: int | None = None
) -> list[Due]:
    """Return open deliveries without a step whose time has come, the most severe first.

    hourly: how often one number may be called in an hour; None: as often as one likes.
    """
    given = {"here": store.community(session), "now": now}
    rows: list[_Row] = []
    for priority in queue.unrouted(session, now):
        found = _due().read(session, **given, priority=priority, most=limit - len(rows))
        rows += sorted(map(_Row._make, found), key=lambda row: row.next_at)
        if len(rows) >= limit:
            break
    return _with_addresses(session, rows, now, hourly) if rows else []


def plan(session: Session, plans: Iterable[Plan], now: datetime) -> None:
    """Write the steps; who has come to the end of the ladder goes on the door-knock list."""
    steps, doors = [], []
    for one in plans:
        if one.kind is Kind.DOOR:
            standing = (one.rung, one.tries, dict(one.skips), one.reason)
            doors.append(Listed(one.notice_id, one.recipient_id, *standing))
        else:
            steps.append(_step(one))
    last_step.visit(session, doors, now)
    if steps:
        given = {"here": store.community(session), "now": now} | _STEPS.pack(session, steps)
        session.execute(_go(bulk.dialect(session)), given)


def give_up(session: Session, one: Due, reason: Reason, now: datetime) -> bool:
    """End a delivery that has no door: a page to staff, an answer to an address.

    False where it has moved on since it was read.
    """
    done = session.execute(
        update(deliveries)
        .where(deliveries.c.community_id == store.community(session))
        .where(deliveries.c.notice_id == one.notice_id)
        .where(deliveries.c.recipient_id == one.recipient_id)
        .where(*last_step.still(now))
        .values(state=DeliveryState.FAILED, reason=reason, closed_at=now, kind=None)
    )
    if done.rowcount:  # type: ignore[attr-defined]
        said = {"notice": str(one.notice_id), "reason": str(reason)}
        event.add(session, event.HOUSE, "delivery.failed", one.recipient_id, now, **said)
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _step(one: Plan) -> tuple[Any, ...]:
    step = (one.rung, one.tries, one.wait, dict(one.skips))
    return one.notice_id, one.recipient_id, *step, one.at, one.kind, one.address_id


def _with_addresses(
    session: Session, rows: Sequence[_Row], now: datetime, hourly: int | None
) -> list[Due]:
    ways = _ways(session, list(dict.fromkeys(row.recipient_id for row in rows)))
    tried = [(row.notice_id, row.recipient_id) for row in rows]
    failed = outcome.failures(session, tried)
    every = [way for some in ways.values() for way in (*some.own, *some.contacts)]
    calls = {way.digest for way in every if way.kind is Kind.CALL}
    called = set() if hourly is None else often.called(session, calls, now, hourly)
    tired = {way.id for way in every if way.digest in called}
    return [
        Due(
            notice_id=row.notice_id,
            recipient_id=row.recipient_id,
            recipient_kind=row.recipient_kind,
            severity=row.severity,
            expires_at=row.expires_at,
            confirms=bool(row.confirms),
            rung=row.rung,
            tries=row.tries,
            skips=row.skips,
            passed_on=row.reason is Reason.PASSED_ON,
            failed=failed.get((row.notice_id, row.recipient_id), frozenset()),
            asked=row.kind in ASKED_FOR,
            needs=row.needs or frozenset(),
            own=tuple(ways[row.recipient_id].own),
            contacts=tuple(ways[row.recipient_id].contacts),
            rested=_among(tired, ways[row.recipient_id]),
            wait=row.wait,
            home=row.home,
        )
        for row in rows
    ]


def _among(tired: set[uuid.UUID], ways: _Ways) -> frozenset[uuid.UUID]:
    if not tired:
        return frozenset()
    return frozenset(way.id for way in (*ways.own, *ways.contacts) if way.id in tired)


def _ways(session: Session, recipients: Sequence[uuid.UUID]) -> dict[uuid.UUID, _Ways]:
    """Return the addresses of each recipient in order: own ones by rank, then their contacts'."""
    given: dict[str, Any] = {"here": store.community(session)}
    given |= _READERS.pack(session, list(enumerate(recipients)))
    found = {one: _Ways([], []) for one in recipients}
    for row in sorted(_addresses(bulk.dialect(session)).read(session, **given), key=_ORDER):
        found[recipients[row[0]]][row[1]].append(AddressView._make(row[_VIEW:]))
    return found


_STEPS = bulk.Table(
    "steps",
    {
        name: deliveries.c[name].type
        for name in (
            *("notice_id", "recipient_id", "rung", "tries", "wait", "skips"),
            *("next_at", "kind", "address_id"),
        )
    },
)
_VIEW = 4
_ORDER = itemgetter(0, 1, 2, 3, *(_VIEW + AddressView._fields.index(key) for key in ("rank", "id")))
"""Own addresses by rank, then those of the contacts by the contact's rank."""
_READERS = bulk.Table("readers", {"reader": Int(), "id": deliveries.c.recipient_id.type})


@cache
def _due() -> bulk.Query:
    live = exists().where(
        Notice.community_id == Delivery.community_id,
        Notice.id == Delivery.notice_id,
        Notice.state == NoticeState.LIVE,
    )
    # the page first: notices are few, and SQLite would begin with them and sort the whole queue
    page = (
        select(
            *(Delivery.community_id, Delivery.notice_id, Delivery.recipient_id),
            *(Delivery.recipient_kind, Delivery.rung, Delivery.tries, Delivery.skips),
            *(Delivery.reason, Delivery.next_at, Delivery.place_id, Delivery.wait),
        )
        .where(Delivery.community_id == bindparam("here"), is_open, Delivery.kind.is_(None))
        .where(Delivery.priority == bindparam("priority"), Delivery.next_at <= bindparam("now"))
        .where(live)
        .order_by(*queue.IN_ORDER)
        .limit(bindparam("most", type_=Int))
        .subquery("page")
    )
    here = page.c.community_id
    query = (
        select(
            *(page.c.notice_id, page.c.recipient_id, page.c.recipient_kind, page.c.rung),
            *(page.c.tries, page.c.skips, page.c.reason, page.c.next_at),
            *(Notice.severity, Notice.expires_at, Notice.confirms, Notice.kind),
            *(page.c.wait, Resident.needs, Place.id.label("home")),
        )
        .join(Notice, and_(Notice.community_id == here, Notice.id == page.c.notice_id))
        .outerjoin(
            Resident, and_(Resident.community_id == here, Resident.id == page.c.recipient_id)
        )
        .outerjoin(
            Place,
            and_(
                Place.community_id == here,
                Place.id == page.c.place_id,
                Place.kind == PlaceKind.HOUSEHOLD,
            ),
        )
    )
    return bulk.Query(query)


@cache
def _addresses(dialect: str) -> bulk.Query:
    """Return (reader, 0: own or 1: a contact's, rank of the contact, contact, an AddressView)."""
    readers = _READERS.at(dialect)
    seen = [getattr(Address, name) for name in AddressView._fields]
    here = Address.community_id == readers.c.here

    def of(via: int, rank: Any, contact: Any) -> Any:
        own = (literal(via, Int).label("via"), rank.label("contact_rank"))
        return select(readers.c.reader, *own, contact.label("contact"), *seen)

    nobody = literal("", String)
    own = of(0, literal(0, Int), nobody).join(Address, Address.owner_id == readers.c.id)
    # a bare address is a recipient itself, whoever owns it
    itself = of(0, literal(0, Int), nobody).join(Address, Address.id == readers.c.id)
    theirs = (
        of(1, Contact.rank, cast(Contact.id, String))
        .join(Contact, Contact.resident_id == readers.c.id)
        .join(
            Address,
            and_(
                # by way of the contact: else all addresses are read for each reader
                Address.community_id == func.nullif(Contact.community_id, null()),
                Address.owner_id == Contact.id,
            ),
        )
        .where(Contact.community_id == readers.c.here)
    )
    # each once: to leave out who owns itself by a condition, SQLite would filter all addresses
    whole = own.where(here).union(itself.where(here), theirs).subquery()
    return bulk.Query(select(whole))


@cache
def _go(dialect: str) -> Update:
    rows = _STEPS.at(dialect)
    names = [name for name in _STEPS.columns if name not in ("notice_id", "recipient_id")]
    return (
        update(deliveries)
        .where(deliveries.c.community_id == rows.c.here)
        .where(deliveries.c.notice_id == rows.c.notice_id)
        .where(deliveries.c.recipient_id == rows.c.recipient_id)
        .where(*last_step.still(bindparam("now")))
        .values({name: rows.c[name] for name in names})
    )
