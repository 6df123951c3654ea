"""What waits although nothing holds it back: neither a limit of its sender nor its own number.

A backlog that goes out as fast as the provider allows is not late: the preview has announced it.
Late is what has been due for over a minute while its sender could have started and did not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from content import store
from content.alert import Severity
from content.claim import ASKED_FOR, Sender
from content.delivery import Attempt, Delivery, DeliveryState, Pace
from content.ladder import Ladders
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Address, Consent
from content.place import Community

LATE = timedelta(seconds=60)


class Cause(StrEnum):
    """What holds deliveries up."""

    ROUTER = "router"
    """Nobody has said their next step."""
    IDLE = "idle"
    """Their sender has a free line and has started nothing."""
    PAUSED = "paused"
    """Their provider has asked for a pause, and it lasts."""
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
) -> list[Late]:
    """Return what is late at `now`; cheap where nothing is.

    ladders: their quiet hours; what waits for the morning is not late.
    """
    found = [_unrouted(session, now)]
    for one in senders:
        least = _loudest(session, ladders, one.kind, now) if ladders and ladders.quiet else None
        found.append(_unsent(session, one, now, least))
    return [one for one in found if one is not None]


def oldest(session: Session, now: datetime) -> dict[Kind | None, tuple[int, datetime]]:
    """Return how many open deliveries of each kind are due, and since when the oldest is.

    None stands for those that wait for the router. A backlog under a limit counts here too.
    """
    query = (
        select(Delivery.kind, func.count(), func.min(Delivery.next_at))
        .where(*_open(session), Delivery.next_at <= now)
        .group_by(Delivery.kind)
    )
    return {kind: (count, since) for kind, count, since in session.execute(query)}


def _unrouted(session: Session, now: datetime) -> Late | None:
    query = _due(session, now).where(Delivery.kind.is_(None))
    count, since = _counted(session, query)
    return Late(Cause.ROUTER, since, count) if since else None


def _unsent(session: Session, sender: Sender, now: datetime, least: Severity | None) -> Late | None:
    pace = session.get(Pace, (store.community(session), sender.name))
    # a limit that is at work keeps the next start near: who may start for a minute is idle
    if pace is not None and pace.free_at > (now - LATE).timestamp():
        return None
    if sender.lines is not None and _flying(session, sender) >= sender.lines:
        return None
    query = _due(session, now).where(Delivery.kind == sender.kind, *_sendable(sender))
    if least is not None:
        query = query.where(or_(Notice.severity.in_(_at_least(least)), Notice.kind.in_(ASKED_FOR)))
    count, since = _counted(session, query)
    if since is None:
        return None
    paused = pace.paused_until if pace is not None else None
    until = paused if paused and paused > now else None
    cause = Cause.PAUSED if until else Cause.IDLE
    return Late(cause, since, count, sender.name, sender.kind, until)


def _loudest(session: Session, ladders: Ladders, kind: Kind, now: datetime) -> Severity | None:
    community = session.get(Community, store.community(session))
    return ladders.loudest(kind, now, ZoneInfo(community.zone)) if community else None


def _open(session: Session) -> Sequence[ColumnElement[bool]]:
    return (
        Delivery.community_id == store.community(session),
        Delivery.state == DeliveryState.OPEN,
    )


def _due(session: Session, now: datetime) -> Select[int, datetime]:
    """Select what has been due for over a minute, of notices that are live."""
    live = and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id)
    return (
        select(func.count(), func.min(Delivery.next_at))
        .select_from(Delivery)
        .join(Notice, live)
        .where(*_open(session), Delivery.next_at <= now - LATE)
        .where(Notice.state == NoticeState.LIVE, Notice.expires_at > now)
    )


def _sendable(sender: Sender) -> Sequence[ColumnElement[bool]]:
    """Say that an address may be used and is not busy with something else of this sender."""
    mine = (Address.community_id == Delivery.community_id, Address.id == Delivery.address_id)
    busy = exists(
        select(literal(1)).where(
            Attempt.community_id == Delivery.community_id,
            Attempt.closed_at.is_(None),
            Attempt.sender == sender.name,
            Attempt.digest == Address.digest,
        )
    ).correlate(Delivery, Address)
    usable = or_(Address.consent != Consent.WITHDRAWN, Notice.kind.in_(ASKED_FOR))
    return (exists(select(literal(1)).where(*mine, usable, ~busy)),)


def _at_least(mildest: Severity) -> list[Severity]:
    return [one for one in Severity if one.rank <= mildest.rank]


def _flying(session: Session, sender: Sender) -> int:
    query = select(func.count()).where(
        Attempt.community_id == store.community(session),
        Attempt.closed_at.is_(None),
        Attempt.sender == sender.name,
    )
    return session.scalar(query) or 0


def _counted(session: Session, query: Select[int, datetime]) -> tuple[int, datetime | None]:
    count, since = session.execute(query).one()
    return count, since
