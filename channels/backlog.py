"""Backlog: what a sender has to do before the first contacts of one more alert."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from channels import flow
from channels.flow import Batch
from content import compose, store
from content.alert import Severity
from content.compose import Reader
from content.delivery import Attempt, AttemptState, Delivery, Pace, is_open, is_under_way, priority
from content.ladder import KINDS, Ladders
from content.message import Kind, Spoken, Written
from content.notice import Notice
from content.pace import Sender
from content.people import Need, Resident

ANSWERED = 0.65
"""The share of calls that are answered, before there are calls of our own to learn it from."""
_LEARNED, _LATEST = 50, 5_000
_RENDERED = 20
"""Notices in the queue whose length is looked at; there may be thousands of short answers."""
_TOOK = (AttemptState.ANSWERED, AttemptState.COMPLETED)


def ahead(
    session: Session,
    ladders: Ladders,
    sender: Sender,
    severity: Severity,
    share: float,
    like: Batch,
    now: datetime,
    replaces: uuid.UUID | None = None,
) -> Iterator[Batch]:
    """Return what goes first: what is more severe, or as severe and published before.

    share: of the calls that are answered; `like`: what is taken for the size of the rest; `now`:
    when the sender may begin; `replaces`: an alert of which nothing more goes out then.
    """
    left = _left(session, replaces)
    count = func.count()
    query = (
        select(Delivery.notice_id, count)
        .where(Delivery.community_id == store.community(session), is_open)
        .where(Delivery.kind == sender.kind, Delivery.next_at <= now, left)
        # everyone's first goes before anyone's second
        .where(Delivery.priority <= priority(severity, vulnerable=False))
        .group_by(Delivery.notice_id)
        .order_by(count.desc())
    )
    sizes = sender.lines is not None or sender.segments
    for at, (notice_id, waiting) in enumerate(session.execute(query).all()):
        if at < _RENDERED and sizes:
            reader = Reader(notice_id, Written.HANS, Spoken.MANDARIN)
            yield flow.batch(sender, compose.message(session, reader), waiting)
        else:
            yield replace(like, count=waiting)
    yield replace(
        like, count=round((1 - share) * _overtaking(session, ladders, sender, severity, left))
    )


def busy(session: Session, sender: Sender) -> int:
    """Return how many of its attempts are under way."""
    query = select(func.count()).where(
        Attempt.community_id == store.community(session),
        Attempt.sender == sender.name,
        is_under_way,
    )
    return session.scalar(query) or 0


def free(session: Session, sender: Sender, now: datetime) -> datetime:
    """Return when the sender may start again: its provider may have asked for a rest."""
    pace = session.get(Pace, (store.community(session), sender.name))
    if pace is None:
        return now
    return max(now, datetime.fromtimestamp(pace.free_at, UTC), pace.paused_until or now)


def answered(session: Session) -> float:
    """Return which share of the latest calls was answered."""
    latest = (
        select(Attempt.kind, Attempt.state, Attempt.along)
        .where(Attempt.community_id == store.community(session))
        .order_by(Attempt.id.desc())
        .limit(_LATEST)
        .subquery()
    )
    query = (
        select(latest.c.state, func.count())
        .where(latest.c.kind == Kind.CALL, latest.c.along.is_(None))
        .where(latest.c.state.in_((*_TOOK, AttemptState.FAILED)))
        .group_by(latest.c.state)
    )
    found: dict[AttemptState, int] = dict(session.execute(query).all())
    calls = sum(found.values())
    return sum(found.get(one, 0) for one in _TOOK) / calls if calls >= _LEARNED else ANSWERED


def _left(session: Session, replaces: uuid.UUID | None) -> ColumnElement[bool]:
    """Say whether a delivery is still to go out once an alert is replaced."""
    if replaces is None:
        return true()
    ended = select(Notice.id).where(
        Notice.community_id == store.community(session), Notice.alert_id == replaces
    )
    return Delivery.notice_id.not_in(ended)


def _overtaking(
    session: Session,
    ladders: Ladders,
    sender: Sender,
    severity: Severity,
    left: ColumnElement[bool],
) -> int:
    """Return how many people of more severe alerts come to this sender by their next step."""
    who = and_(Resident.community_id == Delivery.community_id, Resident.id == Delivery.recipient_id)
    columns = (Resident.needs, Delivery.rung, Delivery.tries, Delivery.kind.is_(None))
    query = (
        select(*columns, func.count())
        .join(Resident, who)
        .where(Delivery.community_id == store.community(session), is_open)
        .where(Delivery.priority < priority(severity, vulnerable=True), left)
        .group_by(*columns)
    )
    return sum(
        count
        for needs, rung, tries, routed, count in session.execute(query)
        # a try that is due is counted already; it is the one after it that is asked for
        if sender.kind is _next(ladders, needs, rung, tries if routed else tries + 1)
    )


def _next(ladders: Ladders, needs: frozenset[Need], rung: int, tries: int) -> Kind | None:
    """Return by which kind somebody is told who has had so many tries on this step."""
    rungs = ladders.of(needs).rungs[rung:]
    if rungs and tries >= ladders.tries_of(rungs[0]):
        rungs = rungs[1:]
    return next(iter(KINDS[rungs[0]]), None) if rungs else None
