"""Report: what was asked in a period, how it was answered, how fast, and how well; no names."""

import datetime as dt
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from content import mask, people, store
from content.delivery import Delivery
from content.event import Event
from content.notice import Notice, NoticeKind
from verification import facts, sample, standing, trends
from verification.case import Case, Heard, State
from verification.promise import OVERDUE
from verification.sample import Precision
from verification.telling import Mark, Telling
from verification.trends import Subject

_TOP, _MANY = 10, 50
"""Topics that are listed, and cases from which they are taken: several may be about the same."""
_HOME = re.compile(
    r"(?<!\d)\d{1,3}[-－](?:\d{1,2}[-－])?\d{3,4}(?!\d)|\d{1,2}\s*单元|\d{3,4}\s*[室房]"
)
"""Homes as people write them: 3-2-501, 2单元501室; a building alone is nobody's home."""
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁"
    "任沈姚卢姜崔钟谭陆汪范石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙陶黎贺顾毛郝龚邵万钱严覃武戴莫孔"
)
_PERSON = re.compile(
    f"[{_SURNAMES}](?=[大老]?(?:爷|妈|娘|奶奶|爷爷|阿姨|叔|伯|婶|嫂|哥|姐|先生|女士|太太|师傅|老师|医生))"
)
"""Surnames before what people are called by: 王奶奶, 李师傅."""
_BOOKED = "question."


@dataclass(frozen=True, slots=True)
class Day:
    """What became of one day's questions when they were heard."""

    day: dt.date
    answered: int = 0
    asked_back: int = 0
    waiting: int = 0
    replied: int = 0

    @property
    def total(self) -> int:
        """Return how many questions were heard."""
        return self.answered + self.asked_back + self.waiting + self.replied


@dataclass(frozen=True, slots=True)
class Topic:
    """What was asked about: in how many questions, by how many askers, and how it was marked."""

    words: str
    askers: int
    questions: int
    useful: int = 0
    not_mine: int = 0
    verdict: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """One time that staff were paged about what more neighbours than usual asked."""

    at: datetime
    words: str
    askers: int
    buildings: int


@dataclass(frozen=True, slots=True)
class Promise:
    """The cases that were due: how many were settled in time, who heard that they still wait."""

    due: int
    kept: int
    reminded: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Period:
    """The figures of one period; `automatic` and `experts` are sorted seconds to an answer."""

    start: datetime
    end: datetime
    days: tuple[Day, ...]
    askers: int
    facts: tuple[Topic, ...]
    cases: tuple[Topic, ...]
    automatic: tuple[float, ...]
    experts: tuple[float, ...]
    promise: Promise
    useful: int
    not_mine: int
    spread: tuple[Spread, ...]
    precision: Precision

    @property
    def total(self) -> Day:
        """Return all days as one."""
        names = ("answered", "asked_back", "waiting", "replied")
        return Day(
            self.days[0].day, *(sum(getattr(one, name) for one in self.days) for name in names)
        )


def period(session: Session, start: datetime, end: datetime) -> Period:
    """Return the figures of what was asked and told from `start` to before `end`."""
    cover = _cover(session)
    useful, not_mine = _marks(session, start, end)
    return Period(
        start=start,
        end=end,
        days=_days(session, start, end),
        askers=_askers(session, start, end),
        facts=_facts(session, start, end),
        cases=_cases(session, start, end, cover),
        automatic=_automatic(session, start, end),
        experts=_experts(session, start, end),
        promise=_promise(session, start, end),
        useful=useful,
        not_mine=not_mine,
        spread=_spread(session, start, end, cover),
        precision=sample.precision(session, start, end),
    )


def middle(values: tuple[float, ...], share: float = 0.5) -> float | None:
    """Return the value below which this share of sorted values lies; None for none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def _within(
    column: InstrumentedAttribute[datetime], start: datetime, end: datetime
) -> ColumnElement[bool]:
    return (column >= start) & (column < end)


def _days(session: Session, start: datetime, end: datetime) -> tuple[Day, ...]:
    """Return every day of the period with what became of its questions when they were heard."""
    mine, zone = store.community(session), standing.zone(session)
    query = (
        select(Heard.id, Heard.at, Event.kind)
        .join(Event, (Event.community_id == mine) & (Event.subject_id == Heard.id))
        .where(Heard.community_id == mine, _within(Heard.at, start, end))
        .where(Event.at == Heard.at, Event.kind.startswith(_BOOKED, autoescape=True))
        .order_by(Event.id)
    )
    first: dict[uuid.UUID, tuple[dt.date, str]] = {}
    for one, at, kind in session.execute(query):
        first.setdefault(one, (at.astimezone(zone).date(), kind.removeprefix(_BOOKED)))
    counted = Counter(first.values())
    days = _every(start.astimezone(zone).date(), end.astimezone(zone))
    return tuple(Day(day, **{state: counted[day, state] for state in State}) for day in days)


def _every(first: dt.date, end: datetime) -> Iterable[dt.date]:
    last = (end - dt.timedelta(microseconds=1)).date()
    return [first + dt.timedelta(days=step) for step in range((last - first).days + 1)]


def _askers(session: Session, start: datetime, end: datetime) -> int:
    query = select(func.count(func.distinct(Heard.address_id))).where(
        Heard.community_id == store.community(session), _within(Heard.at, start, end)
    )
    return session.scalar(query) or 0


def _facts(session: Session, start: datetime, end: datetime) -> tuple[Topic, ...]:
    """Return the facts that most people asked about, with how their answers were marked."""
    mine = store.community(session)
    people_ = func.count(func.distinct(Telling.address_id))
    query = (
        select(Telling.fact_id, people_, func.count(), _count(Mark.USEFUL), _count(Mark.NOT_MINE))
        .join(Heard, (Heard.community_id == mine) & (Heard.id == Telling.question_id))
        .where(Telling.community_id == mine, _within(Heard.at, start, end))
        .group_by(Telling.fact_id)
        .order_by(people_.desc(), Telling.fact_id)
        .limit(_TOP)
    )
    found = []
    for fact_id, askers, questions, useful, not_mine in session.execute(query):
        version = facts.current(session, facts.get(session, fact_id))
        claim = mask.mask(version.claim)
        found.append(Topic(claim, askers, questions, useful, not_mine, str(version.verdict)))
    return tuple(found)


def _count(mark: Mark) -> ColumnElement[int]:
    """Count the people who gave a mark: each counts once for each fact."""
    return func.count(func.distinct(case((Telling.mark == mark, Telling.address_id))))


def _cases(
    session: Session, start: datetime, end: datetime, cover: Callable[[str], str]
) -> tuple[Topic, ...]:
    """Return the cases that most people asked about; a settled one by the claim of its fact."""
    mine = store.community(session)
    asked = (
        (Heard.community_id == mine) & _within(Heard.at, start, end) & Heard.case_id.is_not(None)
    )
    people_ = func.count(func.distinct(Heard.address_id)).desc()
    most = select(Heard.case_id).where(asked).group_by(Heard.case_id).order_by(people_).limit(_MANY)
    query = select(Case, Heard.address_id).join(
        Heard, (Heard.community_id == mine) & (Heard.case_id == Case.id)
    )
    askers: defaultdict[tuple[str, bool], list[uuid.UUID | None]] = defaultdict(list)
    for matter, address_id in session.execute(query.where(asked, Case.id.in_(most))):
        askers[_about(session, matter, cover), matter.settled_at is None].append(address_id)
    found = [
        Topic(words, len(set(them) - {None}), len(them), open=waits)
        for (words, waits), them in askers.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.askers, -one.questions, one.words))[:_TOP])


def _about(session: Session, matter: Case, cover: Callable[[str], str]) -> str:
    if matter.settled_at is None or matter.fact_id is None:
        return cover(matter.matter)
    return mask.mask(facts.current(session, facts.get(session, matter.fact_id)).claim)


def _automatic(session: Session, start: datetime, end: datetime) -> tuple[float, ...]:
    """Return after how many seconds what was answered by itself was on its way."""
    mine = store.community(session)
    query = (
        select(Heard.at, func.min(Delivery.first_at))
        .join(
            Delivery, (Delivery.community_id == mine) & (Delivery.recipient_id == Heard.address_id)
        )
        .join(Notice, (Notice.community_id == mine) & (Notice.id == Delivery.notice_id))
        .where(Heard.community_id == mine, _within(Heard.at, start, end))
        .where(Notice.kind == NoticeKind.ANSWER, Notice.made_at == Heard.at)
        .where(Delivery.first_at.is_not(None))
        .group_by(Heard.id, Heard.at)
    )
    return _seconds(session.execute(query).all())


def _experts(session: Session, start: datetime, end: datetime) -> tuple[float, ...]:
    """Return after how many seconds who waited for an expert was told in this period."""
    mine = store.community(session)
    query = (
        select(Heard.at, Telling.at)
        .join(Telling, (Telling.community_id == mine) & (Telling.question_id == Heard.id))
        .where(Heard.community_id == mine, Heard.case_id.is_not(None))
        .where(Telling.at > Heard.at, _within(Telling.at, start, end))
    )
    return _seconds(session.execute(query).all())


def _seconds(rows: Iterable[Any]) -> tuple[float, ...]:
    return tuple(sorted(max(0.0, (told - asked).total_seconds()) for asked, told in rows))


def _promise(session: Session, start: datetime, end: datetime) -> Promise:
    mine = store.community(session)
    due = select(func.count()).where(
        Case.community_id == mine, Case.merged_id.is_(None), _within(Case.due_at, start, end)
    )
    events = select(Event.data).where(Event.community_id == mine, _within(Event.at, start, end))
    reminded = session.scalars(events.where(Event.kind == "case.reminded"))
    return Promise(
        due=session.scalar(due) or 0,
        kept=session.scalar(due.where(Case.settled_at <= Case.due_at)) or 0,
        reminded=sum(int(data.get("told", 0)) for data in reminded),
        overdue=len(session.scalars(events.where(Event.kind == OVERDUE)).all()),
    )


def _marks(session: Session, start: datetime, end: datetime) -> tuple[int, int]:
    """Return how many answers were marked useful, and how many as not what was asked."""
    mine = store.community(session)
    pairs = (
        select(Telling.address_id, Telling.fact_id, Telling.mark)
        .where(Telling.community_id == mine, _within(Telling.at, start, end))
        .distinct()
    )
    marks = Counter(mark for _, _, mark in session.execute(pairs))
    return marks[Mark.USEFUL], marks[Mark.NOT_MINE]


def _spread(
    session: Session, start: datetime, end: datetime, cover: Callable[[str], str]
) -> tuple[Spread, ...]:
    mine = store.community(session)
    query = select(Event).where(
        Event.community_id == mine, Event.kind == trends.PAGED, _within(Event.at, start, end)
    )
    found = []
    for row in session.scalars(query.order_by(Event.id)):
        if row.subject_id is not None:
            said = trends.words(session, Subject(row.data["subject"]), row.subject_id)
            homes = len(row.data["buildings"])
            found.append(Spread(row.at, cover(said), row.data["askers"], homes))
    return tuple(found)


def _cover(session: Session) -> Callable[[str], str]:
    """Return what covers numbers, homes and the names of those we know in what residents wrote."""
    mine = store.community(session)
    known = set(
        session.scalars(select(people.Resident.name).where(people.Resident.community_id == mine))
    )
    known |= set(
        session.scalars(select(people.Contact.name).where(people.Contact.community_id == mine))
    )
    names = sorted((name for name in known if len(name) > 1), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, names))) if names else None

    def cover(text: str) -> str:
        covered = _PERSON.sub("*", _HOME.sub("***", mask.mask(text)))
        return pattern.sub("***", covered) if pattern else covered

    return cover
