"""The promise: who waits hears within the set hours that it is still being checked, and by whom."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from content import identity, notice
from content.message import Written
from content.notice import Notice, NoticeKind
from content.store import Store
from content.task import Task, TaskKind
from verification import case, desk, promise, settlement, shelf
from verification.case import Question

NEWS = "听说下周三小区要拆掉所有电动车棚"
HOURS = timedelta(hours=1)
Remind = Callable[[float], int]


@pytest.fixture
def ask(store: Store, now: datetime) -> Callable[..., int]:
    def asked(who: Any, *, after: float = 0, text: str = NEWS, **more: Any) -> int:
        with store.begin() as session:
            question = Question(text, who, **more)
            return desk.hear(session, shelf.Base(), question, now + after * HOURS).number

    return asked


@pytest.fixture
def remind(store: Store, now: datetime) -> Remind:
    def reminded(after: float, within: float = 24) -> int:
        with store.begin() as session:
            return promise.remind(session, now + after * HOURS, within * HOURS)

    return reminded


def overdue(store: Store) -> list[Task]:
    with store.read() as session:
        return list(session.scalars(select(Task).where(Task.kind == TaskKind.OVERDUE)))


def test_who_waits_is_reminded_once_in_each_period(
    cast: Any, ask: Any, remind: Remind, told: Any
) -> None:
    ask(cast.wang)
    assert [remind(hours) for hours in (23.9, 24, 24.1, 47.9, 48, 48.1)] == [0, 1, 0, 0, 1, 0]
    receipt, *later = told(cast.wang, NoticeKind.CASE)
    assert "still" not in receipt
    assert [one["still"] for one in later] == ["1", "1"]


def test_who_joined_later_is_reminded_later(cast: Any, ask: Any, remind: Remind) -> None:
    ask(cast.wang)
    ask(cast.li, after=10)
    assert [remind(hours) for hours in (24, 30, 34, 40)] == [1, 0, 1, 0]


def test_who_asked_twice_is_reminded_once(cast: Any, ask: Any, remind: Remind, told: Any) -> None:
    ask(cast.wang)
    ask(cast.wang, after=1)
    assert [remind(24), remind(25)] == [1, 0]
    assert len(told(cast.wang, NoticeKind.CASE)) == 3


def test_the_hours_are_the_committees(cast: Any, ask: Any, remind: Any, store: Store) -> None:
    ask(cast.wang)
    assert [remind(3, 4), remind(4, 4)] == [0, 1]
    with store.read() as session:
        (matter,) = case.open_cases(session)
        assert matter.due_at == matter.opened_at + 4 * HOURS


def test_the_owner_is_named_by_title_alone(
    store: Store, cast: Any, ask: Any, remind: Remind, told: Any, now: datetime
) -> None:
    ask(cast.wang)
    with store.begin() as session:
        identity.staff(session, cast.expert.id).title = "市疾控中心 医师"
        case.take(session, case.open_cases(session)[0], cast.expert, now)
    remind(24)
    assert told(cast.wang, NoticeKind.CASE)[-1]["expert"] == "市疾控中心 医师"


def test_who_has_no_title_is_an_expert(store: Store, cast: Any, ask: Any, now: datetime) -> None:
    ask(cast.wang)
    with store.begin() as session:
        (matter,) = case.open_cases(session)
        case.take(session, matter, cast.expert, now)
        assert promise.owner(session, matter, Written.HANS) == "专家"


def test_who_has_left_is_not_named_and_reminders_go_on(
    store: Store, cast: Any, ask: Any, remind: Remind, now: datetime
) -> None:
    ask(cast.wang)
    with store.begin() as session:
        case.take(session, case.open_cases(session)[0], cast.expert, now)
        identity.leave(session, cast.expert.id, now)
    assert remind(24) == 1


def test_a_settled_case_reminds_nobody(
    store: Store, cast: Any, ask: Any, remind: Remind, now: datetime
) -> None:
    ask(cast.wang)
    with store.begin() as session:
        (matter,) = case.open_cases(session)
        case.close(session, matter, matter.id, cast.expert, now)
    assert remind(30) == 0


def test_who_cannot_be_reached_is_not_reminded(ask: Any, remind: Remind) -> None:
    ask(None, group=True)
    assert remind(24) == 0


def test_what_is_overdue_goes_to_who_is_on_duty_once_in_each_period(
    store: Store, cast: Any, ask: Any, remind: Remind
) -> None:
    number = ask(cast.wang)
    remind(23.9)
    assert overdue(store) == []
    remind(24)
    remind(25)
    (page,) = overdue(store)
    assert f"编号{number}" in page.note


def test_what_was_seen_to_and_is_still_open_comes_back_after_a_period(
    store: Store, cast: Any, ask: Any, remind: Remind, now: datetime
) -> None:
    ask(cast.wang)
    remind(24)
    with store.begin() as session:
        for one in session.scalars(select(Task).where(Task.kind == TaskKind.OVERDUE)):
            one.done_at = now + 25 * HOURS
    remind(30)
    assert len(overdue(store)) == 1
    remind(48)
    assert len(overdue(store)) == 2


def test_a_settled_case_ends_the_page_to_who_is_on_duty(
    store: Store, cast: Any, ask: Any, remind: Remind, statement: Any, now: datetime
) -> None:
    ask(cast.wang)
    remind(24)
    with store.begin() as session:
        (matter,) = case.open_cases(session)
        settlement.settle(session, matter, cast.expert, statement(), now)
    assert [one.outcome for one in overdue(store)] == ["settled"]


def test_an_asker_hears_of_the_promise_in_their_language(
    store: Store, cast: Any, ask: Any, remind: Remind
) -> None:
    ask(cast.wang, language=Written.ENGLISH)
    remind(24)
    with store.read() as session:
        last = session.scalars(select(Notice.id).order_by(Notice.id.desc())).first()
        assert last is not None
        assert notice.texts(session, last)[Written.ENGLISH]["expert"] == "an expert"
