"""Deliveries that have a step which cannot be taken, and their way back to the router."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from content import bulk, often, store
from content.alert import Severity
from content.delivery import KEYS, Attempt, Delivery, deliveries, is_open
from content.due import ASKED_FOR
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Address, Consent, OwnerKind
from content.routing import Key


class Night(NamedTuple):
    """Quiet hours that hold back what is of this kind and severity until their end."""

    kind: Kind
    severity: Severity
    until: datetime


def astray(
    session: Session,
    now: datetime,
    closed: Iterable[Kind] = (),
    hourly: int | None = None,
    nights: Iterable[Night] = (),
    most: int = 1_000,
) -> list[Key]:
    """Return deliveries that have a step which cannot be taken: their address is gone or opted out.

    closed: kinds by which nothing goes out for a while; hourly: how often a number may be called in
    an hour; nights: the quiet hours of this moment. What is due by them, and would be over by their
    end, goes another way. It reads the whole queue: that has no place in a transaction that writes.
    """
    held = exists().where(
        Address.community_id == Delivery.community_id, Address.id == Delivery.address_id
    )
    asked = select(Notice.id).where(
        Notice.community_id == store.community(session), Notice.kind.in_(ASKED_FOR)
    )
    opted_out = held.where(Address.consent == Consent.WITHDRAWN)
    gone = [~held, and_(opted_out, Delivery.notice_id.not_in(asked))]
    if kinds := list(closed):
        ladder = Delivery.recipient_kind != OwnerKind.BARE
        gone.append(and_(Delivery.kind.in_(kinds), Delivery.next_at <= now, ladder))
    if hourly is not None:
        calls = and_(Delivery.kind == Kind.CALL, Delivery.next_at <= now)
        gone.append(and_(calls, _calls_to(session, now) >= hourly))
    gone += [_sleeps_through(session, one, now) for one in nights]
    query: Any = (
        select(Delivery.notice_id, Delivery.recipient_id)
        .where(Delivery.community_id == store.community(session))
        .where(is_open, Delivery.kind.is_not(None), or_(*gone))
        .limit(most)
    )
    return [(row[0], row[1]) for row in bulk.Query(query).read(session)]


def _sleeps_through(session: Session, night: Night, now: datetime) -> ColumnElement[bool]:
    """Say whether a delivery waits for a morning at which its notice is over."""
    over = select(Notice.id).where(
        Notice.community_id == store.community(session),
        Notice.state == NoticeState.LIVE,
        Notice.severity == night.severity,
        Notice.expires_at <= night.until,
        Notice.kind.not_in(ASKED_FOR),
    )
    return and_(
        Delivery.kind == night.kind,
        Delivery.next_at <= now,
        Delivery.notice_id.in_(over),
        Delivery.recipient_kind != OwnerKind.BARE,
    )


def _calls_to(session: Session, now: datetime) -> Any:
    """Count the calls of the last hour to the number that a delivery is to be called at."""
    return (
        select(func.count())
        .select_from(Address)
        .join(Attempt, Attempt.digest == Address.digest)
        .where(Address.community_id == Delivery.community_id, Address.id == Delivery.address_id)
        .where(Attempt.community_id == store.community(session), Attempt.kind == Kind.CALL)
        .where(Attempt.started_at > now - often.HOUR, often.rang())
        .scalar_subquery()
    )


def unroute(session: Session, strays: Sequence[Key]) -> int:
    """Send deliveries back to the router, unless they were claimed or ended meanwhile."""
    if not strays:
        return 0
    keys = KEYS.at(bulk.dialect(session))
    query = (
        update(deliveries)
        .where(deliveries.c.community_id == keys.c.here)
        .where(deliveries.c.notice_id == keys.c.notice_id)
        .where(deliveries.c.recipient_id == keys.c.recipient_id)
        .where(is_open, deliveries.c.kind.is_not(None))
        .values(kind=null(), address_id=null())
        # SQLite's driver counts no rows of a statement that begins with WITH
        .returning(deliveries.c.recipient_id)
    )
    return len(session.execute(query, KEYS.pack(session, strays)).all())
