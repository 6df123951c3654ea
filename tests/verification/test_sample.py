"""Automatic answers are drawn by lot, judged by staff, and told as a rate with its interval."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from content.event import HOUSE
from content.store import Store
from tests.verification.conftest import Desk
from verification import case, desk, facts, sample, shelf, telling
from verification.case import Question
from verification.fact import Fact, Refused
from verification.sample import Drawn, Precision

RUMOR = "听说水厂有人下毒，大家别喝自来水"
HOUR = timedelta(hours=1)


@dataclass
class Answers:
    """Five automatic answers, and who judges them."""

    session: Session
    cast: Desk
    fact: Fact
    now: datetime

    def draw(self, count: int, seed: int = 1) -> list[Drawn]:
        since = self.now - HOUR
        lot = random.Random(seed)  # noqa: S311 - a lottery for tests
        return sample.draw(self.session, count, self.cast.expert, since, self.now + HOUR, lot)

    def judge(self, one: Drawn, *, good: bool) -> None:
        sample.judge(self.session, one.number, one.code, self.cast.expert, self.now, good=good)

    def precision(self) -> Precision:
        return sample.precision(self.session, self.now - HOUR, self.now + HOUR)


@pytest.fixture
def answers(store: Store, cast: Desk, water: Fact, now: datetime) -> Iterator[Answers]:
    with store.begin() as session:
        base = shelf.base(session)
        for minute in range(5):
            at = now + timedelta(minutes=minute)
            desk.hear(session, base, Question(RUMOR, cast.wang), at)
        yield Answers(session, cast, facts.get(session, water.id), now)


def test_so_many_answers_are_drawn_and_shown_with_question_and_truth(answers: Answers) -> None:
    drawn = answers.draw(3)
    assert len({one.number for one in drawn}) == 3
    assert (drawn[0].question, drawn[0].code) == (RUMOR, "water")
    assert drawn[0].truth.startswith("自来水厂没有被投毒")


def test_what_waits_for_a_judgement_is_shown_before_anything_new(answers: Answers) -> None:
    first = answers.draw(2)
    assert answers.draw(2, seed=9) == first
    assert {one.number for one in first} <= {one.number for one in answers.draw(4)}


def test_an_answer_is_drawn_once_only(answers: Answers) -> None:
    for one in answers.draw(5):
        answers.judge(one, good=True)
    assert answers.draw(5) == []


def test_what_an_expert_answered_later_is_not_drawn(answers: Answers) -> None:
    heard = desk.hear(
        answers.session, shelf.Base(), Question("地铁", answers.cast.li), answers.now
    ).question_id
    telling.keep(answers.session, heard, answers.cast.li, answers.fact.id, 1, answers.now + HOUR)
    assert case.get(answers.session, heard).number not in {one.number for one in answers.draw(99)}


def test_a_question_that_was_deleted_cannot_be_judged(answers: Answers) -> None:
    (one,) = answers.draw(1)
    heard = answers.session.query(case.Heard).filter_by(number=one.number).one()
    heard.text, heard.digest = "", ""
    answers.session.flush()
    assert one.number not in {other.number for other in answers.draw(9)}


def test_the_last_judgement_counts(answers: Answers) -> None:
    one, two = answers.draw(2)
    answers.judge(one, good=False)
    answers.judge(one, good=True)
    answers.judge(two, good=False)
    assert (answers.precision().good, answers.precision().judged) == (1, 2)


def test_only_what_was_drawn_can_be_judged_and_only_by_staff(answers: Answers) -> None:
    (one,) = answers.draw(1)
    with pytest.raises(Refused, match="没有抽到过"):
        sample.judge(answers.session, 999, one.code, answers.cast.expert, answers.now, good=True)
    with pytest.raises(Refused, match="工作人员"):
        sample.judge(answers.session, one.number, one.code, HOUSE, answers.now, good=True)


@pytest.mark.parametrize(
    ("good", "count", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962), (0, 5, 0.0, 0.4345)],
)
def test_the_interval_is_wilsons(good: int, count: int, low: float, high: float) -> None:
    assert sample.wilson(good, count) == pytest.approx((low, high), abs=1e-4)


def test_nothing_judged_is_no_rate() -> None:
    assert (Precision(0, 0).rate, Precision(0, 0).interval) == (0.0, (0.0, 1.0))
