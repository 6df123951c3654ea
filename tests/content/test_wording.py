"""What an edit may change, and what must be verified again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import numeral, phrase, wording

DIGITS = "零一二三四五六七八九"
PROTECTED = (
    "3号楼",
    "四号楼",
    "今晚8点",
    "7月20日",
    "不",
    "没有",
    "中山路",
    "300户",
    "周三",
    "全部",
    "5%",
    "半小时",
)
PLAIN = ("请", "大家", "注意", "停水", "通知", "邻居们", "，", "。", "记得", "谢谢")


def chinese(number: int) -> str:
    """Write a number below 100 million the way it is read aloud."""
    if number >= 10_000:
        head, rest = divmod(number, 10_000)
        tail = chinese(rest) if rest else ""
        return chinese(head) + "万" + ("零" if rest and rest < 1_000 else "") + tail
    said, gap = "", False
    for name, worth in (("千", 1_000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // worth % 10
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + name
        gap = not digit
    return said or "零"


@given(st.integers(0, 99_999_999))
def test_a_chinese_numeral_names_the_same_number_as_an_arabic_one(number: int) -> None:
    assert numeral.value(chinese(number)) == str(number) == numeral.value(f"{number:,}")


@given(st.integers(1, 9_999), st.integers(1, 9_999))
def test_a_building_keeps_its_number_in_either_script_and_no_other(one: int, other: int) -> None:
    written = f"{one}号楼停水"
    assert wording.changed(written, f"{chinese(one)}号楼停水") == []
    assert (wording.changed(written, f"{chinese(other)}号楼停水") == []) == (one == other)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59))
def test_a_time_is_the_same_only_at_the_same_minute(hour: int, minute: int, h: int, m: int) -> None:
    said = f"{chinese(h)}点{chinese(m)}分停电"
    same = wording.changed(f"{hour}:{minute:02}停电", said) == []
    assert same == ((hour, minute) == (h, m))


@given(st.lists(st.sampled_from(PROTECTED), max_size=6), st.data())
def test_plain_words_may_be_set_between_protected_ones(
    words: list[str], data: st.DataObject
) -> None:
    text = "，".join(words)
    filled = "，".join(
        word + data.draw(st.sampled_from(("，", "。", "，请注意"))) for word in words
    )
    assert wording.changed(text, filled) == []


@given(
    st.lists(st.sampled_from(PROTECTED + PLAIN), max_size=8),
    st.integers(0, 8),
    st.sampled_from(PROTECTED),
)
def test_a_protected_word_cannot_be_added_or_dropped_unseen(
    words: list[str], at: int, word: str
) -> None:
    more = [*words[:at], word, *words[at:]]
    assert wording.changed("，".join(words), "，".join(more))
    assert wording.changed("，".join(more), "，".join(words))


@given(st.text(max_size=200))
def test_a_text_never_differs_from_itself(text: str) -> None:
    assert wording.changed(text, text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("三号楼今晚八点停水", "3号楼今晚8点停水"),
        ("3栋停水", "3号楼停水"),
        ("下午3点", "15:00"),
        ("晚8点半", "20:30"),
        ("8点3号楼停水", "8点，3号楼停水"),
        ("8点100户停电", "8点，100户停电"),
        ("早上八点三十停电", "8:30停电"),
        ("7月20日", "七月二十号"),
        ("周日", "星期天"),
        ("今日停电", "今天停电"),
        ("请不要外出", "请勿外出"),
        ("没有人受伤", "无人受伤"),
        ("百分之五十", "50%"),
        ("３号樓", "3号楼"),
        ("请大家一定注意", "请大家注意"),
        ("万一停电", "如果停电"),
        ("十分重要", "很重要"),
        ("Don't go out", "Do not go out"),
        ("8 pm", "20:00"),
    ],
)
def test_an_edit_may_say_the_same_in_other_words(old: str, new: str) -> None:
    assert wording.changed(old, new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("三号楼停水", "四号楼停水"),
        ("上午8点", "晚上8点"),
        ("今晚停水", "明晚停水"),
        ("2026年7月", "2025年7月"),
        ("可以饮用", "不可以饮用"),
        ("请撤离", "请不要撤离"),
        ("恢复供水", "停止供水"),
        ("中山路", "中华路"),
        ("东门", "西门"),
        ("3米", "3公里"),
        ("一百五十人", "一百零五人"),
        ("一百五", "一百零五"),
        ("五六十人", "六七十人"),
        ("全部居民", "部分居民"),
        ("红色预警", "橙色预警"),
        ("3号楼停水，5号楼有水", "5号楼停水，3号楼有水"),
        ("3号楼不停水，5号楼停水", "3号楼停水，5号楼不停水"),
        ("3月", "3个月"),
        ("停水", "停水三天"),
        ("半小时", "一小时"),
        ("http://a.cn/x", "http://a.cn/y"),
        ("You can go out", "You cannot go out"),
        ("Building 3", "Building 4"),
        ("20 July", "21 July"),
    ],
)
def test_a_changed_fact_is_seen_in_either_script(old: str, new: str) -> None:
    assert wording.changed(old, new)
    assert wording.changed(phrase.traditional(old), phrase.traditional(new))
    assert wording.changed(old, phrase.traditional(old)) == []


def test_a_place_name_of_the_tree_is_a_fact() -> None:
    names = ["幸福里", "阳光里"]
    assert wording.changed("幸福里停水", "阳光里停水", names) == ["「幸福里」改成了「阳光里」"]
    assert wording.changed("幸福里停水", "阳光里停水") == []


def test_a_change_names_its_words() -> None:
    assert wording.changed("3号楼停水", "5号楼不停水") == ["「3号楼」改成了「5号楼 不」"]
