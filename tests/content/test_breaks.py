"""A text is cut where a reader would cut it: no word, number, date, home or emoji in two."""

import itertools
import logging

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import breaks, lexicon, phrase
from content.breaks import before
from content.message import Written

jieba.setLogLevel(logging.CRITICAL)
TEXTS = (
    "因管道检修，3号楼2单元501室8月3日晚上7点半到12月4日（周五）17:00停水，请提前储存生活用水并关闭家中水龙头。",
    "社区值班电话0571-8800 1234，网格员手机138 0000 0001，水费1,250.5元，气温零下3.5℃，降雨量达30%，请勿外出。",
    "居民委员会提醒老年人：煤气泄漏时不要开关任何电器，十二点三十分以前到幸福里社区服务中心领取救灾物资。",
)
EMOJI = ("👨‍👩‍👧", "👍🏽", "🇨🇳", "🇭🇰", "1️⃣", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🧑🏿‍🚒", "é", "☔", "が")
ENGLISH = (
    "Don't use the lift: on 3 August at 7:30 p.m. e-mail G20-office or ring +1 202 555 0100 ext."
)


def places(text: str) -> set[int]:
    return {before(text, end) for end in range(1, len(text))}


def pieces(text: str) -> list[str]:
    marks = sorted({0, len(text), *places(text)})
    return [text[a:b] for a, b in itertools.pairwise(marks)]


@pytest.mark.parametrize("text", TEXTS)
def test_chinese_is_cut_between_the_words_that_jieba_knows(text: str) -> None:
    ends = {at for _, _, at in jieba.tokenize(text, HMM=False)}
    assert places(text) - {0} <= ends


@pytest.mark.parametrize("text", [*TEXTS, "近两年内涝了三次", "他说的确实在理", "乒乓球拍卖完了"])
def test_words_end_where_jieba_ends_them(text: str) -> None:
    for run in breaks._RUN.findall(text):
        assert lexicon.cuts(run) == [at for _, _, at in jieba.tokenize(run, HMM=False)]


def test_traditional_characters_are_words_too() -> None:
    text = phrase.traditional(TEXTS[0])
    assert places(text) == places(TEXTS[0])


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (TEXTS[0], "3号楼2单元501室"),
        (TEXTS[0], "8月3日晚上7点半"),
        (TEXTS[0], "12月4日（周五）17:00"),
        (TEXTS[1], "0571-8800 1234"),
        (TEXTS[1], "138 0000 0001"),
        (TEXTS[1], "1,250.5元"),
        (TEXTS[1], "3.5℃"),
        (TEXTS[1], "30%"),
        (TEXTS[2], "十二点三十分"),
        (ENGLISH, "3 August"),
        (ENGLISH, "7:30 p.m."),
        (ENGLISH, "+1 202 555 0100"),
        (ENGLISH, "e-mail"),
        (ENGLISH, "G20-office"),
        (ENGLISH, "Don't"),
        ("停水约3个小时", "约3个小时"),
        ("Go to Building 3 now", "Building 3"),
    ],
)
def test_what_is_read_as_one_is_never_cut(text: str, whole: str) -> None:
    start = text.index(whole)
    assert not places(text) & set(range(start + 1, start + len(whole)))


@given(st.lists(st.sampled_from([*EMOJI, "雨", "a", " ", "5"]), min_size=1, max_size=12), st.data())
def test_no_emoji_is_ever_parted(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    whole = set(itertools.accumulate(map(len, parts), initial=0))
    end = data.draw(st.integers(0, len(text)))
    assert breaks.apart(text, end) in whole or text[:end].endswith("5")
    assert before(text, end) in whole | {0}


@given(st.text(max_size=200), st.integers(0, 220))
def test_a_place_to_cut_is_stable_and_never_beyond(text: str, end: int) -> None:
    found = before(text, min(end, len(text)))
    assert 0 <= found <= end
    assert before(text, found) == found


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(sorted(phrase.table(Written.HANS).values())), max_size=4), st.data()
)
def test_the_houses_own_sentences_are_cut_between_words(
    said: list[str], data: st.DataObject
) -> None:
    text = "".join(said)
    end = before(text, data.draw(st.integers(0, len(text))))
    for run in breaks._RUN.finditer(text):
        if run.start() < end < run.end():
            assert end - run.start() in lexicon.cuts(run[0])


def test_a_word_that_alone_is_too_long_has_no_place() -> None:
    assert before("a" * 300, 160) == 0
