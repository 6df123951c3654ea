"""Where people live: one tree of places, and every way of writing the same home."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified


class PlaceKind(StrEnum):
    """What a place is, from the largest to the smallest."""

    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    ESTATE = "estate"
    BUILDING = "building"
    UNIT = "unit"
    HOUSEHOLD = "household"


class Community(Base):
    """One residents' committee's area: its name, zone, region and way of reviewing."""

    __tablename__ = "community"

    community_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str]
    zone: Mapped[str] = mapped_column(default="Asia/Shanghai")
    region: Mapped[str] = mapped_column(default="CN")
    reviewers: Mapped[int] = mapped_column(default=3)
    """How many different people a publication takes: 3 or 4."""
    household_confirms: Mapped[bool] = mapped_column(default=False)
    """Whether one member's confirmation stands for the household."""


class Place(Identified, Base):
    """A place in the tree. `path` is the codes from the root, `/` between and at both ends."""

    __tablename__ = "place"

    parent_id: Mapped[uuid.UUID | None]
    kind: Mapped[PlaceKind]
    code: Mapped[str]
    """What tells it from its siblings: `3` for 3号楼; unique under one parent."""
    name: Mapped[str]
    path: Mapped[str]
    floor: Mapped[str] = mapped_column(default="")
    room: Mapped[str] = mapped_column(default="")
    area_code: Mapped[str] = mapped_column(default="")
    """统计用区划代码, where it is known."""
    geometry: Mapped[Any] = mapped_column(JSON, nullable=True)

    __table_args__ = (UniqueConstraint("community_id", "path"),)


Index("ix_place_parent", Place.community_id, Place.parent_id)
