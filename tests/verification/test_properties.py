"""Properties of the decision: what holds for every text, not only for those thought of."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import opencc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.verification import town
from tests.verification.town import TOWN, Said
from verification import gate, letter
from verification.index import Index
from verification.match import Decision, Outcome, decide
from verification.slots import Polarity
from verification.text import LONGEST, normalise

NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")

BEFORE = (
    "转发：", "【紧急通知】", "听说", "听人说", "各位邻居，", "大家注意！！！", "网传", "#提醒# ", "😱😱",
    "https://t.example.org/a?utm_source=x ", "最新消息：", "请问", "Fwd: ", "//@小李: ", "@小王 ",
    "“", "　　", "\u200b", "⚠️⚠️⚠️ ", "[转发]", "喂你好，",
)  # fmt: skip
AFTER = (
    "，请转发给家人", "！！！！！！", "是真的吗？", "，速看，看完快删", "😭🙏", " https://example.org/x?id=1",
    "[图片]", " #扩散#", "。。。。。。", "，真的假的", "？？？", "，大家互相转告", "～～～", "，有这回事吗",
    "”", "\n\n", " \u200d", "❗❗❗", "，谢谢大家", "  ...",
)  # fmt: skip


@cache
def traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def wide(text: str) -> str:
    """Write letters, figures and signs in full width."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def spaced(text: str) -> str:
    """Set the sentences apart as chat programs do."""
    return text.replace("，", " ， ").replace("。", " 。 ")


def unseen(text: str) -> str:
    """Put characters between the others that nobody sees."""
    return "\u200b".join(text)


DRESSES: tuple[Callable[[str], str], ...] = (
    str, lambda text: traditional().convert(text), wide, spaced, unseen, str.upper,
)  # fmt: skip

index = cache(town.index)
facts = st.sampled_from(TOWN)
hard = settings(max_examples=120, deadline=None, derandomize=True)
SIGNS = "不没停水8号楼月日元有吗。!？ ~0１一二十万㈠ﷺ\u0301\u202e\u200d😀【】[]()#@/:.-"
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.text(
    st.sampled_from(SIGNS), max_size=300
)


@st.composite
def noisy(draw: st.DrawFn) -> tuple[Said, str]:
    """A fact, and its claim as it goes round: wrapped, dressed, forwarded."""
    said = draw(facts)
    claim = draw(st.sampled_from(DRESSES))(said.put())
    before = draw(st.lists(st.sampled_from(BEFORE), max_size=3))
    after = draw(st.lists(st.sampled_from(AFTER), max_size=3))
    return said, "".join([*before, claim, *after])


def ask(said: str, base: Index | None = None) -> Decision:
    return decide(said, base or index(), now=NOW, zone=ZONE)


def answer(decision: Decision) -> str:
    """Give the id of the fact that answers, "" where none does."""
    answered = decision.outcome is Outcome.ANSWER
    return decision.candidates[0].fact.id if answered else ""


@hard
@given(text=anything | noisy().map(lambda drawn: drawn[1]))
@example("Ｈｅｌｌｏ　三號樓８月二十号！！")
@example("吗😀")
def test_a_folded_text_folds_to_itself(text: str) -> None:
    folded = normalise(text).folded
    assert normalise(folded).folded == folded


@hard
@given(text=anything | noisy().map(lambda drawn: drawn[1]))
def test_every_folded_character_leads_back_into_the_original(text: str) -> None:
    read = normalise(text)
    assert len(read.offsets) == len(read.folded)
    assert all(0 <= at < len(text) for at in read.offsets)
    assert list(read.offsets) == sorted(read.offsets)
    assert read.span(0, len(read.folded)) in text


@hard
@given(drawn=noisy())
def test_noise_never_turns_an_answer_into_another(drawn: tuple[Said, str]) -> None:
    said, text = drawn
    assert answer(ask(text)) in {said.id, ""}


def test_a_claim_in_noise_is_still_answered() -> None:
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    kept = 0
    for said in TOWN:
        dress = chance.choice(DRESSES)
        text = chance.choice(BEFORE) + dress(said.put()) + chance.choice(AFTER)
        kept += answer(ask(text)) == said.id
    assert kept >= 0.9 * len(TOWN)


@st.composite
def flipped(draw: st.DrawFn) -> tuple[Said, str]:
    """A fact, and its claim with another number, day or place, or turned round; then in noise."""
    said = draw(facts.filter(lambda said: said.flips()))
    claim = draw(st.sampled_from(said.flips()))
    before = draw(st.lists(st.sampled_from(BEFORE), max_size=2))
    after = draw(st.lists(st.sampled_from(AFTER), max_size=2))
    return said, "".join([*before, draw(st.sampled_from(DRESSES))(claim), *after])


@pytest.mark.parametrize("said", TOWN, ids=[said.id for said in TOWN])
def test_a_claim_is_answered_and_what_differs_in_one_word_is_not(said: Said) -> None:
    assert answer(ask(said.put())) == said.id
    assert [flip for flip in said.flips() if answer(ask(flip)) == said.id] == []


@hard
@given(drawn=flipped())
def test_noise_does_not_hide_a_flipped_word(drawn: tuple[Said, str]) -> None:
    said, text = drawn
    if answer(ask(text)) == said.id:
        # a question fits a claim and its denial: both are answered with the whole truth
        slots = normalise(text).slots
        assert (slots.polarity, slots.denied) == (Polarity.ASKED, frozenset())


@hard
@given(said=facts, figure=st.integers(1, 9999), slot=st.integers(0, 2))
def test_another_number_in_its_place_is_never_answered(said: Said, figure: int, slot: int) -> None:
    numbers = [name for name, values in said.slots.items() if values[0].isdecimal()]
    if numbers:
        name = numbers[slot % len(numbers)]
        if str(figure) != said.slots[name][0]:
            assert answer(ask(said.put(**{name: str(figure)}))) != said.id


@hard
@given(said=facts, month=st.integers(1, 12), day=st.integers(1, 28))
def test_another_day_in_its_place_is_never_answered(said: Said, month: int, day: int) -> None:
    other = f"{month}月{day}日"
    if said.slots.get("day", ("",))[0].endswith("日") and other != said.slots["day"][0]:
        assert answer(ask(said.put(day=other))) != said.id


@hard
@given(text=anything)
@example("\ud83d")
@example("9" * 400 + "毛")
def test_any_text_is_decided(text: str) -> None:
    assert ask(text).outcome in Outcome
    assert len(normalise(text).folded) <= LONGEST


BOMBS = (
    "不", "一", "亿", "十百千万亿", "ﷺ", "!", "。a", "①", "9", "1楼2楼", "周一8号8号3号楼", "⑳", "(", "【",
    "[[", "][", "@", "https://", "— a (@a), jan", "\u0301", "\u202e", "👨\u200d👩\u200d👧", "aA", "a ",
    "1、", "不是不", "是不是", "A不A", "\r\n", "\x00", "اب", "ｱﾞ", "自杀", "着火",
)  # fmt: skip
"""What makes patterns go wrong when it is repeated."""


@pytest.mark.parametrize("piece", BOMBS)
@pytest.mark.parametrize("size", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_kilobytes_of_one_thing_are_decided(piece: str, size: int) -> None:
    text = (piece * size)[:size]
    assert answer(ask(text)) == ""
    assert len(normalise(text).folded) <= LONGEST
    gate.emergency(text)
    gate.intent(text)
    assert sum(map(len, letter.claims(text))) <= len(text)


@settings(hard, max_examples=10)
@given(order=st.permutations(TOWN), drawn=noisy() | flipped())
def test_a_decision_does_not_depend_on_the_order_of_facts(
    order: list[Said], drawn: tuple[Said, str]
) -> None:
    one, other = ask(drawn[1]), ask(drawn[1], town.index(tuple(order)))
    assert seen(one) == seen(other) == seen(ask(drawn[1]))


def seen(decision: Decision) -> tuple[object, ...]:
    """What a resident and the staff get to see of a decision."""
    shown = [candidate.fact.id for candidate in decision.candidates]
    return decision.outcome, shown, decision.veto, decision.differing, decision.debunk
