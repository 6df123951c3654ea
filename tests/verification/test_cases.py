"""Cases: an expert settles, everyone who asked is told, and told again when the fact changes."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from content.notice import Notice, NoticeKind
from content.store import Store
from content.task import Task, TaskKind
from verification import case, correction, desk, facts, settlement, shelf, telling
from verification.case import Question, State
from verification.fact import Fact, Refused, Statement
from verification.index import Verdict

NEWS = "听说下周三小区要拆掉所有电动车棚"
RUMOR = "自来水厂被人投毒，水不能喝了"
TRUTH = "电动车棚不拆，只是下周三更换车棚的充电桩，当天照常停车。"
Make = Callable[..., Statement]
Told = Callable[[uuid.UUID, NoticeKind], list[dict[str, object]]]


@pytest.fixture
def ask(store: Store, now: datetime) -> Callable[[str, uuid.UUID], desk.Reply]:
    base = shelf.Base()

    def heard(text: str, who: uuid.UUID) -> desk.Reply:
        with store.begin() as session:
            return desk.hear(session, base, Question(text, who), now)

    return heard


@pytest.fixture
def settle(store: Store, cast: Any, now: datetime, statement: Make) -> Callable[[int], int]:
    """Let the expert settle the case of this number, and another publish; count the told."""

    def settled(number: int) -> int:
        ruling = statement(claim="下周三小区拆掉所有电动车棚", truth=TRUTH, date=now.date())
        with store.begin() as session:
            matter = case.numbered(session, number)
            done = settlement.settle(session, matter, cast.expert, ruling, now)
            return settlement.publish(session, done.fact, cast.publisher, now)

    return settled


@pytest.fixture
def change(store: Store, cast: Any, now: datetime, statement: Make) -> Callable[..., int]:
    """Change the water fact, sign and publish it; return how many are corrected."""

    def changed(**other: object) -> int:
        with store.begin() as session:
            fact = facts.named(session, "water")
            facts.change(session, fact, cast.author, statement(**other), now)
            facts.sign(session, fact, cast.expert, now)
            return settlement.publish(session, fact, cast.publisher, now)

    return changed


def test_everyone_who_asked_is_told_when_it_is_settled(
    cast: Any, ask: Any, settle: Any, told: Told
) -> None:
    number = ask(NEWS, cast.wang).number
    ask(f"{NEWS}！", cast.li)
    assert settle(number) == 2
    for who in (cast.wang, cast.li):
        assert [answer["truth"] for answer in told(who, NoticeKind.ANSWER)] == [TRUTH]


def test_who_asks_twice_is_told_once(cast: Any, ask: Any, settle: Any, told: Told) -> None:
    ask(NEWS, cast.wang)
    assert settle(ask(NEWS, cast.wang).number) == 1
    assert len(told(cast.wang, NoticeKind.ANSWER)) == 1


def test_who_asks_after_the_settlement_is_answered_at_once(
    cast: Any, ask: Any, settle: Any
) -> None:
    settle(ask(NEWS, cast.wang).number)
    assert ask("下周三小区要拆掉所有电动车棚！速看", cast.li).state is State.ANSWERED


def test_a_settled_case_is_closed_with_its_task(
    store: Store, cast: Any, ask: Any, settle: Any
) -> None:
    settle(ask(NEWS, cast.wang).number)
    with store.read() as session:
        assert case.open_cases(session) == []
        task = session.scalar(select(Task).where(Task.kind == TaskKind.CASE))
        assert (task.outcome, task.taken_by) == ("settled", cast.expert.id)


def test_only_an_expert_settles(
    store: Store, cast: Any, ask: Any, statement: Make, now: datetime
) -> None:
    number = ask(NEWS, cast.wang).number
    with store.begin() as session, pytest.raises(Refused):
        settlement.settle(session, case.numbered(session, number), cast.author, statement(), now)


def test_a_case_is_settled_once(cast: Any, ask: Any, settle: Any) -> None:
    number = ask(NEWS, cast.wang).number
    settle(number)
    with pytest.raises(Refused):
        settle(number)


def test_a_case_is_settled_by_a_fact_that_is_there(
    store: Store, water: Fact, cast: Any, ask: Any, told: Told, now: datetime
) -> None:
    number = ask(NEWS, cast.wang).number
    with store.begin() as session:
        fact = facts.get(session, water.id)
        settlement.settle(session, case.numbered(session, number), cast.expert, fact, now)
    assert told(cast.wang, NoticeKind.ANSWER)[0]["claim"] == RUMOR


def test_a_withdrawn_fact_settles_nothing(
    store: Store, water: Fact, cast: Any, ask: Any, now: datetime
) -> None:
    number = ask(NEWS, cast.wang).number
    with store.begin() as session:
        fact = facts.get(session, water.id)
        facts.withdraw(session, fact, cast.expert, now)
        with pytest.raises(Refused):
            settlement.settle(session, case.numbered(session, number), cast.expert, fact, now)


@pytest.mark.usefixtures("water")
def test_who_was_told_hears_of_a_new_verdict(
    cast: Any, ask: Any, change: Callable[..., int], told: Told
) -> None:
    ask(RUMOR, cast.wang)
    assert change(verdict=Verdict.PARTLY, truth="取水口附近有少量油污，已经清理干净。") == 1
    (correction,) = told(cast.wang, NoticeKind.CORRECTION)
    assert (correction["old_verdict"], correction["verdict"]) == ("false", "partly")
    assert told(cast.li, NoticeKind.CORRECTION) == []


@pytest.mark.usefixtures("water")
def test_a_correction_is_sent_once(
    store: Store, cast: Any, ask: Any, change: Callable[..., int], told: Told, now: datetime
) -> None:
    ask(RUMOR, cast.wang)
    ask(RUMOR, cast.wang)
    change(verdict=Verdict.PARTLY)
    with store.begin() as session:
        assert correction.correct(session, facts.named(session, "water"), now) == 0
    assert len(told(cast.wang, NoticeKind.CORRECTION)) == 1


@pytest.mark.usefixtures("water")
def test_a_change_of_the_explanation_corrects_nobody(
    cast: Any, ask: Any, change: Callable[..., int]
) -> None:
    ask(RUMOR, cast.wang)
    assert change(explanation="每天检测两次。") == 0


@pytest.mark.usefixtures("water")
def test_the_editor_sees_how_many_were_told(store: Store, cast: Any, ask: Any) -> None:
    for who in (cast.wang, cast.wang, cast.li):
        ask(RUMOR, who)
    with store.read() as session:
        assert settlement.told(session, facts.named(session, "water")) == 2


@pytest.fixture
def withdraw(store: Store, cast: Any, now: datetime) -> Callable[[], int]:
    def withdrawn() -> int:
        with store.begin() as session:
            fact = facts.named(session, "water")
            facts.withdraw(session, fact, cast.expert, now)
            return correction.correct(session, fact, now)

    return withdrawn


@pytest.mark.usefixtures("water")
def test_who_was_told_a_withdrawn_fact_waits_for_an_expert_again(
    store: Store, cast: Any, ask: Any, withdraw: Callable[[], int], told: Told
) -> None:
    ask(RUMOR, cast.wang)
    assert (withdraw(), withdraw()) == (1, 0)
    assert told(cast.wang, NoticeKind.CORRECTION)[0]["verdict"] == "unconfirmed"
    with store.read() as session:
        (again,) = case.open_cases(session)
        assert [heard.address_id for heard in case.askers(session, again)] == [cast.wang]


@pytest.mark.usefixtures("water")
def test_the_case_after_a_withdrawal_reaches_the_same_people(
    store: Store, cast: Any, ask: Any, withdraw: Callable[[], int], settle: Any, told: Told
) -> None:
    ask(RUMOR, cast.wang)
    withdraw()
    with store.read() as session:
        (again,) = case.open_cases(session)
    assert settle(again.number) == 1
    assert told(cast.wang, NoticeKind.ANSWER)[-1]["truth"] == TRUTH


def test_a_settled_answer_is_corrected_too(
    store: Store, cast: Any, ask: Any, settle: Any, statement: Make, now: datetime
) -> None:
    settle(ask(NEWS, cast.wang).number)
    with store.begin() as session:
        fact = session.scalar(select(Fact))
        facts.change(session, fact, cast.expert, statement(truth="车棚改在周四换充电桩。"), now)
        facts.sign(session, fact, cast.expert, now)
        assert settlement.publish(session, fact, cast.publisher, now) == 1


@pytest.mark.usefixtures("water")
def test_who_cannot_be_reached_is_not_counted_as_told(store: Store, now: datetime) -> None:
    with store.begin() as session:
        question = Question(RUMOR, None, group=True)
        desk.hear(session, shelf.base(session), question, now)
        assert telling.told(session, facts.named(session, "water").id) == 0
        assert session.scalar(select(func.count()).select_from(Notice)) == 0
