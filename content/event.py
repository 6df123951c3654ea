"""The book of what happened: append-only, written in the same transaction as every transition."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Instant, Numbered


class Door(StrEnum):
    """Through which door somebody acted."""

    CHAT = "chat"
    SMS = "sms"
    PHONE = "phone"
    CLI = "cli"
    WEB = "web"
    API = "api"
    HOUSE = "house"
    """Linxun itself: a worker, a sweep."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which door; no id for the house itself."""

    door: Door
    id: uuid.UUID | None = None


HOUSE = Actor(Door.HOUSE)


class Event(Numbered, Base):
    """One transition. `data` holds ids, codes and counts, never a name, number or text."""

    __tablename__ = "event"

    at: Mapped[datetime] = mapped_column(Instant)
    actor_id: Mapped[uuid.UUID | None]
    door: Mapped[Door]
    kind: Mapped[str] = mapped_column(String(40))
    """What happened, as `noun.verb`: `alert.published`, `delivery.confirmed`."""
    subject_id: Mapped[uuid.UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


Index("ix_event_subject", Event.community_id, Event.subject_id, Event.id)
Index("ix_event_kind", Event.community_id, Event.kind, Event.id)


def add(
    session: Session,
    actor: Actor,
    kind: str,
    subject_id: uuid.UUID | None,
    now: datetime,
    **data: Any,
) -> None:
    """Write that `actor` did `kind` to the subject; `data` is JSON without personal data."""
    session.add(
        Event(
            community_id=store.community(session),
            at=now,
            actor_id=actor.id,
            door=actor.door,
            kind=kind,
            subject_id=subject_id,
            data=data,
        )
    )


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened, to be written with others; `data` as in `add`."""

    at: datetime
    actor: Actor
    kind: str
    subject_id: uuid.UUID | None
    data: dict[str, Any]


def add_all(session: Session, happened: Sequence[Happened]) -> None:
    """Write many events in one statement."""
    here = store.community(session)
    rows = [
        {
            "community_id": here,
            "at": one.at,
            "actor_id": one.actor.id,
            "door": one.actor.door,
            "kind": one.kind,
            "subject_id": one.subject_id,
            "data": one.data,
        }
        for one in happened
    ]
    if rows:
        session.execute(insert(Event.__table__), rows)  # type: ignore[arg-type]


def last(session: Session, kind: str, subject_id: uuid.UUID) -> Event | None:
    """Return the newest event of this kind about the subject."""
    query = (
        select(Event)
        .where(Event.community_id == store.community(session))
        .where(Event.subject_id == subject_id, Event.kind == kind)
        .order_by(Event.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()
