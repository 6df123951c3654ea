"""Many rows in one step: written from one JSON value, and read into one.

SQLite's driver gives up the interpreter at every row it steps over, and takes it back when the
event loop lets go of it: a hundred rows then cost a third of a second beside a busy loop. A list of
rows that crosses as one value crosses once. PostgreSQL's driver reads whole results by itself; to
it too, one statement is one round trip.
"""

import json
import operator
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    CTE,
    JSON,
    Dialect,
    Enum,
    LargeBinary,
    Result,
    Select,
    String,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from content import store
from content.base import Instant

_INSTANTS = 1_024
"""Instants whose spelling is remembered: the rows of one transaction share theirs."""

Row = tuple[Any, ...]
Convert = Callable[[Any], Any] | None
Converts = list[tuple[int, Callable[[Any], Any]]]
"""By the place of a column, how its values are changed; the others cross as they are."""


class Table:
    """Rows that a statement reads from the parameter `name`: columns by name, with their types.

    Build a statement with `at(dialect)` once, and give it `pack` at each execution. The column
    `here` is the community: join by it, not by a constant. A table looked up by a constant is what
    SQLite goes through first, and then all of the community is read for each list of rows.
    """

    def __init__(self, name: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        self.name = name
        self.columns = dict(columns)
        self._writers: WeakKeyDictionary[Dialect, Converts] = WeakKeyDictionary()

    def at(self, dialect: str) -> CTE:
        """Return the rows as something to select from, to insert from and to join."""
        given = bindparam(self.name, type_=String)
        if dialect == "postgresql":
            each = func.jsonb_array_elements(cast(given, JSONB)).table_valued("value")
        else:
            each = func.json_each(given).table_valued("value")
        cells = (
            _cell(dialect, each.c.value, at, type_).label(name)
            for at, (name, type_) in enumerate(self.columns.items())
        )
        here = bindparam(f"{self.name}_here", type_=Uuid()).label("here")
        rows = select(here, *cells).select_from(each).cte(f"{self.name}_")
        # materialized, `here` is a column like any other
        return rows.prefix_with("MATERIALIZED")

    def pack(self, session: Session, rows: Iterable[Row]) -> dict[str, Any]:
        """Return the parameters that hold these rows, each in the order of the columns."""
        dialect = session.get_bind().dialect
        write = self._writers.get(dialect)
        if write is None:
            write = self._writers[dialect] = _converts(_writer, dialect, self.columns.values())
        cells = [list(row) for row in rows]
        _convert(cells, write)
        here = store.community(session)
        return {self.name: json.dumps(cells, default=str), f"{self.name}_here": here}


class Query:
    """A select that is read in one step; its columns must have names of their own."""

    def __init__(self, query: Select[Any]) -> None:
        self.query = query
        self._types = [column.type for column in query.selected_columns]
        self._readers: WeakKeyDictionary[Dialect, Converts] = WeakKeyDictionary()
        inner = query.subquery("found")
        self._whole = select(func.json_group_array(func.json_array(*map(_readable, inner.c))))

    def read(self, session: Session, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Return the rows. On SQLite they may come in any order: sort what needs it."""
        dialect = session.get_bind().dialect
        if dialect.name == "postgresql":
            return [tuple(row) for row in session.execute(self.query, parameters)]
        read = self._readers.get(dialect)
        if read is None:
            read = self._readers[dialect] = _converts(_reader, dialect, self._types)
        found: list[list[Any]] = json.loads(session.scalars(self._whole, parameters).one())
        _convert(found, read)
        return found


class Tally:
    """A select whose equal rows are counted; its columns must have names of their own.

    SQLite groups by sorting every row by all of its columns. Here each row becomes a text, all of
    them cross as one, and what is equal is counted as equal texts.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._types = [column.type for column in query.selected_columns]
        self._readers: WeakKeyDictionary[Dialect, Converts] = WeakKeyDictionary()
        inner = query.subquery("found")
        self._grouped = select(*inner.c, func.count()).group_by(*inner.c)
        row = func.json_array(*map(_readable, inner.c))
        # a line break within a text is written as two other signs
        self._whole = select(func.group_concat(row, "\n"))

    def read(self, session: Session, **parameters: Any) -> list[tuple[Sequence[Any], int]]:
        """Return each different row and how many there are."""
        dialect = session.get_bind().dialect
        if dialect.name == "postgresql":
            rows = session.execute(self._grouped, parameters)
            return [(row[:-1], row[-1]) for row in rows]
        read = self._readers.get(dialect)
        if read is None:
            read = self._readers[dialect] = _converts(_reader, dialect, self._types)
        whole = session.scalars(self._whole, parameters).one()
        counted = Counter(whole.split("\n") if whole else ())
        found: list[list[Any]] = json.loads(f"[{','.join(counted)}]")
        _convert(found, read)
        return list(zip(found, counted.values(), strict=True))


def changed(session: Session, done: Result[Any]) -> int:
    """Return how many rows a statement has just changed.

    Python's driver for SQLite counts for statements that begin with INSERT or UPDATE, and says -1
    for one that begins with the rows of a `Table`.
    """
    count = int(done.rowcount)  # type: ignore[attr-defined]
    return count if count >= 0 else session.scalar(select(func.changes())) or 0


def dialect(session: Session) -> str:
    """Return the name under which `Table.at` knows the session's database."""
    return session.get_bind().dialect.name


def _cell(dialect: str, value: Any, at: int, type_: TypeEngine[Any]) -> Any:
    if dialect == "postgresql":
        return cast(value.op("->>")(literal_column(str(at))), type_)
    return type_coerce(func.json_extract(value, literal_column(f"'$[{at}]'")), type_)


def _readable(column: Any) -> Any:
    # JSON has no bytes
    return func.hex(column) if _is_binary(column.type) else type_coerce(column, String)


def _is_binary(type_: TypeEngine[Any]) -> bool:
    inner = type_.impl if isinstance(type_, TypeDecorator) else type_
    return isinstance(inner, LargeBinary)


def _converts(
    of: Callable[[Dialect, TypeEngine[Any]], Convert],
    dialect: Dialect,
    types: Iterable[TypeEngine[Any]],
) -> Converts:
    found = ((at, of(dialect, type_)) for at, type_ in enumerate(types))
    return [(at, convert) for at, convert in found if convert is not None]


def _convert(rows: Sequence[list[Any]], converts: Converts) -> None:
    for at, convert in converts:
        for row in rows:
            value = row[at]
            if value is not None:
                row[at] = convert(value)


def _writer(dialect: Dialect, type_: TypeEngine[Any]) -> Convert:
    if isinstance(type_, Enum) and type_.enum_class is not None:
        # every enum of the tables is a text itself
        return None
    if dialect.name == "postgresql":
        # dates and ids are spelled by `json.dumps`; JSON is nested as it is
        return None if isinstance(type_, JSON | Instant | Uuid) else _own(type_, dialect)
    if isinstance(type_, Uuid):
        return operator.attrgetter("hex")
    return _instant if isinstance(type_, Instant) else _own(type_, dialect)


def _own(type_: TypeEngine[Any], dialect: Dialect) -> Convert:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _reader(dialect: Dialect, type_: TypeEngine[Any]) -> Convert:
    """Return the way back, by the shortest path for what comes by the thousand."""
    if isinstance(type_, Uuid):
        return _uuid
    if isinstance(type_, Instant):
        return lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)
    if isinstance(type_, Enum) and type_.enum_class is not None:
        return {member.value: member for member in type_.enum_class}.__getitem__
    process = type_.dialect_impl(dialect).result_processor(dialect, None)
    if not _is_binary(type_):
        return process
    return lambda text: _from_hex(text, process)


def _uuid(text: str) -> uuid.UUID:
    """Return what `uuid.UUID(text)` does in a third of the time: a delivery reads a dozen."""
    made = object.__new__(uuid.UUID)
    _set_int(made, int(text, 16))
    _set_safe(made, uuid.SafeUUID.unknown)
    return made


_set_int: Callable[[uuid.UUID, int], None] = uuid.UUID.__dict__["int"].__set__
_set_safe: Callable[[uuid.UUID, uuid.SafeUUID], None] = uuid.UUID.__dict__["is_safe"].__set__


@lru_cache(_INSTANTS)
def _instant(value: datetime) -> str:
    """Return an instant as SQLite keeps it: in UTC, without saying so."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:26]


def _from_hex(text: str, process: Convert) -> Any:
    if not text:
        # hex() of nothing; what is encrypted is never empty
        return None
    return bytes.fromhex(text) if process is None else process(bytes.fromhex(text))
