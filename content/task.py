"""Somebody needs help, or something must be done by staff; with a clock."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified, Instant, Secret


class TaskKind(StrEnum):
    """What is to be done."""

    HELP = "help"
    EMERGENCY = "emergency"
    SERVICE = "service"
    REVIEW = "review"
    """Look at an emergency publication afterwards."""
    CASE = "case"
    """A question needs an expert."""


class Task(Identified, Base):
    """One thing somebody must do; `note` is encrypted, for it may hold what a resident wrote."""

    __tablename__ = "task"

    kind: Mapped[TaskKind]
    resident_id: Mapped[uuid.UUID | None]
    notice_id: Mapped[uuid.UUID | None]
    subject_id: Mapped[uuid.UUID | None]
    place_id: Mapped[uuid.UUID | None]
    note: Mapped[str] = mapped_column(Secret("task.note"), default="")
    urgent: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    taken_by: Mapped[uuid.UUID | None]
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(String(20), default="")


Index("ix_task_open", Task.community_id, Task.done_at, Task.due_at)
