"""What is said to somebody: an alert's revision, an answer, a correction, a staff page."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from content.alert import MsgType, Severity, Status
from content.base import Base, Identified, Instant, Owned, SecretJson
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
    """How far the expansion is: `rank/resident id`; None when all recipients have a delivery."""


class NoticeText(Owned, Base):
    """The notice in one language, as fields that `render` knows by the notice's kind."""

    __tablename__ = "notice_text"

    notice_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    language: Mapped[Written] = mapped_column(primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(SecretJson("notice_text.fields"))


Index("ix_notice_live", Notice.community_id, Notice.state, Notice.kind)
Index("ix_notice_alert", Notice.community_id, Notice.alert_id)
