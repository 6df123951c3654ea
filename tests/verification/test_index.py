"""The index: what is added, changed or removed counts for the very next search."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification import index as indexes
from verification import prepared
from verification.index import FactView, Index, Verdict
from verification.text import normalise
from verification.view import mark, wordings

GATE = FactView(
    "gate", "北门八月一日起封闭施工", truth="北门照常开放，只是夜间限行。", verdict=Verdict.FALSE
)
BUS = FactView(
    "bus", "27路公交车九月起停运", ("27路要取消了",), "27路只改线，不停运。", Verdict.FALSE
)
ASKED = ("北门要封闭吗", "27路取消了", "公交改线", "北闷封毕施功", "第3号楼的电梯要停")

words = st.text("北南东西门楼水电气停修换3号 。", min_size=1, max_size=12)
anything = st.text(max_size=40)


@pytest.fixture
def index() -> Index:
    built = Index()
    for fact in (GATE, BUS):
        built.add(fact)
    return built


def found(index: Index, said: str) -> list[str]:
    return [candidate.fact.id for candidate in index.search(normalise(said))]


def scores(index: Index) -> list[list[tuple[str, float]]]:
    every = [index.search(normalise(said), 300) for said in ASKED]
    return [sorted((one.fact.id, round(one.score, 3)) for one in some) for some in every]


def estate(count: int) -> list[FactView]:
    return [
        FactView(f"e{turn}", f"{turn % 9}号楼的电梯要停{turn}天", truth=f"电梯只停{turn}小时。")
        for turn in range(count)
    ]


def loaded(facts: list[FactView]) -> Index:
    built = Index()
    built.load((fact.id, mark(fact), prepared.prepare(fact)) for fact in facts)
    return built


def test_an_english_fact_is_found_by_parts_of_its_words(index: Index) -> None:
    index.add(FactView("dam", "The reservoir is contaminated"))
    assert found(index, "Contamination near the reservoirs")[0] == "dam"


def test_a_fact_is_found_by_claim_variant_and_truth(index: Index) -> None:
    assert found(index, "北门要封闭吗")[0] == "gate"
    assert found(index, "27路取消了")[0] == "bus"
    assert found(index, "公交改线")[0] == "bus"


def test_a_fact_is_found_by_its_sound(index: Index) -> None:
    assert found(index, "北闷封毕施功")[0] == "gate"


def test_a_changed_fact_is_found_by_its_new_words_only(index: Index) -> None:
    index.add(replace(GATE, claim="东门加装人脸识别", truth=""))
    assert found(index, "人脸识别") == ["gate"]
    assert found(index, "封闭施工") == []


def test_a_removed_fact_is_never_found(index: Index) -> None:
    index.remove("bus")
    assert found(index, "27路公交车停运") == []
    assert "bus" not in index
    assert index.get("bus") is None
    assert index.exact(normalise("27路要取消了")) == set()


def test_what_was_never_there_may_be_removed(index: Index) -> None:
    index.remove("nobody")
    assert len(index) == 2


def test_a_wording_is_exact_whatever_its_spelling(index: Index) -> None:
    assert index.exact(normalise("听说北门8月1號起封閉施工")) == {"gate"}


def test_two_facts_may_have_one_wording(index: Index) -> None:
    index.add(replace(GATE, id="other"))
    assert index.exact(normalise(GATE.claim)) == {"gate", "other"}
    index.remove("gate")
    assert index.exact(normalise(GATE.claim)) == {"other"}


def test_many_changes_leave_no_dead_rows_behind(index: Index) -> None:
    for turn in range(1200):
        index.add(replace(GATE, truth=f"第{turn}次更正"))
    assert len(index) == 2
    assert index.entry("gate").row < 1200
    assert found(index, "北门封闭施工")[0] == "gate"


def test_loading_finds_what_adding_one_by_one_finds() -> None:
    facts = [GATE, BUS, *estate(150)]
    single = Index()
    for fact in facts:
        single.add(fact)
    assert scores(loaded(facts)) == scores(single)


def test_what_is_loaded_takes_the_place_of_what_was_there() -> None:
    facts = estate(150)
    index = loaded([GATE, *facts])
    index.remove("gate")
    index.load((fact.id, mark(fact), prepared.prepare(fact)) for fact in [BUS, *facts])
    assert scores(index) == scores(loaded([BUS, *facts]))


def test_what_comes_and_goes_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "SPARE", 20)
    index = loaded([GATE, *estate(110)])
    before = scores(index)
    for fact in [BUS, *estate(110), *estate(60)]:
        index.add(fact)
    index.remove("bus")
    assert scores(index) == before


def test_a_term_tells_more_when_fewer_facts_have_it(index: Index) -> None:
    rare = index.number("封闭")
    index.add(replace(GATE, id="twin"))
    common = index.weight(rare)
    index.remove("twin")
    assert common < index.weight(rare) < index.unknown_weight


def test_a_term_that_no_fact_has_left_weighs_like_an_unknown_one(index: Index) -> None:
    gone = index.number("取消")
    index.remove("bus")
    assert index.weight(gone) == index.unknown_weight
    assert index.number("牛奶") == -1


def test_many_terms_weigh_at_once_what_they_weigh_by_themselves(index: Index) -> None:
    terms = [index.number(term) for term in ("北门", "停运", "公交")]
    assert index.weights(terms) == pytest.approx([index.weight(term) for term in terms])


def test_a_view_tells_all_that_was_added(index: Index) -> None:
    wanted = replace(
        BUS, valid_until=date(2026, 8, 1), area="/3", date=date(2026, 7, 1), linked=frozenset("x")
    )
    index.add(wanted)
    first = index.search(normalise("27路停运"))[0].fact
    assert (first.verdict, first.area, first.linked) == (Verdict.FALSE, "/3", {"x"})
    assert first == wanted == index.get("bus") == index.entry("bus").fact
    assert len({first, wanted}) == 1


def test_no_two_pairs_of_characters_share_an_id() -> None:
    signs = [chr(0x4E00 + 97 * turn) for turn in range(200)]
    pairs = {left + right for left in signs for right in signs}
    assert len(set(map(prepared.term_id, pairs))) == len(pairs)


@given(st.lists(words, min_size=1, max_size=9), words)
def test_an_entry_is_what_was_prepared(claims: list[str], truth: str) -> None:
    fact = FactView("one", claims[0], tuple(claims[1:]), truth)
    index = Index()
    index.add(fact)
    entry = index.entry("one")
    assert entry.fact == fact
    assert [form.slots for form in entry.forms] == [normalise(one).slots for one in wordings(fact)]
    assert all(normalise(one).folded in entry.wide for one in wordings(fact))
    for form, said in zip(entry.forms, wordings(fact), strict=True):
        plain = {term for term in normalise(said).terms if term[0] not in "~="}
        assert form.terms == {index.number(term) for term in plain}


@given(anything, st.lists(anything, max_size=3), anything)
def test_whatever_is_written_comes_back(claim: str, variants: list[str], truth: str) -> None:
    fact = FactView("one", claim, tuple(variants), truth)
    assert loaded([fact]).get("one") == fact


def test_another_layout_is_refused() -> None:
    stored = prepared.prepare(GATE)
    with pytest.raises(ValueError, match="layout 9"):
        prepared.read(b"\x09" + stored[1:])
