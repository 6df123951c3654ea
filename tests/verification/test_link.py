"""Contradictions: what says otherwise is found before it answers, and the editor decides."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from content.event import HOUSE
from content.store import Store
from verification import agreement, desk, facts, link, settlement, shelf
from verification.agreement import Contradicts
from verification.case import Question
from verification.contradiction import near, opposed
from verification.fact import Fact, FactState, Refused, Statement
from verification.index import FactView, Index, Verdict

Make = Callable[..., Statement]
DAY = date(2026, 7, 20)
PARCEL = "快递柜从下月起每件收费1元"


@pytest.fixture
def other(store: Store, cast: Any, statement: Make, now: datetime) -> Fact:
    """A signed fact on the waterworks by another publisher: the same claim is called true."""
    with store.begin() as session:
        said = statement(verdict=Verdict.TRUE, truth="水厂确实被投毒。", source="某晚报")
        fact = facts.draft(session, cast.author, said, now, code="paper")
        facts.sign(session, fact, cast.expert, now)
        return fact


def view(name: str, claim: str, verdict: Verdict, **more: Any) -> FactView:
    return FactView(name, claim, verdict=verdict, **more)


def index(*views: FactView) -> Index:
    made = Index()
    for one in views:
        made.add(one)
    return made


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.UNKNOWN])
def test_the_same_claim_with_another_verdict_contradicts(verdict: Verdict) -> None:
    base = index(view("old", PARCEL, Verdict.FALSE))
    (found,) = near(base, view("new", PARCEL, verdict), DAY)
    assert found.contradicts is (verdict is not Verdict.FALSE)


@pytest.mark.parametrize(
    ("conflict", "old", "new", "contradicts"),
    [
        ("", "false", "true", True),
        ("", "unconfirmed", "false", True),
        ("place: 沈阳 / 信阳", "false", "true", False),
        ("date: 2-20 / 2-27", "true", "false", False),
        ("number: 5元 / 1元", "true", "true", True),
        ("number: 5元 / 1元", "false", "false", False),
        ("number: 5号楼 / 3号楼", "true", "true", False),
        ("negation: 不停水 / 停水", "true", "true", True),
        ("negation: 不停水 / 停水", "false", "false", True),
        ("negation: 不停水 / 停水", "false", "true", False),
        ("negation: 不出门 / –", "false", "false", False),
        ("subject: 服用 / –", "false", "unconfirmed", True),
    ],
)
def test_what_differs_says_whether_two_facts_contradict(
    conflict: str, old: str, new: str, contradicts: bool
) -> None:
    kind, _, words = conflict.partition(": ")
    ours, theirs = view("new", PARCEL, Verdict(new)), view("old", PARCEL, Verdict(old))
    assert opposed(ours, theirs, kind, words) is contradicts


def test_the_same_claim_with_the_same_verdict_is_near() -> None:
    (found,) = near(
        index(view("old", PARCEL, Verdict.FALSE)), view("n", PARCEL, Verdict.FALSE), DAY
    )
    assert (found.fact.id, found.contradicts) == ("old", False)


@pytest.mark.parametrize(
    "more", [{"valid_until": date(2026, 7, 19)}, {"area": "/2"}], ids=["over", "elsewhere"]
)
def test_what_is_over_or_for_another_area_contradicts_nothing(more: dict[str, Any]) -> None:
    base = index(view("old", PARCEL, Verdict.FALSE, **more))
    assert near(base, view("new", PARCEL, Verdict.TRUE, area="/1"), DAY) == ()


@pytest.mark.usefixtures("water", "other")
def test_a_contradiction_is_not_published_and_names_the_other(
    store: Store, cast: Any, now: datetime
) -> None:
    with store.begin() as session, pytest.raises(Contradicts, match=r"facts link paper water"):
        facts.publish(session, facts.named(session, "paper"), cast.publisher, now)


@pytest.mark.usefixtures("other")
def test_two_publishers_who_disagree_stand_side_by_side(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        paper = facts.named(session, "paper")
        link.beside(session, paper, facts.get(session, water.id), cast.expert, now)
        facts.publish(session, paper, cast.publisher, now)
        base = shelf.base(session)
        assert [one.source for one in facts.linked(session, water)] == ["某晚报"]
    assert base.index.get(str(water.id)).linked == {str(paper.id)}
    assert base.index.get(str(paper.id)).linked == {str(water.id)}


@pytest.mark.usefixtures("other")
def test_a_link_can_be_undone_and_is_kept_with_who_did_so(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        paper, old = facts.named(session, "paper"), facts.get(session, water.id)
        made = link.beside(session, paper, old, cast.expert, now)
        link.undo(session, old, paper, cast.publisher, now)
        assert (made.undone_by, made.undone_at) == (cast.publisher.id, now)
        with pytest.raises(Contradicts):
            facts.publish(session, paper, cast.publisher, now)


@pytest.mark.usefixtures("other")
def test_only_who_edits_signs_or_publishes_links(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        paper, old = facts.named(session, "paper"), facts.get(session, water.id)
        for stranger in (cast.author, HOUSE):
            with pytest.raises(Refused):
                link.beside(session, paper, old, stranger, now)


@pytest.mark.usefixtures("other")
def test_what_is_replaced_answers_until_the_new_one_is_published(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        paper, old = facts.named(session, "paper"), facts.get(session, water.id)
        link.replace(session, paper, old, cast.expert, now)
        before = old.state
        facts.publish(session, paper, cast.publisher, now)
        assert (before, old.state) == (FactState.PUBLISHED, FactState.WITHDRAWN)


@pytest.mark.usefixtures("water")
def test_a_near_copy_is_shown_and_may_be_published(
    store: Store, cast: Any, statement: Make, now: datetime
) -> None:
    with store.begin() as session:
        twin = facts.draft(session, cast.author, statement(), now)
        facts.sign(session, twin, cast.expert, now)
        assert [one.contradicts for one in agreement.near(session, twin, now)] == [False]
        assert facts.publish(session, twin, cast.publisher, now)


@pytest.mark.usefixtures("water", "other")
def test_who_was_told_both_is_corrected_by_either(store: Store, cast: Any, now: datetime) -> None:
    with store.begin() as session:
        paper, water = facts.named(session, "paper"), facts.named(session, "water")
        link.beside(session, paper, water, cast.expert, now)
        facts.publish(session, paper, cast.publisher, now)
        question = Question("自来水厂被人投毒，水不能喝了", cast.wang)
        desk.hear(session, shelf.base(session), question, now)
        counts = [settlement.withdraw(session, one, cast.expert, now) for one in (paper, water)]
    assert counts == [1, 1]
