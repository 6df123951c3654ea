"""SMS are counted as networks count them, and cut where a reader would cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.segment import Encoding, cut, measure, shorten


@pytest.mark.parametrize(
    ("text", "code", "units", "segments"),
    [
        ("", Encoding.GSM7, 0, 1),
        ("a" * 160, Encoding.GSM7, 160, 1),
        ("a" * 161, Encoding.GSM7, 161, 2),
        ("a" * 306, Encoding.GSM7, 306, 2),
        ("a" * 307, Encoding.GSM7, 307, 3),
        ("€" * 80, Encoding.GSM7, 160, 1),
        ("€" * 81, Encoding.GSM7, 162, 2),
        ("a" * 152 + "[" + "b" * 152, Encoding.GSM7, 306, 3),
        ("暴" * 70, Encoding.UCS2, 70, 1),
        ("暴" * 71, Encoding.UCS2, 71, 2),
        ("暴" * 134, Encoding.UCS2, 134, 2),
        ("暴" * 135, Encoding.UCS2, 135, 3),
        ("😀" * 35, Encoding.UCS2, 70, 1),
        ("😀" * 36, Encoding.UCS2, 72, 2),
        ("暴" * 66 + "😀" + "雨" * 66, Encoding.UCS2, 134, 3),
        ("a" * 100 + "“", Encoding.UCS2, 101, 2),
    ],
)
def test_units_and_segments(text: str, code: Encoding, units: int, segments: int) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (code, units, segments)


@given(st.text(max_size=400), st.integers(1, 3))
def test_a_cut_text_always_fits_and_is_a_beginning(text: str, segments: int) -> None:
    short = cut(text, segments)
    assert measure(short).segments <= segments
    assert text.startswith(short.removesuffix("...").removesuffix("…"))


def test_a_cut_ends_after_a_sentence_where_it_can() -> None:
    assert shorten("今晚有暴雨。请不要出门。请看好老人和孩子。", 14) == "今晚有暴雨。请不要出门。"


def test_a_cut_never_parts_an_emoji() -> None:
    family = "👨‍👩‍👧"
    assert shorten("雨" * 8 + family + "大", 10) == "雨" * 8 + "…"
    assert shorten("雨" * 8 + "👍🏽" + "大雨", 9) == "雨" * 8 + "…"


def test_a_cut_never_parts_an_english_word() -> None:
    assert shorten("Stay at home tonight", 10) == "Stay at..."


def test_a_cut_english_text_stays_in_the_cheap_alphabet() -> None:
    assert measure(cut("stay at home " * 40, 2)).encoding is Encoding.GSM7
