"""Who calls us hears in that call what is due to their number, instead of being called for it."""

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from content import people, store
from content.base import new_number
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.inbound import Inbound
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import OwnerKind
from content.reason import Reason

_ANSWERS = (NoticeKind.ANSWER, NoticeKind.CASE, NoticeKind.CORRECTION, NoticeKind.REPLY)
ON_THE_LINE = timedelta(seconds=90)
"""How long what is due to somebody is left to a call of ours in which they wait for it."""


class Call(NamedTuple):
    """A call to us or of ours: the sender that carries it, and the provider's id of it."""

    sender: str
    id: str


def due(session: Session, number: str, call: Call | None = None) -> uuid.UUID | None:
    """Return the oldest notice that this number (E.164) is to be called for; None: nothing waits.

    Alerts are not among them: they are told by the attempt that was missed. Nor is what was told
    in this call: that may not be handled yet, or not count.
    """
    calling = select(Attempt.notice_id).where(
        Attempt.community_id == Delivery.community_id,
        Attempt.notice_id == Delivery.notice_id,
        Attempt.recipient_id == Delivery.recipient_id,
        Attempt.closed_at.is_(None),
    )
    query = (
        select(Notice.id)
        .join(
            Delivery,
            and_(Delivery.community_id == Notice.community_id, Delivery.notice_id == Notice.id),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.recipient_id.in_(_addresses(session, number)))
        .where(Delivery.recipient_kind == OwnerKind.BARE, Delivery.state == DeliveryState.OPEN)
        .where(Notice.state == NoticeState.LIVE, Notice.kind.in_(_ANSWERS))
        .where(~calling.exists(), Notice.id.not_in(_just_told(session, call)))
        .order_by(Notice.made_at, Notice.id)
        .limit(1)
    )
    return session.scalar(query)


def hold(session: Session, number: str, until: datetime) -> None:
    """Let what is due to a number wait until then: whoever it is for is on the phone with us.

    When they have hung up, `until` is now; what they were called for before waits its time.
    """
    session.flush()
    waiting = (
        update(Delivery)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.recipient_id.in_(_addresses(session, number)))
        .where(Delivery.recipient_kind == OwnerKind.BARE, Delivery.state == DeliveryState.OPEN)
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )
    session.execute(waiting.where(Delivery.kind == Kind.CALL, Delivery.first_at.is_(None)))
    again = or_(Delivery.kind.is_(None), Delivery.first_at.is_not(None))
    session.execute(waiting.where(Delivery.wait > 0, again, Delivery.next_at < until))


def told(session: Session, notice_id: uuid.UUID, number: str, call: Call, now: datetime) -> None:
    """Record that a notice was heard in a call to us; hearing it again changes nothing.

    A caller's number can be forged. What they have not asked for in this very call counts
    only where we have rung the number before, and they may be calling back: else whoever it
    is for is called all the same.
    """
    query = select(Delivery).where(
        Delivery.community_id == store.community(session),
        Delivery.notice_id == notice_id,
        Delivery.recipient_id.in_(_addresses(session, number)),
        Delivery.state == DeliveryState.OPEN,
    )
    begun, made = _begun(session, call), session.get(Notice, (store.community(session), notice_id))
    if begun is not None and made is not None and made.made_at < begun.at:
        query = query.where(Delivery.tries > 0)
    for delivery in session.scalars(query):
        delivery.state, delivery.reason = DeliveryState.DONE, Reason.HANDED_OVER
        delivery.kind, delivery.closed_at = None, now
        delivery.first_at = delivery.first_at or now
        session.add(_attempt(session, delivery, number, call, now))
    session.flush()


def _begun(session: Session, call: Call) -> Inbound | None:
    """Return the event with which somebody called us; None for a call of our own."""
    query = select(Inbound).where(
        Inbound.community_id == store.community(session),
        Inbound.sender == call.sender,
        Inbound.event_id == f"{call.id}:inbound",
    )
    return session.scalar(query)


def _attempt(
    session: Session, delivery: Delivery, number: str, call: Call, now: datetime
) -> Attempt:
    return Attempt(
        community_id=delivery.community_id,
        id=new_number(),
        notice_id=delivery.notice_id,
        recipient_id=delivery.recipient_id,
        address_id=delivery.recipient_id,
        digest=store.digest(session, number),
        kind=Kind.CALL,
        sender=call.sender,
        ref=secrets.token_hex(16),
        rung=delivery.rung,
        provider_id=call.id,
        state=AttemptState.COMPLETED,
        started_at=now,
        deadline=now,
        accepted_at=now,
        closed_at=now,
    )


def _addresses(session: Session, number: str) -> Collection[uuid.UUID]:
    return [address_id for *_, address_id in people.owners(session, Kind.CALL, number)]


def _just_told(session: Session, call: Call | None) -> set[uuid.UUID]:
    """Return the notices whose end was heard in a call, by the events that say so."""
    begun = _begun(session, call) if call is not None else None
    if call is None or begun is None:
        return set()
    query = select(Inbound.event_id).where(
        Inbound.community_id == begun.community_id,
        # only what has come since is looked through
        Inbound.id > begun.id,
        Inbound.sender == call.sender,
        Inbound.event_id.startswith(f"{call.id}:told:", autoescape=True),
    )
    found = (one.split(":")[2].partition("-")[0] for one in session.scalars(query))
    return {uuid.UUID(one) for one in found}
