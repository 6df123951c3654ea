"""From an audience to rows of the outbox: frozen at publishing, in short resumable steps."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

from content import delivery, people, store
from content import notice as notices
from content.delivery import Attempt, Delivery, DeliveryState
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, Audience, OwnerKind, Resident
from content.reason import Reason

CHUNK = 5_000
"""Recipients in one transaction at most."""
_START = "-"
_CLOSED_AS = {
    NoticeState.SUPERSEDED: (DeliveryState.SUPERSEDED, Reason.SUPERSEDED),
    NoticeState.CANCELLED: (DeliveryState.CANCELLED, Reason.CANCELLED),
    NoticeState.EXPIRED: (DeliveryState.EXPIRED, Reason.EXPIRED),
}


def enqueue(
    session: Session,
    notice: Notice,
    audience: Audience | None,
    now: datetime,
    touched: uuid.UUID | None = None,
    *,
    keep: bool = False,
) -> int:
    """Freeze the audience and expand its first chunk; return how many recipients there will be.

    `touched` is an alert: everyone with any attempt on it is added, unknown outcomes included. An
    audience of None adds nobody else (a Cancel). `keep` lets confirmations of earlier revisions
    stand: this one asks nothing new.
    """
    notice.audience = {
        "audience": audience.to_json() if audience is not None else None,
        "touched": str(touched) if touched else None,
        "keep": keep,
    }
    notice.expected = session.scalar(_members(session, notice, func.count())) or 0
    notice.cursor = _START
    expand(session, notice, now)
    return notice.expected


def expand(session: Session, notice: Notice, now: datetime) -> int:
    """Insert the next chunk of deliveries, the vulnerable first; return how many were new.

    Does nothing for a notice that has ended or is expanded: another worker may have been faster.
    """
    if notice.cursor is None or notice.state is not NoticeState.LIVE:
        return 0
    order = (people.vulnerable, Resident.id)
    after = _after(notice.cursor)
    query = _members(session, notice, *order).order_by(*order).limit(CHUNK)
    rows = session.execute(query if after is None else query.where(after)).all()
    ids = [row[1] for row in rows]
    made = _insert(session, notice, ids, now) if ids else 0
    if made and (notice.audience or {}).get("keep"):
        _keep_confirmations(session, notice, ids)
    notice.expanded += made
    notice.cursor = f"{rows[-1][0]}/{rows[-1][1]}" if len(rows) == CHUNK else None
    return made


def unfinished(session: Session) -> list[uuid.UUID]:
    """Return the live notices whose expansion is not at its end, the most severe first."""
    query = (
        select(Notice)
        .where(Notice.community_id == store.community(session))
        .where(Notice.state == NoticeState.LIVE, Notice.cursor.is_not(None))
    )
    found = sorted(session.scalars(query), key=lambda one: (one.severity.rank, one.made_at))
    return [one.id for one in found]


def short(session: Session) -> list[uuid.UUID]:
    """Return the live notices that say they are expanded and miss recipients all the same."""
    rows = (
        select(func.count())
        .where(Delivery.community_id == Notice.community_id, Delivery.notice_id == Notice.id)
        .scalar_subquery()
    )
    query = select(Notice.id).where(
        Notice.community_id == store.community(session),
        Notice.state == NoticeState.LIVE,
        Notice.cursor.is_(None),
        Notice.audience.is_not(None),
        rows < Notice.expected,
    )
    return list(session.scalars(query))


def restart(session: Session, notice_id: uuid.UUID) -> None:
    """Expand a notice from its beginning again; who has a delivery keeps it.

    Whoever moved away or was erased since the audience was counted is not waited for again.
    """
    notice = notices.get(session, notice_id)
    told = exists().where(
        Delivery.community_id == notice.community_id,
        Delivery.notice_id == notice.id,
        Delivery.recipient_id == Resident.id,
    )
    rows = select(func.count()).where(
        Delivery.community_id == notice.community_id, Delivery.notice_id == notice.id
    )
    missing = session.scalar(_members(session, notice, func.count()).where(~told)) or 0
    notice.expected = (session.scalar(rows) or 0) + missing
    notice.cursor = _START if missing else None


def direct(
    session: Session, notice: Notice, address_ids: Sequence[uuid.UUID], now: datetime
) -> None:
    """Tell single addresses, without a ladder: answers, receipts, corrections."""
    here = store.community(session)
    query = select(Address.id, Address.kind).where(
        Address.community_id == here, Address.id.in_(address_ids)
    )
    for address_id, kind in session.execute(query).all():
        row = _row(notice, address_id, OwnerKind.BARE, now)
        session.add(Delivery(**row, kind=kind, address_id=address_id))
        notice.expected += 1
        notice.expanded += 1


def replies(session: Session, address_id: uuid.UUID, since: datetime) -> int:
    """Return how many short replies one address was given since then."""
    query = (
        select(func.count())
        .select_from(Delivery)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.recipient_id == address_id)
        .where(Notice.kind == NoticeKind.REPLY, Notice.made_at > since)
    )
    return session.scalar(query) or 0


def to_staff(
    session: Session, notice: Notice, staff_ids: Iterable[uuid.UUID], now: datetime
) -> None:
    """Page members of staff by the ladder, until one of their addresses answers."""
    for staff_id in staff_ids:
        session.add(Delivery(**_row(notice, staff_id, OwnerKind.STAFF, now)))
        notice.expected += 1
        notice.expanded += 1


def supersede(
    session: Session, alert_id: uuid.UUID, state: NoticeState, now: datetime
) -> list[uuid.UUID]:
    """End every live notice of an alert and its open deliveries; return the notices' ids."""
    query = (
        update(Notice)
        .where(Notice.community_id == store.community(session), Notice.alert_id == alert_id)
        .where(Notice.state == NoticeState.LIVE)
        .values(state=state, cursor=null())
        .returning(Notice.id)
    )
    ended = list(session.scalars(query))
    close(session, ended, state, now)
    return ended


def close(
    session: Session, notice_ids: Sequence[uuid.UUID], state: NoticeState, now: datetime
) -> int:
    """Close what is still open of these notices; return how many deliveries that were."""
    becomes, reason = _CLOSED_AS[state]
    # a new revision takes over the door-knock list; a cancellation leaves it as it was
    ends = [DeliveryState.OPEN]
    if state is NoticeState.SUPERSEDED:
        ends.append(DeliveryState.DOOR)
    query = (
        update(Delivery)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id.in_(notice_ids))
        .where(Delivery.state.in_(ends))
        .values(state=becomes, reason=reason, closed_at=now, kind=null())
    )
    return int(session.execute(query).rowcount)  # type: ignore[attr-defined]


def _keep_confirmations(session: Session, notice: Notice, ids: Sequence[uuid.UUID]) -> None:
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
    session.execute(
        update(Delivery)
        .where(Delivery.community_id == notice.community_id, Delivery.notice_id == notice.id)
        # who has confirmed this very notice in the meantime did so now
        .where(Delivery.recipient_id.in_(ids), Delivery.confirmed_at.is_(None))
        .values(confirmed_at=earlier)
        .execution_options(synchronize_session=False)
    )


def _members(session: Session, notice: Notice, *columns: Any) -> Select[Any]:
    frozen = notice.audience or {}
    wanted: list[ColumnElement[bool]] = []
    if frozen.get("audience") is not None:
        audience = Audience.from_json(frozen["audience"])
        wanted.append(Resident.id.in_(people.select(session, audience)))
    if frozen.get("touched"):
        wanted.append(_was_tried(uuid.UUID(frozen["touched"]), notice.id))
    return (
        select(*columns)
        .select_from(Resident)
        .where(Resident.community_id == store.community(session), Resident.erased_at.is_(None))
        .where(or_(*wanted))
    )


def _was_tried(alert_id: uuid.UUID, but: uuid.UUID) -> ColumnElement[bool]:
    return exists(
        select(literal(1))
        .select_from(Attempt)
        .join(
            Notice,
            and_(Notice.community_id == Attempt.community_id, Notice.id == Attempt.notice_id),
        )
        .where(Attempt.community_id == Resident.community_id)
        .where(Attempt.recipient_id == Resident.id)
        .where(Notice.alert_id == alert_id, Notice.id != but)
    )


def _after(cursor: str | None) -> ColumnElement[bool] | None:
    if cursor in (None, _START):
        return None
    rank, _, last = str(cursor).partition("/")
    return tuple_(people.vulnerable, Resident.id) > tuple_(
        literal(int(rank)), literal(uuid.UUID(last), Resident.id.type)
    )


def _insert(session: Session, notice: Notice, ids: Sequence[uuid.UUID], now: datetime) -> int:
    """Insert by the residents' ids; who has a delivery of this notice already keeps it."""
    columns = _row(notice, uuid.UUID(int=0), OwnerKind.RESIDENT, now)
    from_resident = {
        "recipient_id": Resident.id,
        "place_id": Resident.place_id,
        "priority": people.vulnerable + delivery.priority(notice.severity, vulnerable=True),
    }
    columns |= from_resident
    source = select(
        *(
            literal(value, Delivery.__table__.c[name].type) if name not in from_resident else value
            for name, value in columns.items()
        )
    ).where(Resident.community_id == notice.community_id, Resident.id.in_(ids))
    insert = store.insert_new(session, Delivery)
    filled = insert.from_select(list(columns), source, include_defaults=False)
    return int(session.execute(filled).rowcount)  # type: ignore[attr-defined]


def _row(notice: Notice, recipient_id: uuid.UUID, kind: OwnerKind, now: datetime) -> dict[str, Any]:
    return {
        "community_id": notice.community_id,
        "notice_id": notice.id,
        "recipient_id": recipient_id,
        "recipient_kind": kind,
        "priority": delivery.priority(notice.severity, vulnerable=True),
        "state": DeliveryState.OPEN,
        "rung": 0,
        "tries": 0,
        "wait": 0,
        "next_at": now,
        "skips": {},
        "needs_help": False,
    }
