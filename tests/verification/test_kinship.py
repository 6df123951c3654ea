"""Kinship: the same matter in other words joins; another building, day, number or side does not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from verification.kinship import Kin, Matter, Pool, dated, ours

ASKED = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
LATER = timedelta(hours=1)

SAME = [
    ("今晚停不停水", "听说今晚停水"),
    ("听说今晚八点停水", "今晚8点要停水是真的吗"),
    (
        "下周三小区要拆掉所有电动车棚",
        "【重要通知】下周三小区要拆掉所有电动车棚，请大家互相转告！！",
    ),
    ("下周三小区要拆掉所有电动车棚", "聽說下周三小區要拆掉所有電動車棚"),
    ("小区门口的超市要关门了吗", "听说小区门口的超市要关门了"),
    ("物业费下个月涨到三块", "物业费下个月要涨到3块，有这事吗"),
    ("3号楼的电梯坏了三天没人修", "三号楼电梯坏了3天都没人修"),
    ("夜市要搬到河对岸去", "听说夜市要搬到河对岸了，真的假的"),
    ("社区医院九月不能刷医保卡", "社区医院九月份起不能刷医保了吗"),
    ("有人冒充燃气公司上门收钱", "有人冒充燃气公司的上门收钱，是不是真的"),
    ("学校门口有人发毒糖果", "听说学校门口有人在发毒糖果，大家管好孩子"),
    ("快递柜以后要收费", "快递柜以后是不是要收费"),
    ("养狗要重新办证", "听说养狗都要重新办证"),
    ("老年卡坐公交不能用了", "老年卡坐公交是不是不能用了"),
    ("幸福里要拆迁了", "幸福里真的要拆迁吗"),
    ("地铁站修到我们小区门口", "地铁站要修到我们小区门口？"),
    ("自来水里有虫子", "听说自来水里有虫子，还能喝吗"),
    ("今晚12点手机要停机", "今晚十二点手机停机，转给家人"),
    ("明天全城停电检修", "明天是不是全城停电检修"),
    ("蚊子会传染登革热已经有人得了", "我们这里有人得登革热了，是蚊子传染的"),
    ("小区群里说要装5G基站", "小区要装5G基站，是不是真的"),
    ("明天停水", "7月21日停水"),
    (
        "the water will be cut off in building 3 tomorrow",
        "is it true that the water in building 3 will be cut off tomorrow?",
    ),
]
APART = [
    ("3号楼明天停水", "5号楼明天停水"),
    ("3号楼明天停水", "13号楼明天停水"),
    ("7月25日停电", "7月26日停电"),
    ("物业费涨到三块", "物业费涨到五块"),
    ("物业费涨到3元", "物业费涨到2.8元"),
    ("明天停水", "明天停电"),
    ("今晚停水", "今晚不停水"),
    ("夜市要搬走", "夜市不搬了"),
    ("幸福里要拆迁", "春晖苑要拆迁"),
    ("东门菜场关门", "西门菜场关门"),
    ("超市要关门了", "超市要搬走了"),
    ("电梯坏了", "路灯坏了"),
    ("老年卡不能用了", "学生卡不能用了"),
    ("周三停水", "周五停水"),
    ("上午停水", "下午停水"),
    ("晚上八点停水", "晚上十点停水"),
    ("物业费要涨价", "物业费要降价"),
    ("2号线要停运", "3号线要停运"),
    ("幼儿园停课", "小学停课"),
    ("有人偷电动车", "有人偷快递"),
    ("社区医院九月不能刷医保卡", "社区医院十月不能刷医保卡"),
    ("学校门口有人发毒糖果", "学校门口有人发传单"),
    ("青禾路要修路", "望江路要修路"),
    ("每户补贴500元", "每户补贴5000元"),
    ("小区要装充电桩", "小区要装摄像头"),
    (
        "the water will be cut off in building 3",
        "the water will be cut off in building 5",
    ),
]


def kin(opened: str, *, then: str, at: datetime = ASKED + LATER, home: str = "") -> Kin:
    """What a question finds where one case is open."""
    pool = Pool(ZONE)
    pool.sync({"1": 1}, lambda _: [Matter("1", ((opened, ASKED),), home)])
    return pool.find(then, at)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_matter_joins_whichever_was_asked_first(one: str, other: str) -> None:
    assert (kin(one, then=other).joins, kin(other, then=one).joins) == ("1", "1")


@pytest.mark.parametrize(("one", "other"), APART)
def test_another_matter_does_not_join_whichever_was_asked_first(one: str, other: str) -> None:
    assert (kin(one, then=other).joins, kin(other, then=one).joins) == ("", "")


def test_what_is_near_is_shown_to_the_expert() -> None:
    assert kin("今晚停水", then="今晚不停水").near == ("1",)


def test_tonight_is_another_night_the_next_day() -> None:
    assert kin("今晚停水吗", then="今晚停水吗", at=ASKED + timedelta(days=1)).joins == ""


@pytest.mark.parametrize("words", ["下周三停水吗", "下个月涨物业费吗", "月底停暖吗"])
def test_next_week_is_another_week_when_that_week_has_come(words: str) -> None:
    assert kin(words, then=words).joins == "1"
    assert kin(words, then=words, at=ASKED + timedelta(days=35)).joins == ""


def test_a_day_is_the_same_however_it_is_named() -> None:
    assert dated("明天停水", ASKED, ZONE) == "7月21日停水"
    assert dated("大后天停水", ASKED, ZONE) == "7月23日停水"
    assert dated("昨晚有人偷车", ASKED, ZONE) == "7月19日晚有人偷车"


@pytest.mark.parametrize("words", ["我们楼停水吗", "咱们单元的电梯坏了", "本楼要拆", "我家停电了"])
def test_our_building_is_read(words: str) -> None:
    assert ours(words)


def test_our_building_is_another_one_for_a_neighbour() -> None:
    assert kin("我们楼停水吗", then="我们楼停水吗", home="/3/").joins == ""


def test_a_question_takes_no_side_but_a_denial_does() -> None:
    pool = Pool(ZONE)
    both = (("今晚停不停水", ASKED), ("听说今晚停水", ASKED))
    pool.sync({"1": 1}, lambda _: [Matter("1", both)])
    assert pool.find("今晚会停水吗", ASKED).joins == "1"
    assert pool.find("今晚不停水", ASKED).joins == ""


def test_a_case_that_is_closed_is_forgotten() -> None:
    pool = Pool(ZONE)
    pool.sync({"1": 1}, lambda _: [Matter("1", (("今晚停水", ASKED),))])
    pool.sync({}, lambda _: [])
    assert pool.find("今晚停水", ASKED) == Kin()


def test_only_what_has_changed_is_loaded() -> None:
    pool, loaded = Pool(ZONE), []

    def load(ids: list[str]) -> list[Matter]:
        loaded.append(sorted(ids))
        return [Matter(one, (("今晚停水", ASKED),)) for one in ids]

    pool.sync({"1": 1, "2": 1}, load)
    pool.sync({"1": 1, "2": 2}, load)
    pool.sync({"1": 1, "2": 2}, load)
    assert loaded == [["1", "2"], ["2"]]


def test_a_case_without_words_holds_nobody() -> None:
    pool = Pool(ZONE)
    pool.sync({"1": 1}, lambda _: [Matter("1", ())])
    assert pool.find("今晚停水", ASKED) == Kin()


def test_in_a_flood_of_questions_about_one_thing_its_name_joins_nothing() -> None:
    remedies = [
        "喝茶",
        "吃大蒜",
        "抽烟",
        "喝白酒",
        "用盐水漱口",
        "晒太阳",
        "泡脚",
        "吃香菜",
        "熏醋",
        "吸氧",
    ]
    asked = [f"{remedy}可以预防新型流感病毒" for remedy in remedies]
    pool = Pool(ZONE)
    for count in range(1, len(asked)):
        stamps = {str(one): 1 for one in range(count)}
        pool.sync(stamps, lambda ids: [Matter(i, ((asked[int(i)], ASKED),)) for i in ids])
        assert pool.find(asked[count], ASKED).joins == ""
    assert pool.find("听说用盐水漱口可以预防新型流感病毒", ASKED).joins == "4"
