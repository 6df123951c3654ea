"""Settlement in two steps: an expert signs, another publishes, and everyone hears once."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from content import identity
from content.event import Actor, Door
from content.notice import NoticeKind
from content.staff import Role
from content.store import Store
from content.task import Task, TaskKind
from verification import case, correction, desk, facts, link, settlement, shelf
from verification.case import Question
from verification.fact import Fact, FactState, Refused, Statement
from verification.index import Verdict
from verification.settlement import Settled

NEWS = "听说下周三小区要拆掉所有电动车棚"
RUMOR = "自来水厂被人投毒，水不能喝了"
TRUTH = "电动车棚不拆，只是下周三更换车棚的充电桩，当天照常停车。"
Make = Callable[..., Statement]
Told = Callable[[uuid.UUID, NoticeKind], list[dict[str, object]]]


@pytest.fixture
def ask(store: Store, now: datetime) -> Callable[[str, uuid.UUID], int]:
    base = shelf.Base()

    def heard(text: str, who: uuid.UUID, at: datetime = now) -> int:
        with store.begin() as session:
            return desk.hear(session, base, Question(text, who), at).number

    return heard


@pytest.fixture
def rule(store: Store, cast: Any, now: datetime, statement: Make) -> Callable[[int], Settled]:
    """Let the expert rule on the case of this number."""

    def ruled(number: int) -> Settled:
        ruling = statement(claim="下周三小区拆掉所有电动车棚", truth=TRUTH)
        with store.begin() as session:
            matter = case.numbered(session, number)
            return settlement.settle(session, matter, cast.expert, ruling, now)

    return ruled


def tasks(store: Store, kind: TaskKind = TaskKind.PUBLISH) -> list[str]:
    """The outcomes of the tasks of a kind, "" while one is open."""
    with store.read() as session:
        query = select(Task).where(Task.kind == kind).order_by(Task.id)
        return [one.outcome for one in session.scalars(query)]


def test_nobody_is_told_what_nobody_has_published(
    store: Store, cast: Any, ask: Any, rule: Any, told: Told
) -> None:
    done = rule(ask(NEWS, cast.wang))
    assert (done.waits, done.told, tasks(store)) == (True, 0, [""])
    assert told(cast.wang, NoticeKind.ANSWER) == []


def test_publishing_tells_who_waits_and_ends_the_call(
    store: Store, cast: Any, ask: Any, rule: Any, told: Told, now: datetime
) -> None:
    number = ask(NEWS, cast.wang)
    done = rule(number)
    with store.begin() as session:
        fact = facts.get(session, done.fact.id)
        assert settlement.publish(session, fact, cast.publisher, now) == 1
        assert case.numbered(session, number).settled_at == now
    assert tasks(store) == ["published"]
    assert [answer["truth"] for answer in told(cast.wang, NoticeKind.ANSWER)] == [TRUTH]


def test_who_ruled_does_not_publish_it(
    store: Store, ask: Any, cast: Any, statement: Make, now: datetime
) -> None:
    number = ask(NEWS, cast.wang)
    with store.begin() as session:
        both = identity.add_staff(session, "全能", [Role.EXPERT, Role.PUBLISHER], now)
        actor = Actor(Door.CLI, both.id)
        matter = case.numbered(session, number)
        done = settlement.settle(session, matter, actor, statement(claim=NEWS, truth=TRUTH), now)
        with pytest.raises(Refused):
            settlement.publish(session, done.fact, actor, now)


@pytest.mark.usefixtures("water")
def test_a_fact_that_answers_already_settles_at_once(
    store: Store, cast: Any, ask: Any, told: Told, now: datetime
) -> None:
    number = ask(NEWS, cast.wang)
    with store.begin() as session:
        fact = facts.named(session, "water")
        matter = case.numbered(session, number)
        done = settlement.settle(session, matter, cast.expert, fact, now)
    assert (done.waits, done.told) == (False, 1)
    assert len(told(cast.wang, NoticeKind.ANSWER)) == 1


def test_what_a_publisher_sends_back_waits_for_an_expert_again(
    store: Store, cast: Any, ask: Any, rule: Any, now: datetime
) -> None:
    done = rule(ask(NEWS, cast.wang))
    with store.begin() as session:
        fact = facts.get(session, done.fact.id)
        settlement.send_back(session, fact, cast.publisher, now)
        assert (fact.state, settlement.waiting(session, fact)) == (FactState.DRAFT, [])
    assert tasks(store) == ["returned"]
    assert tasks(store, TaskKind.CASE) == ["settled", ""]


def test_what_is_withdrawn_before_it_is_published_releases_its_cases(
    store: Store, cast: Any, ask: Any, rule: Any, now: datetime
) -> None:
    number = ask(NEWS, cast.wang)
    done = rule(number)
    with store.begin() as session:
        settlement.withdraw(session, facts.get(session, done.fact.id), cast.expert, now)
        assert case.numbered(session, number).fact_id is None


def test_many_facts_call_the_publishers_once(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        many = [
            facts.draft(session, cast.author, statement(claim=claim), now)
            for claim in ("快递柜下月起收费", "中心花园要改停车场")
        ]
        settlement.sign(session, many, cast.expert, now)
    assert tasks(store) == [""]
    with store.begin() as session:
        for fact in facts.waiting(session):
            settlement.publish(session, fact, cast.publisher, now)
    assert tasks(store) == ["published"]


@pytest.fixture
def newer(store: Store, cast: Any, statement: Make, now: datetime) -> Callable[[], int]:
    """Replace the water fact by one with another verdict and publish that; count the told."""

    def replaced() -> int:
        said = statement(verdict=Verdict.PARTLY, truth="取水口有少量油污，已经清理干净。")
        with store.begin() as session:
            fact = facts.draft(session, cast.author, said, now, code="newer")
            facts.sign(session, fact, cast.expert, now)
            link.replace(session, fact, facts.named(session, "water"), cast.expert, now)
            return settlement.publish(session, fact, cast.publisher, now)

    return replaced


@pytest.mark.usefixtures("water")
def test_who_was_told_the_older_fact_hears_what_replaces_it(
    cast: Any, ask: Any, newer: Any, told: Told
) -> None:
    ask(RUMOR, cast.wang)
    assert newer() == 1
    (correction_,) = told(cast.wang, NoticeKind.CORRECTION)
    assert (correction_["old_verdict"], correction_["verdict"]) == ("false", "partly")


@pytest.mark.usefixtures("water")
def test_who_heard_of_a_replacement_hears_of_its_next_change(
    store: Store, cast: Any, ask: Any, newer: Any, statement: Make, now: datetime
) -> None:
    ask(RUMOR, cast.wang)
    newer()
    with store.begin() as session:
        fact = facts.named(session, "newer")
        facts.change(session, fact, cast.author, statement(truth="油污还没有清完。"), now)
        facts.sign(session, fact, cast.expert, now)
        assert settlement.publish(session, fact, cast.publisher, now) == 1


@pytest.fixture
def short(store: Store, cast: Any, water: Fact, statement: Make, now: datetime) -> Fact:
    """The water fact holds until the 21st."""
    with store.begin() as session:
        fact = facts.get(session, water.id)
        said = statement(valid_until=date(2026, 7, 21))
        facts.change(session, fact, cast.author, said, now)
        facts.sign(session, fact, cast.expert, now)
        settlement.publish(session, fact, cast.publisher, now)
        return fact


@pytest.mark.parametrize(("days", "count"), [(1, 0), (2, 1)])
def test_a_fact_is_over_after_its_last_day(
    store: Store, short: Fact, now: datetime, days: int, count: int
) -> None:
    with store.read() as session:
        later = now + timedelta(days=days)
        assert [one.id for one in facts.expired(session, now, later)] == [short.id] * count


@pytest.mark.usefixtures("short")
def test_who_was_told_hears_once_that_it_is_over(
    store: Store, cast: Any, ask: Any, told: Told, now: datetime
) -> None:
    ask(RUMOR, cast.wang)
    later = now + timedelta(days=2)
    with store.begin() as session:
        counts = [correction.expire(session, later) for _ in range(2)]
    assert counts == [1, 0]
    (past,) = told(cast.wang, NoticeKind.CORRECTION)
    assert (past["verdict"], "7月21日" in str(past["truth"])) == ("outdated", True)


@pytest.mark.usefixtures("short")
def test_who_was_told_when_it_was_over_hears_no_more(
    store: Store, cast: Any, ask: Any, now: datetime
) -> None:
    later = now + timedelta(days=2)
    ask(RUMOR, cast.wang, later)
    with store.begin() as session:
        assert correction.expire(session, later) == 0
