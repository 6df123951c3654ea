"""What residents teach the desk, what staff decide of it, and how it is taken back."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content.event import Actor, Event
from content.store import Store
from tests.verification.conftest import Desk
from verification import case, desk, facts, learning, shelf, telling
from verification.case import Heard, Question, State
from verification.fact import Fact, FactVariant, Refused, VariantState
from verification.index import Candidate, FactView
from verification.learning import FactNegative, Lesson
from verification.match import Decision, Outcome
from verification.telling import Mark

RUMOR = "听说水厂有人下毒，大家别喝自来水"


@dataclass
class Town:
    """A desk with one published fact, and residents who ask it."""

    session: Session
    base: shelf.Base
    cast: Desk
    fact: Fact
    now: datetime

    def asks(self, who: uuid.UUID, text: str = RUMOR) -> Heard:
        self.now += timedelta(minutes=1)
        asked = desk.hear(self.session, self.base, Question(text, who), self.now)
        return case.get(self.session, asked.question_id)

    def chooses(self, heard: Heard, option: str) -> None:
        desk.choose(self.session, self.base, heard.id, option, self.now)

    def negatives(self) -> list[FactNegative]:
        return list(self.session.scalars(select(FactNegative).order_by(FactNegative.id)))

    def events(self, kind: str) -> list[Event]:
        return list(self.session.scalars(select(Event).where(Event.kind == kind)))


@pytest.fixture
def town(store: Store, cast: Desk, water: Fact, now: datetime) -> Iterator[Town]:
    with store.begin() as session:
        fact = facts.get(session, water.id)
        yield Town(session, shelf.base(session), cast, fact, now)


def refused(town: Town) -> FactNegative:
    """Let 王奶奶 say that the answer was not meant, and staff accept it."""
    town.chooses(town.asks(town.cast.wang), "none")
    (row,) = town.negatives()
    learning.accept(town.session, row, town.cast.expert, town.now)
    return row


def test_none_after_an_answer_proposes_that_the_wording_does_not_mean_it(town: Town) -> None:
    town.chooses(town.asks(town.cast.wang), "none")
    (row,) = town.negatives()
    assert (row.fact_id, row.state, row.text) == (town.fact.id, VariantState.PROPOSED, RUMOR)
    assert town.asks(town.cast.li).state is State.ANSWERED


def test_what_staff_have_accepted_is_never_answered_with_that_fact_again(town: Town) -> None:
    refused(town)
    heard = town.asks(town.cast.li)
    assert heard.state is State.WAITING
    assert heard.decision["veto"] == "learned"


@pytest.mark.parametrize(
    "text",
    [RUMOR + "！！！", "听说水厂有人下毒 大家别喝自来水", "聽說水廠有人下毒，大家別喝自來水"],
)
def test_the_same_words_in_another_dress_are_refused_too(town: Town, text: str) -> None:
    refused(town)
    assert town.asks(town.cast.li, text).state is State.WAITING


def test_other_wordings_of_the_fact_are_answered_as_before(town: Town) -> None:
    refused(town)
    assert town.asks(town.cast.li, "自来水厂被人投毒，水不能喝了").state is State.ANSWERED


def test_taken_back_it_counts_no_more_and_is_a_proposal_again(town: Town) -> None:
    row = refused(town)
    learning.undo(town.session, row, town.cast.publisher, town.now)
    assert town.asks(town.cast.li).state is State.ANSWERED
    assert (row.state, row.undone_by) == (VariantState.PROPOSED, town.cast.publisher.id)
    (undone,) = town.events("negative.undone")
    assert (undone.actor_id, undone.data) == (town.cast.publisher.id, {"lesson": str(row.id)})


def test_what_is_rejected_is_not_proposed_again(town: Town) -> None:
    town.chooses(town.asks(town.cast.wang), "none")
    (row,) = town.negatives()
    learning.reject(town.session, row, town.cast.expert, town.now)
    town.chooses(town.asks(town.cast.li), "none")
    assert [(one.state, one.times) for one in town.negatives()] == [(VariantState.REJECTED, 2)]


def test_none_of_a_list_is_learned_of_each_fact_that_was_shown(town: Town) -> None:
    heard = town.asks(town.cast.wang)
    for row in telling.of(town.session, heard.id):
        town.session.delete(row)
    heard.state, heard.decision = State.ASKED_BACK, {"shown": [str(town.fact.id)]}
    town.chooses(heard, "0")
    assert [row.fact_id for row in town.negatives()] == [town.fact.id]


def test_a_letter_of_several_points_teaches_nothing(town: Town) -> None:
    heard = town.asks(town.cast.wang)
    part = {"text": "一", "course": "answer", "outcome": "answer", "why": ""}
    heard.decision = {**heard.decision, "parts": [part, part]}
    town.chooses(heard, "none")
    assert town.negatives() == []


def test_numbers_in_what_was_asked_are_not_kept(town: Town) -> None:
    heard = town.asks(town.cast.wang)
    heard.text = f"{RUMOR}，问13800000002"
    town.chooses(heard, "none")
    assert "13800000002" not in town.negatives()[0].text


def test_a_wording_that_was_chosen_finds_its_fact_until_it_is_taken_back(town: Town) -> None:
    made = facts.add_variant(
        town.session,
        town.fact,
        "水厂那个事",
        Actor(town.cast.author.door),
        town.now,
        accepted=False,
    )
    assert made is not None
    assert town.asks(town.cast.li, "水厂那个事").state is not State.ANSWERED
    learning.accept(town.session, made, town.cast.expert, town.now)
    assert town.asks(town.cast.li, "水厂那个事").state is State.ANSWERED
    learning.undo(town.session, made, town.cast.expert, town.now)
    assert town.asks(town.cast.li, "水厂那个事").state is not State.ANSWERED
    assert (made.undone_at, made.undone_by) == (
        town.now - timedelta(minutes=1),
        town.cast.expert.id,
    )


def test_two_opposite_lessons_do_not_both_count(town: Town) -> None:
    made = facts.add_variant(
        town.session, town.fact, RUMOR + "！", town.cast.author, town.now, accepted=True
    )
    assert made is None
    (variant,) = facts.wordings(town.session, town.fact)
    row = refused(town)
    assert (row.state, variant.state) == (VariantState.ACCEPTED, VariantState.REJECTED)
    learning.undo(town.session, row, town.cast.expert, town.now)
    assert (row.state, variant.state) == (VariantState.PROPOSED, VariantState.ACCEPTED)
    learning.accept(town.session, row, town.cast.expert, town.now)
    learning.accept(town.session, variant, town.cast.expert, town.now)
    assert (row.state, variant.state) == (VariantState.REJECTED, VariantState.ACCEPTED)
    assert town.asks(town.cast.li).state is State.ANSWERED


def test_staff_see_what_is_proposed_and_what_was_decided(town: Town) -> None:
    row = refused(town)
    facts.add_variant(
        town.session,
        town.fact,
        "水厂那个事",
        Actor(town.cast.author.door),
        town.now,
        accepted=False,
    )
    found = {one.lesson: one for one in learning.everything(town.session)}
    assert found[Lesson.MEANS].text == "水厂那个事"
    assert (found[Lesson.MEANS_NOT].id, found[Lesson.MEANS_NOT].code) == (row.id, "water")
    proposed = learning.everything(town.session, VariantState.PROPOSED)
    assert [one.lesson for one in proposed] == [Lesson.MEANS]


def test_wordings_of_the_staff_themselves_are_no_lessons(town: Town) -> None:
    assert town.session.scalars(select(FactVariant)).all() != []
    assert learning.everything(town.session) == []


@pytest.mark.parametrize("act", [learning.accept, learning.reject, learning.undo])
def test_only_who_answers_for_facts_decides(town: Town, act: object) -> None:
    town.chooses(town.asks(town.cast.wang), "none")
    with pytest.raises(Refused, match="只有专家"):
        act(town.session, town.negatives()[0], town.cast.author, town.now)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["", "x", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_lesson_is_refused_in_a_sentence(town: Town, name: str) -> None:
    with pytest.raises(Refused, match="rumors learned list"):
        learning.get(town.session, name)


def candidate(name: str, probability: float, linked: frozenset[str] = frozenset()) -> Candidate:
    return Candidate(FactView(name, f"说法{name}", linked=linked), 1.0, probability)


def test_without_the_likeliest_the_next_ones_are_asked_about_and_never_answered() -> None:
    one, two, three = candidate("1", 0.99), candidate("2", 0.9), candidate("3", 0.001)
    decision = Decision(Outcome.ANSWER, (one,), (one, two, three), 0.99, "answer")
    left = learning.without(decision, {"1"})
    assert (left.outcome, left.candidates, left.veto) == (Outcome.ASK, (two,), "learned")
    assert learning.without(decision, {"2"}) is decision


def test_what_judges_the_same_claim_goes_with_it() -> None:
    one, two = candidate("1", 0.99, frozenset({"2"})), candidate("2", 0.9, frozenset({"1"}))
    asked = Decision(Outcome.ASK, (one, two), (one, two), 0.7, "ask")
    assert learning.without(asked, {"2"}).outcome is Outcome.CASE
    assert replace(asked, candidates=(one,)).candidates


def test_an_answer_is_marked_once_and_the_last_mark_counts(town: Town) -> None:
    heard = town.asks(town.cast.wang)
    for _ in range(2):
        learning.useful(town.session, heard, town.now)
    (row,) = telling.of(town.session, heard.id)
    assert (row.mark, len(town.events("answer.marked"))) == (Mark.USEFUL, 1)
    town.chooses(heard, "none")
    assert telling.of(town.session, heard.id)[0].mark is Mark.NOT_MINE
