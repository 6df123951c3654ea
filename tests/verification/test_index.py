"""The index: what is added, changed or removed counts for the very next search."""

from dataclasses import replace

import pytest

from verification.index import FactView, Index, Verdict
from verification.text import normalise

GATE = FactView(
    "gate", "北门八月一日起封闭施工", truth="北门照常开放，只是夜间限行。", verdict=Verdict.FALSE
)
BUS = FactView(
    "bus", "27路公交车九月起停运", ("27路要取消了",), "27路只改线，不停运。", Verdict.FALSE
)


@pytest.fixture
def index() -> Index:
    built = Index()
    for fact in (GATE, BUS):
        built.add(fact)
    return built


def found(index: Index, said: str) -> list[str]:
    return [candidate.fact.id for candidate in index.search(normalise(said))]


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


def test_a_wording_is_exact_whatever_its_spelling(index: Index) -> None:
    assert index.exact(normalise("听说北門8月1號起封閉施工")) == {"gate"}


def test_many_changes_leave_no_dead_rows_behind(index: Index) -> None:
    for turn in range(1200):
        index.add(replace(GATE, truth=f"第{turn}次更正"))
    assert len(index) == 2
    assert found(index, "北门封闭施工")[0] == "gate"
