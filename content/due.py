"""What is due in the outbox, in the order in which it goes out: the queries of a claim."""

import uuid
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import Integer as Int
from sqlalchemy.orm import Session, aliased

from content import bulk, often, store
from content.alert import Severity
from content.base import Instant
from content.delivery import PRIORITIES, Attempt, AttemptState, Delivery, is_open, is_under_way
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, Consent, Contact, OwnerKind, Resident
from content.place import Place, PlaceKind

IN_ORDER = (Delivery.kind, Delivery.next_at)
"""The order of a priority's queue. The kind, though all have the same, is named because to
PostgreSQL `kind IS NULL` is no constant: it would sort all that waits for the router each time."""
ASKED_FOR = (NoticeKind.ANSWER, NoticeKind.CASE, NoticeKind.REPLY)
"""Who has opted out and writes to us is answered all the same, and at night too."""
APART = timedelta(seconds=60)
"""Clock time between the starts of two calls that ring in one home, at different numbers."""
_APART_FROM = 10 * Severity.SEVERE.rank
"""The first priority of which the members of a home are called apart: what is Extreme is not held
back for a minute."""


class Row(NamedTuple):
    """A delivery that may go out, with all that rendering and sending need."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    address_id: uuid.UUID
    digest: str
    value: str
    rung: int
    wait: int
    next_at: datetime
    written: Written | None
    spoken: Spoken | None
    alone: str | None
    again: bool
    beside: bool = False
    """A contact who is told together with the resident."""
    home: uuid.UUID | None = None
    """The household in which a call rings."""


class Limits(NamedTuple):
    """What a sender may send at this moment."""

    sender: str
    kind: Kind
    rested: datetime
    """An address that was tried after this instant rests."""
    now: datetime
    hourly: int | None
    hour: datetime
    loudest: int
    """Priorities from this one on are hushed; but what was asked for is told."""


class _Shape(NamedTuple):
    """What the query for candidates must look at."""

    hourly: bool
    only_look: bool
    rings: bool
    """It is for calls, which ring in homes."""
    apart: bool
    """And the members of a home are called apart."""


def rows(
    session: Session, limits: Limits, now: datetime, most: int, *, only_look: bool = False
) -> list[Row]:
    """Return up to `most` deliveries that may go out, the most urgent first, each number once.

    They are locked for who takes them, unless somebody will `only_look`.
    """
    found: dict[str, Row] = {}
    given: dict[str, Any] = {"here": store.community(session), "kind": limits.kind, "now": now}
    due = session.scalars(_priorities(routed=True), given)
    rings = limits.kind is Kind.CALL
    for priority in sorted(due):
        apart = rings and priority >= _APART_FROM
        query = _candidates(_Shape(limits.hourly is not None, only_look, rings, apart))
        given |= {
            "priority": priority,
            "rang": limits.now - APART,
            "begun": limits.now - 2 * APART,
            "sender": limits.sender,
            "rested": limits.rested,
            "hour": limits.hour,
            "hourly": limits.hourly or 0,
            "hushed": priority >= limits.loudest,
        }
        _add(session, found, query, given, most, apart=apart)
        if len(found) >= most:
            break
    return list(found.values())


def _add(
    session: Session,
    found: dict[str, Row],
    query: bulk.Query,
    given: dict[str, Any],
    most: int,
    *,
    apart: bool,
) -> None:
    """Add the rows of one priority until there are `most`, by number; of a home one, if `apart`.

    A number that stands several times must not use up what others are looked for with: then more
    rows are read.
    """
    limit = most - len(found)
    homes = {row.home for row in found.values() if row.home}
    while True:
        some = query.read(session, **given, most=limit)
        for row in sorted(map(Row._make, some), key=lambda row: row.next_at):
            # a shared number rings once at a time
            if len(found) >= most or row.digest in found or (apart and row.home in homes):
                continue
            found[row.digest] = row
            if row.home:
                homes.add(row.home)
        if len(found) >= most or len(some) < limit:
            return
        limit *= 2


def next_due(session: Session) -> dict[Kind | None, datetime]:
    """Return when the next open delivery of each kind is due; None: it waits for the router."""
    given = {"here": store.community(session)}
    return {kind: at for kind, at in session.execute(_next_due(), given) if at is not None}


def unrouted(session: Session, now: datetime) -> list[int]:
    """Return the priorities at which something waits for the router, the most urgent first."""
    given = {"here": store.community(session), "now": now}
    return sorted(session.scalars(_priorities(routed=False), given))


def busy(session: Session) -> bool:
    """Say whether anything is under way at a provider or due now."""
    here = store.community(session)
    flying = select(Attempt.id).where(
        Attempt.community_id == here, is_under_way, Attempt.state == AttemptState.ATTEMPTING
    )
    waiting = select(Delivery.notice_id).where(
        Delivery.community_id == here, is_open, Delivery.kind.is_not(None)
    )
    return any(session.scalars(query.limit(1)).first() for query in (flying, waiting))


def spoken_to(reader: type[Resident], owner: type[Resident]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns that say how a person is told; a contact in the resident's language."""
    contact = Address.owner_kind == OwnerKind.CONTACT
    english = literal(Spoken.ENGLISH, Resident.spoken.type)
    theirs = case((Address.written == Written.ENGLISH, english), else_=null())
    return (
        func.coalesce(reader.written, owner.written, Address.written).label("written"),
        func.coalesce(reader.spoken, owner.spoken, theirs).label("spoken"),
        case((contact, reader.name), else_=null()).label("alone"),
    )


def _open(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(Delivery.community_id == bindparam("here"), is_open, *more)


@cache
def _buckets() -> Any:
    """Return every priority as a row: one look into the index for each, however many wait."""
    # VALUES would do, but SQLAlchemy compiles a statement with it anew at every call
    each = (select(literal_column(str(one), Int).label("priority")) for one in PRIORITIES)
    return union_all(*each).cte("bucket")


@cache
def _priorities(*, routed: bool) -> Select[int]:
    bucket = _buckets()
    of_kind = Delivery.kind == bindparam("kind") if routed else Delivery.kind.is_(None)
    due = exists(
        select(literal(1))
        .select_from(Delivery)
        .where(_open(of_kind, Delivery.priority == bucket.c.priority))
        .where(Delivery.next_at <= bindparam("now"))
    )
    return select(bucket.c.priority).where(due)


@cache
def _next_due() -> Any:
    bucket = _buckets()

    def earliest(kind: Kind | None) -> Select[Any]:
        is_kind = Delivery.kind.is_(None) if kind is None else Delivery.kind == kind
        first = (
            select(Delivery.next_at)
            .where(_open(is_kind, Delivery.priority == bucket.c.priority))
            .order_by(*IN_ORDER)
            .limit(1)
            .scalar_subquery()
        )
        name = null() if kind is None else literal(kind, Delivery.kind.type)
        # from the buckets: else the subquery takes them for its own, and walks through the queue
        return select(name.label("kind"), func.min(first, type_=Instant).label("at")).select_from(
            bucket
        )

    each = union_all(*(earliest(kind) for kind in (None, *Kind))).subquery()
    return select(each.c.kind, each.c.at)


@cache
def _candidates(shape: _Shape) -> bulk.Query:
    reader, owner = aliased(Resident), aliased(Resident)
    asked = _notice(Notice.kind.in_(ASKED_FOR))
    query = (
        select(
            Delivery.notice_id,
            Delivery.recipient_id,
            Delivery.address_id,
            Address.digest,
            Address.value,
            Delivery.rung,
            Delivery.wait,
            Delivery.next_at,
            *_spoken_to(reader, owner),
            _lost().label("again"),
            (Delivery.recipient_kind == OwnerKind.CONTACT).label("beside"),
            (_home() if shape.rings else null()).label("home"),
        )
        .join(Address, _same(Address, Address.id == Delivery.address_id))
        .outerjoin(reader, _same(reader, reader.id == Delivery.recipient_id))
        .outerjoin(owner, _same(owner, owner.id == Address.owner_id))
        .where(_open(Delivery.kind == bindparam("kind")))
        .where(Delivery.priority == bindparam("priority"), Delivery.next_at <= bindparam("now"))
        .where(_notice(Notice.state == NoticeState.LIVE, Notice.expires_at > bindparam("now")))
        .where(or_(Address.consent != Consent.WITHDRAWN, asked))
        .where(or_(bindparam("hushed", type_=Boolean).is_(False), asked))
        .where(~_resting())
        .order_by(*IN_ORDER)
        .limit(bindparam("most", type_=Int))
    )
    if shape.apart:
        query = query.where(or_(Address.owner_kind != OwnerKind.RESIDENT, ~_rang_at_home()))
    if shape.hourly:
        query = query.where(_called() < bindparam("hourly", type_=Int))
    if not shape.only_look:
        query = query.with_for_update(skip_locked=True, of=Delivery)
    return bulk.Query(query)


def _same(table: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Delivery.community_id, on)


def _spoken_to(reader: type[Resident], owner: type[Resident]) -> list[ColumnElement[Any]]:
    """Return the same for a delivery: who is told beside a resident has none of their own to join.

    Looked up for these alone: as a condition of the join PostgreSQL would read everybody for it.
    """
    resident = aliased(Resident)
    beside = Delivery.recipient_kind == OwnerKind.CONTACT

    def theirs(column: Any) -> Any:
        found = select(column).join(
            Contact, and_(_same(Contact, Contact.resident_id == resident.id))
        )
        mine = _same(resident, Contact.id == Delivery.recipient_id)
        return found.where(mine).correlate(Delivery).scalar_subquery()

    own = (resident.written, resident.spoken, resident.name)
    return [
        case((beside, theirs(column)), else_=usual).label(usual.name)
        for column, usual in zip(own, spoken_to(reader, owner), strict=True)
    ]


def _home() -> ColumnElement[Any]:
    """Return the household in which a resident's own number rings; None elsewhere.

    Who is known by their building only is nobody's housemate.
    """
    household = select(Place.id).where(
        _same(Place, Place.id == Delivery.place_id), Place.kind == PlaceKind.HOUSEHOLD
    )
    own = Address.owner_kind == OwnerKind.RESIDENT
    return case((own, household.scalar_subquery()), else_=null())


def _rang_at_home() -> ColumnElement[bool]:
    """Say whether somebody else of the same home was called a moment ago."""
    return exists(
        select(literal(1))
        .where(Attempt.community_id == Delivery.community_id, Attempt.home == Delivery.place_id)
        .where(Attempt.started_at > bindparam("begun"))
        # a busy machine may have begun it a little after its instant
        .where(func.coalesce(Attempt.accepted_at, Attempt.started_at) > bindparam("rang"))
        .where(Attempt.recipient_id != Delivery.recipient_id)
    )


def _notice(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say whether the delivery's notice is such a one.

    Not by a join: notices are few, so SQLite would begin with them and sort the whole queue.
    """
    return exists(select(literal(1)).where(_same(Notice, Notice.id == Delivery.notice_id), *which))


def _resting() -> ColumnElement[bool]:
    """Say whether this sender is, or just was, at the same number or chat."""
    return exists(
        select(literal(1))
        .where(Attempt.community_id == Delivery.community_id, Attempt.digest == Address.digest)
        .where(Attempt.sender == bindparam("sender"))
        .where(or_(Attempt.closed_at.is_(None), Attempt.started_at > bindparam("rested")))
    )


def _called() -> ColumnElement[int]:
    """Return how often the same number was called in the last hour, by whichever sender."""
    return (
        select(func.count())
        .where(Attempt.community_id == Delivery.community_id, Attempt.digest == Address.digest)
        .where(Attempt.kind == Kind.CALL, Attempt.started_at > bindparam("hour"))
        .where(often.rang())
        .scalar_subquery()
    )


def _lost() -> ColumnElement[bool]:
    """Say whether an earlier try of this step at this address has an unknown outcome."""
    return exists(
        select(literal(1))
        .where(Attempt.community_id == Delivery.community_id)
        .where(Attempt.notice_id == Delivery.notice_id)
        .where(Attempt.recipient_id == Delivery.recipient_id)
        .where(Attempt.address_id == Delivery.address_id, Attempt.rung == Delivery.rung)
        .where(Attempt.state == AttemptState.UNKNOWN)
    )
