"""The figures of the report: counted from what happened, without anybody's name."""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from content import event
from content.event import HOUSE
from content.store import Store
from tests.verification.conftest import Desk
from tests.verification.neighbours import asks, case_of, resident
from verification import desk, facts, learning, report, shelf, telling
from verification.case import Case, Heard, Question, State
from verification.fact import Fact
from verification.report import Day, Period

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RUMOR = "听说水厂有人下毒，大家别喝自来水"


@dataclass
class Month:
    """A community with a fact, whose questions are counted from the first day on."""

    session: Session
    now: datetime
    fact: Fact
    cast: Desk

    def asks(self, text: str, who: uuid.UUID, at: datetime) -> Heard:
        base = shelf.base(self.session)
        heard = desk.hear(self.session, base, Question(text, who), at).question_id
        self.session.flush()
        return self.session.get_one(Heard, (self.fact.community_id, heard))

    def waits(self, at: datetime, room: int, words: str = "水厂怎么了") -> Case:
        """Let a neighbour ask what nobody knows."""
        heard = asks(self.session, resident(self.session, 3, room, at), at)
        heard.text = words
        return case_of(self.session, heard, at)

    def period(self, days: int = 2) -> Period:
        start = self.now.replace(hour=0) - 8 * HOUR
        return report.period(self.session, start, start + days * DAY)


@pytest.fixture
def month(store: Store, cast: Desk, water: Fact, now: datetime) -> Iterator[Month]:
    with store.begin() as session:
        yield Month(session, now, facts.get(session, water.id), cast)


def test_each_day_counts_what_became_of_its_questions_at_once(month: Month) -> None:
    month.asks(RUMOR, month.cast.wang, month.now)
    month.asks("幸福里下个月要建地铁站了", month.cast.wang, month.now + HOUR)
    month.asks(RUMOR, month.cast.li, month.now + DAY)
    first, second = month.period().days
    assert (first.answered, first.waiting, second.answered) == (1, 1, 1)
    assert month.period().total.total == 3


def test_a_question_counts_once_however_it_goes_on(month: Month) -> None:
    heard = month.asks(RUMOR, month.cast.wang, month.now)
    desk.choose(month.session, shelf.base(month.session), heard.id, "none", month.now + HOUR)
    assert month.period().days[0] == Day(month.period().days[0].day, answered=1)


def test_an_asker_counts_once_and_a_period_ends_before_its_end(month: Month) -> None:
    for hour in range(3):
        month.asks(RUMOR, month.cast.wang, month.now + hour * HOUR)
    month.asks(RUMOR, month.cast.li, month.now + 2 * DAY)
    found = month.period()
    assert (found.askers, found.total.answered) == (1, 3)
    assert [(one.askers, one.questions) for one in found.facts] == [(1, 3)]


def test_marks_count_once_for_each_asker_and_fact(month: Month) -> None:
    for hour in range(2):
        heard = month.asks(RUMOR, month.cast.wang, month.now + hour * HOUR)
        learning.useful(month.session, heard, month.now + hour * HOUR)
    found = month.period()
    assert (found.useful, found.not_mine, found.facts[0].useful) == (1, 0, 1)


def test_experts_are_timed_from_the_question_to_the_answer(month: Month) -> None:
    matter = month.waits(month.now, 101)
    heard = month.session.query(Heard).one()
    telling.keep(month.session, heard.id, heard.address_id, month.fact.id, 1, month.now + 3 * HOUR)
    assert matter.settled_at is None
    assert month.period().experts == (3 * 3600.0,)


def test_a_promise_is_kept_by_what_was_settled_when_it_was_due(month: Month) -> None:
    kept, late = month.waits(month.now, 101), None
    kept.settled_at, kept.due_at = month.now + HOUR, month.now + 2 * HOUR
    month.session.flush()
    late = month.waits(month.now, 102)
    late.due_at = month.now + 2 * HOUR
    event.add(month.session, HOUSE, "case.reminded", late.id, month.now, told=4)
    found = month.period().promise
    assert (found.due, found.kept, found.reminded) == (2, 1, 4)


def test_words_of_residents_are_told_without_names_homes_and_numbers(month: Month) -> None:
    month.waits(month.now, 101, "3号楼居民101说，3-2-501的王奶奶家3单元502室漏水，打13800000002")
    (topic,) = month.period().cases
    assert topic.open
    hidden = ("居民101", "501", "王奶奶", "502", "13800000002")
    assert [part for part in hidden if part in topic.words] == []
    assert "漏水" in topic.words


def test_a_settled_case_is_told_by_the_claim_of_its_fact(month: Month) -> None:
    matter = month.waits(month.now, 101, "王某某说水有毒")
    matter.settled_at, matter.fact_id = month.now, month.fact.id
    month.session.flush()
    (topic,) = month.period().cases
    assert (topic.words, topic.open) == ("自来水厂被人投毒，水不能喝了", False)


def test_what_spread_is_listed_with_its_figures(month: Month) -> None:
    data = {"subject": "fact", "askers": 5, "buildings": ["/1/", "/2/"], "usual": 0.1}
    event.add(month.session, HOUSE, "trend.paged", month.fact.id, month.now, **data)
    (found,) = month.period().spread
    assert (found.words, found.askers, found.buildings) == ("自来水厂被人投毒，水不能喝了", 5, 2)


def test_a_period_without_questions_is_a_period_of_zeros(month: Month) -> None:
    found = month.period(30)
    assert (len(found.days), found.total.total, found.facts, found.cases) == (30, 0, (), ())
    assert (report.middle(found.automatic), found.precision.judged) == (None, 0)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 3.0), (1.0, 5.0)])
def test_the_middle_of_sorted_values(share: float, value: float) -> None:
    assert report.middle((1.0, 2.0, 3.0, 4.0, 5.0), share) == value


def test_every_state_of_a_question_has_its_column() -> None:
    assert all(hasattr(Day(dt.date(2026, 7, 20)), state) for state in State)
