"""From an audience to rows of the outbox, and out of it again: in short, resumable steps."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from content import bulk, closing, delivery, meant, people, store, untold
from content import notice as notices
from content.delivery import Delivery, DeliveryState, deliveries
from content.notice import Notice, NoticeState
from content.people import Address, Audience, Contact, OwnerKind, Resident

CHUNK = 2_000
"""Recipients in one transaction at most."""
_LEAST = 500
_BRIEF = 0.04
"""Seconds that a chunk should take: whoever has something to send or to confirm waits for it."""
LARGE = 1_000
"""New recipients of whom the planner of the database should know."""
FIRST = 1_000
"""Recipients in the transaction that publishes: whoever publishes waits for it."""
_START = "-"
_FIRST, _LAST_RANK = uuid.UUID(int=0), 1


def enqueue(
    session: Session,
    notice: Notice,
    audience: Audience | None,
    now: datetime,
    touched: uuid.UUID | None = None,
    *,
    keep: bool = False,
) -> int:
    """Freeze the audience and expand its beginning; return how many recipients there will be.

    `touched` is an alert: everyone with any attempt on it is added, unknown outcomes included. An
    audience of None adds nobody else (a Cancel). `keep` lets confirmations of earlier revisions
    stand: this one asks nothing new.
    """
    notice.audience = {
        "audience": audience.to_json() if audience is not None else None,
        "touched": str(touched) if touched else None,
        "keep": keep,
    }
    notice.expected = _count(session, notice, audience, touched)
    notice.cursor = _START
    expand(session, notice, now, min(FIRST, CHUNK))
    return notice.expected


def _count(
    session: Session, notice: Notice, audience: Audience | None, touched: uuid.UUID | None
) -> int:
    if audience is not None and touched is None:
        return people.count(session, audience)
    return session.scalar(meant.members(session, notice, func.count())) or 0


def chunk(before: int, seconds: float) -> int:
    """Return how many recipients the next step should take after one of `before` took so long."""
    fits = int(before * _BRIEF / max(seconds, 1e-6))
    # not more than twice as many: the next ones may be further apart
    return max(_LEAST, min(fits, 2 * before, CHUNK))


def grow(session: Session, now: datetime, most: int = CHUNK) -> int | None:
    """Do one step of what is unfinished; return how many deliveries were made, None: all is done.

    What has ended is closed before anything new is made, unless something more severe waits; the
    more severe notice is expanded first.
    """
    waiting = _waiting(session)
    ended = closing.unfinished(session)
    if ended is not None and not (waiting and _overtakes(waiting[0], ended)):
        closing.go_on(session, ended, now, most)
        return 0
    if not waiting:
        return None
    # another worker may be at it, or may have done it
    found = session.get(
        Notice,
        (store.community(session), waiting[0].id),
        populate_existing=True,
        with_for_update={"skip_locked": True},
    )
    return 0 if found is None else expand(session, found, now, most)


def expand(session: Session, notice: Notice, now: datetime, most: int | None = None) -> int:
    """Insert the next chunk of deliveries, the vulnerable first; return how many were new.

    Does nothing for a notice that has ended or is expanded: another worker may have been faster.
    """
    if notice.cursor is None or notice.state is not NoticeState.LIVE:
        return 0
    left = min(most or CHUNK, CHUNK)
    if notice.cursor == _START and notice.expected <= min(left, FIRST):
        made, notice.cursor = _insert(session, notice, None, now), None
    else:
        made = _stretch(session, notice, left, now)
    notice.expanded += made
    return made


def _stretch(session: Session, notice: Notice, left: int, now: datetime) -> int:
    """Insert the next who are `left`, rank by rank, and move the cursor behind them."""
    made, (rank, after) = 0, _at(notice.cursor)
    while left > 0 and rank <= _LAST_RANK:
        count, until = _ahead(session, notice, rank, after, left)
        if until is not None:
            made += _insert(session, notice, _Part(rank, after, until), now)
            after = until
        if count < left:
            # nobody of this rank is left
            rank, after = rank + 1, _FIRST
        left -= count
    notice.cursor = f"{rank}/{after}" if rank <= _LAST_RANK else None
    return made


def growing(session: Session) -> bool:
    """Say whether `grow` has anything to do."""
    return session.scalar(_growing(), {"here": store.community(session)}) is not None


def unfinished(session: Session) -> list[uuid.UUID]:
    """Return the live notices whose expansion is not at its end, the most severe first."""
    return [one.id for one in _waiting(session)]


def _waiting(session: Session) -> list[Notice]:
    query = (
        select(Notice)
        .where(Notice.community_id == store.community(session), notices.is_growing)
        .where(Notice.state == NoticeState.LIVE)
    )
    return sorted(session.scalars(query), key=lambda one: (one.severity.rank, one.made_at))


def _overtakes(new: Notice, ended: Notice) -> bool:
    """Say whether it does not wait for the other's end; an update of its own alert does."""
    return new.severity.rank < ended.severity.rank and new.alert_id != ended.alert_id


def short(session: Session, now: datetime) -> list[uuid.UUID]:
    """Return the live notices that say they are expanded and miss recipients all the same."""
    rows = (
        select(func.count())
        .where(Delivery.community_id == Notice.community_id, Delivery.notice_id == Notice.id)
        .where(Delivery.recipient_kind == OwnerKind.RESIDENT)
        .scalar_subquery()
    )
    query = select(Notice.id).where(
        Notice.community_id == store.community(session),
        Notice.state == NoticeState.LIVE,
        Notice.cursor.is_(None),
        Notice.audience.is_not(None),
        rows < Notice.expected,
    )
    return list({*session.scalars(query), *meant.left_out(session, now)})


def restart(session: Session, notice_id: uuid.UUID) -> None:
    """Expand a notice from its beginning again; who has a delivery keeps it.

    Whoever moved away or was erased since the audience was counted is not waited for again.
    """
    notice = notices.get(session, notice_id)
    rows = select(func.count()).where(
        Delivery.community_id == notice.community_id,
        Delivery.notice_id == notice.id,
        Delivery.recipient_kind == OwnerKind.RESIDENT,
    )
    missing = meant.members(session, notice, func.count()).where(~meant.has(notice))
    left = session.scalar(missing) or 0
    notice.expected = (session.scalar(rows) or 0) + left
    notice.cursor = _START if left else None


def direct(
    session: Session, notice: Notice, address_ids: Sequence[uuid.UUID], now: datetime
) -> None:
    """Tell single addresses, without a ladder: answers, receipts, corrections.

    Beside an audience they are loudspeakers, and nobody of those who are counted.
    """
    here = store.community(session)
    query = select(Address.id, Address.kind).where(
        Address.community_id == here, Address.id.in_(address_ids)
    )
    for address_id, kind in session.execute(query).all():
        row = _row(notice, address_id, OwnerKind.BARE, now)
        row["wait"] = untold.wait(notice.kind, kind)
        session.add(Delivery(**row, kind=kind, address_id=address_id))
        if notice.audience is None:
            notice.expected += 1
            notice.expanded += 1


def to_staff(
    session: Session, notice: Notice, staff_ids: Iterable[uuid.UUID], now: datetime
) -> None:
    """Page members of staff by the ladder, until one of their addresses answers."""
    for staff_id in staff_ids:
        session.add(Delivery(**_row(notice, staff_id, OwnerKind.STAFF, now)))
        notice.expected += 1
        notice.expanded += 1


def _keep_confirmations(session: Session, notice: Notice, part: "_Part | None") -> None:
    """Let an old confirmation stand for an update that asks nothing new."""
    old = aliased(Delivery)
    earlier = (
        select(func.max(old.confirmed_at))
        .join(Notice, and_(Notice.community_id == old.community_id, Notice.id == old.notice_id))
        .where(old.community_id == Delivery.community_id)
        .where(old.recipient_id == Delivery.recipient_id, old.notice_id != Delivery.notice_id)
        .where(Notice.alert_id == notice.alert_id)
        .scalar_subquery()
    )
    mine = [deliveries.c.community_id == notice.community_id, deliveries.c.notice_id == notice.id]
    if part is not None:
        to = deliveries.c.recipient_id
        mine += [to > part.after, to <= part.until]
    session.execute(
        update(deliveries)
        .where(*mine)
        # who has confirmed this very notice in the meantime did so now
        .where(deliveries.c.confirmed_at.is_(None))
        .values(confirmed_at=earlier)
    )


class _Part(NamedTuple):
    """A stretch of an audience: who has this rank, in the order of their ids.

    The vulnerable (rank 0) come first. Two passes along the key need no sorting, however many
    residents there are.
    """

    rank: int
    after: uuid.UUID
    until: uuid.UUID


def _ahead(
    session: Session, notice: Notice, rank: int, after: uuid.UUID, most: int
) -> tuple[int, uuid.UUID | None]:
    """Return how many of the rank come next, `most` at most, and the last of them."""
    members = meant.members(session, notice, Resident.id).where(
        _has_rank(rank), Resident.id > after
    )
    page = members.order_by(Resident.id).limit(most).subquery("page")
    last = select(func.count().over(), page.c.id).order_by(page.c.id.desc()).limit(1)
    found = session.execute(last).first()
    return (found[0], found[1]) if found is not None else (0, None)


def _has_rank(rank: int) -> ColumnElement[bool]:
    return people.is_vulnerable if rank == 0 else ~people.is_vulnerable


def _at(cursor: str | None) -> tuple[int, uuid.UUID]:
    """Read a cursor, `rank/id`: the last who is expanded."""
    if cursor in (None, _START):
        return 0, _FIRST
    rank, _, last = str(cursor).partition("/")
    return int(rank), uuid.UUID(last)


def _insert(session: Session, notice: Notice, part: _Part | None, now: datetime) -> int:
    """Insert a part of the audience (None: all of it); who has a delivery already keeps it."""
    made = _fill(session, notice, part, now, OwnerKind.RESIDENT, _OF_RESIDENT)
    if part is None or meant.may_have_contacts(session, notice, part.after, part.until):
        _fill(session, notice, part, now, OwnerKind.CONTACT, _OF_CONTACT)
    if (notice.audience or {}).get("keep"):
        _keep_confirmations(session, notice, part)
    return made


def _fill(
    session: Session,
    notice: Notice,
    part: _Part | None,
    now: datetime,
    kind: OwnerKind,
    own: Mapping[str, ColumnElement[Any]],
) -> int:
    """Insert residents, or the contacts that are told together with them; return how many."""
    given = _row(notice, uuid.UUID(int=0), kind, now)
    columns = {
        name: own.get(name, bindparam(name, type_=deliveries.c[name].type)) for name in given
    }
    source = meant.members(session, notice, *columns.values(), at_once=part is None)
    if kind is OwnerKind.CONTACT:
        theirs = and_(
            Contact.community_id == Resident.community_id, Contact.resident_id == Resident.id
        )
        source = source.join(Contact, theirs).where(meant.contacts(session, notice))
        if part is not None:
            # said of the contacts too: else SQLite may read all there are for each stretch
            whose = Contact.resident_id
            source = source.where(whose > part.after, whose <= part.until)
    if part is not None:
        source = source.where(
            _has_rank(part.rank), Resident.id > part.after, Resident.id <= part.until
        )
    fresh = store.insert_new(session, deliveries)
    done = session.execute(fresh.from_select(list(columns), source, include_defaults=False), given)
    return bulk.changed(session, done)


_RANKED = people.vulnerable + bindparam("priority", type_=deliveries.c.priority.type)
_OF_RESIDENT: dict[str, ColumnElement[Any]] = {
    "recipient_id": Resident.id.expression,
    "place_id": Resident.place_id.expression,
    "priority": _RANKED,
}
_OF_CONTACT: dict[str, ColumnElement[Any]] = {
    "recipient_id": Contact.id.expression,
    "priority": _RANKED,
}
"""Told with the resident, and as soon; at home nowhere here."""


@cache
def _growing() -> Select[int]:
    here = Notice.community_id == bindparam("here")
    return select(literal(1)).select_from(Notice).where(here, notices.is_growing).limit(1)


def _row(notice: Notice, recipient_id: uuid.UUID, kind: OwnerKind, now: datetime) -> dict[str, Any]:
    return {
        "community_id": notice.community_id,
        "notice_id": notice.id,
        "recipient_id": recipient_id,
        "recipient_kind": kind,
        "place_id": None,
        "priority": delivery.priority(notice.severity, vulnerable=True),
        "state": DeliveryState.OPEN,
        "rung": 0,
        "tries": 0,
        "wait": 0,
        "next_at": now,
        "skips": {},
        "needs_help": False,
    }
