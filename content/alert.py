"""The alert in CAP 1.2's words: its tables, and what is asked about it."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Identified, Instant, Owned
from content.message import Written


class Status(StrEnum):
    """CAP `status`: whether it is real."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class MsgType(StrEnum):
    """CAP `msgType`."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Category(StrEnum):
    """CAP `category`."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class Severity(StrEnum):
    """CAP `severity`, most severe first."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"

    @property
    def rank(self) -> int:
        """Return 0 for the most severe, 4 for unknown."""
        return _RANKS[self]


_RANKS = {one: at for at, one in enumerate(Severity)}


class Urgency(StrEnum):
    """CAP `urgency`."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """CAP `certainty`."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class Color(StrEnum):
    """The colours of China's warning signals, with the severity that each stands for."""

    RED = "红"
    ORANGE = "橙"
    YELLOW = "黄"
    BLUE = "蓝"

    @property
    def severity(self) -> Severity:
        """Return the CAP severity of this colour."""
        return list(Severity)[list(Color).index(self)]


class Stage(StrEnum):
    """Where a revision is on its way."""

    DRAFT = "draft"
    RETURNED = "returned"
    VERIFIED = "verified"
    EDITED = "edited"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """One act of the review."""

    DRAFT = "draft"
    VERIFY = "verify"
    EDIT = "edit"
    PUBLISH = "publish"
    RETURN = "return"
    CANCEL = "cancel"
    REVIEW = "review"
    """The review after an emergency publication."""


class Alert(Identified, Base):
    """One matter of which residents are told, through all its revisions."""

    __tablename__ = "alert"

    opened_at: Mapped[datetime] = mapped_column(Instant)
    code: Mapped[str] = mapped_column(String(12))
    """A short name for chat and phone, unique in the community: `A12`."""
    __table_args__ = (UniqueConstraint("community_id", "code"),)


class Revision(Identified, Base):
    """One CAP message: an Alert, its Update or its Cancel."""

    __tablename__ = "revision"

    alert_id: Mapped[uuid.UUID]
    number: Mapped[int]
    identifier: Mapped[str]
    references: Mapped[str] = mapped_column(default="")
    sent: Mapped[datetime | None] = mapped_column(Instant)
    msg_type: Mapped[MsgType]
    status: Mapped[Status]
    category: Mapped[Category]
    event: Mapped[str]
    """CAP `event`: what it is about, in a word or two (暴雨, 停水)."""
    severity: Mapped[Severity]
    urgency: Mapped[Urgency]
    certainty: Mapped[Certainty]
    color: Mapped[Color | None]
    expires: Mapped[datetime] = mapped_column(Instant)
    audience: Mapped[dict[str, Any]] = mapped_column(JSON)
    """An `Audience` as JSON."""
    no_action: Mapped[bool] = mapped_column(default=False)
    """An update that asks nothing new: an old confirmation stands for it."""
    emergency: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[Stage]
    author_id: Mapped[uuid.UUID]
    made_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("community_id", "alert_id", "number"),)


class Info(Owned, Base):
    """A revision in one language (CAP `info`), with the text that will cancel it."""

    __tablename__ = "info"

    revision_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    language: Mapped[Written] = mapped_column(primary_key=True)
    headline: Mapped[str]
    description: Mapped[str]
    instruction: Mapped[str] = mapped_column(default="")
    cancel_text: Mapped[str] = mapped_column(default="")


class Approval(Identified, Base):
    """One step of the review by one person, bound to the hash of what they saw."""

    __tablename__ = "approval"

    revision_id: Mapped[uuid.UUID]
    step: Mapped[Step]
    staff_id: Mapped[uuid.UUID]
    at: Mapped[datetime] = mapped_column(Instant)
    content_hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(default="")
    """Why it was returned, for the author."""
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was approved: the text per language, audience, severity and expiry."""


Index("ix_approval_revision", Approval.community_id, Approval.revision_id, Approval.at)


_CODE = re.compile(r"A\d{1,9}")
_NO_CODE = "这不是通知编号，编号如 A12。 This is not the code of an alert, such as A12."


class ReviewError(Exception):
    """A step of the review is refused; the sentence (Chinese, English) says what to do."""


@dataclass(frozen=True, slots=True)
class Act:
    """One step that somebody took: for the audit and for the author."""

    at: datetime
    step: Step
    staff_id: uuid.UUID
    revision: int
    reason: str


def get(session: Session, code: str | uuid.UUID) -> Alert:
    """Return the alert of a code (`A12`, in any case) or id; raises ReviewError if unknown."""
    query = select(Alert).where(Alert.community_id == store.community(session))
    if isinstance(code, uuid.UUID):
        found = session.scalar(query.where(Alert.id == code))
    else:
        found = session.scalar(query.where(Alert.code == code.strip().upper()))
    if found is None:
        # what is no code may be anything that was typed: it is not repeated
        name = str(code).strip().upper()
        known = f"没有编号为 {name} 的通知。 There is no alert {name}."
        raise ReviewError(known if _CODE.fullmatch(name) else _NO_CODE)
    return found


def recent(session: Session, limit: int = 50) -> list[Alert]:
    """Return the alerts, the newest first."""
    query = select(Alert).where(Alert.community_id == store.community(session))
    return list(
        session.scalars(query.order_by(Alert.opened_at.desc(), Alert.id.desc()).limit(limit))
    )


def revisions(session: Session, alert: Alert) -> list[Revision]:
    """Return an alert's revisions, the oldest first."""
    query = select(Revision).where(
        Revision.community_id == alert.community_id, Revision.alert_id == alert.id
    )
    return list(session.scalars(query.order_by(Revision.number)))


def current(session: Session, alert: Alert) -> Revision:
    """Return the newest revision of an alert."""
    return revisions(session, alert)[-1]


def running(session: Session, now: datetime) -> list[Revision]:
    """Return what is published and neither over nor replaced, the most severe first."""
    query = select(Revision).where(
        Revision.community_id == store.community(session),
        Revision.stage == Stage.PUBLISHED,
        Revision.msg_type != MsgType.CANCEL,
        Revision.expires > now,
    )
    return sorted(session.scalars(query), key=lambda one: (one.severity.rank, one.made_at))


def approvals(session: Session, revision: Revision) -> list[Approval]:
    """Return every step that was taken on a revision, the oldest first."""
    query = select(Approval).where(
        Approval.community_id == revision.community_id, Approval.revision_id == revision.id
    )
    return list(session.scalars(query.order_by(Approval.at, Approval.id)))


def history(session: Session, alert: Alert) -> list[Act]:
    """Return who did what when on an alert, the oldest first."""
    acts = [
        Act(row.at, row.step, row.staff_id, revision.number, row.reason)
        for revision in revisions(session, alert)
        for row in approvals(session, revision)
    ]
    return sorted(acts, key=lambda act: act.at)
