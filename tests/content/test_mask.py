import pytest

from content.mask import has_identity, identity, mask


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "110105194912310021",
        "110105 19491231 002x",
        "１１０１０５１９４９１２３１００２１",
        "110105491231002",
    ],
)
def test_identity_card_numbers_are_found_and_covered(number: str) -> None:
    assert has_identity(f"身份证{number}。")
    assert identity(f"身份证{number}。") == "身份证***。"


@pytest.mark.parametrize(
    "number",
    [
        "13800138000",
        "138 0013 8000",
        "+86 138-0013-8000",
        "010-62345678",
        "(0755)82345678",
        "+85291234567",
    ],
)
def test_telephone_numbers_are_covered_and_the_words_stay(number: str) -> None:
    assert mask(f"请打{number}找王强") == "请打***找王强"


@pytest.mark.parametrize(
    "text", ["拨打12345或110", "2026年11月20日14时", "停水3天，每户20升", "编号202611200001"]
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert mask(text) == text
