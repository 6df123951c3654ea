"""/lessons: what residents have taught, decided and taken back in chat."""

import pytest
from sqlalchemy import select

from content import phrase
from content.event import Actor, Door
from content.message import Kind, Written
from content.staff import Role
from tests.bot.street import CHATS, LI_CHAT, STRANGER, Street, buttons, said
from verification import facts, learning
from verification.fact import Fact, VariantState
from verification.learning import Lesson

RUMOR = "听说水厂有人下毒，大家别喝自来水"
EXPERT, AUTHOR = CHATS[Role.EXPERT], CHATS[Role.AUTHOR]


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def taught(street: Street) -> str:
    """Let 李明 say that an answer was not what he asked; return the lesson's id."""
    street.says(LI_CHAT, RUMOR)
    ref = street.hand_over(Kind.CHAT, LI_CHAT)
    street.presses(LI_CHAT, f"none:{ref}")
    (found,) = learning.everything(street.session)
    return found.id.hex


def state(street: Street, lesson: Lesson = Lesson.MEANS_NOT) -> VariantState:
    found = {one.lesson: one.state for one in learning.everything(street.session)}
    return found[lesson]


def test_what_waits_for_a_decision_is_shown_with_its_buttons(street: Street) -> None:
    lesson = taught(street)
    shown = street.says(EXPERT, "/lessons")
    assert RUMOR in said(shown)
    assert buttons(shown) == [f"lesson::accept.{lesson}", f"lesson::reject.{lesson}"]


def test_a_decision_can_be_taken_back_at_once(street: Street) -> None:
    lesson = taught(street)
    done = street.presses(EXPERT, f"lesson::accept.{lesson}")
    assert (state(street), buttons(done)) == (VariantState.ACCEPTED, [f"lesson::undo.{lesson}"])
    street.presses(EXPERT, f"lesson::undo.{lesson}")
    assert state(street) is VariantState.PROPOSED
    street.presses(EXPERT, f"lesson::reject.{lesson}")
    assert state(street) is VariantState.REJECTED


def test_without_a_lesson_it_says_so(street: Street) -> None:
    assert said(street.says(EXPERT, "/lessons")) == word("lesson.none")


@pytest.mark.parametrize("chat", [LI_CHAT, STRANGER, AUTHOR])
def test_who_does_not_answer_for_facts_decides_nothing(street: Street, chat: str) -> None:
    lesson = taught(street)
    assert said(street.presses(chat, f"lesson::accept.{lesson}"))
    assert state(street) is VariantState.PROPOSED


@pytest.mark.parametrize("value", ["", "accept", "accept.x", "drop.1", f"accept.{'0' * 32}"])
def test_a_button_of_nobodys_lesson_changes_nothing(street: Street, value: str) -> None:
    taught(street)
    assert said(street.presses(EXPERT, f"lesson::{value}"))
    assert state(street) is VariantState.PROPOSED


def test_residents_have_no_list_of_lessons(street: Street) -> None:
    assert said(street.says(LI_CHAT, "/lessons")) == word("staff.unknown")


def test_a_wording_is_tried_on_past_questions_before_it_counts(street: Street) -> None:
    street.says(LI_CHAT, "水厂那个事")
    fact = street.session.scalars(select(Fact)).one()
    nobody = Actor(Door.CHAT)
    facts.add_variant(street.session, fact, "水厂那个事", nobody, street.now, accepted=False)
    (found,) = learning.everything(street.session)
    tried = said(street.presses(EXPERT, f"lesson::try.{found.id.hex}"))
    counts = {"asked": 1, "answered": 1, "conflicts": 0, "different": 0}
    assert word("page.replayed", **counts) in tried
    assert state(street, Lesson.MEANS) is VariantState.PROPOSED
    street.presses(EXPERT, f"lesson::accept.{found.id.hex}")
    assert state(street, Lesson.MEANS) is VariantState.ACCEPTED
