"""How the whole house stands at one moment: what waits, what is open, what is held up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import event, incident, late, link, store
from content.delivery import Attempt, Pace, is_under_way
from content.event import Event
from content.inbound import TRIES, Inbound
from content.incident import Incident
from content.link import LinkTest
from content.message import Kind

BACKED_UP = "backup.made"
"""The event that a copy of the database leaves."""
CONFIRMED, PASSED_ON = "delivery.confirmed", "delivery.passed_on"
_DAY = timedelta(days=1)
_LATER = 5_000 << 22
"""Ids of the last five seconds (`new_number`): their transactions may not all be committed yet."""
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Gauges:
    """One look at the house; every process sees the same."""

    at: datetime
    due: dict[Kind | None, tuple[int, datetime]]
    """By kind: how many rows are due and since when the oldest is; None: for the router."""
    open: dict[str, int]
    """Attempts under way, by sender."""
    pace: tuple[Pace, ...]
    waiting: int
    """Inbound events that nobody has handled yet."""
    failed: int
    """Inbound events of the last day that were given up."""
    links: tuple[LinkTest, ...]
    incidents: tuple[Incident, ...]
    backed_up: datetime | None
    """When the last copy of the database was made by us; None: never, or by other means."""


def look(session: Session, now: datetime) -> Gauges:
    """Take one look; counts go over indexes, and never on the sending path."""
    here = store.community(session)
    waiting = select(func.count()).where(Inbound.community_id == here, Inbound.handled_at.is_(None))
    failed = select(func.count()).where(
        Inbound.community_id == here, Inbound.handled_at > now - _DAY, Inbound.tries >= TRIES
    )
    return Gauges(
        now,
        late.oldest(session, now),
        _under_way(session),
        tuple(session.scalars(select(Pace).where(Pace.community_id == here))),
        session.scalar(waiting) or 0,
        session.scalar(failed) or 0,
        tuple(link.tests(session)),
        tuple(incident.going_on(session)),
        backed_up(session),
    )


def backed_up(session: Session) -> datetime | None:
    """Return when the last copy was made."""
    query = select(func.max(Event.id)).where(
        Event.community_id == store.community(session), Event.kind == BACKED_UP
    )
    found = session.get(Event, (store.community(session), session.scalar(query) or 0))
    return found.at if found is not None else None


def acts(session: Session, after: int, upto: int) -> tuple[list[str], int]:
    """Return by which acts deliveries were confirmed, and up to which event that goes.

    after: the event at which the last look ended; upto: an id of now (`new_number`).
    """
    limit = upto - _LATER
    query = (
        select(Event.id, Event.kind, Event.data)
        .where(Event.community_id == store.community(session))
        .where(Event.kind.in_((CONFIRMED, PASSED_ON)), Event.id > after, Event.id <= limit)
        .order_by(Event.id)
        .limit(_AT_ONCE)
    )
    rows = session.execute(query).all()
    found = [str(row.data.get("act", row.kind.partition(".")[2])) for row in rows]
    return found, rows[-1].id if rows else max(after, limit)


def _under_way(session: Session) -> dict[str, int]:
    query = (
        select(Attempt.sender, func.count())
        .where(Attempt.community_id == store.community(session), is_under_way)
        .group_by(Attempt.sender)
    )
    return dict(session.execute(query).all())


def made_backup(session: Session, now: datetime) -> None:
    """Write down that a copy was made."""
    event.add(session, event.HOUSE, BACKED_UP, None, now)
