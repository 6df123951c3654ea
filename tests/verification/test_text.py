"""Folding: one matter in many spellings becomes one text, and the way back is kept."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.text import LONGEST, normalise


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("三号楼今晚停水", "3号楼今晚停水"),
        ("３号楼今晚停水", "3号楼今晚停水"),
        ("三號樓今晚停水", "3号楼今晚停水"),
        ("听说3栋今晚停水，是真的吗？", "3号楼今晚停水"),
        ("【紧急通知】3号楼今晚停水❗请转发给家人", "3号楼今晚停水"),
        ("八月二十号电费每度涨两毛", "8月20日电费每度涨0.2元"),
    ],
)
def test_spellings_of_one_matter_fold_to_one_text(written: str, meant: str) -> None:
    assert normalise(written).folded.replace(" ", "") == normalise(meant).folded.replace(" ", "")


def test_set_words_with_numerals_stay_as_they_are() -> None:
    assert normalise("门口画了三角符号，千万一起小心，一点也不假").folded.startswith(
        "门口画了三角符号 千万一起"
    )


def test_the_offset_map_leads_back_to_the_original_words() -> None:
    text = normalise("听说三號樓今晚停水")
    at = text.folded.index("3")
    assert text.span(at, at + 3) == "三號樓"


def test_chain_phrases_are_kept_as_a_feature() -> None:
    assert "速看" in normalise("速看！小区门口要修路").stripped


@pytest.mark.parametrize(
    ("said", "debunk"),
    [("停水一周是谣言，别信", True), ("停水一周是谣言吗", False), ("停水一周", False)],
)
def test_a_text_that_calls_its_matter_a_rumor_is_a_debunk(said: str, debunk: bool) -> None:
    assert normalise(said).debunk is debunk


def test_relative_days_are_resolved_against_the_time_of_receipt() -> None:
    now = datetime(2026, 7, 19, 20, 0, tzinfo=UTC)
    text = normalise("明天停水", now=now, zone=ZoneInfo("Asia/Shanghai"))
    assert text.slots.dates == frozenset({(2026, 7, 21)})


def test_english_words_are_stemmed_and_links_dropped() -> None:
    text = normalise("Schools are CLOSING on Monday https://example.org/a?utm_source=x")
    assert text.words == ("school", "clos", "monday")


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ("No water at #NorthGate2026 https://x.co/aB3dE", "no water at north gate 2026"),
        ("Thanks @River_Bank!pic.twitter.com/aB3dE", "thanks river bank"),
        ("The gate is shut — Ann Lee (@annLee) March 4, 2026", "the gate is shut。ann lee"),
        ("It cost $3.6M", "it cost 3.6 million"),
        ("20,000 people came", "20000 people came"),
    ],
)
def test_an_english_post_is_read_without_its_links_and_signs(posted: str, said: str) -> None:
    assert normalise(posted).folded == said


def test_the_day_of_a_signature_helps_to_find_but_is_no_claim() -> None:
    text = normalise("The gate is shut — Ann Lee (@annlee) March 4, 2026")
    assert {"march", "2026"} <= set(text.terms)
    assert not text.slots.numbers


def test_a_chinese_post_drops_the_names_it_calls() -> None:
    assert normalise("北门封了 @River_Bank").folded == "北门封了"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_folding_is_total_and_its_offsets_fit(text: str) -> None:
    found = normalise(text)
    assert len(found.offsets) == len(found.folded)
    assert all(0 <= at < len(text) for at in found.offsets)


def test_what_is_longer_than_the_limit_is_not_looked_at() -> None:
    assert len(normalise("停水" * 60_000).folded) <= LONGEST
