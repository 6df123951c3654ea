"""SMS are counted as networks count them, and cut where a reader would cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import breaks
from content.segment import BASIC, EXTENDED, Encoding, cheapened, cut, measure, shorten

ESCAPE = "\x1b"
PARTS = [
    "收到",
    "暴雨",
    "，",
    "。",
    "3号楼",
    "8月3日晚上7点半",
    "Stay home",
    " ",
    "👨‍👩‍👧",
    "🇨🇳",
    "€",
    "7.5",
]


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


def parts(units: list[str], room: int) -> int:
    """Cut units as GSM 03.40 does: an escape or a high surrogate goes to the next part."""
    count = 0
    while units:
        end = room
        if len(units) > room and (
            units[end - 1] == ESCAPE or "\ud800" <= units[end - 1] < "\udc00"
        ):
            end -= 1
        units, count = units[end:], count + 1
    return count


@given(st.text(st.sampled_from(sorted(BASIC | EXTENDED)), max_size=700))
def test_seven_bit_texts_are_counted_as_gsm_03_38_packs_them(text: str) -> None:
    septets = list("".join(ESCAPE + char if char in EXTENDED else char for char in text))
    expected = 1 if len(septets) <= 160 else parts(septets, 153)
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (Encoding.GSM7, len(septets), expected)


@given(st.text(st.sampled_from("雨a€😀🇨👍\u200d"), max_size=300))
def test_other_texts_are_counted_in_utf_16(text: str) -> None:
    raw = ("雨" + text).encode("utf-16-be")
    units = [chr(int.from_bytes(raw[at : at + 2], "big")) for at in range(0, len(raw), 2)]
    expected = 1 if len(units) <= 70 else parts(units, 67)
    size = measure("雨" + text)
    assert (size.encoding, size.units, size.segments) == (Encoding.UCS2, len(units), expected)


@pytest.mark.parametrize("char", ["ç", "`", "“", "’", "—", "…", "á", "Α", "\t", "！", "１"])
def test_one_character_beyond_the_alphabet_makes_it_ucs2(char: str) -> None:
    assert measure("a" + char).encoding is Encoding.UCS2


@given(st.lists(st.sampled_from(PARTS), max_size=120).map("".join), st.integers(1, 3))
def test_a_cut_text_ends_where_a_reader_would_end_it(text: str, segments: int) -> None:
    short = cut(text, segments)
    kept = short.removesuffix("...").removesuffix("…")
    assert breaks.before(text, len(kept)) == len(kept)
    assert cut(short, segments) == short


def test_a_cut_ends_after_a_clause_where_no_sentence_ends() -> None:
    text = "因为管道检修，请提前储存生活用水，并关闭家中水龙头"
    assert shorten(text, 20) == "因为管道检修，请提前储存生活用水…"


def test_a_cut_never_parts_a_chinese_word() -> None:
    assert (
        shorten("请提前储存生活用水并关闭家中水龙头避免漏水", 16) == "请提前储存生活用水并关闭家中…"
    )


def test_a_stop_within_a_number_ends_no_sentence() -> None:
    assert (
        shorten("Rain of 3.5 mm in an hour is expected here tonight", 20)
        == "Rain of 3.5 mm in an..."
    )


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


@pytest.mark.parametrize(
    ("text", "cheap"),
    [
        ("Don’t use the lift – it’s broken…", "Don't use the lift - it's broken..."),
        ("“Stay” at -8 °C", '"Stay" at -8 degrees'),
        ("Café at 5 p.m.", "Café at 5 p.m."),
        ("别去，it’s closed", "别去，it’s closed"),
    ],
)
def test_signs_of_word_processors_do_not_make_an_sms_dear(text: str, cheap: str) -> None:
    assert cheapened(text) == cheap


@given(st.text(max_size=100))
def test_a_cheapened_text_is_never_dearer(text: str) -> None:
    before, after = measure(text), measure(cheapened(text))
    assert after.segments <= before.segments or after.encoding is Encoding.GSM7
