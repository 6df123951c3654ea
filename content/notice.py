"""What is said to somebody: an alert's revision, an answer, a correction, a staff page."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Uuid, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.alert import MsgType, Severity, Status
from content.base import Base, Identified, Instant, Owned, SecretJson, new_id
from content.message import Written


class NoticeKind(StrEnum):
    """What kind of thing is said."""

    ALERT = "alert"
    ANSWER = "answer"
    """A reply of the desk to a question."""
    CASE = "case"
    """A question was taken down and is being checked."""
    CORRECTION = "correction"
    REPLY = "reply"
    """Any other short answer to something a person did."""
    PAGE = "page"
    """Staff are called to a task."""


class NoticeState(StrEnum):
    """Whether it is still being told."""

    LIVE = "live"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Notice(Identified, Base):
    """One thing to be told to one audience; its text is frozen when it is made."""

    __tablename__ = "notice"

    kind: Mapped[NoticeKind]
    alert_id: Mapped[uuid.UUID | None]
    revision_id: Mapped[uuid.UUID | None]
    subject_id: Mapped[uuid.UUID | None]
    """The case, fact or task it is about."""
    msg_type: Mapped[MsgType] = mapped_column(default=MsgType.ALERT)
    status: Mapped[Status] = mapped_column(default=Status.ACTUAL)
    severity: Mapped[Severity]
    confirms: Mapped[bool]
    """Whether a human act is waited for: then the ladder runs to its end."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[uuid.UUID | None]
    expires_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[NoticeState] = mapped_column(default=NoticeState.LIVE)
    audience: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The frozen audience; None where the recipients were named one by one."""
    expected: Mapped[int] = mapped_column(default=0)
    """How many recipients the audience holds."""
    expanded: Mapped[int] = mapped_column(default=0)
    cursor: Mapped[str | None]
    """How far the expansion is, `rank/resident id`, or the closing of what has ended, by the last
    recipient's id; None when there is nothing left to do."""


class NoticeText(Owned, Base):
    """The notice in one language, as fields that `render` knows by the notice's kind."""

    __tablename__ = "notice_text"

    notice_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    language: Mapped[Written] = mapped_column(primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(SecretJson("notice_text.fields"))


is_growing = text("notice.cursor IS NOT NULL")
"""SQL: its deliveries are not all made, or not all closed; written so that an index serves it."""

Index(
    "ix_notice_growing",
    Notice.community_id,
    Notice.made_at,
    sqlite_where=text("cursor IS NOT NULL"),
    postgresql_where=text("cursor IS NOT NULL"),
)
Index("ix_notice_live", Notice.community_id, Notice.state, Notice.kind)
Index("ix_notice_alert", Notice.community_id, Notice.alert_id)


def make(
    session: Session,
    *,
    kind: NoticeKind,
    texts: Mapping[Written, Mapping[str, Any]],
    severity: Severity,
    confirms: bool,
    expires_at: datetime,
    now: datetime,
    status: Status = Status.ACTUAL,
    msg_type: MsgType = MsgType.ALERT,
    made_by: uuid.UUID | None = None,
    alert_id: uuid.UUID | None = None,
    revision_id: uuid.UUID | None = None,
    subject_id: uuid.UUID | None = None,
) -> Notice:
    """Make a notice with its text frozen per language; nobody is told before it is enqueued."""
    made = Notice(
        community_id=store.community(session),
        id=new_id(),
        kind=kind,
        alert_id=alert_id,
        revision_id=revision_id,
        subject_id=subject_id,
        msg_type=msg_type,
        status=status,
        severity=severity,
        confirms=confirms,
        made_at=now,
        made_by=made_by,
        expires_at=expires_at,
        state=NoticeState.LIVE,
        expected=0,
        expanded=0,
    )
    session.add(made)
    session.add_all(
        NoticeText(
            community_id=made.community_id,
            notice_id=made.id,
            language=language,
            fields=dict(fields),
        )
        for language, fields in texts.items()
    )
    session.flush()
    return made


def get(session: Session, notice_id: uuid.UUID) -> Notice:
    """Return a notice; raises KeyError for an unknown id."""
    found = find(session, notice_id)
    if found is None:
        raise KeyError(notice_id)
    return found


def find(session: Session, notice_id: uuid.UUID) -> Notice | None:
    """Return a notice, or None for an unknown id."""
    return session.get(Notice, (store.community(session), notice_id))


def texts(session: Session, notice_id: uuid.UUID) -> dict[Written, dict[str, Any]]:
    """Return the frozen fields of a notice by language."""
    query = select(NoticeText).where(
        NoticeText.community_id == store.community(session), NoticeText.notice_id == notice_id
    )
    return {text.language: text.fields for text in session.scalars(query)}


def last(session: Session, alert_id: uuid.UUID) -> Notice | None:
    """Return the newest notice of an alert."""
    query = (
        select(Notice)
        .where(Notice.community_id == store.community(session), Notice.alert_id == alert_id)
        .order_by(Notice.made_at.desc(), Notice.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def expire(session: Session, now: datetime) -> list[uuid.UUID]:
    """Mark the live notices whose time is over and return their ids."""
    query = (
        update(Notice)
        .where(Notice.community_id == store.community(session))
        .where(Notice.state == NoticeState.LIVE, Notice.expires_at <= now)
        .values(state=NoticeState.EXPIRED)
        .returning(Notice.id)
    )
    return list(session.scalars(query))
