"""The gate: emergencies are heard, advice and rumors are not taken for them."""

import tomllib
from pathlib import Path

import pytest

from verification.gate import Hotline, Intent, emergency, intent

HERE = Path(__file__).parent
CALLS = tomllib.loads((HERE / "calls.toml").read_text(encoding="utf-8"))
"""Calls for help in many wordings, and calm texts that look like them."""
WISHES = tomllib.loads((HERE / "wishes.toml").read_text(encoding="utf-8"))
"""What people want who ask for no fact, and rumors that look like it."""


@pytest.mark.parametrize(
    ("said", "hotline"),
    [
        ("我家厨房着火了！", Hotline.FIRE),
        ("樓道裏冒黑煙了", Hotline.FIRE),
        ("家里煤气味好大，头晕", Hotline.FIRE),
        ("我奶奶被困在电梯里", Hotline.FIRE),
        ("我爸摔了一跤起不来了", Hotline.AMBULANCE),
        ("老伴胸口疼得厉害，冒冷汗", Hotline.AMBULANCE),
        ("孩子吞了纽扣电池", Hotline.AMBULANCE),
        ("奶奶噎着了，脸发青", Hotline.AMBULANCE),
        ("孩子掉进窨井了", Hotline.FIRE),
        ("隔壁阿婆三天没开门，敲门没人应", Hotline.POLICE),
        ("我真的不想活了", Hotline.POLICE),
        ("有人在撬我家门", Hotline.POLICE),
        ("help me please, my mother is unconscious", Hotline.AMBULANCE),
    ],
)
def test_an_emergency_names_its_hotline(said: str, hotline: Hotline) -> None:
    found = emergency(said)
    assert found is not None
    assert found.hotline is hotline


@pytest.mark.parametrize(
    "said",
    [
        "闻到煤气味要先开窗还是先关阀门",
        "高层着火往哪里跑最安全",
        "这个视频笑死我了",
        "救命功能要收费吗",
        "电梯困人了怎么自救",
        "听说长期喝隔夜水会中毒",
        "电梯坏了三天没人修",
        "Is tap water safe?",
    ],
)
def test_advice_and_talk_raise_no_alarm(said: str) -> None:
    assert emergency(said) is None


@pytest.mark.parametrize(
    ("kind", "said"), [(kind, one) for kind, said in CALLS["emergency"].items() for one in said]
)
def test_a_call_for_help_is_heard_however_it_is_worded(kind: str, said: str) -> None:
    assert emergency(said) is not None, kind


@pytest.mark.parametrize(
    ("kind", "said"), [(kind, one) for kind, said in CALLS["calm"].items() for one in said]
)
def test_what_only_looks_like_a_call_raises_no_alarm(kind: str, said: str) -> None:
    assert emergency(said) is None, kind


def test_small_signs_of_harm_to_somebody_now_are_taken_together() -> None:
    found = emergency("我奶说她左边胳膊腿都不听使唤了")
    assert found is not None
    assert (found.kind, found.hotline) == ("medical", Hotline.AMBULANCE)


def test_what_somebody_hears_themselves_is_no_hearsay() -> None:
    found = emergency("我听见楼上有女的喊救命")
    assert found is not None
    assert not found.hearsay


def test_who_may_take_their_own_life_is_heard_whatever_else_is_said() -> None:
    found = emergency("妈妈去世以后我就不想活了")
    assert found is not None
    assert found.kind == "suicide"


def test_hearsay_of_an_emergency_is_marked_as_such() -> None:
    found = emergency("听说3号楼着火了，是真的吗")
    assert found is not None
    assert found.hearsay


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("听说下周停水一周", Intent.RUMOR),
        ("下周停水是真的吗", Intent.QUESTION),
        ("早上好，大家吃过饭没有", Intent.CHIT_CHAT),
        ("🌹🌹🌹", Intent.CHIT_CHAT),
        ("厨房水管漏了，麻烦派人来修一下", Intent.SERVICE_REQUEST),
        ("请问办居住证需要带什么材料", Intent.SERVICE_REQUEST),
        ("听说办居住证需要带房产证，是真的吗", Intent.QUESTION),
        ("你们这帮废物", Intent.ABUSE),
        ("无抵押贷款当天到账", Intent.ABUSE),
    ],
)
def test_what_a_text_wants_is_told_apart(said: str, wanted: Intent) -> None:
    assert intent(said) is wanted


@pytest.mark.parametrize("wanted", [Intent.CHIT_CHAT, Intent.SERVICE_REQUEST, Intent.ABUSE])
def test_nine_in_ten_who_ask_for_no_fact_are_understood(wanted: Intent) -> None:
    said = WISHES[wanted.value]
    right = [one for one in said if intent(one) is wanted]
    assert len(right) >= 0.9 * len(said)


@pytest.mark.parametrize("said", WISHES["rumor"])
def test_a_rumor_about_a_thing_is_neither_small_talk_nor_a_request(said: str) -> None:
    assert intent(said) in (Intent.RUMOR, Intent.QUESTION)
