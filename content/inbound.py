"""Every raw event that arrived, kept once, before anything is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, and_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Instant, Numbered, SecretJson, new_number


class Inbound(Numbered, Base):
    """One raw event of one sender; `event_id` is the provider's and makes a replay harmless."""

    __tablename__ = "inbound"

    sender: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(120))
    path: Mapped[str] = mapped_column(String(120), default="")
    data: Mapped[dict[str, Any] | None] = mapped_column(SecretJson("inbound.data"))
    """None after redaction."""
    at: Mapped[datetime] = mapped_column(Instant)
    handled_at: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    """The class of the last error, never its text."""

    __table_args__ = (UniqueConstraint("community_id", "sender", "event_id"),)


_PAUSES = (0, 2, 10, 60, 300)
"""Seconds from its arrival to each try of an event; after the last it rests as failed."""
TRIES = len(_PAUSES)

Index("ix_inbound_open", Inbound.community_id, Inbound.handled_at, Inbound.id)


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw event as a provider has brought it, before it is a row."""

    sender: str
    event_id: str
    path: str
    at: datetime
    data: dict[str, Any] = field(repr=False)


def keep(
    session: Session, sender: str, event_id: str, path: str, data: dict[str, Any], now: datetime
) -> bool:
    """Keep a raw event; False when this event was kept before."""
    return bool(keep_all(session, [Raw(sender, event_id, path, now, data)]))


def keep_all(session: Session, raws: Sequence[Raw]) -> int:
    """Keep raw events in their order; return how many had not been kept before."""
    if not raws:
        return 0
    here = store.community(session)
    rows = [
        {
            "community_id": here,
            "id": new_number(),
            "sender": raw.sender,
            "event_id": raw.event_id[:120],
            "path": raw.path[:120],
            "data": raw.data,
            "at": raw.at,
            "tries": 0,
            "error": "",
        }
        for raw in raws
    ]
    new = store.insert_new(session, Inbound.__table__)
    return int(session.execute(new, rows).rowcount)  # type: ignore[attr-defined]


def open_ids(session: Session, now: datetime, limit: int = 100) -> list[int]:
    """Return the events that nobody has handled yet, oldest first; a failed one after a pause."""
    rested = or_(
        *(
            and_(Inbound.tries == tries, Inbound.at <= now - timedelta(seconds=pause))
            for tries, pause in enumerate(_PAUSES)
        )
    )
    query = (
        select(Inbound.id)
        .where(Inbound.community_id == store.community(session))
        .where(Inbound.handled_at.is_(None), rested)
        .order_by(Inbound.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def some(session: Session, numbers: Sequence[int]) -> dict[int, Inbound]:
    """Return raw events by their number; unknown ones are absent."""
    query = select(Inbound).where(
        Inbound.community_id == store.community(session), Inbound.id.in_(numbers)
    )
    return {row.id: row for row in session.scalars(query)}


def take(session: Session, numbers: Sequence[int], now: datetime) -> set[int]:
    """Mark events as handled, in the transaction that handles them; return those that are ours."""
    query = (
        update(Inbound)
        .where(Inbound.community_id == store.community(session), Inbound.id.in_(numbers))
        .where(Inbound.handled_at.is_(None))
        .values(handled_at=now)
        .returning(Inbound.id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(query))


def failed(session: Session, number: int, error: str) -> bool:
    """Count a failure of an event just taken; True when it was the last try and it now rests."""
    row = session.get_one(Inbound, (store.community(session), number), populate_existing=True)
    row.tries += 1
    row.error = error
    if row.tries >= len(_PAUSES):
        return True
    row.handled_at = None
    return False
