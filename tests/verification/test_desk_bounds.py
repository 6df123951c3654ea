"""The desk's bounds: a fact past its day, one for elsewhere, letters, and what denies a claim."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from content.message import Kind
from content.notice import NoticeKind
from content.store import Store
from verification import case, desk, facts, link
from verification.case import State
from verification.fact import Fact, Statement
from verification.index import Verdict

RUMOR = "自来水厂被人投毒，水不能喝了"
NEWS = "听说下周三小区要拆掉所有电动车棚"
Told = Callable[[uuid.UUID, NoticeKind], list[dict[str, Any]]]
Ask = Callable[..., desk.Reply]
Publish = Callable[..., Fact]


@pytest.fixture
def publish(store: Store, cast: Any, statement: Callable[..., Statement], now: datetime) -> Publish:
    """Publish a fact like the water one, with other words."""

    def published(**other: Any) -> Fact:
        with store.begin() as session:
            fact = facts.draft(session, cast.author, statement(**other), now)
            facts.sign(session, fact, cast.expert, now)
            facts.publish(session, fact, cast.publisher, now)
            return fact

    return published


def reason(store: Store, reply: desk.Reply) -> str:
    with store.read() as session:
        return str(case.get(session, reply.question_id).decision["why"])


def test_a_fact_past_its_day_is_told_as_of_that_day_and_opens_a_case(
    store: Store, cast: Any, ask: Ask, publish: Publish, told: Told, now: datetime
) -> None:
    publish(valid_until=date(2026, 7, 20))
    reply = ask(RUMOR, cast.wang, at=now + timedelta(days=1))
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert (answer["outcome"], answer["valid_until"]) == ("as_of", "2026-07-20")
    assert (answer["verdict"], answer["number"]) == ("", str(reply.number))
    assert reply.state is State.WAITING
    assert reason(store, reply).startswith("说截至当时的情况，转专家：最接近“自来水厂被人投毒")


def test_a_group_does_not_read_what_has_run_out(ask: Ask, publish: Publish, now: datetime) -> None:
    publish(valid_until=date(2026, 7, 20))
    reply = ask(RUMOR, None, group=True, at=now + timedelta(days=1))
    assert reply.group_text == "正在核实，请先不要转发。"


def test_another_number_is_no_as_of(cast: Any, ask: Ask, publish: Publish, now: datetime) -> None:
    publish(claim="3号楼今天全天停水", truth="3号楼今天检修。", valid_until=date(2026, 7, 20))
    reply = ask("13号楼今天全天停水", cast.wang, at=now + timedelta(days=1))
    assert "截至" not in reply.why


def test_a_fact_chosen_past_its_day_is_told_as_of_that_day(
    cast: Any,
    ask: Ask,
    choose: Callable[..., desk.Reply],
    publish: Publish,
    told: Told,
    now: datetime,
) -> None:
    publish(valid_until=(now - timedelta(days=2)).date())
    asked = ask("自来水厂怎么了", cast.wang)
    assert asked.state is State.ASKED_BACK
    assert choose(asked, "1").state is State.WAITING
    assert told(cast.wang, NoticeKind.ANSWER)[-1]["outcome"] == "as_of"


@pytest.mark.parametrize(
    ("area", "state"),
    [
        ("/fl/3", State.ANSWERED),
        ("/fl/3/2/501", State.ANSWERED),
        (None, State.ASKED_BACK),
        ("/fl", State.ASKED_BACK),
        ("/fl/13", State.WAITING),
        ("/cb", State.WAITING),
    ],
)
def test_a_fact_for_one_place_answers_only_there(
    area: str | None, state: State, cast: Any, ask: Ask, publish: Publish
) -> None:
    publish(area="/fl/3")
    assert ask(RUMOR, cast.wang, area=area).state is state


def test_who_may_live_elsewhere_is_asked_about_the_place(
    cast: Any, ask: Ask, publish: Publish, told: Told
) -> None:
    publish(area="幸福里3号楼")
    ask(RUMOR, cast.wang)
    (asked,) = told(cast.wang, NoticeKind.ANSWER)
    assert [option["area"] for option in asked["options"]] == ["幸福里3号楼"]


@pytest.mark.usefixtures("water")
def test_a_letter_is_counted_and_its_open_points_are_one_case(
    cast: Any, ask: Ask, publish: Publish, told: Told
) -> None:
    publish(
        claim="社区食堂从八月起免费供应早餐",
        truth="社区食堂从八月起免费供应早餐。",
        verdict=Verdict.TRUE,
    )
    letter = (
        f"大家好：1、{RUMOR}。2、社区食堂从八月起免费供应早餐。3、{NEWS}。"
        "4、北门的超市下个月关门停业。5、自来水厂被人投毒了，水千万不能喝！请互相转告"
    )
    reply = ask(letter, cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    points = [(point["outcome"], point["verdict"]) for point in answer["parts"]]
    assert points == [("answer", "false"), ("answer", "true"), ("case", ""), ("case", "")]
    assert {point["number"] for point in answer["parts"][2:]} == {str(reply.number)}


@pytest.mark.usefixtures("water")
def test_a_letter_of_one_claim_is_answered_as_one(cast: Any, ask: Ask, told: Told) -> None:
    ask(f"各位邻居大家好：\n1、{RUMOR}！\n2、请大家互相转告！谢谢大家", cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert (answer["verdict"], answer["parts"]) == ("false", [])


def test_a_letter_that_is_only_half_clear_is_asked_about(
    cast: Any, ask: Ask, publish: Publish, told: Told
) -> None:
    publish()
    publish(claim="社区食堂从八月起免费供应早餐", truth="早餐不免费。", area="/fl/3")
    letter = f"1、{NEWS}。2、社区食堂从八月起免费供应早餐。3、自来水厂没有被人投毒，水能喝。"
    assert ask(letter, cast.wang).state is State.ASKED_BACK
    (asked,) = told(cast.wang, NoticeKind.ANSWER)
    assert len(asked["options"]) == 2


@pytest.mark.usefixtures("water")
def test_a_heading_that_calls_all_points_rumors_makes_them_a_debunk(
    cast: Any, ask: Ask, publish: Publish, told: Told
) -> None:
    publish(claim="社区食堂从八月起免费供应早餐", truth="早餐一直收费。")
    letter = f"以下都是谣言：\n1、{RUMOR}。\n2、社区食堂从八月起免费供应早餐。"
    ask(letter, cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert [point["debunk"] for point in answer["parts"]] == ["1", "1"]


@pytest.mark.usefixtures("water")
def test_a_forwarded_debunk_of_a_rumor_is_told_to_be_right(cast: Any, ask: Ask, told: Told) -> None:
    ask(f"辟谣：{RUMOR}，是谣言，请勿轻信", cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert (answer["debunk"], answer["verdict"]) == ("1", "false")


def test_a_debunk_of_what_is_true_is_not_blessed(cast: Any, ask: Ask, publish: Publish) -> None:
    claim = "社区食堂从八月起免费供应早餐"
    publish(claim=claim, truth=f"{claim}。", verdict=Verdict.TRUE)
    assert ask(f"辟谣：{claim}，是谣言，请勿轻信", cast.wang).state is not State.ANSWERED


@pytest.mark.usefixtures("water")
def test_who_asked_the_opposite_reads_the_sentence_without_a_label(
    cast: Any, ask: Ask, choose: Callable[..., desk.Reply], told: Told
) -> None:
    asked = ask("自来水厂没有被人投毒，水能喝", cast.wang)
    assert asked.state is State.ASKED_BACK
    choose(asked, "1")
    answer = told(cast.wang, NoticeKind.ANSWER)[-1]
    assert (answer["verdict"], answer["claim"]) == ("", "")
    assert str(answer["truth"]).startswith("自来水厂没有被投毒")


@pytest.fixture
def papers(store: Store, cast: Any, publish: Publish, now: datetime) -> tuple[Fact, Fact]:
    """Two publishers on one claim, linked by an editor, with two verdicts."""
    office = publish(source="水务局", date=date(2026, 7, 18))
    with store.begin() as session:
        paper = facts.draft(
            session,
            cast.author,
            Statement(
                claim=RUMOR,
                truth="管网在冲洗，水要烧开再喝。",
                verdict=Verdict.PARTLY,
                source="晚报",
                date=date(2026, 7, 19),
            ),
            now,
        )
        link.beside(session, paper, office, cast.expert, now)
        facts.sign(session, paper, cast.expert, now)
        facts.publish(session, paper, cast.publisher, now)
    return office, paper


@pytest.mark.usefixtures("papers")
def test_publishers_who_disagree_are_both_told_with_names_and_dates(
    cast: Any, ask: Ask, told: Told
) -> None:
    assert ask(RUMOR, cast.wang).state is State.ANSWERED
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert [(voice["source"], voice["date"]) for voice in answer["voices"]] == [
        ("水务局", "2026-07-18"),
        ("晚报", "2026-07-19"),
    ]


@pytest.mark.usefixtures("water")
def test_who_has_no_buttons_undoes_an_answer_with_nought(cast: Any, ask: Ask) -> None:
    answered = ask(RUMOR, cast.wang, channel=Kind.SMS)
    undone = ask("0", cast.wang, channel=Kind.SMS)
    assert (undone.question_id, undone.state) == (answered.question_id, State.WAITING)
