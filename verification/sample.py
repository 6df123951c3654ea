"""Samples: automatic answers drawn by lot, which staff judge right or wrong."""

import math
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Uuid, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, identity, mask, store
from content.base import Base, Instant, Owned
from content.event import Actor
from verification import facts
from verification.case import Heard
from verification.fact import Refused
from verification.telling import Telling

_Z = 1.96
"""Standard deviations on each side of an interval that holds in 95 of 100 cases."""
_NO_STAFF = "只有工作人员能评判。 Only staff judge answers: set your token."
_UNKNOWN = (
    "没有抽到过这一条，请先用 rumors sample 抽取。 "
    "This answer was not drawn: draw answers with `linxun rumors sample` first."
)


class Sample(Owned, Base):
    """One automatic answer that was drawn, and what staff think of it."""

    __tablename__ = "answer_sample"

    question_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    fact_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    drawn_at: Mapped[datetime] = mapped_column(Instant)
    drawn_by: Mapped[uuid.UUID | None]
    good: Mapped[bool | None]
    """Whether it was the right answer; None before somebody has judged."""
    judged_at: Mapped[datetime | None] = mapped_column(Instant)
    judged_by: Mapped[uuid.UUID | None]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer to be judged: the question's number and text, and what was answered."""

    number: int
    code: str
    question: str
    claim: str
    truth: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of the judged answers were right, with a Wilson interval of 95 %."""

    good: int
    judged: int

    @property
    def rate(self) -> float:
        """Return the share of right answers; 0 where none was judged."""
        return self.good / self.judged if self.judged else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the lower and the upper bound of the rate."""
        return wilson(self.good, self.judged)


def draw(
    session: Session,
    count: int,
    actor: Actor,
    since: datetime,
    now: datetime,
    lot: random.Random,
) -> list[Drawn]:
    """Draw automatic answers given since an instant; those that wait for a judgement come first.

    Answers whose question has been deleted by now cannot be judged and are not drawn.
    """
    _staff(session, actor)
    waiting = session.execute(_drawn(session).where(Sample.good.is_(None))).all()
    fresh = session.execute(_answers(session, since)).all()
    missing = min(max(0, count - len(waiting)), len(fresh))
    for question_id, fact_id, asked_at in lot.sample(fresh, missing):
        made = Sample(
            community_id=store.community(session),
            question_id=question_id,
            fact_id=fact_id,
            asked_at=asked_at,
            drawn_at=now,
            drawn_by=actor.id,
        )
        session.add(made)
    session.flush()
    rows = session.execute(_drawn(session).where(Sample.good.is_(None))).all()
    return [_shown(session, heard, row) for row, heard in rows[:count]]


def judge(
    session: Session, number: int, code: str, actor: Actor, now: datetime, *, good: bool
) -> None:
    """Keep what staff think of an answer; a later judgement replaces an earlier one."""
    _staff(session, actor)
    fact = facts.named(session, code)
    found = session.scalar(
        select(Sample)
        .join(Heard, (Heard.community_id == Sample.community_id) & (Heard.id == Sample.question_id))
        .where(
            Sample.community_id == store.community(session),
            Sample.fact_id == fact.id,
            Heard.number == number,
        )
    )
    if found is None:
        raise Refused(_UNKNOWN)
    found.good, found.judged_at, found.judged_by = good, now, actor.id
    event.add(session, actor, "answer.judged", fact.id, now, good=good)
    session.flush()


def precision(session: Session, start: datetime, end: datetime) -> Precision:
    """Return how the judged answers to the questions of a period did."""
    within: Sequence[ColumnElement[bool]] = (
        Sample.community_id == store.community(session),
        Sample.asked_at >= start,
        Sample.asked_at < end,
    )
    query = select(func.count()).select_from(Sample)
    good = session.scalar(query.where(*within, Sample.good.is_(True))) or 0
    bad = session.scalar(query.where(*within, Sample.good.is_(False))) or 0
    return Precision(good, good + bad)


def wilson(good: int, count: int) -> tuple[float, float]:
    """Return the Wilson interval of a rate: from 0 to 1 where nothing was counted."""
    if not count:
        return 0.0, 1.0
    rate, slack = good / count, _Z * _Z / count
    middle = (rate + slack / 2) / (1 + slack)
    half = _Z * math.sqrt(rate * (1 - rate) / count + slack / (4 * count)) / (1 + slack)
    return max(0.0, middle - half), min(1.0, middle + half)


def _answers(session: Session, since: datetime) -> Select[uuid.UUID, uuid.UUID, datetime]:
    """Select what was answered at once and by itself, and was not drawn before."""
    mine = store.community(session)
    drawn = (
        select(Sample.question_id)
        .where(Sample.community_id == mine, Sample.question_id == Telling.question_id)
        .where(Sample.fact_id == Telling.fact_id)
    )
    return (
        select(Telling.question_id, Telling.fact_id, Heard.at)
        .join(Heard, (Heard.community_id == mine) & (Heard.id == Telling.question_id))
        .where(Telling.community_id == mine, Telling.at == Heard.at, Telling.at >= since)
        .where(Heard.digest != "", ~drawn.exists())
        .order_by(Telling.question_id, Telling.fact_id)
    )


def _drawn(session: Session) -> Select[Sample, Heard]:
    """Select what was drawn, with its question, unless that has been deleted."""
    mine = store.community(session)
    return (
        select(Sample, Heard)
        .join(Heard, (Heard.community_id == mine) & (Heard.id == Sample.question_id))
        .where(Sample.community_id == mine, Heard.digest != "")
        .order_by(Sample.drawn_at, Heard.number, Sample.fact_id)
    )


def _shown(session: Session, heard: Heard, row: Sample) -> Drawn:
    fact = facts.get(session, row.fact_id)
    version = facts.current(session, fact)
    return Drawn(
        number=heard.number,
        code=fact.code,
        question=mask.mask(heard.text),
        claim=version.claim,
        truth=version.truth,
        verdict=str(version.verdict),
    )


def _staff(session: Session, actor: Actor) -> None:
    if actor.id is None or not identity.roles(session, actor.id):
        raise Refused(_NO_STAFF)
