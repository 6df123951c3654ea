"""Taking work from the outbox: recheck, intent and rate reservation in one transaction."""

import math
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from content import store
from content.base import new_number
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState, Pace
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, Consent, OwnerKind, Resident

ASKED_FOR = (NoticeKind.ANSWER, NoticeKind.CASE, NoticeKind.REPLY)
"""Who has opted out and writes to us is answered all the same."""
WINDOW = 0.25
"""Seconds ahead for which a claim reserves starts."""
_GRACE = 30
"""Seconds after an attempt's deadline until the ladder goes on without knowing its outcome."""


@dataclass(frozen=True, slots=True)
class Sender:
    """An account and number of a provider, with its limits in the provider's own units."""

    name: str
    kind: Kind
    rate: float
    """Starts per second."""
    lines: int | None = None
    """Attempts open at the same time; None: no limit."""
    timeout: int = 60
    """Seconds after which an attempt without an outcome is looked into."""


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed attempt, with all that rendering and sending need."""

    ref: str
    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    sender: str
    kind: Kind
    to: str = field(repr=False)
    written: Written
    spoken: Spoken
    alone: str = field(default="", repr=False)
    """Whose contact is being called: the resident's name, when it is not the resident."""


def claim(session: Session, sender: Sender, permits: int, now: datetime) -> list[Job]:
    """Take up to `permits` due deliveries and write an attempt for each; most severe first.

    Takes only what the sender may start within `WINDOW`, whose notice is live, whose address still
    has consent and no other open attempt of this sender.
    """
    free = min(permits, _free_lines(session, sender), _starts(session, sender, now))
    if free <= 0:
        return []
    rows = _unique(_due(session, sender, now, free))
    if not rows:
        return []
    _reserve(session, sender, len(rows), now)
    made = [_attempt(session, sender, row, now) for row in rows]
    session.execute(insert(Attempt), made)
    _mark(session, sender, rows, now)
    return _jobs(session, [one["ref"] for one in made])


def next_due(session: Session) -> dict[Kind | None, datetime]:
    """Return when the next open delivery of each kind is due; None: it waits for the router."""
    query = (
        select(Delivery.kind, func.min(Delivery.next_at))
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.state == DeliveryState.OPEN)
        .group_by(Delivery.kind)
    )
    return dict(session.execute(query).all())


def pause(session: Session, sender: str, until: datetime) -> None:
    """Let a sender rest: its provider asked for it."""
    pace = _pace(session, sender)
    pace.paused_until = max(until, pace.paused_until or until)


def _free_lines(session: Session, sender: Sender) -> int:
    if sender.lines is None:
        return 1 << 30
    query = select(func.count()).where(
        Attempt.community_id == store.community(session),
        Attempt.closed_at.is_(None),
        Attempt.sender == sender.name,
    )
    return sender.lines - (session.scalar(query) or 0)


def _starts(session: Session, sender: Sender, now: datetime) -> int:
    """Return how many starts the rate allows from now to the end of the window (GCRA)."""
    pace = _pace(session, sender.name)
    if pace.paused_until and pace.paused_until > now:
        return 0
    begin = max(pace.free_at, now.timestamp())
    return max(0, math.ceil((now.timestamp() + WINDOW - begin) * sender.rate))


def _reserve(session: Session, sender: Sender, count: int, now: datetime) -> None:
    pace = _pace(session, sender.name)
    pace.free_at = max(pace.free_at, now.timestamp()) + count / sender.rate


def _pace(session: Session, sender: str) -> Pace:
    key = (store.community(session), sender)
    found = session.get(Pace, key)
    if found is None:
        found = Pace(community_id=key[0], sender=sender, free_at=0.0)
        session.add(found)
    return found


def _due(session: Session, sender: Sender, now: datetime, limit: int) -> list[Any]:
    query = (
        select(
            Delivery.notice_id,
            Delivery.recipient_id,
            Delivery.address_id,
            Delivery.rung,
            Delivery.wait,
            Address.digest,
        )
        .join(Notice, _same(Notice, Notice.id == Delivery.notice_id))
        .join(Address, _same(Address, Address.id == Delivery.address_id))
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.state == DeliveryState.OPEN, Delivery.kind == sender.kind)
        .where(Delivery.next_at <= now)
        .where(Notice.state == NoticeState.LIVE, Notice.expires_at > now)
        .where(or_(Address.consent != Consent.WITHDRAWN, Notice.kind.in_(ASKED_FOR)))
        .where(~_busy(sender))
        .order_by(
            # the most severe first; everyone's first message before anyone's second; the vulnerable
            Delivery.priority // 10,
            Delivery.first_at.is_not(None),
            Delivery.priority,
            Delivery.next_at,
        )
        .limit(limit)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    return list(session.execute(query).all())


def _same(table: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Delivery.community_id, on)


def _busy(sender: Sender) -> ColumnElement[bool]:
    """Say whether this sender has an open attempt to the same number or chat."""
    return exists(
        select(literal(1))
        .where(Attempt.community_id == Delivery.community_id)
        .where(Attempt.closed_at.is_(None), Attempt.sender == sender.name)
        .where(Attempt.digest == Address.digest)
    )


def _unique(rows: Sequence[Any]) -> list[Any]:
    """Keep the first row of each number: a shared landline rings once at a time."""
    return list({row.digest: row for row in reversed(rows)}.values())[::-1]


def _attempt(session: Session, sender: Sender, row: Any, now: datetime) -> dict[str, Any]:
    return {
        "community_id": store.community(session),
        "id": new_number(),
        "notice_id": row.notice_id,
        "recipient_id": row.recipient_id,
        "address_id": row.address_id,
        "digest": row.digest,
        "kind": sender.kind,
        "sender": sender.name,
        "ref": secrets.token_hex(16),
        "rung": row.rung,
        "state": AttemptState.ATTEMPTING,
        "machine": False,
        "started_at": now,
        "deadline": now + timedelta(seconds=sender.timeout),
    }


def _mark(session: Session, sender: Sender, rows: Sequence[Any], now: datetime) -> None:
    """Take the deliveries off the queue; the wait covers the case that no outcome is ever known."""
    for row in rows:
        session.execute(
            update(Delivery)
            .where(Delivery.community_id == store.community(session))
            .where(Delivery.notice_id == row.notice_id)
            .where(Delivery.recipient_id == row.recipient_id)
            .values(
                kind=null(),
                tries=Delivery.tries + 1,
                next_at=now + timedelta(seconds=sender.timeout + _GRACE + row.wait),
            )
            .execution_options(synchronize_session=False)
        )


def _jobs(session: Session, refs: Sequence[str]) -> list[Job]:
    """Read what rendering and sending need; a contact is spoken to in the resident's language."""
    recipient, owner = aliased(Resident), aliased(Resident)
    contact = Address.owner_kind == OwnerKind.CONTACT
    query = (
        select(
            *(Attempt.ref, Attempt.notice_id, Attempt.recipient_id, Attempt.sender, Attempt.kind),
            Address.value,
            func.coalesce(recipient.written, owner.written).label("written"),
            func.coalesce(recipient.spoken, owner.spoken).label("spoken"),
            case((contact, recipient.name), else_=null()).label("alone"),
        )
        .join(Address, _with(Address, Address.id == Attempt.address_id))
        .outerjoin(recipient, _with(recipient, recipient.id == Attempt.recipient_id))
        .outerjoin(owner, _with(owner, owner.id == Address.owner_id))
        .where(Attempt.community_id == store.community(session), Attempt.ref.in_(refs))
    )
    found = {row.ref: _job(row) for row in session.execute(query)}
    return [found[ref] for ref in refs if ref in found]


def _with(table: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == Attempt.community_id, on)


def _job(row: Any) -> Job:
    return Job(
        ref=row.ref,
        notice_id=row.notice_id,
        recipient_id=row.recipient_id,
        sender=row.sender,
        kind=row.kind,
        to=row.value,
        written=row.written or Written.HANS,
        spoken=row.spoken or Spoken.MANDARIN,
        alone=row.alone or "",
    )


def job(session: Session, ref: str) -> Job | None:
    """Return the job of an attempt, for who must say it again (a voice script).

    None for an unknown attempt, and for one whose address has been erased since.
    """
    return next(iter(_jobs(session, [ref])), None)
