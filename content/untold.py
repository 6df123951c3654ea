"""What is told by phone because it was asked for: until somebody has heard it, and else a task."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from content import cry, event, phrase, store, task
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind, Written
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, OwnerKind
from content.plain import dialled
from content.reason import Reason
from content.task import Task, TaskKind

KINDS = (NoticeKind.ANSWER, NoticeKind.CASE, NoticeKind.CORRECTION, NoticeKind.REPLY)
"""Notices that somebody waits for; a page is repeated by the clock of its task."""
WAITS = (120, 600, 3600, 120)
"""Seconds after each call that nobody has heard, until the next one or, after the last, a task."""
TRIES = len(WAITS)
_RESTING = timedelta(minutes=10)


def wait(kind: NoticeKind, by: Kind) -> int:
    """Return the seconds that a delivery waits after its first call; 0: told when handed over."""
    return WAITS[0] if kind in KINDS and by is Kind.CALL else 0


def waits(recipient_kind: OwnerKind, seconds: int) -> bool:
    """Say whether a delivery with this wait is open until somebody has heard the call."""
    return recipient_kind is OwnerKind.BARE and seconds > 0


def rests(now: datetime) -> datetime:
    """Return when a number that was called often enough may be called again."""
    return now + _RESTING


def judge(session: Session, attempt: Attempt, delivery: Delivery, now: datetime) -> None:
    """Close a delivery that a person has heard to its end, and open one that a machine has.

    The hint that it was a machine may come after the end of the call: both orders end the same.
    """
    if attempt.state is not AttemptState.COMPLETED or not waits(
        delivery.recipient_kind, delivery.wait
    ):
        return
    if not attempt.machine:
        _close(session, delivery, now)
    elif delivery.state is DeliveryState.DONE and _reopens(session, delivery):
        delivery.state, delivery.reason, delivery.closed_at = DeliveryState.OPEN, None, None
        delivery.kind, delivery.next_at = None, now + timedelta(seconds=delivery.wait)


def heard(session: Session, attempt: Attempt, now: datetime) -> None:
    """Record that a person has pressed a key in the call: no hint of a machine opens it again."""
    key = (attempt.community_id, attempt.notice_id, attempt.recipient_id)
    delivery = session.get(Delivery, key)
    if delivery is None or not waits(delivery.recipient_kind, delivery.wait):
        return
    _close(session, delivery, now)
    if delivery.state is DeliveryState.DONE:
        delivery.confirmed_at = delivery.confirmed_at or now


def why(session: Session, notice_id: uuid.UUID, recipient_id: uuid.UUID) -> Reason:
    """Return why nobody has heard a call, as the last try tells."""
    query = select(Attempt).where(
        Attempt.community_id == store.community(session),
        Attempt.notice_id == notice_id,
        Attempt.recipient_id == recipient_id,
    )
    last = max(session.scalars(query), key=lambda one: one.id, default=None)
    if last is None:
        return Reason.LADDER_EXHAUSTED
    return last.reason or (Reason.MACHINE if last.machine else Reason.LADDER_EXHAUSTED)


def give_staff(
    session: Session, notice_id: uuid.UUID, recipient_id: uuid.UUID, now: datetime
) -> None:
    """Open a task for staff: somebody calls back and tells what no call of ours could tell."""
    here = store.community(session)
    address = session.get(Address, (here, recipient_id))
    told = session.get(Notice, (here, notice_id))
    if address is None or told is None:
        return
    phone = dialled(address.value)
    who = cry.of(session, address.kind, address.value)
    task.add(
        session,
        TaskKind.SERVICE,
        event.HOUSE,
        now,
        resident_id=who[0].resident_id if who else None,
        place_id=who[0].place_id if who else None,
        notice_id=notice_id,
        subject_id=recipient_id,
        note=phrase.say("call.untold_note", Written.HANS, phone=phone),
    )


def _close(session: Session, delivery: Delivery, now: datetime) -> None:
    if delivery.state not in (DeliveryState.OPEN, DeliveryState.FAILED):
        return
    if delivery.state is DeliveryState.FAILED:
        _spare_staff(session, delivery, now)
    delivery.state, delivery.reason = DeliveryState.DONE, Reason.HANDED_OVER
    delivery.kind, delivery.closed_at = None, now


def _spare_staff(session: Session, delivery: Delivery, now: datetime) -> None:
    """Close the task about a call of which it was learnt late that somebody has heard it."""
    query = select(Task).where(
        Task.community_id == delivery.community_id,
        Task.kind == TaskKind.SERVICE,
        Task.notice_id == delivery.notice_id,
        Task.subject_id == delivery.recipient_id,
        Task.done_at.is_(None),
    )
    for one in session.scalars(query).all():
        task.done(session, one.id, "told", event.HOUSE, now)


def _reopens(session: Session, delivery: Delivery) -> bool:
    """Say whether nobody has heard it by another call or pressed a key, and it is still true."""
    if delivery.confirmed_at is not None:
        return False
    told = session.get_one(Notice, (delivery.community_id, delivery.notice_id))
    session.flush()
    other = exists().where(
        Attempt.community_id == delivery.community_id,
        Attempt.notice_id == delivery.notice_id,
        Attempt.recipient_id == delivery.recipient_id,
        Attempt.state == AttemptState.COMPLETED,
        Attempt.machine.is_(False),
    )
    return told.state is NoticeState.LIVE and not session.scalar(select(other))
