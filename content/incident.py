"""Something is held up: noticed once, told once, over when it has been quiet for a while."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, phrase, store, task
from content.base import Base, Instant, Owned
from content.event import HOUSE
from content.late import Cause, Late
from content.message import Kind, Written
from content.task import TaskKind

CLEAR = timedelta(minutes=3)
"""How long nothing is held up until an incident is over: what comes back sooner is the same one."""


class Incident(Owned, Base):
    """The last time that something was held up, by its name: a sender, or the router."""

    __tablename__ = "incident"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    cause: Mapped[Cause]
    kind: Mapped[Kind | None]
    since: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    """When it was last found to be so."""
    over_at: Mapped[datetime | None] = mapped_column(Instant)
    task_id: Mapped[uuid.UUID]
    """The task to which staff were called."""


def note(session: Session, found: Iterable[Late], now: datetime) -> list[uuid.UUID]:
    """Open a task for each incident that is new; return the tasks of those that are over.

    An incident that goes on, or comes back within `CLEAR`, is told no second time, also when its
    cause changes.
    """
    for one in found:
        key = (store.community(session), one.name[:40])
        row = session.get(Incident, key, with_for_update=True)
        if row is None or row.over_at is not None:
            opened = _open(session, row, one, now)
            session.add(opened)
        else:
            row.seen_at, row.cause, row.kind = now, one.cause, one.kind
    return [_end(session, row, now) for row in going_on(session) if row.seen_at <= now - CLEAR]


def going_on(session: Session) -> list[Incident]:
    """Return the incidents that are not over, the oldest first."""
    query = select(Incident).where(
        Incident.community_id == store.community(session), Incident.over_at.is_(None)
    )
    return list(session.scalars(query.order_by(Incident.since)))


def words(one: Late, now: datetime) -> str:
    """Return what is held up and what to do about it, for staff."""
    waited = max(1, round((now - one.since).total_seconds() / 60))
    left = round((one.until - now).total_seconds() / 60) if one.until else 0
    return phrase.say(
        f"late.{one.cause}",
        Written.HANS,
        kind=phrase.say(f"kind.{one.kind}", Written.HANS) if one.kind else "",
        count=str(one.rows),
        minutes=str(waited),
        left=str(max(1, left)),
    )


def _open(session: Session, row: Incident | None, one: Late, now: datetime) -> Incident:
    made = row or Incident(community_id=store.community(session), name=one.name[:40])
    opened = task.add(
        session,
        TaskKind.STUCK,
        HOUSE,
        now,
        subject_id=uuid.uuid5(made.community_id, made.name),
        note=words(one, now),
        urgent=True,
    )
    made.cause, made.kind, made.task_id = one.cause, one.kind, opened.id
    made.since, made.seen_at, made.over_at = one.since, now, None
    event.add(session, HOUSE, "incident.began", opened.id, now, name=made.name, cause=one.cause)
    return made


def _end(session: Session, row: Incident, now: datetime) -> uuid.UUID:
    row.over_at = now
    task.done(session, row.task_id, "over", HOUSE, now)
    event.add(session, HOUSE, "incident.over", row.task_id, now, name=row.name)
    return row.task_id
