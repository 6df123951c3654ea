"""The decision: right when it answers, silent when a word that matters differs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from verification.index import Candidate, FactView, Index, Verdict
from verification.match import Decision, Outcome, Reranker, decide
from verification.text import Text

NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
WATER = FactView(
    "water",
    "枫林苑8号楼7月25日停水两天",
    ("8号楼25号起没水两天",),
    "枫林苑8号楼7月25日只停水4小时，当天下午恢复。",
    Verdict.FALSE,
)
FACTS = (
    WATER,
    FactView("parcel", "快递柜下月起每件收费1元", (), "快递柜48小时内取件不收费。", Verdict.FALSE),
    FactView(
        "pool",
        "社区游泳池水里查出霍乱菌",
        (),
        "游泳池水质检测合格，没有查出霍乱菌。",
        Verdict.FALSE,
    ),
    FactView("bench", "中心花园的长椅刷了新漆", (), "中心花园的长椅已经刷了新漆。", Verdict.TRUE),
)


@pytest.fixture
def index() -> Index:
    built = Index()
    for fact in FACTS:
        built.add(fact)
    return built


def ask(index: Index, said: str, **more: object) -> Decision:
    return decide(said, index, now=NOW, zone=ZONE, **more)  # type: ignore[arg-type]  # area or reranker


@pytest.mark.parametrize(
    "said",
    [
        "枫林苑8号楼7月25日停水两天",
        "【通知】楓林苑八號樓7月25號停水兩天，請轉發給家人",
        "听说枫林苑8号楼7月25日停水两天，是真的吗？",
        "8号楼25号起没水两天",
    ],
)
def test_a_known_wording_is_answered_in_every_dress(index: Index, said: str) -> None:
    decision = ask(index, said)
    assert decision.outcome is Outcome.ANSWER
    assert decision.candidates[0].fact.id == "water"


@pytest.mark.parametrize(
    ("said", "veto"),
    [
        ("枫林苑8号楼7月25日不停水两天", "negation"),
        ("枫林苑9号楼7月25日停水两天", "number"),
        ("枫林苑8号楼7月26日停水两天", "date"),
        ("翠柏苑8号楼7月25日停水两天", "place"),
        ("枫林苑8号楼7月25日停电两天", "subject"),
    ],
)
def test_a_text_that_differs_in_one_telling_word_is_never_answered(
    index: Index, said: str, veto: str
) -> None:
    decision = ask(index, said)
    assert decision.outcome is not Outcome.ANSWER
    assert decision.veto == veto


def test_a_denial_of_one_wording_is_held_against_all(index: Index) -> None:
    index.add(replace(WATER, variants=("枫林苑8号楼7月25日起两天没有自来水",)))
    assert ask(index, "枫林苑8号楼7月25日起两天不会停水").veto == "negation"


def test_a_fact_past_its_last_day_is_offered_but_never_answers(index: Index) -> None:
    index.add(replace(WATER, valid_until=date(2026, 7, 19)))
    decision = ask(index, WATER.claim)
    assert (decision.outcome, decision.veto) == (Outcome.ASK, "validity")


@pytest.mark.parametrize(
    ("area", "answered"), [("/fl/8", True), ("/fl/8/2/501", True), ("/cb", False), (None, False)]
)
def test_a_fact_of_one_area_answers_only_who_is_there(
    index: Index, area: str | None, answered: bool
) -> None:
    index.add(replace(WATER, area="/fl/8"))
    assert (ask(index, WATER.claim, area=area).outcome is Outcome.ANSWER) is answered


def test_a_neighbouring_area_with_the_same_beginning_is_another_area(index: Index) -> None:
    index.add(replace(WATER, area="/fl/8"))
    assert ask(index, WATER.claim, area="/fl/88").veto == "area"


def test_two_verdicts_on_one_wording_are_both_offered(index: Index) -> None:
    index.add(replace(WATER, id="other", verdict=Verdict.TRUE))
    decision = ask(index, WATER.claim)
    assert decision.outcome is Outcome.ASK
    assert {candidate.fact.id for candidate in decision.candidates} >= {"water", "other"}


def test_a_forwarded_debunk_that_agrees_is_known_as_one(index: Index) -> None:
    decision = ask(index, "枫林苑8号楼7月25日停水两天是谣言，别信")
    assert (decision.outcome, decision.debunk) == (Outcome.ANSWER, True)


def test_a_debunk_of_what_is_true_is_not_answered(index: Index) -> None:
    decision = ask(index, "中心花园的长椅刷了新漆是谣言")
    assert decision.outcome is not Outcome.ANSWER


@pytest.mark.parametrize(
    "said", ["你好", "", "😀😀", "麻烦找人修一下8号楼的水管", "Where is the library?"]
)
def test_what_is_no_rumor_is_never_answered(index: Index, said: str) -> None:
    assert ask(index, said).outcome is not Outcome.ANSWER


def test_a_decision_says_why_in_one_line(index: Index) -> None:
    why = ask(index, "枫林苑9号楼7月25日停水两天").why
    assert "9号楼" in why
    assert "\n" not in why


CANTEEN = (
    FactView("meal", "社区食堂中午给老人打八折", (), "社区食堂中午给老人打八折。", Verdict.TRUE),
    FactView("home", "社区食堂给走不动的老人送饭上门", (), "要先登记。", Verdict.TRUE),
    FactView("shut", "社区食堂月底关门", (), "社区食堂只装修三天。", Verdict.FALSE),
)
LOOSE = "社区食堂的老人饭会有人端到家里面来"


def sure_of(*ids: str) -> Reranker:
    """A reranker that puts these facts first and is sure of them."""

    def rerank(_: Text, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        told = [replace(one, probability=0.99 * (one.fact.id in ids)) for one in candidates]
        return sorted(told, key=lambda one: -one.probability)

    return rerank


@pytest.fixture
def canteen(index: Index) -> Index:
    for fact in CANTEEN:
        index.add(fact)
    return index


@pytest.mark.parametrize("first", ["meal", "home"])
def test_a_reranker_may_put_another_fact_first(canteen: Index, first: str) -> None:
    assert ask(canteen, LOOSE).outcome is Outcome.ASK
    decision = ask(canteen, LOOSE, reranker=sure_of(first))
    assert (decision.outcome, decision.candidates[0].fact.id) == (Outcome.ANSWER, first)


def test_a_reranker_is_given_the_read_text_and_what_was_found(canteen: Index) -> None:
    heard: list[tuple[str, set[str]]] = []

    def listen(read: Text, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        heard.append((read.original, {one.fact.id for one in candidates}))
        return candidates

    assert ask(canteen, LOOSE, reranker=listen) == ask(canteen, LOOSE)
    assert heard[0][0] == LOOSE
    assert heard[0][1] >= {"meal", "home", "shut"}


@pytest.mark.parametrize(
    ("said", "first", "veto"),
    [
        ("社区食堂中午给老人打七折", "meal", "number"),
        ("社区食堂月底不关门", "shut", "negation"),
        ("枫林苑8号楼7月26日停水两天", "water", "date"),
        ("枫林苑9号楼7月25日停水两天", "water", "number"),
    ],
)
def test_no_reranker_lifts_a_veto(canteen: Index, said: str, first: str, veto: str) -> None:
    decision = ask(canteen, said, reranker=sure_of(first))
    assert decision.ranked[0].fact.id == first
    assert decision.outcome is not Outcome.ANSWER
    assert decision.veto == veto


def test_two_facts_that_a_reranker_holds_alike_are_both_offered(canteen: Index) -> None:
    decision = ask(canteen, LOOSE, reranker=sure_of("meal", "shut"))
    assert (decision.outcome, decision.veto) == (Outcome.ASK, "rival")


def test_at_most_three_facts_are_offered(index: Index) -> None:
    for turn in range(5):
        index.add(replace(WATER, id=f"w{turn}", verdict=list(Verdict)[turn]))
    assert len(ask(index, WATER.claim).candidates) == 3


def test_a_hundred_kilobytes_of_anything_are_decided(index: Index) -> None:
    assert ask(index, "停水" * 30_000 + "啊?!" * 10_000).outcome is not Outcome.ANSWER


@pytest.mark.parametrize(
    ("asked", "day", "stopped"),
    [
        ("3号楼明天全天停水", 20, False),
        ("3号楼明天全天停水", 22, True),
        ("听说3号楼后天全天停水", 20, True),
        ("3号楼下周一全天停水", 20, True),
    ],
)
def test_tomorrow_is_counted_from_who_says_it(
    index: Index, asked: str, day: int, stopped: bool
) -> None:
    claim = "3号楼明天全天停水"
    index.add(FactView("tomorrow", claim, truth="停水。", date=date(2026, 7, 20)))
    now = datetime(2026, 7, day, 2, tzinfo=UTC)
    decision = decide(asked, index, now=now, zone=ZONE)
    assert (decision.outcome is not Outcome.ANSWER) is stopped


ENGLISH = (
    FactView("dam", "The water in the Oak Street reservoir is unsafe to drink"),
    FactView("gate", "Did the mayor close the north gate for 3 weeks?"),
)


@pytest.mark.parametrize(
    "said",
    [
        "The gas in the Oak Street reservoir is unsafe to drink",
        "The water in the Elm Street reservoir is unsafe to drink",
        "The water in the Oak Street reservoir is not unsafe to drink",
        "The mayor closed the south gate for 3 weeks",
        "The mayor closed the north gate for 4 weeks",
        "The mayor opened the north gate for 3 weeks",
    ],
)
def test_an_english_twin_of_a_fact_is_not_answered(said: str) -> None:
    index = Index()
    for fact in ENGLISH:
        index.add(fact)
    assert ask(index, said).outcome is not Outcome.ANSWER


def test_letters_exchanged_within_english_words_are_no_other_matter() -> None:
    index = Index()
    index.add(FactView("dam", "Protesters are at the Oak Street reservoir"))
    assert ask(index, "Protestors are at the Oak Street reservoir").veto != "subject"
