"""What callers have left lies with the provider until we have kept it; then it is deleted there."""

import base64
import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Identified, Instant, Secret, new_id
from verification.case import Attachment, File, Heard

_PAUSES = (5, 30, 120, 600, 3600, 21600)
"""Seconds after each failure to fetch or delete; the last of them again and again."""
_AWAY = timedelta(minutes=10)
FETCHES = 10
"""How often a recording is fetched before it is given up, about a day; then it is only deleted."""


class Leftover(Identified, Base):
    """A file that a provider still keeps; the row goes when it is deleted there."""

    __tablename__ = "leftover"

    sender: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(32))
    """The keyed hash of the reference."""
    reference: Mapped[str] = mapped_column(Secret("leftover.reference"))
    file_id: Mapped[uuid.UUID | None]
    """The attachment that it belongs to; None where nobody needs it."""
    tries: Mapped[int] = mapped_column(default=0)
    """Failures to fetch it, and after that to delete it."""
    next_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("community_id", "sender", "digest"),)


Index("ix_leftover_next", Leftover.community_id, Leftover.next_at)


class Due(NamedTuple):
    """What is to be done with one file: fetch it if it is `wanted`, and then delete it there."""

    id: uuid.UUID
    sender: str
    reference: str
    wanted: bool


def keep(session: Session, came: Attachment, now: datetime) -> None:
    """Write down, in the transaction that takes it in, that a file is to be deleted there."""
    if not came.sender:
        return
    here, digest = store.community(session), store.digest(session, came.reference)
    known = select(Leftover.id).where(
        Leftover.community_id == here, Leftover.sender == came.sender, Leftover.digest == digest
    )
    if session.scalar(known) is not None:
        return
    session.add(
        Leftover(
            community_id=here,
            id=new_id(),
            sender=came.sender,
            digest=digest,
            reference=came.reference,
            file_id=_file_of(session, came, now),
            tries=0,
            next_at=now,
        )
    )
    session.flush()


def due(session: Session, now: datetime, most: int = 20) -> list[Due]:
    """Return what may be fetched or deleted now, the oldest first."""
    query = (
        select(Leftover)
        .where(Leftover.community_id == store.community(session), Leftover.next_at <= now)
        .order_by(Leftover.next_at, Leftover.id)
        .limit(most)
    )
    return [
        Due(one.id, one.sender, one.reference, _wanted(session, one))
        for one in session.scalars(query)
    ]


def fetched(session: Session, leftover_id: uuid.UUID, data: bytes, now: datetime) -> None:
    """Keep a file that was fetched later, so that staff have it."""
    one = session.get(Leftover, (store.community(session), leftover_id))
    if one is None:
        return
    file = session.get(File, (one.community_id, one.file_id)) if one.file_id else None
    if file is not None and file.data is None:
        file.data = base64.b64encode(data).decode()
    one.tries, one.next_at = 0, now


def failed(session: Session, leftover_id: uuid.UUID, now: datetime) -> None:
    """Count a failure to fetch or delete a file; it is tried again after a pause."""
    one = session.get(Leftover, (store.community(session), leftover_id))
    if one is None:
        return
    pause = _PAUSES[min(one.tries, len(_PAUSES) - 1)]
    one.tries, one.next_at = one.tries + 1, now + timedelta(seconds=pause)


def away(session: Session, leftover_id: uuid.UUID, now: datetime) -> None:
    """Put a file off whose channel is not set up: nobody has asked, so that nothing is given up."""
    one = session.get(Leftover, (store.community(session), leftover_id))
    if one is not None:
        one.tries, one.next_at = max(one.tries, 1), now + _AWAY


def deleted(session: Session, leftover_id: uuid.UUID) -> None:
    """Forget a file that its provider has deleted."""
    one = session.get(Leftover, (store.community(session), leftover_id))
    if one is not None:
        session.delete(one)


def waiting(session: Session) -> int:
    """Return how many files could not be fetched or deleted so far."""
    query = select(func.count()).where(
        Leftover.community_id == store.community(session), Leftover.tries > 0
    )
    return session.scalar(query) or 0


def _wanted(session: Session, one: Leftover) -> bool:
    """Say whether staff still wait for the file, and it is worth another try."""
    if one.file_id is None or one.tries >= FETCHES:
        return False
    file = session.get(File, (one.community_id, one.file_id))
    return file is not None and file.data is None


def _file_of(session: Session, came: Attachment, now: datetime) -> uuid.UUID | None:
    """Return the row of the file, among those of this very moment: references are encrypted."""
    query = (
        select(File)
        .join(Heard, (Heard.community_id == File.community_id) & (Heard.id == File.question_id))
        .where(File.community_id == store.community(session), Heard.at == now)
    )
    found = [one.id for one in session.scalars(query) if one.reference == came.reference]
    return found[0] if found else None
