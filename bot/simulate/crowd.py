"""The residents of a scenario: made from a seed, inserted at once, and known by their number."""

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.simulate.scenario import Group, Scenario
from content import store
from content.message import Kind, Spoken, Written
from content.people import Address, Consent, Contact, Need, OwnerKind, Resident, Told
from content.place import Community, Place, PlaceKind

_BATCH = 10_000
_HOMES_A_BUILDING = 40
_BUILDINGS_A_GRID = 8
_FIRST_MOBILE = 8617200000000
_FIRST_LANDLINE = 8657110000000
_FIRST_CHAT = 99_000_000_000
_KEPT = 64
"""Values of a column whose form in the database is kept at hand."""
_SPACE = 1 << 64
"""How far apart the ids of two kinds of rows begin."""


@dataclass(slots=True)
class Crowd:
    """Who lives there: the group of each resident, by their place in the row."""

    groups: Sequence[Group]
    of: list[int] = field(default_factory=list)
    """The group of each resident, as an index of `groups`."""
    wrong: set[str] = field(default_factory=set, repr=False)
    """Mobile numbers that nobody has any more."""

    def index(self, recipient_id: uuid.UUID) -> int:
        """Return the place of a resident in the row, from 0."""
        return recipient_id.int % _SPACE

    def group(self, recipient_id: uuid.UUID) -> Group:
        """Return the group that a resident belongs to."""
        return self.groups[self.of[self.index(recipient_id)]]


class _Rows:
    """What is to be inserted; ids are counted, so that the same seed makes the same order."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._tables = {
            table: _Insert(session, table, (at + 1) * _SPACE)
            for at, table in enumerate((Place, Resident, Contact, Address))
        }
        self._session = session
        self._here = store.community(session)
        self._now = now

    def add(self, table: type[Any], **values: Any) -> uuid.UUID:
        """Note a row and return its id."""
        into = self._tables[table]
        made = uuid.UUID(int=next(into.ids))
        into.add({"community_id": self._here, "id": made, **values})
        return made

    def address(
        self, owner: OwnerKind, owner_id: uuid.UUID, kind: Kind, value: str, consent: Consent
    ) -> None:
        """Note an address of somebody, after those they have."""
        self.add(
            Address,
            owner_kind=owner,
            owner_id=owner_id,
            kind=kind,
            value=value,
            digest=store.digest(self._session, value),
            rank=0,
            consent=consent,
            consent_at=self._now,
            consent_via="",
            written=None,
        )

    def write(self) -> None:
        """Insert everything."""
        for into in self._tables.values():
            into.write()


class _Insert:
    """The rows of one table, as its driver takes them: SQLAlchemy would see to each by itself."""

    def __init__(self, session: Session, table: type[Any], first: int) -> None:
        dialect = session.get_bind().dialect
        self.ids = itertools.count(first)
        self._connection = session.connection()
        self._sql = str(insert(table.__table__).compile(dialect=dialect))
        binds = {
            column.name: column.type.dialect_impl(dialect).bind_processor(dialect)
            for column in table.__table__.columns
        }
        # most values are those of many others, and dear to encrypt
        self._binds = [(name, bind and lru_cache(_KEPT)(bind)) for name, bind in binds.items()]
        self._rows: list[tuple[Any, ...]] = []

    def add(self, values: Mapping[str, Any]) -> None:
        """Note a row; every ten thousand are inserted."""
        self._rows.append(
            tuple(bind(values[name]) if bind else values[name] for name, bind in self._binds)
        )
        if len(self._rows) == _BATCH:
            self.write()

    def write(self) -> None:
        """Insert what is left."""
        if self._rows:
            self._connection.exec_driver_sql(self._sql, self._rows)
            self._rows.clear()


def make(session: Session, scenario: Scenario, seed: int, now: datetime) -> Crowd:
    """Insert the community with everybody in it; equal seeds make equal people."""
    session.add(
        Community(
            community_id=store.community(session),
            name="模拟社区",
            household_confirms=scenario.household_confirms,
        )
    )
    session.flush()
    rows, crowd = _Rows(session, now), Crowd(scenario.groups)
    chance = Random(f"{seed}/people")  # noqa: S311 - nothing is guarded by it
    homes = _homes(rows, scenario.household, chance)
    weights = [group.share for group in scenario.groups]
    for index, (home, landline) in zip(range(scenario.residents), homes, strict=False):
        (which,) = chance.choices(range(len(weights)), weights)
        crowd.of.append(which)
        _person(rows, crowd, index, home, landline, chance, now)
    rows.write()
    return crowd


def _homes(rows: _Rows, size: float, chance: Random) -> Iterator[tuple[uuid.UUID, str]]:
    """Yield, for one resident after the other, their home and its landline."""
    root = _place(rows, None, PlaceKind.COMMUNITY, "", "模拟社区", "/")
    grid = building = (root, "/")
    for home in itertools.count():
        number, room = divmod(home, _HOMES_A_BUILDING)
        if not room:
            if not number % _BUILDINGS_A_GRID:
                code = f"{number // _BUILDINGS_A_GRID + 1}网格"
                path = f"/{code}/"
                grid = (_place(rows, root, PlaceKind.GRID, code, code, path), path)
            path = f"{grid[1]}{number + 1}/"
            name = f"{number + 1}号楼"
            made = _place(rows, grid[0], PlaceKind.BUILDING, f"{number + 1}", name, path)
            building = (made, path)
        floor, door = room // 4 + 1, room % 4 + 1
        code = f"{floor}0{door}"
        path = f"{building[1]}{code}/"
        here = _place(
            rows, building[0], PlaceKind.HOUSEHOLD, code, f"{code}室", path, f"{floor}", code
        )
        for _ in range(_people(size, chance)):
            yield here, f"+{_FIRST_LANDLINE + home}"


def _people(size: float, chance: Random) -> int:
    """Return how many live in a home: one at least, `size` on average."""
    more = size - 1
    return 1 + int(more) + (chance.random() < more % 1) + chance.choice((-1, 0, 1)) * (more >= 1)


def _place(
    rows: _Rows,
    parent: uuid.UUID | None,
    kind: PlaceKind,
    code: str,
    name: str,
    path: str,
    floor: str = "",
    room: str = "",
) -> uuid.UUID:
    return rows.add(
        Place,
        parent_id=parent,
        kind=kind,
        code=code,
        name=name,
        path=path,
        floor=floor,
        room=room,
        area_code="",
        geometry=None,
    )


def _person(
    rows: _Rows,
    crowd: Crowd,
    index: int,
    home: uuid.UUID,
    landline: str,
    chance: Random,
    now: datetime,
) -> None:
    group = crowd.groups[crowd.of[index]]
    # every draw is made for everybody, so that one share changed moves nobody else
    draws = {name: chance.random() for name in _DRAWS}
    needs = frozenset(need for need, share in group.needs.items() if draws[need] < share)
    who = rows.add(
        Resident,
        number=None,
        name="居民",
        place_id=home,
        needs=needs,
        written=Written.HANS,
        spoken=Spoken.MANDARIN,
        verified=True,
        joined_at=now,
        erased_at=None,
    )
    consent = Consent.WITHDRAWN if draws["opted_out"] < group.opted_out else Consent.ASSUMED
    mobile = f"+{_FIRST_MOBILE + 2 * index}"
    if draws["chat"] < group.chat:
        rows.address(OwnerKind.RESIDENT, who, Kind.CHAT, f"{_FIRST_CHAT + index}", Consent.GRANTED)
    if draws["mobile"] < group.mobile:
        rows.address(OwnerKind.RESIDENT, who, Kind.SMS, mobile, consent)
        rows.address(OwnerKind.RESIDENT, who, Kind.CALL, mobile, consent)
        if draws["wrong"] < group.wrong:
            crowd.wrong.add(mobile)
    if draws["landline"] < group.landline:
        rows.address(OwnerKind.RESIDENT, who, Kind.CALL, landline, Consent.ASSUMED)
    if draws["contact"] < group.contact:
        theirs = rows.add(
            Contact, resident_id=who, name="联系人", relation="女儿", rank=0, told=Told.AFTER
        )
        number = f"+{_FIRST_MOBILE + 2 * index + 1}"
        for kind in (Kind.CALL, Kind.SMS):
            rows.address(OwnerKind.CONTACT, theirs, kind, number, Consent.ASSUMED)


_DRAWS = (*Need, "opted_out", "chat", "mobile", "wrong", "landline", "contact")
