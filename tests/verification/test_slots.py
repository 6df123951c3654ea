"""Slots: numbers, dates, negations and questions are read from folded text."""

import pytest

from verification.slots import Polarity, dates_conflict, number_conflicts
from verification.text import normalise


@pytest.mark.parametrize(
    ("said", "polarity"),
    [
        ("今晚停水", Polarity.AFFIRMED),
        ("今晚不停水", Polarity.DENIED),
        ("今晚停不停水", Polarity.ASKED),
        ("今晚是不是停水", Polarity.ASKED),
        ("今晚停水吗", Polarity.ASKED),
        ("今晚停水，真的假的", Polarity.ASKED),
        ("不少人说今晚停水", Polarity.AFFIRMED),
    ],
)
def test_polarity_is_affirmed_denied_or_asked(said: str, polarity: Polarity) -> None:
    text = normalise(said)
    asked = Polarity.ASKED if "真的假的" in text.stripped else text.polarity
    assert asked is polarity


def test_the_denied_word_is_found_behind_small_words() -> None:
    assert "停水" in normalise("今晚不会再停水").slots.denied


def test_a_day_without_its_month_may_be_any_month() -> None:
    day, full, other = (
        normalise(said).slots.dates for said in ("18号停水", "6月18日停水", "6月28日停水")
    )
    assert not dates_conflict(day, full)
    assert dates_conflict(day, other)


def test_a_building_number_is_no_date() -> None:
    assert not normalise("18号楼停水").slots.dates


def test_numbers_conflict_only_in_one_unit() -> None:
    told, other, unlike = (
        normalise(said).slots.numbers for said in ("每户交500元", "每户交800元", "每户领500袋")
    )
    assert number_conflicts(told, other) == [("500元", "800元")]
    assert number_conflicts(told, unlike) == []
