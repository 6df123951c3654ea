"""Trends: what more neighbours ask about than usual, and when staff must be told."""

import math
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
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
_FORGET = timedelta(days=1)
"""After so long a spike is a new one: staff are paged again."""
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


def spikes(session: Session, now: datetime, rule: Rule = DEFAULT) -> list[Spike]:
    """Return what is asked about more than usual, the most asked first.

    A person counts once, however often they ask and from whichever of their numbers; questions
    from groups, whose askers are not known, do not count.
    """
    windows = _windows(session, now, rule)
    found = []
    for subject in Subject:
        ids = _frequent(session, subject, now, rule)
        base = _base(session, subject, now, rule) / windows if ids else 0.0
        for one, rows in _asked(session, subject, ids, now, rule).items():
            spike = _judge(subject, one, rows, windows, base, rule)
            found += [spike] if spike else []
    return sorted(found, key=lambda spike: (-spike.askers, str(spike.id)))


def watch(session: Session, now: datetime, rule: Rule = DEFAULT) -> list[Spike]:
    """Page the staff about each spike once, and again when it has doubled or spread further."""
    paged = []
    for spike in spikes(session, now, rule):
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


def _frequent(session: Session, subject: Subject, now: datetime, rule: Rule) -> list[uuid.UUID]:
    """Return what enough people have asked about just now; the only part that runs each time."""
    query = _questions(session, subject, _ID[subject]).where(
        Heard.at > now - rule.window, Heard.at <= now
    )
    many = func.count(func.distinct(_PERSON)) >= rule.least
    return list(session.scalars(query.group_by(_ID[subject]).having(many)))


def _windows(session: Session, now: datetime, rule: Rule) -> float:
    """Return how many windows the past has; less than `days` where the desk is younger."""
    mine = store.community(session)
    start = now - rule.window
    first = session.scalar(select(func.min(Heard.at)).where(Heard.community_id == mine))
    past = start - max(first or start, start - timedelta(days=rule.days))
    return max(1.0, past / rule.window)


def _base(session: Session, subject: Subject, now: datetime, rule: Rule) -> float:
    """Return how many people asked about one thing in the past days, on average over all."""
    start = now - rule.window
    each = (
        _questions(session, subject, func.count(func.distinct(_PERSON)).label("people"))
        .where(Heard.at > start - timedelta(days=rule.days), Heard.at <= start)
        .group_by(_ID[subject])
        .subquery()
    )
    return float(session.scalar(select(func.avg(each.c.people))) or 0.0)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One person asked once; `ago` counts the windows before the one that is looked at."""

    person: uuid.UUID
    building: str
    ago: int


def _asked(
    session: Session, subject: Subject, ids: Sequence[uuid.UUID], now: datetime, rule: Rule
) -> dict[uuid.UUID, list[_Asked]]:
    """Return who asked about these things, in the window and in the past days."""
    since = now - rule.window - timedelta(days=rule.days)
    query = _questions(session, subject, _ID[subject], _PERSON, Heard.area, Heard.at).where(
        _ID[subject].in_(ids), Heard.at > since, Heard.at <= now
    )
    rows = session.execute(query).all() if ids else []
    lived = homes(session, (area for _, _, area, _ in rows))
    found: defaultdict[uuid.UUID, list[_Asked]] = defaultdict(list)
    for one, person, area, at in rows:
        found[one].append(_Asked(person, lived.get(area, ""), (now - at) // rule.window))
    return found


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
    subject: Subject,
    matter_id: uuid.UUID,
    rows: list[_Asked],
    windows: float,
    base: float,
    rule: Rule,
) -> Spike | None:
    """Return the spike, if people or buildings are more than what is usual of this or of all."""
    people = {row.person for row in rows if not row.ago}
    places = {row.building for row in rows if not row.ago and row.building}
    usual = max(base, len({(row.person, row.ago) for row in rows if row.ago}) / windows)
    usual_homes = max(
        base, len({(row.building, row.ago) for row in rows if row.ago and row.building}) / windows
    )
    if not any(
        count >= max(rule.least, bound(expected, rule.chance))
        for count, expected in ((len(people), usual), (len(places), usual_homes))
    ):
        return None
    return Spike(subject, matter_id, len(people), tuple(sorted(places)), round(usual, 3))


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
