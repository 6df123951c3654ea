"""The committee's list of residents brought in, as often as one likes, and taken out again."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from content import columns, event, people, reach, sheet, store
from content.base import new_id
from content.event import Actor
from content.listing import Entry, Listing, Problem, Progress
from content.message import Spoken, Written
from content.people import Resident
from content.place import Community, Place, PlaceError, Tree
from content.reach import Reach, Wanted
from content.sheet import Line

T = TypeVar("T")


class RosterError(ValueError):
    """A list was not imported, not even in part; `problems` names every cell to correct."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            f"没有导入：有 {len(problems)} 处要改。 "
            f"Nothing was imported; cells to correct: {len(problems)}."
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, in people; `ignored` are the titles of columns that were not read."""

    added: int
    updated: int
    unchanged: int
    erased: int
    """Rows of people who had asked to be erased; they stay so."""
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A list that has been read, faults and all; nothing of it is in the database yet."""

    listing: Listing
    entries: tuple[Entry, ...]


def prepare(
    lines: Sequence[Line], region: str, progress: Progress = lambda _done, _of: None
) -> Prepared:
    """Read a list without a session: half of an import's time, when nobody has to wait."""
    listing = Listing(lines, region)
    return Prepared(listing, tuple(listing.entries(progress)))


def load(
    session: Session,
    lines: Sequence[Line],
    now: datetime,
    actor: Actor,
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Read and import a list at once: `prepare`, then `bring`."""
    region = session.get_one(Community, store.community(session)).region
    return bring(session, prepare(lines, region, progress), now, actor)


def bring(session: Session, prepared: Prepared, now: datetime, actor: Actor) -> Report:
    """Import a list; the same number is the same person, a changed row changes the person.

    Raises RosterError when any cell is wrong; the caller's transaction then rolls back whole.
    """
    listing, entries = prepared.listing, prepared.entries
    homes = _settle(session, listing, entries)
    keys = _keys(session, listing, entries, homes)
    if listing.problems:
        raise RosterError(sorted(listing.problems, key=lambda problem: problem.line))
    session.flush()
    report = _Import(session, now).run(dict(zip(keys, entries, strict=True)), homes)
    event.add(session, actor, "residents.imported", None, now, added=report[0], updated=report[1])
    return Report(*report, ignored=tuple(listing.ignored))


def rows(session: Session) -> Iterator[list[str]]:
    """Return the list of all imported residents as it can be imported again, titles first."""
    here = store.community(session)
    tree = Tree(session)
    reached = reach.cells(session, session.get_one(Community, here).region)
    yield [columns.title(name) for name in _EXPORTED]
    found = select(Resident).where(
        Resident.community_id == here, Resident.verified.is_(True), Resident.erased_at.is_(None)
    )
    for resident in session.scalars(found.order_by(Resident.id)):
        cells = _place(tree, resident.place_id) | reached.get(resident.id, {}) | _person(resident)
        yield [cells.get(name, "") for name in _EXPORTED]


def export(session: Session, now: datetime, actor: Actor) -> bytes:
    """Return the list as CSV (UTF-8 with BOM), every cell safe in a spreadsheet."""
    event.add(session, actor, "residents.exported", None, now)
    return sheet.write(rows(session))


_EXPORTED = [name for name in columns.COLUMNS if name not in ("address", "second", "remark")]


def _person(resident: Resident) -> dict[str, str]:
    number = resident.number or "~"
    return {
        "number": "" if number.startswith("~") else number,
        "name": resident.name,
        "needs": "、".join(columns.NEEDS[need].split()[0] for need in sorted(resident.needs)),
        "written": columns.WRITTEN[resident.written].split()[0],
        "spoken": columns.SPOKEN[resident.spoken].split()[0],
    }


def _place(tree: Tree, place_id: uuid.UUID) -> dict[str, str]:
    at = tree.get(place_id)
    if at is None:
        return {}
    names = {str(place.kind): place.name for place in tree.above(at)}
    return names | {"room": at.room}


def _settle(session: Session, listing: Listing, entries: Sequence[Entry]) -> list[Place | None]:
    """Find or make the home of each entry; one file puts a building into one grid."""
    tree = Tree(session)
    grids: dict[uuid.UUID, tuple[int, str]] = {}
    homes: list[Place | None] = []
    for entry in entries:
        try:
            home = tree.ensure(entry.home, entry.grid)
        except PlaceError as error:
            listing.blame(entry.line, "address", str(error))
            homes.append(None)
            continue
        building = tree.building_of(home)
        if entry.grid and building is not None:
            line, grid = grids.setdefault(building.id, (entry.line, entry.grid))
            if grid != entry.grid:
                listing.blame(entry.line, "grid", columns.TWO_GRIDS.format(line, line))
        homes.append(home)
    return homes


def _keys(
    session: Session, listing: Listing, entries: Sequence[Entry], homes: Sequence[Place | None]
) -> list[str]:
    """Return what makes each entry the same person next time: the number, or name and home."""
    seen: dict[str, int] = {}
    keys = []
    for entry, home in zip(entries, homes, strict=True):
        key = entry.number
        if not key:
            key = "~" + store.digest(session, f"{entry.name}@{home.id if home else entry.line}")
        line = seen.setdefault(key, entry.line)
        if line != entry.line:
            column = "number" if entry.number else "name"
            listing.blame(entry.line, column, columns.TWICE.format(line, line))
        keys.append(key)
    return keys


class _Import:
    """One import in progress: what is there, and what must be written."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._here = store.community(session)
        known = select(
            Resident.id,
            Resident.number,
            Resident.name,
            Resident.place_id,
            Resident.needs,
            Resident.written,
            Resident.spoken,
        ).where(Resident.community_id == self._here, Resident.number.is_not(None))
        self._known = {row.number: row for row in session.execute(known)}
        self._added: list[dict[str, Any]] = []
        self._changed: dict[uuid.UUID, dict[str, Any]] = {}
        self._gone = 0

    def run(
        self, listed: dict[str, Entry], homes: Sequence[Place | None]
    ) -> tuple[int, int, int, int]:
        """Write all; return how many are added, updated, unchanged, erased."""
        wanted: dict[uuid.UUID, Wanted] = {}
        for (key, entry), home in zip(listed.items(), homes, strict=True):
            resident_id = self._resident(key, entry, home)
            if resident_id is not None:
                wanted[resident_id] = Wanted(
                    entry.numbers if entry.says_numbers else None, entry.contacts
                )
        if self._added:
            self._session.execute(insert(Resident), self._added)
        if self._changed:
            self._session.execute(update(Resident), list(self._changed.values()))
        new = {row["id"] for row in self._added}
        touched = Reach(self._session, self._now).bring(wanted) | set(self._changed)
        updated = len(touched - new)
        return len(new), updated, len(wanted) - len(new) - updated, self._gone

    def _resident(self, key: str, entry: Entry, home: Place | None) -> uuid.UUID | None:
        known = self._known.get(key)
        # an empty cell keeps what the person has told us since
        values = {
            "name": entry.name,
            "place_id": home.id if home else None,
            "needs": _given(entry.needs, known and known.needs, frozenset()),
            "written": _given(entry.written, known and known.written, Written.HANS),
            "spoken": _given(entry.spoken, known and known.spoken, Spoken.MANDARIN),
        }
        if known is None:
            return self._new(key, values)
        if any(getattr(known, name) != value for name, value in values.items()):
            self._changed[known.id] = {"community_id": self._here, "id": known.id, **values}
        return uuid.UUID(str(known.id))

    def _new(self, key: str, values: dict[str, Any]) -> uuid.UUID | None:
        if people.forgotten(self._session, key) in self._known:
            self._gone += 1
            return None
        added = {"community_id": self._here, "id": new_id(), "number": key, "verified": True}
        self._added.append(added | values | {"joined_at": self._now})
        return uuid.UUID(str(added["id"]))


def _given(said: T | None, known: T | None, default: T) -> T:
    return said if said is not None else (known if known is not None else default)
