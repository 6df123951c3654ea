"""What waits although nothing holds it back: neither a limit of its sender nor its own number.

A backlog that goes out as fast as the provider allows is not late: the preview has announced it.
Late is what has been due for over a minute while its sender could have started and did not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from content import claim, due, store
from content.alert import Severity
from content.delivery import PRIORITIES, Delivery, Pace, is_open
from content.ladder import Ladders
from content.message import Kind
from content.notice import Notice, NoticeState
from content.pace import Sender
from content.place import Community

LATE = timedelta(seconds=60)


class Cause(StrEnum):
    """What holds deliveries up."""

    ROUTER = "router"
    """Nobody has said their next step."""
    IDLE = "idle"
    """Their sender has a free line and has started nothing."""
    PAUSED = "paused"
    """Their provider has asked for a pause that lasts, while something is under way."""
    FAILING = "failing"
    """Their provider takes nothing: every request fails."""


@dataclass(frozen=True, slots=True)
class Late:
    """Deliveries that are held up, by one cause at one sender."""

    cause: Cause
    since: datetime
    """When the oldest of them was due."""
    rows: int = 0
    sender: str = ""
    kind: Kind | None = None
    until: datetime | None = None
    """The end of the pause that a provider has asked for."""

    @property
    def name(self) -> str:
        """Return what is held up, by a name that stays the same while it is."""
        return self.sender or self.cause.value


def look(
    session: Session,
    senders: Iterable[Sender],
    now: datetime,
    ladders: Ladders | None = None,
    patience: timedelta = LATE,
) -> list[Late]:
    """Return what is late at `now`; cheap where nothing is.

    ladders: their quiet hours; what waits for the morning is not late. patience: how long what is
    due may wait, if not a minute.
    """
    since = now - patience
    due_at = due.next_due(session)
    late = {kind for kind, at in due_at.items() if at <= since}
    found = [_unrouted(session, since, now)] if None in late else []
    for one in senders:
        until = paused_until(session, one.name, now)
        if until is not None and until > now + patience and due_at:
            # its rows are due when the pause ends, or went another way: nothing is overdue yet
            found.append(Late(Cause.PAUSED, now, 0, one.name, one.kind, until))
        elif one.kind in late:
            least = _loudest(session, ladders, one.kind, now) if ladders and ladders.quiet else None
            found.append(_unsent(session, one, since, now, least))
    return [one for one in found if one is not None]


def oldest(session: Session, now: datetime) -> dict[Kind | None, tuple[int, datetime]]:
    """Return how many open deliveries of each kind are due, and since when the oldest is.

    None stands for those that wait for the router. A backlog under a limit counts here too.
    """
    found = {}
    for kind, at in due.next_due(session).items():
        if at <= now:
            count, since = session.execute(_counted(session, kind, now)).one()
            if since is not None:
                found[kind] = (count, since)
    return found


def paused_until(session: Session, sender: str, now: datetime) -> datetime | None:
    """Return the end of a pause that the sender's provider has asked for; None: no pause."""
    pace = session.get(Pace, (store.community(session), sender))
    until = pace.paused_until if pace is not None else None
    return until if until is not None and until > now else None


def _unrouted(session: Session, before: datetime, now: datetime) -> Late | None:
    count, since = session.execute(_live(session, None, before, now)).one()
    return Late(Cause.ROUTER, since, count) if since else None


def _unsent(
    session: Session, sender: Sender, before: datetime, now: datetime, least: Severity | None
) -> Late | None:
    pace = session.get(Pace, (store.community(session), sender.name))
    # a limit that is at work keeps the next start near: who may start for a minute is idle
    if pace is not None and pace.free_at > before.timestamp():
        return None
    if claim.free_lines(session, sender) <= 0:
        return None
    limits = claim.limits(sender, now, least)
    # what the claim itself would take
    if not due.rows(session, limits, before, 1, only_look=True):
        return None
    count, since = session.execute(_live(session, sender.kind, before, now)).one()
    if since is None:
        return None
    until = paused_until(session, sender.name, now)
    cause = Cause.PAUSED if until else Cause.IDLE
    return Late(cause, since, count, sender.name, sender.kind, until)


def _counted(session: Session, kind: Kind | None, before: datetime) -> Select[int, datetime | None]:
    """Count what is due of a kind; each priority is one look into the index."""
    return (
        select(func.count(), func.min(Delivery.next_at))
        .select_from(Delivery)
        .where(Delivery.community_id == store.community(session), is_open)
        .where(Delivery.kind.is_(None) if kind is None else Delivery.kind == kind)
        .where(Delivery.priority.in_(PRIORITIES), Delivery.next_at <= before)
    )


def _live(
    session: Session, kind: Kind | None, before: datetime, now: datetime
) -> Select[int, datetime | None]:
    """Count what has been due since `before`, of notices that are live."""
    live = and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id)
    return (
        _counted(session, kind, before)
        .join(Notice, live)
        .where(Notice.state == NoticeState.LIVE, Notice.expires_at > now)
    )


def _loudest(session: Session, ladders: Ladders, kind: Kind, now: datetime) -> Severity | None:
    community = session.get(Community, store.community(session))
    return ladders.loudest(kind, now, ZoneInfo(community.zone)) if community else None
