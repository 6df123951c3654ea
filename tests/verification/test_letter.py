"""Letters: cut into what they claim; nothing that claims nothing is listed."""

import pytest

from verification.letter import claims

POINTS = (
    "本周六全小区停水一整天，请大家提前储水备用。",
    "下周一起电动车不得进入电梯，违者罚款五百元。",
    "八月起物业费每平方米上涨三角。",
)


@pytest.mark.parametrize(
    "marks",
    [
        ("一、", "二、", "三、"),
        ("1. ", "2. ", "3. "),
        ("（1）", "（2）", "（3）"),
        ("①", "②", "③"),
        ("第一，", "第二，", "第三，"),
        ("• ", "• ", "• "),
    ],
)
@pytest.mark.parametrize("between", ["", "\n"])
def test_numbered_points_are_claims_without_their_numbers(
    marks: tuple[str, ...], between: str
) -> None:
    letter = between.join(mark + point for mark, point in zip(marks, POINTS, strict=True))
    assert tuple(claims(letter)) == POINTS


def test_a_short_text_is_one_claim() -> None:
    assert claims(" 明天停水。真的吗？ ") == ["明天停水。真的吗？"]


@pytest.mark.parametrize(
    "said",
    ["鸡蛋3.5元，鸭蛋4.5元", "2026-08-03停水；2026-08-04停电", "10. 停水通知", "1个月停水2、3次"],
)
def test_a_number_in_a_sentence_begins_no_point(said: str) -> None:
    assert claims(said) == [said]


@pytest.mark.parametrize(
    "aside",
    [
        "各位邻居大家好！",
        "尊敬的业主：",
        "我是2号楼的老李。",
        "请大家互相转告！",
        "看到的都转发给家人，为了孩子！",
        "谢谢大家！",
        "大家一定要注意安全！",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_claims_nothing_is_not_listed(aside: str, first: bool) -> None:
    letter = [aside, *POINTS, POINTS[1]] if first else [*POINTS, POINTS[1], aside]
    assert claims("\n".join(letter)) == [*POINTS, POINTS[1]]


def test_a_heading_and_a_farewell_around_numbered_points_are_no_claims() -> None:
    letter = f"大家好，最近有几件事：1、{POINTS[0]}2、{POINTS[1]}请大家互相转告！谢谢"
    assert claims(letter) == [POINTS[0], POINTS[1]]


@pytest.mark.parametrize("turn", ["其实这是谣言。", "但是后来取消了。", "这件事已经改到下个月了。"])
def test_a_sentence_that_takes_back_the_one_before_stays_with_it(turn: str) -> None:
    letter = f"{POINTS[0]}物业还会挨家挨户检查。{turn}{POINTS[1]}{POINTS[2]}{POINTS[1]}"
    assert any(claim.endswith(turn) and len(claim) > len(turn) for claim in claims(letter))


def test_english_letters_are_cut_too() -> None:
    first = "The water plant has been poisoned and nobody may drink the tap water."
    second = "The school near the market will be closed for the whole of next week."
    assert claims(f"Dear all, {first} {second} Please share!") == [f"Dear all, {first}", second]


@pytest.mark.parametrize("said", ["", "  ", "。。。", "谢谢大家！" * 40])
def test_every_text_is_cut_into_something_or_nothing(said: str) -> None:
    assert len(claims(said)) == bool(said.strip())
