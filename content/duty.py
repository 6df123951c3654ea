"""Who is on duty, and on which phone."""

import uuid
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified, Instant


class Duty(Identified, Base):
    """One member of staff on duty from `starts` to `ends` (None: until somebody else is)."""

    __tablename__ = "duty"

    staff_id: Mapped[uuid.UUID]
    starts: Mapped[datetime] = mapped_column(Instant)
    ends: Mapped[datetime | None] = mapped_column(Instant)


Index("ix_duty_starts", Duty.community_id, Duty.starts)
