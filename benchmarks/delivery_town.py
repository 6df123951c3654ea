"""Town: a database with many residents and the staff for a review, and publishing through it."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from content import identity, review
from content.alert import Revision, Severity
from content.base import new_id
from content.clock import Clock
from content.draft import Draft, Text
from content.event import Actor, Door
from content.keys import Keyring
from content.message import Kind, Spoken, Written
from content.people import Address, Audience, Consent, Need, OwnerKind, Resident
from content.place import Community, Place, PlaceKind
from content.staff import Role
from content.store import Store

MANY, PROBES, CALLED = "/m/", "/p/", "/c/"
"""Where the many live, those who are told one by one, and those who are called first."""
PROBE_HOMES, CALLED_HOMES = 600, 400
BUILDING = 100
"""Residents of one building."""
ALONE = 7
"""Every seventh of the many lives alone, and goes before the others."""
_BATCH = 5_000
_ROLES = (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER)
_HEADLINE = "暴雨红色预警"
_BODY = (
    "今晚20时起有特大暴雨，3号楼地下车库可能进水。请把车开到地面，老人和孩子不要外出，"
    "一楼住户把贵重物品搬到高处。"
)
_TO_DO = "请待在家里，听到敲门请开门。"
_OVER = "暴雨已经过去，可以正常出行。"


@dataclass(frozen=True, slots=True)
class Access:
    """How any process opens the database, and as whom it acts there."""

    url: str
    keys: str
    community: str
    staff: tuple[str, ...] = ()

    def open(self) -> Store:
        return Store(self.url, Keyring.load(Path(self.keys)), uuid.UUID(self.community))

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Access":
        body = json.loads(text)
        return cls(body["url"], body["keys"], body["community"], tuple(body["staff"]))

    def at(self, url: str) -> "Access":
        """Give the same for a copy of the database."""
        return Access(url, self.keys, self.community, self.staff)

    def actor(self, role: Role) -> Actor:
        return Actor(Door.CLI, uuid.UUID(self.staff[_ROLES.index(role)]))


def build(url: str, keys: Path, size: int) -> Access:
    """Fill an empty database with `size` residents in `MANY`, each with a chat and a mobile.

    Beside them live those of `PROBES`, each in a home of their own, and those of `CALLED`.
    """
    if not keys.exists():
        Keyring.generate().save(keys)
    access = Access(url, str(keys), str(uuid.uuid4()))
    store = access.open()
    now = Clock().now()
    store.migrate()
    with store.begin() as session:
        session.add(Community(community_id=store.community_id, name="邻讯社区", zone=_noon(now)))
        staff = [identity.add_staff(session, "某人", [role], now).id for role in _ROLES]
        people = _places(session, size)
    while batch := list(islice(people, _BATCH)):
        with store.begin() as session:
            _settle(session, batch, now)
    # what autovacuum does within a minute of an import
    asyncio.run(store.learn())
    store.close()
    return Access(url, str(keys), access.community, tuple(map(str, staff)))


def _noon(now: datetime) -> str:
    """Give a zone in which it is about noon: quiet hours are not what is measured."""
    ahead = 12 - now.hour
    # signs are the other way round in these names
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def text(number: int) -> Text:
    """Give the words of the alert with this number."""
    return Text(_HEADLINE, f"{_BODY}（通知{number}）", _TO_DO, _OVER)


def draft(path: str, severity: Severity, now: datetime, number: int = 0) -> Draft:
    """Write an alert to who lives under `path`; each number has a text of its own."""
    return Draft(
        "暴雨",
        {Written.HANS: text(number)},
        now + timedelta(hours=6),
        severity=severity,
        audience=Audience(places=(path,)),
    )


def reviewed(session: Session, access: Access, content: Draft, now: datetime) -> uuid.UUID:
    """Bring a text through the review, as far as the publisher's desk."""
    row = review.draft(session, access.actor(Role.AUTHOR), content, now)
    review.verify(session, access.actor(Role.VERIFIER), row, now)
    review.edit(session, access.actor(Role.EDITOR), row, content, now)
    return row.id


def publish(session: Session, access: Access, revision_id: uuid.UUID, now: datetime) -> uuid.UUID:
    """Publish what was reviewed, as a person does; return the notice's id."""
    here = session.info["community_id"]
    row = session.get_one(Revision, (here, revision_id))
    made = review.publish(session, access.actor(Role.PUBLISHER), row, now, again=True)
    session.flush()
    return made.id


def announce(
    store: Store, access: Access, path: str, severity: Severity, number: int = 0
) -> tuple[uuid.UUID, float, float]:
    """Review a text, then publish it; return the notice and when the publishing began and ended."""
    now = Clock().now()
    with store.begin() as session:
        ready = reviewed(session, access, draft(path, severity, now, number), now)
    begun = time.time()
    now = Clock().now()
    with store.begin() as session:
        made = publish(session, access, ready, now)
    return made, begun, time.time()


@dataclass(frozen=True, slots=True)
class _Person:
    number: int
    place_id: uuid.UUID
    needs: frozenset[Need]


def _places(session: Session, size: int) -> Iterator[_Person]:
    here = session.info["community_id"]

    def place(path: str, kind: PlaceKind, parent: uuid.UUID | None) -> uuid.UUID:
        code = path.strip("/").rpartition("/")[2]
        made = Place(
            community_id=here, id=new_id(), parent_id=parent, kind=kind, code=code, name=code,
            path=path,
        )  # fmt: skip
        session.add(made)
        return made.id

    grids = {path: place(path, PlaceKind.GRID, None) for path in (MANY, PROBES, CALLED)}

    def homes(grid: str, count: int) -> list[uuid.UUID]:
        return [place(f"{grid}{at}/", PlaceKind.BUILDING, grids[grid]) for at in range(count)]

    many = homes(MANY, -(-size // BUILDING))
    probes = homes(PROBES, PROBE_HOMES)
    called = homes(CALLED, CALLED_HOMES)
    nobody: frozenset[Need] = frozenset()
    alone, old = frozenset({Need.LIVES_ALONE}), frozenset({Need.ELDERLY})

    def everybody() -> Iterator[_Person]:
        for at in range(size):
            yield _Person(at, many[at // BUILDING], nobody if at % ALONE else alone)
        for at, home in enumerate(probes):
            yield _Person(size + at, home, nobody)
        for at, home in enumerate(called):
            yield _Person(size + PROBE_HOMES + at, home, old)

    return everybody()


def _settle(session: Session, people: list[_Person], now: datetime) -> None:
    """Write residents with their addresses; what is the same for all is put into form once."""
    here = session.info["community_id"]
    keyring = session.get_bind().dialect.keyring  # type: ignore[attr-defined]
    residents = _Rows(
        session, Resident, {"community_id": here, "name": "某人", "written": Written.HANS,
        "spoken": Spoken.MANDARIN, "verified": True, "joined_at": now},
        ("id", "number", "place_id", "needs"),
    )  # fmt: skip
    addresses = _Rows(
        session, Address, {"community_id": here, "owner_kind": OwnerKind.RESIDENT, "rank": 0,
        "consent": Consent.ASSUMED, "consent_at": now, "consent_via": ""},
        ("id", "owner_id", "kind", "value", "digest"),
    )  # fmt: skip
    for one in people:
        owner = new_id()
        residents.add(owner, str(one.number), one.place_id, one.needs)
        for kind, value in _numbers(one.number):
            addresses.add(new_id(), owner, kind, value, keyring.digest(value))
    residents.write()
    addresses.write()


class _Rows:
    """Rows of one table, of which only some columns differ: a million of them take a minute."""

    def __init__(
        self, session: Session, table: Any, same: dict[str, Any], differ: tuple[str, ...]
    ) -> None:
        self._connection = session.connection()
        self._rows: list[tuple[Any, ...]] = []
        dialect = self._connection.dialect
        columns = table.__table__.c
        form = {
            name: columns[name].type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            for name in (*same, *differ)
        }
        self._same = tuple(form[name](value) for name, value in same.items())
        self._forms = [form[name] for name in differ]
        into = f"{table.__tablename__} ({', '.join((*same, *differ))})"
        # the names are those of our own tables
        self._insert = f"INSERT INTO {into} VALUES ({', '.join('?' * len(form))})"  # noqa: S608
        self._copy = f"COPY {into} FROM STDIN"

    def add(self, *values: Any) -> None:
        made = (form(value) for form, value in zip(self._forms, values, strict=True))
        self._rows.append((*self._same, *made))

    def write(self) -> None:
        if self._connection.dialect.name != "postgresql":
            self._connection.exec_driver_sql(self._insert, self._rows)
            return
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(self._copy) as copy:
            for row in self._rows:
                copy.write_row(row)


def _as_it_is(value: Any) -> Any:
    return value


def number_of(number: int, kind: str) -> str:
    """Give the address of a person."""
    return dict(_numbers(number))[Kind(kind)]


def _numbers(number: int) -> list[tuple[Kind, str]]:
    """Give the addresses of a person: a chat beyond those in use, a range nobody carries."""
    mobile = f"+8617200{number:06d}" if number < 10**6 else f"+861721{number:07d}"
    return [(Kind.CHAT, str(99_000_000_000 + number)), (Kind.SMS, mobile), (Kind.CALL, mobile)]
