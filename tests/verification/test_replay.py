"""Replay: staff see what a fact would have answered before it answers anybody."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from content import privacy
from content.event import Event
from content.store import Store
from verification import desk, facts, memory, replay, shelf
from verification.case import Question
from verification.fact import Fact
from verification.index import FactView, Index, Verdict
from verification.replay import Hit, Past, Replay

ZONE = ZoneInfo("Asia/Shanghai")
PARCEL = FactView("parcel", "快递柜从下月起每件收费1元", (), "快递柜不收费。", Verdict.FALSE)
RUMOR = "自来水厂被人投毒，水不能喝了"


@pytest.fixture
def index() -> Index:
    made = Index()
    made.add(PARCEL)
    made.add(FactView("bench", "中心花园的长椅刷了新漆", (), "长椅已经刷了新漆。", Verdict.TRUE))
    return made


def asked(text: str, now: datetime, told: str = "") -> Past:
    return Past(1, text, now, None, told, replay.pairs(text))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("听说快递柜从下月起每件收费1元，是真的吗", (1, 0)),
        ("快递柜从下月起每件收费5元", (0, 1)),
        ("你好", (0, 0)),
        ("楼下的狗一直叫", (0, 0)),
    ],
)
def test_a_question_is_answered_or_conflicts_or_is_another(
    index: Index, now: datetime, text: str, counts: tuple[int, int]
) -> None:
    done = replay.run(index, ["parcel"], [asked(text, now)], ZONE)
    assert (done.answered, done.conflicts) == counts


def test_what_was_told_another_fact_is_counted_apart(index: Index, now: datetime) -> None:
    questions = [asked(PARCEL.claim, now, "bench"), asked(PARCEL.claim, now, "parcel")]
    assert replay.run(index, ["parcel"], questions, ZONE).different == 1


def test_an_example_covers_numbers(index: Index, now: datetime) -> None:
    text = f"{PARCEL.claim}？电话13800138000"
    (hit,) = replay.run(index, ["parcel"], [asked(text, now)], ZONE).hits
    assert "13800138000" not in hit.text


def test_two_replays_are_one_without_counting_twice() -> None:
    one = Replay(5, (Hit(1, "甲"), Hit(2, "乙")))
    assert replay.both(one, Replay(5, (Hit(2, "乙", "number: 1 / 2"),))).conflicts == 1


def test_a_trial_leaves_the_base_as_it_was(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        base = shelf.base(session)
        desk.hear(session, base, Question(RUMOR, cast.wang), now)
        before = base.index.get(str(water.id))
        done = replay.trial(session, base, PARCEL)
        again = replay.trial(session, base, shelf.candidate(session, facts.get(session, water.id)))
    assert (done.asked, done.answered, again.answered) == (1, 0, 1)
    assert "parcel" not in base.index
    assert base.index.get(str(water.id)) == before


@pytest.mark.usefixtures("water")
def test_what_has_been_redacted_is_not_replayed(store: Store, cast: Any, now: datetime) -> None:
    with store.begin() as session:
        desk.hear(session, shelf.base(session), Question(RUMOR, cast.wang), now)
        memory.redact(session, now + privacy.RETENTION)
        assert replay.past(session) == []


def test_the_counts_are_kept_as_an_event(
    store: Store, cast: Any, water: Fact, now: datetime
) -> None:
    with store.begin() as session:
        replay.note(session, water.id, Replay(3, (Hit(1, "甲"),)), cast.publisher, now)
        row = session.scalar(select(Event).where(Event.kind == "fact.replayed"))
        assert row is not None
        assert row.data == {"asked": 3, "answered": 1, "conflicts": 0, "different": 0}
