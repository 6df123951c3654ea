"""Trends: what more neighbours ask about than usual, and when staff must be told."""

import math
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, extract, func, select
from sqlalchemy.orm import Session

from content import event, pager, phrase, place, store, task
from content.event import HOUSE
from content.message import Written
from content.people import Address
from content.place import Place, PlaceKind
from content.task import TaskKind
from verification import facts
from verification.case import Case, Heard
from verification.telling import Telling

PAGED = "trend.paged"
_RECOUNT, _FORGET = timedelta(hours=1), timedelta(days=1)
"""After so long what is usual is counted again, and a spike is a new one: staff are paged again."""
_SHOWN, _LONGEST = 5, 120
"""Buildings that a page names, and characters of what is asked that it shows."""


class Subject(StrEnum):
    """What a question is about: a fact that answered it, or the case it waits for."""

    FACT = "fact"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is asked about more than usual.

    At least `least` different people (or buildings) within `hours`, and so many that by the usual
    rate of the past `days` it would happen with a probability under `chance`.
    """

    hours: float = 2.0
    least: int = 3
    days: int = 7
    chance: float = 0.001

    @property
    def window(self) -> timedelta:
        """Return the time that is looked at."""
        return timedelta(hours=self.hours)


DEFAULT = Rule()


@dataclass(frozen=True, slots=True)
class Spike:
    """More people than usual ask about one thing: `usual` is how many do so in such a time.

    `buildings` are place paths; whose home is unknown is counted in `askers` only.
    """

    subject: Subject
    id: uuid.UUID
    askers: int
    buildings: tuple[str, ...]
    usual: float


@dataclass(slots=True)
class Usual:
    """How many people and buildings ask about each thing in such a time; counted once an hour."""

    at: datetime | None = None
    windows: float = 1.0
    people: dict[tuple[Subject, uuid.UUID], float] = field(default_factory=dict)
    homes: dict[tuple[Subject, uuid.UUID], float] = field(default_factory=dict)
    base: dict[Subject, float] = field(default_factory=dict)


def spikes(
    session: Session, now: datetime, rule: Rule = DEFAULT, usual: Usual | None = None
) -> list[Spike]:
    """Return what is asked about more than usual, the most asked first.

    A person counts once, however often they ask and from whichever of their numbers; questions
    from groups, whose askers are not known, do not count. Who looks often keeps `usual`.
    """
    usual = usual or Usual()
    found = []
    for subject in Subject:
        asked = _asked(session, subject, now, rule)
        if asked and (usual.at is None or now - usual.at >= _RECOUNT):
            _count(session, usual, now, rule)
        for one, rows in asked.items():
            spike = _judge(session, usual, (subject, one), rows, rule)
            found += [spike] if spike else []
    return sorted(found, key=lambda spike: (-spike.askers, str(spike.id)))


def watch(
    session: Session, now: datetime, rule: Rule = DEFAULT, usual: Usual | None = None
) -> list[Spike]:
    """Page the staff about each spike once, and again when it has doubled or spread further."""
    paged = []
    for spike in spikes(session, now, rule, usual):
        last = event.last(session, PAGED, spike.id)
        known = last.data if last is not None and last.at > now - _FORGET else None
        if known is None or _grown(spike, known):
            _page(session, spike, now, rule, again=known is not None)
            _keep(session, spike, known["buildings"] if known else [], now)
            paged.append(spike)
    return paged


def words(session: Session, subject: Subject, matter_id: uuid.UUID) -> str:
    """Return what a spike is about, in words for staff: numbers in it are covered."""
    if subject is Subject.CASE:
        return session.get_one(Case, (store.community(session), matter_id)).matter
    return facts.current(session, facts.get(session, matter_id)).claim


def bound(usual: float, chance: float) -> int:
    """Return the least count that is rarer than `chance` where `usual` is expected (Poisson)."""
    below, term, count = 0.0, math.exp(-usual), 0
    while 1.0 - below >= chance and count < _MOST:
        below += term
        count += 1
        term *= usual / count
    return count


_MOST = 100_000
"""More askers than any community has."""
_ID: dict[Subject, Any] = {Subject.FACT: Telling.fact_id, Subject.CASE: Heard.case_id}
_PERSON: ColumnElement[uuid.UUID] = func.coalesce(Address.owner_id, Heard.address_id)


def _questions(session: Session, subject: Subject, *columns: Any) -> Select[Any]:
    """Select from the questions about facts, or about open cases, that people asked in private."""
    mine = store.community(session)
    query = (
        select(*columns)
        .select_from(Heard)
        .outerjoin(Address, (Address.community_id == mine) & (Address.id == Heard.address_id))
        .where(Heard.community_id == mine, Heard.address_id.is_not(None))
    )
    if subject is Subject.CASE:
        same = (Case.community_id == mine) & (Case.id == Heard.case_id)
        return query.join(Case, same).where(Case.settled_at.is_(None))
    # what an asker said was not meant, or what an expert had to settle, counts for its case
    told = (Telling.community_id == mine) & (Telling.question_id == Heard.id)
    return query.join(Telling, told).where(Heard.case_id.is_(None))


def _count(session: Session, usual: Usual, now: datetime, rule: Rule) -> None:
    """Count what is usual, by the past days before the window that is looked at."""
    mine, start = store.community(session), now - rule.window
    first = session.scalar(select(func.min(Heard.at)).where(Heard.community_id == mine)) or start
    past = start - max(first, start - timedelta(days=rule.days))
    usual.at, usual.windows = now, max(1.0, past / rule.window)
    usual.people, usual.homes = {}, {}
    for subject in Subject:
        each = _past(session, subject, now, rule, _ID[subject].label("matter"), _PERSON).subquery()
        query = select(each.c.matter, func.count()).group_by(each.c.matter)
        counts = {one: count / usual.windows for one, count in session.execute(query)}
        usual.base[subject] = sum(counts.values()) / max(1, len(counts))
        usual.people |= {(subject, one): rate for one, rate in counts.items()}


def _past(
    session: Session, subject: Subject, now: datetime, rule: Rule, *columns: Any
) -> Select[Any]:
    """Select what differs in these columns, once for each window of the past days."""
    start = now - rule.window
    # whole windows since 1970: cut or rounded, one way or the other they are all as long
    which = cast(extract("epoch", Heard.at) / int(rule.window.total_seconds()), Integer)
    query = _questions(session, subject, *columns, which.label("which")).where(
        Heard.at > start - timedelta(days=rule.days), Heard.at <= start
    )
    return query.distinct()


def _homes_of(
    session: Session, usual: Usual, matter: tuple[Subject, uuid.UUID], rule: Rule
) -> float:
    """Return from how many buildings something is usually asked; looked up when it matters."""
    subject, one = matter
    if matter not in usual.homes and usual.at is not None:
        query = _past(session, subject, usual.at, rule, Heard.area).where(_ID[subject] == one)
        rows = session.execute(query).all()
        lived = homes(session, (area for area, _ in rows))
        pairs = {(lived[area], which) for area, which in rows if area in lived}
        usual.homes[matter] = len(pairs) / usual.windows
    return usual.homes.get(matter, 0.0)


def _asked(
    session: Session, subject: Subject, now: datetime, rule: Rule
) -> dict[uuid.UUID, list[tuple[uuid.UUID, str]]]:
    """Return what enough people have asked about just now, with who did and from which building.

    This is all that is read in each round. It is counted here, for a database that counts reads
    everything that was ever told.
    """
    query = _questions(session, subject, _ID[subject], _PERSON, Heard.area).where(
        Heard.at > now - rule.window, Heard.at <= now
    )
    found: defaultdict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    for one, person, area in session.execute(query):
        found[one].append((person, area))
    many = {
        one: rows
        for one, rows in found.items()
        if len({person for person, _ in rows}) >= rule.least
    }
    lived = homes(session, (area for rows in many.values() for _, area in rows))
    return {
        one: [(person, lived.get(area, "")) for person, area in rows] for one, rows in many.items()
    }


def homes(session: Session, areas: Iterable[str]) -> dict[str, str]:
    """Return the building in which each area lies; areas outside of any are left out."""
    above = {area: _above(area) for area in set(areas)}
    query = select(Place.path).where(
        Place.community_id == store.community(session),
        Place.kind == PlaceKind.BUILDING,
        Place.path.in_({path for paths in above.values() for path in paths}),
    )
    known = set(session.scalars(query))
    return {area: path for area, paths in above.items() for path in paths if path in known}


def _above(area: str) -> list[str]:
    """Return a path and the paths above it: /1/3/2/ gives itself, /1/3/ and /1/."""
    steps = [step for step in area.split("/") if step]
    return ["/" + "".join(f"{step}/" for step in steps[: end + 1]) for end in range(len(steps))]


def _judge(
    session: Session,
    usual: Usual,
    matter: tuple[Subject, uuid.UUID],
    rows: Sequence[tuple[uuid.UUID, str]],
    rule: Rule,
) -> Spike | None:
    """Return the spike, if people or buildings are more than what is usual of this or of all."""
    people = {person for person, _ in rows}
    places = {building for _, building in rows if building}
    base = usual.base[matter[0]]
    expected = max(base, usual.people.get(matter, 0.0))
    if not _rare(len(people), expected, rule) and not (
        _rare(len(places), base, rule)
        and _rare(len(places), max(base, _homes_of(session, usual, matter, rule)), rule)
    ):
        return None
    return Spike(*matter, len(people), tuple(sorted(places)), round(expected, 3))


def _rare(count: int, expected: float, rule: Rule) -> bool:
    return count >= max(rule.least, bound(expected, rule.chance))


def _grown(spike: Spike, known: dict[str, Any]) -> bool:
    return spike.askers >= 2 * known["askers"] or not set(spike.buildings) <= set(
        known["buildings"]
    )


def _keep(session: Session, spike: Spike, before: Sequence[str], now: datetime) -> None:
    event.add(
        session,
        HOUSE,
        PAGED,
        spike.id,
        now,
        subject=spike.subject,
        askers=spike.askers,
        buildings=sorted({*spike.buildings, *before}),
        usual=spike.usual,
    )
    session.flush()


def _page(session: Session, spike: Spike, now: datetime, rule: Rule, *, again: bool) -> None:
    """Open a task about a spike; `again`: call staff to it once more, with the new figures."""
    note = _note(session, spike, rule)
    opened = task.add(session, TaskKind.TREND, HOUSE, now, subject_id=spike.id, note=note)
    opened.note = note
    if again:
        pager.page(session, opened, now)


def _note(session: Session, spike: Spike, rule: Rule) -> str:
    said = phrase.say(
        "trend.asked",
        Written.HANS,
        hours=f"{rule.hours:g}",
        askers=spike.askers,
        places=_places(session, spike.buildings),
        matter=words(session, spike.subject, spike.id)[:_LONGEST],
    )
    return said + phrase.say(f"trend.{spike.subject}", Written.HANS)


def _places(session: Session, paths: Sequence[str]) -> str:
    """Return buildings as staff say them: （3号楼、5号楼）, "" for none."""
    names = place.named(session, paths[:_SHOWN])
    more = phrase.say("trend.more", Written.HANS, count=len(paths)) if len(paths) > _SHOWN else ""
    return f"（{'、'.join(names)}{more}）" if names else ""
