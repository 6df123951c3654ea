"""The outbox: who must be told what, how far it is, and everything that was tried."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    JSON,
    Float,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from content import bulk
from content.alert import Severity
from content.base import Base, Instant, Numbered, Owned
from content.message import Kind
from content.people import OwnerKind
from content.reason import Reason


class DeliveryState(StrEnum):
    """How it stands with one recipient of one notice."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    PASSED_ON = "passed_on"
    """A contact has promised to tell them."""
    DOOR = "door"
    """On the door-knock list: a worker goes there."""
    REFUSED = "refused"
    """Would not listen when a worker stood at the door."""
    DONE = "done"
    """Handed over; nothing was to be confirmed."""
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class AttemptState(StrEnum):
    """How one try at one address fares; `RANKS` orders them."""

    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    SENT = "sent"
    RINGING = "ringing"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


RANKS = {
    AttemptState.ATTEMPTING: 0,
    AttemptState.UNKNOWN: 1,
    AttemptState.ACCEPTED: 2,
    AttemptState.SENT: 3,
    AttemptState.RINGING: 4,
    AttemptState.ANSWERED: 5,
    AttemptState.FAILED: 6,
    AttemptState.DELIVERED: 7,
    AttemptState.COMPLETED: 8,
}
"""States only rise: every order of the same receipts ends at the same state."""


class Delivery(Owned, Base):
    """One recipient of one notice. Open and without a kind: the router must say the next step."""

    __tablename__ = "delivery"

    notice_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    recipient_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    """A resident, a member of staff, or (bare) an address."""
    recipient_kind: Mapped[OwnerKind]
    place_id: Mapped[uuid.UUID | None]
    """The household at the time of publishing."""
    priority: Mapped[int] = mapped_column(SmallInteger)
    """Smaller goes first, see `priority`; `AGAIN` is added once a provider has taken a try."""
    state: Mapped[DeliveryState]
    reason: Mapped[Reason | None]
    rung: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Which step of the ladder is next or running, from 0."""
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Attempts already made on this rung."""
    kind: Mapped[Kind | None]
    address_id: Mapped[uuid.UUID | None]
    wait: Mapped[int] = mapped_column(Integer, default=0)
    """Seconds to wait for a confirmation after the attempt."""
    next_at: Mapped[datetime] = mapped_column(Instant)
    skips: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Rungs that were passed over: `{"chat": "no_address"}`."""
    first_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a provider first took an attempt."""
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    needs_help: Mapped[bool] = mapped_column(default=False)


class Attempt(Numbered, Base):
    """One try: a delivery, an address, a sender. Written before the provider is asked."""

    __tablename__ = "attempt"

    notice_id: Mapped[uuid.UUID]
    recipient_id: Mapped[uuid.UUID]
    address_id: Mapped[uuid.UUID]
    digest: Mapped[str] = mapped_column(String(32))
    """The address's keyed hash: two people may share a number."""
    kind: Mapped[Kind]
    sender: Mapped[str] = mapped_column(String(40))
    ref: Mapped[str] = mapped_column(String(32))
    """128 unguessable bits in hex: the only id shown outside."""
    rung: Mapped[int] = mapped_column(SmallInteger)
    provider_id: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[AttemptState]
    reason: Mapped[Reason | None]
    machine: Mapped[bool] = mapped_column(default=False)
    again: Mapped[bool] = mapped_column(default=False)
    """It repeats a try whose outcome nobody knows, and says so."""
    along: Mapped[str | None] = mapped_column(String(32))
    """The `ref` of the call by which this person is told too: a number that is shared rings once.
    Such a row holds no line, and goes as the call goes."""
    home: Mapped[uuid.UUID | None]
    """The household in which this call rings; None where it rings elsewhere, or is no call."""
    started_at: Mapped[datetime] = mapped_column(Instant)
    """When the request may start: the instant that was reserved for it."""
    deadline: Mapped[datetime] = mapped_column(Instant)
    """When the sweep asks what became of it."""
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    """None while it is open: at most one open attempt to one (sender, address), see its index."""

    __table_args__ = (UniqueConstraint("community_id", "ref"),)


class Receipt(Numbered, Base):
    """What a provider reported about an attempt, as it came; append-only."""

    __tablename__ = "receipt"

    ref: Mapped[str] = mapped_column(String(32))
    provider_id: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[AttemptState]
    reason: Mapped[Reason | None]
    machine: Mapped[bool] = mapped_column(default=False)
    sequence: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(Instant)


class Pace(Owned, Base):
    """How fast a sender may start: the theoretical arrival time of its next request (GCRA)."""

    __tablename__ = "pace"

    sender: Mapped[str] = mapped_column(String(40), primary_key=True)
    free_at: Mapped[float] = mapped_column(Float)
    """Seconds since the epoch."""
    paused_until: Mapped[datetime | None] = mapped_column(Instant)


deliveries = cast(Table, Delivery.__table__)
attempts = cast(Table, Attempt.__table__)
"""The tables for Core statements, which load no entities."""
KEYS = bulk.Table("keys", {name: deliveries.c[name].type for name in ("notice_id", "recipient_id")})
"""Deliveries by their keys, for statements that join them."""
AGAIN = 2
"""Everyone's first message goes before anyone's second of the same severity."""
PRIORITIES = tuple(10 * one.rank + of for one in Severity for of in (0, 1, AGAIN, AGAIN + 1))
"""Every priority there is, the most urgent first."""
# written out, not bound: a partial index serves only who names its condition to the letter
is_open = text("delivery.state = 'open'")
# every sender's name is greater: with a second column SQLite prefers this index to the key, whose
# walk would meet every attempt there ever was
is_under_way = text("attempt.closed_at IS NULL AND attempt.sender > ''")
has_reports = text("attempt.kind != 'chat'")


def priority(severity: Severity, *, vulnerable: bool) -> int:
    """Return the priority of a first contact."""
    return 10 * severity.rank + (not vulnerable)


Index(
    "ix_delivery_due",
    Delivery.community_id,
    Delivery.kind,
    Delivery.priority,
    Delivery.next_at,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)
Index("ix_delivery_recipient", Delivery.community_id, Delivery.recipient_id)
Index("ix_delivery_place", Delivery.community_id, Delivery.place_id)
Index("ix_attempt_delivery", Attempt.community_id, Attempt.notice_id, Attempt.recipient_id)
Index(
    "ix_attempt_open",
    Attempt.community_id,
    Attempt.sender,
    Attempt.digest,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)
Index(
    "ix_attempt_along",
    Attempt.community_id,
    Attempt.along,
    sqlite_where=text("along IS NOT NULL"),
    postgresql_where=text("along IS NOT NULL"),
)
Index(
    "ix_attempt_home",
    Attempt.community_id,
    Attempt.home,
    Attempt.started_at,
    sqlite_where=text("home IS NOT NULL"),
    postgresql_where=text("home IS NOT NULL"),
)
Index("ix_attempt_digest", Attempt.community_id, Attempt.digest, Attempt.started_at)
Index(
    "ix_attempt_provider",
    Attempt.community_id,
    Attempt.provider_id,
    # nobody reports about a chat message by the chat's own number of it
    sqlite_where=text("kind != 'chat'"),
    postgresql_where=text("kind != 'chat'"),
)
Index("ix_receipt_ref", Receipt.community_id, Receipt.ref)
