"""Reasons: every decision says why in one line, with the words that differ."""

import pytest

from content import phrase
from content.message import Written
from verification import match, reason
from verification.index import Candidate, FactView
from verification.match import Decision, Outcome

WATER = Candidate(FactView("a", "3号楼停水"), 9.0, 0.91)
POWER = Candidate(FactView("b", "3号楼停电"), 5.0, 0.4)


def stopped(veto: str, ours: str, theirs: str) -> Decision:
    ranked = (WATER, POWER)
    return Decision(Outcome.ASK, ranked, ranked, 0.91, "", veto, ((ours, theirs),))


@pytest.mark.parametrize(
    ("veto", "ours", "theirs", "said"),
    [
        ("number", "13号楼", "3号楼", "但楼号不同：13号楼/3号楼"),
        ("number", "5元", "3元", "但金额不同：5元/3元"),
        ("number", "3次", "2次", "但数字不同：3次/2次"),
        ("date", "8-4", "8-3", "但日期不同：8-4/8-3"),
        ("place", "春晖苑", "", "但地点不同：春晖苑/没说"),
        ("rival", "a", "b", "但另一条一样像：“3号楼停电”"),
        ("intent", "service_request", "", "但这像是求办事"),
        ("validity", "", "2026-08-03", "但它只管到2026-08-03"),
        ("another", "x", "y", "但another不合：x/y"),
    ],
)
def test_what_stopped_an_answer_is_said_in_plain_words(
    veto: str, ours: str, theirs: str, said: str
) -> None:
    line = reason.line(stopped(veto, ours, theirs), "case")
    assert line.startswith("转专家：最接近“3号楼停水”(p=0.91)")
    assert said in line
    assert "\n" not in line


def test_the_next_fact_is_named_where_none_is_answered() -> None:
    assert reason.line(stopped("date", "", ""), "ask").endswith("其次“3号楼停电”(p=0.40)")


def test_an_answer_and_an_empty_search_say_so() -> None:
    answered = Decision(Outcome.ANSWER, (WATER,), (WATER, POWER), 0.91, "")
    assert reason.line(answered, "answer") == "自动答复：最接近“3号楼停水”(p=0.91)"
    nothing = Decision(Outcome.CASE, (), (), 0.0, "")
    assert reason.line(nothing, "case") == "转专家：没有一条事实和它相近"


def test_a_reason_is_said_in_english_too() -> None:
    line = reason.line(stopped("number", "13号楼", "3号楼"), "case", Written.ENGLISH)
    assert line.startswith('To an expert: nearest "3号楼停水" (p=0.91), but another building')


@pytest.mark.parametrize("signal", match.SIGNALS)
def test_each_signal_has_a_plain_name(signal: str) -> None:
    assert phrase.known(f"signal.{signal}")
