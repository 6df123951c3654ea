"""The pace of a sender: its limits, and one row from which all workers reserve their starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from content import store
from content.delivery import Pace
from content.message import Kind

WINDOW = 0.25
"""Seconds ahead for which a claim of a worker reserves starts."""
HEADROOM = 0.985
"""The share of a limit that is used: what was spaced out may arrive a little bunched."""


@dataclass(frozen=True, slots=True)
class Sender:
    """An account and number of a provider, with its limits in the provider's own units."""

    name: str
    kind: Kind
    rate: float
    """Units started per second: messages, calls, or SMS segments."""
    lines: int | None = None
    """Attempts open at the same time; None: no limit."""
    timeout: int = 60
    """Seconds after which an attempt without an outcome is looked into."""
    spacing: float = 0
    """Seconds between two starts to one address."""
    hourly: int | None = None
    """Starts to one address in an hour; None: no limit."""
    segments: bool = False
    """Whether `rate` counts SMS segments."""
    window: float = WINDOW
    """Seconds ahead for which a claim reserves starts: as long as until its next one."""

    def seconds(self, units: int) -> float:
        """Return how long so many units take at this sender's pace."""
        return units / (self.rate * HEADROOM)

    @property
    def slack(self) -> float:
        """Return the seconds that a start may be late and the limit still be kept to one unit.

        What was reserved for a second and what comes late from before it arrive within one.
        """
        return self.seconds(1) + 1 / HEADROOM - 1


def pause(session: Session, sender: str, until: datetime) -> None:
    """Let a sender rest: its provider asked for it."""
    key = (store.community(session), sender)
    pace = session.get(Pace, key, with_for_update=True)
    if pace is None:
        pace = Pace(community_id=key[0], sender=sender, free_at=0.0)
        session.add(pace)
    pace.paused_until = max(until, pace.paused_until or until)
    session.flush()


def paused(session: Session, beyond: datetime) -> dict[str, datetime]:
    """Return the senders that rest beyond this instant, and until when."""
    query = select(Pace.sender, Pace.paused_until).where(
        Pace.community_id == store.community(session), Pace.paused_until > beyond
    )
    return {sender: until for sender, until in session.execute(query) if until is not None}


def free_at(session: Session, sender: str) -> datetime | None:
    """Return when the sender's next start is free; None: it has never started anything."""
    query = select(Pace.free_at).where(
        Pace.community_id == store.community(session), Pace.sender == sender
    )
    found = session.scalar(query)
    return None if found is None else datetime.fromtimestamp(found, UTC)


def room(session: Session, sender: Sender, now: datetime) -> int:
    """Return how many units the rate allows from now to the end of the window (GCRA)."""
    pace = row(session, sender)
    if pace.paused_until and pace.paused_until > now:
        return 0
    left = now.timestamp() + sender.window - max(pace.free_at, now.timestamp())
    room: int = math.ceil(left * sender.rate * HEADROOM)
    return room


def row(session: Session, sender: Sender) -> Any:
    """Return the sender's pace; where lines are counted, other workers wait for this one."""
    here = store.community(session)
    query = select(Pace.free_at, Pace.paused_until).where(
        Pace.community_id == here, Pace.sender == sender.name
    )
    if sender.lines is not None:
        query = query.with_for_update()
    found = session.execute(query).first()
    if found is None:
        fresh = {"community_id": here, "sender": sender.name, "free_at": 0.0}
        session.execute(store.insert_new(session, Pace).values(fresh))
        found = session.execute(query).one()
    return found


def reserve(
    session: Session, sender: Sender, costs: Sequence[int], now: datetime
) -> list[datetime]:
    """Move the sender's next free start behind these; return when each of them may start."""
    whole, at = sender.seconds(sum(costs)), now.timestamp()
    query = (
        update(Pace)
        .where(Pace.community_id == store.community(session), Pace.sender == sender.name)
        .values(free_at=case((Pace.free_at > at, Pace.free_at), else_=at) + whole)
        .returning(Pace.free_at)
        .execution_options(synchronize_session=False)
    )
    start = float(session.scalars(query).one()) - whole
    starts, used = [], 0
    for cost in costs:
        starts.append(max(now, datetime.fromtimestamp(start + sender.seconds(used), UTC)))
        used += cost
    return starts
