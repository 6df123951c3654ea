"""Joining: who asks the same waits in one case; staff merge cases and split them."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import identity, place
from content.event import Event
from content.notice import NoticeKind
from content.store import Store
from content.task import Task, TaskKind
from verification import case, desk, joining, shelf
from verification.case import Attachment, Case, Question
from verification.fact import Refused

NEWS, OTHER = "听说下周三小区要拆掉所有电动车棚", "夜市要搬到河对岸去"
WORDS = ("【转发】下周三小区要拆掉所有电动车棚！", "下周三小区要拆掉所有电动车棚是真的吗")
CLOSE = "听说小区的所有电动车棚下周三都要拆掉"
Ask = Callable[..., int]


@pytest.fixture
def ask(store: Store, cast: Any, now: datetime) -> Ask:
    """Ask the desk in a transaction of its own; return the number that is told."""
    base = shelf.Base()

    def asked(text: str, who: uuid.UUID | None = None, **more: Any) -> int:
        at = more.pop("at", now)
        with store.begin() as session:
            question = Question(text, who or cast.wang, **more)
            return desk.hear(session, base, question, at).number

    return asked


def numbers(session: Session) -> list[int]:
    return [one.number for one in case.open_cases(session)]


def test_who_asks_the_same_in_other_words_waits_in_one_case(
    store: Store, cast: Any, ask: Ask, told: Any
) -> None:
    first = ask(NEWS)
    assert [ask(words, cast.li) for words in WORDS] == [first, first]
    assert [receipt["number"] for receipt in told(cast.li, NoticeKind.CASE)] == [str(first)] * 2
    with store.read() as session:
        assert numbers(session) == [first]


def test_a_reversed_question_is_a_case_of_its_own_beside_the_other(store: Store, ask: Ask) -> None:
    one, other = ask("今晚要停水"), ask("今晚不停水")
    assert one != other
    with store.read() as session:
        (near,) = joining.near(session, case.numbered(session, other))
        assert near.number == one
        assert joining.near(session, near)[0].number == other


def test_what_was_undone_leaves_nothing_in_memory(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    ask(OTHER)

    def fails() -> None:
        with store.begin() as session:
            desk.hear(session, shelf.Base(), Question(NEWS, cast.wang), now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    joined = ask(WORDS[1])
    with store.read() as session:
        assert case.numbered(session, joined).matter == WORDS[1]


def test_tonight_is_another_case_tomorrow(ask: Ask, now: datetime) -> None:
    first = ask("今晚停水吗")
    assert ask("今晚停水吗", at=now + timedelta(days=1)) != first


def test_our_building_is_each_askers_own(store: Store, ask: Ask) -> None:
    with store.begin() as session:
        homes = [place.ensure(session, home).path for home in ("3-1-101", "3-2-501", "5-1-101")]
    words = "听说我们楼明天停水"
    first, same, other = (ask(words, area=home) for home in homes)
    assert (same, other) != (first, first)
    assert same == first


def test_a_photo_joins_nothing_but_itself(ask: Ask) -> None:
    first = ask(NEWS)
    photos = [Attachment("image/jpeg", f"file{one}", key=one) for one in ("a", "a", "b")]
    one, again, other = (ask(WORDS[1], attachment=photo) for photo in photos)
    assert len({first, one, other}) == 3
    assert again == one


def test_merged_cases_are_one_and_both_numbers_lead_to_it(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    one, other = ask(NEWS), ask(OTHER, cast.li)
    with store.begin() as session:
        cases = case.numbered(session, one), case.numbered(session, other)
        joining.merge(session, *cases, cast.expert, now)
    with store.read() as session:
        matter = case.numbered(session, one)
        assert (numbers(session), matter.number) == ([other], other)
        assert [heard.number for heard in case.askers(session, matter)] == [one, other]
        task = session.scalar(select(Task).where(Task.kind == TaskKind.CASE, Task.done_at != None))  # noqa: E711
        assert task is not None


def test_a_merged_case_keeps_the_earlier_clock(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    early, late = ask(NEWS), ask(OTHER, at=now + timedelta(hours=5))
    with store.begin() as session:
        cases = case.numbered(session, early), case.numbered(session, late)
        into = joining.merge(session, *cases, cast.expert, now)
        assert into.due_at == now + case.PROMISE


def test_what_joined_wrongly_is_split_off_and_does_not_come_back(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    first = ask(NEWS)
    assert ask(CLOSE, cast.li) == first
    with store.begin() as session:
        matter = case.numbered(session, first)
        wrong = case.askers(session, matter)[1].number
        made = joining.split(session, matter, [wrong], cast.publisher, now).number
    assert (ask(CLOSE), ask(NEWS)) == (made, first)


@pytest.mark.parametrize("wanted", [[], [99], "all"])
def test_only_some_of_a_cases_own_questions_are_split_off(
    store: Store, cast: Any, ask: Ask, now: datetime, wanted: Any
) -> None:
    number = ask(NEWS)
    with store.begin() as session:
        matter = case.numbered(session, number)
        asked = [heard.number for heard in case.askers(session, matter)]
        numbers = asked if wanted == "all" else wanted
        with pytest.raises(Refused):
            joining.split(session, matter, numbers, cast.expert, now)


def test_only_experts_and_publishers_work_on_cases(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    one, other = ask(NEWS), ask(OTHER)
    with store.begin() as session:
        cases: list[Case] = [case.numbered(session, number) for number in (one, other)]
        for act in (
            lambda: case.take(session, cases[0], cast.author, now),
            lambda: joining.merge(session, cases[0], cases[1], cast.author, now),
            lambda: joining.split(session, cases[0], [one], cast.author, now),
        ):
            with pytest.raises(Refused):
                act()


def test_a_case_that_is_taken_is_its_owners(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    number = ask(NEWS)
    with store.begin() as session:
        matter = case.numbered(session, number)
        for _ in range(2):
            case.take(session, matter, cast.expert, now)
        with pytest.raises(Refused):
            case.take(session, matter, cast.publisher, now)
        assert (matter.owner_id, matter.taken_at) == (cast.expert.id, now)
        session.flush()
        taken = session.scalars(select(Event).where(Event.kind == "case.taken")).all()
        assert len(taken) == 1


def test_what_is_overdue_or_left_behind_may_be_taken_over(
    store: Store, cast: Any, ask: Ask, now: datetime
) -> None:
    one, other = ask(NEWS), ask(OTHER)
    with store.begin() as session:
        cases = [case.numbered(session, number) for number in (one, other)]
        for matter in cases:
            case.take(session, matter, cast.expert, now)
        case.take(session, cases[0], cast.publisher, now + timedelta(hours=25))
        identity.leave(session, cast.expert.id, now)
        case.take(session, cases[1], cast.publisher, now)
        assert {matter.owner_id for matter in cases} == {cast.publisher.id}


def test_of_a_letter_what_is_not_answered_joins(store: Store, cast: Any, now: datetime) -> None:
    with store.begin() as session:
        known = case.record(session, Question(OTHER, cast.wang), "one", now)
        first, _ = joining.attach(session, known, "", now)
        letter = case.record(session, Question("很长的一封信……", cast.li), "two", now)
        parts = [
            {"text": "水费不涨", "course": "answer"},
            {"text": f"听说{OTHER}", "course": "case"},
        ]
        letter.decision = {"parts": parts}
        assert joining.attach(session, letter, "", now) == (first, False)


def test_a_restart_reads_the_open_cases_before_the_first_question(
    store: Store, cast: Any, ask: Ask
) -> None:
    first = ask(NEWS)
    joining._POOLS.clear()
    with store.read() as session:
        joining.warm(session)
    assert ask(CLOSE, cast.li) == first
