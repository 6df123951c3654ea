"""Facts as JSON Lines: read a file strictly, bring it in as a whole or not at all, write it out."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import store
from content.event import Actor
from verification import facts, settlement
from verification.fact import (
    Fact,
    FactState,
    FactVersion,
    Publisher,
    Statement,
    VariantState,
)
from verification.index import Verdict

Progress = Callable[[int, int], None]

_TEXTS = ("claim", "truth", "explanation", "source", "expert", "area", "category")
_OTHERS = ("id", "title", "verdict", "publisher", "date", "valid_until", "variants", "state")
_KNOWN = {*_TEXTS, *_OTHERS}
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact of a file under its code: the same code is the same fact at every import."""

    code: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be taken, counted from 1, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `signed` counts the facts that wait for who publishes them."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    signed: int = 0


def read(lines: Iterable[bytes]) -> tuple[list[Entry], list[BadLine]]:
    """Read JSON Lines in UTF-8; every bad line is reported, empty ones are passed over.

    A line holds claim (or title), verdict, source and the truth as a sentence (where `truth` is
    missing, `explanation` is it); and, if known, id, explanation, expert, date, valid_until
    (YYYY-MM-DD), area, category, publisher (government, expert, media), variants.
    """
    entries: dict[str, Entry] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = _entry(line)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
            continue
        if entry.code in entries:
            bad.append(BadLine(number, f"the id {entry.code} stands in the file twice"))
        entries[entry.code] = entry
    return list(entries.values()), bad


def bring(
    session: Session,
    entries: list[Entry],
    actor: Actor,
    now: datetime,
    *,
    sign: bool,
    progress: Progress | None = None,
) -> Imported:
    """Add new facts and write new versions of those that differ; what is the same stays as it is.

    With `sign` the actor, an expert, signs them all, and the publishers are called to them.
    """
    known = _known(session)
    done = {"added": 0, "changed": 0, "unchanged": 0}
    fresh: list[Fact] = []
    for at, entry in enumerate(entries, start=1):
        fact, what = _one(session, known.get(entry.code), entry, actor, now)
        done[what] += 1
        if fact.state is not FactState.WITHDRAWN and fact.signed != fact.latest:
            fresh.append(fact)
        if progress:
            progress(at, len(entries))
    if sign:
        settlement.sign(session, fresh, actor, now)
    return Imported(**done, signed=len(fresh) if sign else 0)


def write(session: Session) -> Iterator[str]:
    """Yield every fact that is not withdrawn as one line of JSON, the newest version of each."""
    for fact, version in session.execute(facts.everything(session)):
        if fact.state is FactState.WITHDRAWN:
            continue
        said = dataclasses.asdict(statement(session, fact, version))
        row = {"id": fact.code, **said, "state": fact.state}
        yield json.dumps(row, ensure_ascii=False, default=_iso)


def statement(session: Session, fact: Fact, version: FactVersion) -> Statement:
    """Return what a version says, with the accepted variants of its fact."""
    said: dict[str, Any] = {
        field.name: getattr(version, field.name)
        for field in dataclasses.fields(Statement)
        if field.name != "variants"
    }
    accepted = (
        one.text for one in facts.wordings(session, fact) if one.state is VariantState.ACCEPTED
    )
    return Statement(**said, variants=tuple(accepted))


def parse(row: Mapping[str, Any]) -> Statement:
    """Read one fact from plain values; raises ValueError with the field that is wrong."""
    unknown = sorted(set(row) - _KNOWN)
    if unknown:
        raise ValueError(f"{unknown[0]} is not a field of a fact")
    texts = {name: _text(row, name) for name in _TEXTS}
    texts["claim"] = texts["claim"] or _text(row, "title")
    texts["truth"] = texts["truth"] or texts["explanation"]
    for name in ("claim", "truth", "source"):
        if not texts[name]:
            raise ValueError(f"{name} is missing")
    return Statement(
        **texts,
        verdict=_verdict(row),
        date=_day(row, "date"),
        valid_until=_day(row, "valid_until"),
        publisher=_publisher(row),
        variants=_variants(row),
    )


def _one(
    session: Session, fact: Fact | None, entry: Entry, actor: Actor, now: datetime
) -> tuple[Fact, str]:
    if fact is None:
        return facts.draft(session, actor, entry.statement, now, code=entry.code), "added"
    if fact.state is FactState.WITHDRAWN or not _differs(session, fact, entry.statement):
        return fact, "unchanged"
    facts.change(session, fact, actor, entry.statement, now)
    return fact, "changed"


def _differs(session: Session, fact: Fact, wanted: Statement) -> bool:
    latest = facts.current(session, fact, fact.latest)
    here = statement(session, fact, latest)
    missing = set(wanted.variants) - set(here.variants)
    return bool(missing) or dataclasses.replace(here, variants=()) != dataclasses.replace(
        wanted, variants=()
    )


def _known(session: Session) -> dict[str, Fact]:
    query = select(Fact).where(Fact.community_id == store.community(session))
    return {fact.code: fact for fact in session.scalars(query)}


def _entry(line: bytes) -> Entry:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind a line
    said = parse(row)
    own = row.get("id", "")
    if not isinstance(own, str) or len(own) > 64:  # noqa: PLR2004 - the width of the column
        raise ValueError("id must be text of at most 64 characters")
    seed = f"{said.claim}|{said.area}".encode()
    return Entry(own or hashlib.sha256(seed).hexdigest()[:16], said)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")  # noqa: TRY004 - one kind a line
    if len(value) > _LONGEST:
        raise ValueError(f"{name} is longer than {_LONGEST} characters")
    return value.strip()


def _verdict(row: Mapping[str, Any]) -> Verdict:
    allowed = [str(verdict) for verdict in Verdict if verdict is not Verdict.UNKNOWN]
    if row.get("verdict") not in allowed:
        raise ValueError(f"verdict must be one of {', '.join(allowed)}")
    return Verdict(row["verdict"])


def _publisher(row: Mapping[str, Any]) -> Publisher:
    try:
        return Publisher(row.get("publisher") or Publisher.UNKNOWN)
    except ValueError:
        raise ValueError(f"publisher must be one of {', '.join(Publisher)}") from None


def _day(row: Mapping[str, Any], name: str) -> date | None:
    value = row.get(name) or None
    try:
        return date.fromisoformat(value) if value is not None else None
    except (ValueError, TypeError):
        raise ValueError(f"{name} must be a day like 2026-07-20") from None


def _variants(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("variants") or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("variants must be a list of texts")
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))


def _iso(value: date) -> str:
    return value.isoformat()
