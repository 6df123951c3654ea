"""Where people live: one tree of places, and every way of writing the same home."""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import home, store
from content.base import Base, Identified, new_id
from content.home import Home
from content.home import read as read  # noqa: PLC0414 - also known as place.read


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


class PlaceError(ValueError):
    """An address cannot be used; the sentence (Chinese, English) says what to write instead."""


_EVERYWHERE = {
    "全部",
    "所有",
    "所有人",
    "全体",
    "全社区",
    "全体居民",
    "everyone",
    "everybody",
    "all",
}
_LIST = re.compile(r"[、,，;；\s]+")
_UNIT_LENGTH = 2


class Tree:
    """All places of the community, read once: finds a home, and makes what is missing of it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        here = store.community(session)
        found = list(session.scalars(select(Place).where(Place.community_id == here)))
        self._by_path = {place.path: place for place in found}
        self._by_id = {place.id: place for place in found}
        self._buildings: dict[str, list[Place]] = defaultdict(list)
        self._homes: dict[tuple[uuid.UUID | None, str], list[Place]] = defaultdict(list)
        for place in found:
            self._file(place)
        self._own = home.estate(session.get_one(Community, here).name)

    def root(self) -> Place:
        """Return the community itself, of which every place is a part."""
        return self._by_path.get("/") or self._add(None, PlaceKind.COMMUNITY, "", self._own)

    def ensure(self, at: Home, grid: str = "") -> Place:
        """Return the home, made where it is new; a building moves into the grid that is named.

        Raises PlaceError when the building or room is missing, or could be one of several.
        """
        if not at.building or not at.room:
            raise PlaceError(
                "地址要写明楼栋和房号，例如 3-2-501。 "
                "The address needs building and room, such as 3-2-501."
            )
        building = self._building(at)
        if building is None:
            building = self._build(at, home.grid(grid))
        elif grid:
            self._move(building, home.grid(grid))
        return self._household(building, at) or self._add_home(building, at)

    def find(self, text: str) -> Place | None:
        """Return the place meant by `3号楼2单元`, `1网格`, `幸福里` or `全部`, if there is one."""
        typed = text.strip()
        if typed.lower() in _EVERYWHERE or home.estate(typed) == self._own:
            return self._by_path.get("/")
        at = read(typed)
        if at is not None:
            building = self._building(at)
            return self._inside(building, at) if building else None
        if "网格" in typed:
            return self._by_path.get(f"/{home.grid(typed)}/")
        named = [
            place
            for place in self._by_id.values()
            if place.kind is PlaceKind.ESTATE and place.code == home.estate(typed)
        ]
        return named[0] if len(named) == 1 else None

    def grid_of(self, place: Place) -> Place | None:
        """Return the grid in which a place lies."""
        return self._above(place, PlaceKind.GRID)

    def building_of(self, place: Place) -> Place | None:
        """Return the building in which a place lies."""
        return self._above(place, PlaceKind.BUILDING)

    def above(self, place: Place) -> list[Place]:
        """Return the place and all in which it lies, the smallest first."""
        found, step = [], self._by_id.get(place.id)
        while step is not None:
            found.append(step)
            step = self._by_id.get(step.parent_id) if step.parent_id else None
        return found

    def line(self, place: Place) -> str:
        """Return the place as it is written: 幸福里3号楼2单元501室."""
        wide = (PlaceKind.GRID, PlaceKind.COMMUNITY)
        names = [step.name for step in self.above(place) if step.kind not in wide]
        return "".join(reversed(names)) or place.name

    def get(self, place_id: uuid.UUID) -> Place | None:
        """Return one place by its id."""
        return self._by_id.get(place_id)

    def _building(self, at: Home) -> Place | None:
        wanted = self._estate(at.estate)
        same = self._buildings[at.building]
        exact = [place for place in same if self._estate_of(place) == wanted]
        if exact or wanted:
            return exact[0] if exact else None
        if len(same) > 1:
            raise PlaceError(
                "有几个小区都有这栋楼，请写上小区名称。 "
                "Several estates have this building: write the estate too."
            )
        return same[0] if same else None

    def _build(self, at: Home, grid: str) -> Place:
        parent = self._grid(grid)
        name = self._estate(at.estate)
        if name:
            parent = self._child(parent, PlaceKind.ESTATE, name, at.estate)
        return self._add(parent, PlaceKind.BUILDING, at.building, f"{at.building}号楼")

    def _grid(self, grid: str) -> Place:
        return self._child(self.root(), PlaceKind.GRID, grid, grid) if grid else self.root()

    def _move(self, building: Place, grid: str) -> None:
        """Put a building, its units and homes under another grid."""
        old = self.grid_of(building)
        if not grid or (old is not None and old.code == grid):
            return
        parent = self._grid(grid)
        estate = self._estate_of(building)
        if estate:
            parent = self._child(parent, PlaceKind.ESTATE, estate, estate)
        before, after = building.path, f"{parent.path}{building.code}/"
        building.parent_id = parent.id
        for place in [place for path, place in self._by_path.items() if path.startswith(before)]:
            del self._by_path[place.path]
            place.path = after + place.path.removeprefix(before)
            self._by_path[place.path] = place

    def _household(self, building: Place, at: Home) -> Place | None:
        exact = self._by_path.get(_path(building, at))
        if exact is not None or at.unit:
            return exact
        found = self._homes[building.id, at.room]
        if len(found) > 1:
            raise PlaceError(
                "几个单元都有这个房号，请写上单元。 "
                "Several units have this room: write the unit too."
            )
        return found[0] if found else None

    def _inside(self, building: Place, at: Home) -> Place | None:
        if at.room:
            return self._household(building, at)
        return self._by_path.get(f"{building.path}{_unit(at.unit)}/") if at.unit else building

    def _add_home(self, building: Place, at: Home) -> Place:
        parent = building
        if at.unit:
            parent = self._child(building, PlaceKind.UNIT, _unit(at.unit), f"{at.unit}单元")
        return self._add(parent, PlaceKind.HOUSEHOLD, _room(at), f"{at.room}室", at)

    def _child(self, parent: Place, kind: PlaceKind, code: str, name: str) -> Place:
        found = self._by_path.get(f"{parent.path}{code}/")
        return found or self._add(parent, kind, code, name)

    def _add(
        self, parent: Place | None, kind: PlaceKind, code: str, name: str, at: Home | None = None
    ) -> Place:
        added = Place(
            community_id=store.community(self._session),
            id=new_id(),
            parent_id=parent.id if parent else None,
            kind=kind,
            code=code,
            name=name,
            path=f"{parent.path}{code}/" if parent else "/",
            floor=(at.floor or home.floor_of(at.room)) if at else "",
            room=at.room if at else "",
        )
        self._session.add(added)
        self._by_path[added.path] = self._by_id[added.id] = added
        self._file(added)
        return added

    def _file(self, place: Place) -> None:
        if place.kind is PlaceKind.BUILDING:
            self._buildings[place.code].append(place)
        if place.kind is PlaceKind.HOUSEHOLD:
            building = self._above(place, PlaceKind.BUILDING)
            self._homes[building.id if building else None, place.room].append(place)

    def _estate(self, written: str) -> str:
        """Return the estate's name, empty for the one that the community is named after."""
        name = home.estate(written)
        name = name.removeprefix(f"{self._own}社区") or name
        return "" if name == self._own else home.estate(name)

    def _estate_of(self, building: Place) -> str:
        found = self._above(building, PlaceKind.ESTATE)
        return found.code if found else ""

    def _above(self, place: Place, kind: PlaceKind) -> Place | None:
        return next((step for step in self.above(place) if step.kind is kind), None)


def ensure(session: Session, text: str, *, grid: str = "") -> Place:
    """Return the home that `text` names, made if it is new; raises PlaceError if it names none."""
    at = read(text)
    if at is None:
        raise PlaceError(
            "看不懂这个地址，请写成 3-2-501 或 3号楼2单元501室。 "
            "This address cannot be read: write it as 3-2-501."
        )
    found = Tree(session).ensure(at, grid)
    session.flush()
    return found


def find(session: Session, text: str) -> Place | None:
    """Return the place that staff mean by `3号楼`, `3号楼2单元`, `1网格` or `全部`, or None.

    Raises PlaceError where it could be several.
    """
    return Tree(session).find(text)


def paths(session: Session, text: str) -> tuple[str, ...]:
    """Return the paths of a list such as `3号楼、5号楼`, empty for everywhere.

    Raises PlaceError for a place that is not there.
    """
    tree = Tree(session)
    found = []
    for part in filter(None, _LIST.split(text)):
        if part.lower() in _EVERYWHERE:
            return ()
        place = tree.find(part)
        if place is None:
            raise PlaceError(
                f"没有“{part}”这个地方，请写楼栋（3号楼）、网格（1网格）或“全部”。 "
                f"There is no place {part}: write a building (3号楼), a grid (1网格) or 全部."
            )
        found.append(place.path)
    return tuple(sorted(set(found)))


def by_path(session: Session, path: str) -> uuid.UUID | None:
    """Return the place with exactly this path; None where there is none."""
    query = select(Place.id).where(
        Place.community_id == store.community(session), Place.path == path
    )
    return session.scalar(query) if path else None


def lines(session: Session, place_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return places as they are written, by id: 3号楼2单元501室; unknown ids are absent."""
    tree = Tree(session)
    found = ((place_id, tree.get(place_id)) for place_id in place_ids)
    return {place_id: tree.line(place) for place_id, place in found if place is not None}


def named(session: Session, paths: Iterable[str]) -> list[str]:
    """Return the places with these paths as they are written: 3号楼, 1网格; unknown are absent."""
    wanted = set(paths)
    query = select(Place).where(
        Place.community_id == store.community(session), Place.path.in_(wanted)
    )
    found = list(session.scalars(query)) if wanted else []
    tree = Tree(session) if found else None
    return sorted(tree.line(one) for one in found) if tree else []


def _path(building: Place, at: Home) -> str:
    unit = f"{_unit(at.unit)}/" if at.unit else ""
    return f"{building.path}{unit}{_room(at)}/"


def _unit(unit: str) -> str:
    # a unit and a home right in the building are siblings: 2 and 501, 1201单元 and 1201
    return unit if len(unit) <= _UNIT_LENGTH else f"{unit}单元"


def _room(at: Home) -> str:
    return at.room if at.unit or len(at.room) > _UNIT_LENGTH else f"{at.room}室"
