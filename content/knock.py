"""A knock at a door: what was found there, by whom, with a note; and how a wrong one is undone."""

import mimetypes
import uuid
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Select, String, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from content import mask, store
from content.base import Base, Identified, Instant, Secret, SecretBytes, new_id
from content.delivery import Delivery, DeliveryState
from content.event import Door
from content.notice import Notice, NoticeState

AWAY = timedelta(minutes=30)
"""After so long a home where nobody opened is gone to again, unless the committee says other."""
_LONGEST = 2_000
"""Characters of a note that are kept."""


class Found(StrEnum):
    """What a worker has found at a door."""

    DONE = "done"
    HELP = "help"
    AWAY = "away"
    REFUSED = "refused"
    NOTE = "note"
    """Only a remark: nothing is settled by it."""


class Knock(Identified, Base):
    """One press of a worker on a card; `undo` says how the deliveries stood before it."""

    __tablename__ = "knock"

    notice_id: Mapped[uuid.UUID]
    recipient_id: Mapped[uuid.UUID]
    found: Mapped[Found]
    by: Mapped[uuid.UUID | None]
    door: Mapped[Door]
    at: Mapped[datetime] = mapped_column(Instant)
    note: Mapped[str] = mapped_column(Secret("knock.note"), default="")
    undo: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """State, reason and times of each delivery it has changed, by recipient; and the task it has
    opened."""
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    recalled_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the worker was told to go there again."""


class Picture(Identified, Base):
    """A photo or voice note that came with a knock, encrypted."""

    __tablename__ = "knock_file"

    knock_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(60))
    reference: Mapped[str] = mapped_column(Secret("knock_file.reference"))
    data: Mapped[bytes | None] = mapped_column(SecretBytes("knock_file.data"))
    """The file itself; None where it was too large to fetch and stays with the provider."""

    @property
    def ending(self) -> str:
        """Return the ending of a file of this kind."""
        return mimetypes.guess_extension(self.kind) or ".bin"


Index("ix_knock_notice", Knock.community_id, Knock.notice_id, Knock.recipient_id)
Index("ix_knock_recipient", Knock.community_id, Knock.recipient_id)
Index("ix_knock_file_knock", Picture.community_id, Picture.knock_id)


def last(session: Session, notice_id: uuid.UUID, recipient_id: uuid.UUID) -> Knock | None:
    """Return the press that counts: the newest that was not taken back, remarks left out."""
    query = (
        _of(session, notice_id)
        .where(Knock.recipient_id == recipient_id, Knock.found != Found.NOTE)
        .order_by(Knock.at.desc(), Knock.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def get(session: Session, knock_id: uuid.UUID) -> Knock | None:
    """Return one knock, if there is one with this id that was not taken back."""
    found = session.get(Knock, (store.community(session), knock_id))
    return found if found is not None and found.undone_at is None else None


def remark(made: Knock, text: str) -> None:
    """Add a line to a knock's note; identity-card numbers are masked."""
    said = "\n".join(filter(None, (made.note, mask.identity(text.strip()))))
    made.note = said[:_LONGEST]


def attach(session: Session, made: Knock, kind: str, reference: str, data: bytes | None) -> None:
    """Keep a photo or voice note with a knock."""
    session.add(
        Picture(
            community_id=made.community_id,
            id=new_id(),
            knock_id=made.id,
            kind=kind[:60],
            reference=reference,
            data=data,
        )
    )


def tally(session: Session, notice_id: uuid.UUID) -> Counter[Found]:
    """Count the doors of a notice by what was last found there.

    Who has confirmed by themselves after nobody opened is not counted as away any more.
    """
    later = aliased(Knock)
    newer = exists().where(
        later.community_id == Knock.community_id,
        later.notice_id == Knock.notice_id,
        later.recipient_id == Knock.recipient_id,
        later.undone_at.is_(None),
        later.found != Found.NOTE,
        or_(later.at > Knock.at, and_(later.at == Knock.at, later.id > Knock.id)),
    )
    query = (
        select(Knock.found)
        .join(Delivery, _theirs())
        .where(Knock.community_id == store.community(session), Knock.notice_id == notice_id)
        .where(Knock.undone_at.is_(None), Knock.found != Found.NOTE, ~newer)
        .where(or_(Knock.found != Found.AWAY, Delivery.state == DeliveryState.DOOR))
    )
    return Counter(session.scalars(query))


def recall(session: Session, now: datetime, after: timedelta = AWAY) -> list[Knock]:
    """Return where nobody opened so long ago that a worker should go again; each is told once.

    Who has confirmed meanwhile, and what has ended, is left out.
    """
    later = aliased(Knock)
    newer = exists().where(
        later.community_id == Knock.community_id,
        later.notice_id == Knock.notice_id,
        later.recipient_id == Knock.recipient_id,
        later.undone_at.is_(None),
        later.found != Found.NOTE,
        later.at > Knock.at,
    )
    query = (
        select(Knock)
        .join(Delivery, _theirs())
        .join(Notice, and_(Notice.community_id == Knock.community_id, Notice.id == Knock.notice_id))
        .where(Knock.community_id == store.community(session), Knock.found == Found.AWAY)
        .where(Knock.undone_at.is_(None), Knock.recalled_at.is_(None), Knock.at <= now - after)
        .where(Delivery.state == DeliveryState.DOOR, Notice.state == NoticeState.LIVE)
        .where(Notice.expires_at > now, ~newer)
        .order_by(Knock.at, Knock.id)
    )
    found = list(session.scalars(query))
    for one in found:
        one.recalled_at = now
    return found


def pictures(session: Session, notice_id: uuid.UUID) -> list[tuple[Knock, Picture]]:
    """Return every photo of a notice's doors with its knock, the oldest first."""
    query = (
        select(Knock, Picture)
        .join(
            Picture,
            and_(Picture.community_id == Knock.community_id, Picture.knock_id == Knock.id),
        )
        .where(Knock.community_id == store.community(session), Knock.notice_id == notice_id)
        .order_by(Picture.id)
    )
    return [(made, file) for made, file in session.execute(query)]


def forget(session: Session, which: Any) -> None:
    """Delete the notes and photos of the knocks that the condition `which` means."""
    here = Knock.community_id == store.community(session)
    ids = select(Knock.id).where(here, which)
    session.execute(
        delete(Picture)
        .where(Picture.community_id == store.community(session), Picture.knock_id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Knock)
        .where(here, which)
        .values(note="")
        .execution_options(synchronize_session="fetch")
    )


def _of(session: Session, notice_id: uuid.UUID) -> Select[Knock]:
    return select(Knock).where(
        Knock.community_id == store.community(session),
        Knock.notice_id == notice_id,
        Knock.undone_at.is_(None),
    )


def _theirs() -> Any:
    return and_(
        Delivery.community_id == Knock.community_id,
        Delivery.notice_id == Knock.notice_id,
        Delivery.recipient_id == Knock.recipient_id,
    )
