"""The check for plain language finds what is hard to follow, and lets good alerts pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import clarity, phrase
from content.clarity import Fault
from content.message import Written

GOOD = r"""
3号楼12月1日停水\n因管道检修，3号楼12月1日9:30到17:00停水。\n请提前存水，关好水龙头。
暴雨红色预警\n8月3日晚上7点到11点有大暴雨。\n请留在家里，关好门窗，不要去地下车库。
台风橙色预警\n8月3日晚上8点到8月4日早上8点，海边有10级以上大风。\n请收好阳台上的花盆。不要到海边去。
高温预警\n7月20日中午到下午4点，气温超过40度。\n请多喝水，中午不要出门。老人不舒服，请马上打120。
5号楼电梯12月3日停用\n12月3日上午8点到下午5点，5号楼电梯检修。\n走楼梯有困难的，请打社区电话0571-88001234，我们来帮您。
煤气管道漏气\n2号楼一楼有煤气味，消防员已经到了。\n请2号楼的住户马上下楼，到小区东门集合。不要开灯，不要坐电梯。
12月5日上午9点发放口罩\n每户10个，请到居委会一楼领取。\n腿脚不便的，请打王主任13800000001，我们送上门。
流感疫苗\n12月8日早上8:30到11:30，社区医院给60岁以上老人打流感疫苗，不收钱。\n请带身份证。
停电通知\n12月10日早上六点到中午十二点，3号楼、4号楼停电。\n请提前给手机充好电。家里用呼吸机的，请打供电公司95598。
全小区12月11日停天然气\n12月11日上午10点到晚上6点，换管道，全小区停气。\n请关好灶具，来气以前不要打火。
今天下午有大雨\n8月3日下午2点起有大雨，可能下到半夜。\n请不要走地下通道。
消防演练\n12月15日（周一）下午3点，7号楼做消防演练，不是真的火灾。\n听到铃声请走楼梯下楼，不要慌。
寒潮蓝色预警\n12月1日夜里起降温，最低零下8度。\n请包好水管，路上结冰，走路慢一点。
道路封闭\n12月2日起，幸福路东段修路，公交车不停幸福里站。\n请走解放路，修好以后再通知大家。
寻找走失老人\n李奶奶，82岁，12月1日早上在菜场走失，穿红棉袄。\n见到她请打派出所110，或者打她儿子13900000002。
自来水发黄\n3号楼的水发黄，正在冲水管。12月1日下午5点以前请不要喝。\n要用水，请到小区南门送水车接。
地震已经过去\n8月3日上午10点12分有4级地震，房子没有坏。\n请检查煤气，余震时躲在桌子下面，不要坐电梯。
每周五停车场清洗\n12月起，每周五晚上10点到12点清洗地下停车场。\n请把车停到地面。
物业费12月31日前交\n请到物业前台交，或者打物业电话0571-87654321。\n不会用手机的，可以交现金。
防诈骗\n12月1日有人冒充社区要银行卡号，这是骗子。\n社区不会打电话要密码。接到请挂断，打派出所110。
B座12月6日停暖气\n12月6日9:00到15:00，B座换暖气阀门。\n请穿暖和些，关好门窗。
小区北门12月7日关闭\n12月7日早8点到晚8点修大门，请走南门。救护车和消防车可以走北门。
12345可以问政策\n12月起医保改了，请打12345，或者问社区医院陈医生。
疏散解除\n8月4日早上6点起可以回家了。\n进门先开窗，闻到煤气味请打119。
各位居民，12月5日上午8:30开始，在小区中心花园免费理发，60岁以上老人优先。
家里有80岁以上老人的，请到居委会登记，12月底前领高龄补贴，每月100元。
有居民捡到钱包一个，内有现金和身份证，请失主到居委会认领，电话87654321（王阿姨）。
12月20日（周日）上午10:00在活动室包饺子，欢迎独居老人参加，下午3点前结束。
接到燃气公司通知，12月12日10:00—16:00停气。\n停气时请关好阀门。恢复供气时间如有变化，我们再告诉大家。
昨天夜里3号楼着火，没有人受伤，火已经扑灭。\n12月1日起，请把楼道里的电动车推到车棚。
停车场12月9日划线，请车主12月8日晚上10点前把车开走。
本小区有人假冒燃气公司上门换表收钱，请不要开门，报警打110。
垃圾分类：12月起厨余垃圾早上6点到8点、晚上6点到8点投放。
气象台发布大雾黄色预警，12月2日早上能见度不到200米，开车请开雾灯、慢行。
核酸点搬家\n12月9日起，采样点从小广场搬到5号楼一楼，早上7点开门。
""".strip().split("\n")
GOOD_ENGLISH = r"""
No water in building 3 on 1 December\nFor repairs there is no water in building 3 from 9:30 to 17:00.\nPlease store water.
Red rainstorm warning\nVery heavy rain on 3 August from 7 p.m. to 11 p.m.\nPlease stay at home and close your windows.
The lift in building 5 stops on 3 December\nIt is repaired from 8 a.m. to 5 p.m.\nIf you cannot climb the stairs, call the community office on 0571-88001234.
Flu shots on 8 December\nFree for everyone over 60, at the community clinic from 08:30 to 11:30.\nPlease bring your ID card.
Gas leak in building 2\nFire fighters are here.\nPlease leave building 2 now and meet at the east gate. Do not use the lift.
Power cut on 10 December\nNo electricity in buildings 3 and 4 from 6 in the morning until noon.\nCharge your phone before.
Fire drill on 15 December at 3 p.m.\nThis is a drill in building 7, not a real fire.\nWhen you hear the bell, walk down the stairs.
Cold wave\nFrom the night of 1 December it will be as cold as -8 °C.\nThe roads may be icy: please walk slowly.
The flood is over\nYou can go home from 4 August, 6 a.m.\nOpen the windows first. If you smell gas, call 119.
Water may look brown on 1 December\nPlease do not drink it before 5 p.m. There is a water truck at the south gate.
""".strip().split("\n")
BAD = [
    ("今晚有暴雨。", Fault.UNDATED, "今晚"),
    ("周五停水。", Fault.UNDATED, "周五"),
    ("本周停电检修。", Fault.UNDATED, "本周"),
    ("明日3號樓停水。", Fault.UNDATED, "明日"),
    ("明天停水，请打物业电话0571-88001234。", Fault.UNDATED, "明天"),
    ("12月1日7点停水。", Fault.DAYPART, "7点"),
    ("12月1日8:00至11:00停水。", Fault.DAYPART, "8:00"),
    ("十二月一日七点半开会。", Fault.DAYPART, "七点半"),
    (
        "受台风影响我市沿海地区将出现大风暴雨天气请各位居民关好门窗并且收好阳台物品不要外出。",
        Fault.LONG,
        "受台风影响我市沿海地",
    ),
    ("请关好门窗，收好花盆，拔掉插头，不要外出。", Fault.MANY, "请关好门窗，收好花盆"),
    ("请做好防范。", Fault.JARGON, "做好防范"),
    ("气象台发布暴雨红色预警信号。", Fault.JARGON, "预警信号"),
    ("市里启动防汛一级应急响应。", Fault.JARGON, "启动防汛一级应急响应"),
    ("请联系有关部门。", Fault.JARGON, "有关部门"),
    ("届时请到广场。", Fault.JARGON, "届时"),
    ("非必要不外出。", Fault.JARGON, "非必要不"),
    ("發佈強對流天氣提醒。", Fault.JARGON, "強對流天氣"),
    ("密接请居家。", Fault.JARGON, "密接"),
    ("有疑问请拨打电话0571-88001234。", Fault.CALLER, "0571-88001234"),
    ("咨询电话：13800000001", Fault.CALLER, "13800000001"),
    ("详情见 www.example.com/a 。", Fault.LINK, "www.example.com/a"),
    ("因此不得不停水。", Fault.DOUBLE, "不得不"),
    ("未经登记不得进入。", Fault.DOUBLE, "未经登记不得"),
    ("对供水管道进行检修。", Fault.PASSIVE, "对供水管道进行检修"),
    ("12月1日对3号楼予以停电。", Fault.PASSIVE, "予以停电"),
    ("小心CO中毒。", Fault.LETTERS, "CO"),
    ("请下载APP登记。", Fault.LETTERS, "APP"),
    ("请查看PM2.5数值。", Fault.LETTERS, "PM2.5"),
]
BAD_ENGLISH = [
    ("No water tomorrow.", Fault.UNDATED, "tomorrow"),
    ("Heavy rain on Friday.", Fault.UNDATED, "Friday"),
    ("No water on 1 December from 8:00 to 11:00.", Fault.DAYPART, "8:00"),
    ("Meeting on 1 December at 8.", Fault.DAYPART, "at 8"),
    (
        (
            "Because of the heavy rain that is expected in the whole town the office asks everybody "
            "to stay at home and to keep all doors and windows closed."
        ),
        Fault.LONG,
        "Because of the heavy rain",
    ),
    ("Expect heavy precipitation.", Fault.JARGON, "precipitation"),
    ("Leave prior to the flood.", Fault.JARGON, "prior to"),
    ("Contact the relevant authorities.", Fault.JARGON, "relevant authorities"),
    ("For more information please call 0571-88001234.", Fault.CALLER, "0571-88001234"),
    ("See https://example.com for more.", Fault.LINK, "https://example.com"),
    ("Do not fail to close the windows.", Fault.DOUBLE, "Do not fail to"),
    ("Repairs will be carried out.", Fault.PASSIVE, "will be carried out"),
    ("Residents are advised to stay in.", Fault.PASSIVE, "Residents are advised to"),
]


def alert(line: str) -> str:
    return line.replace("\\n", "\n")


@pytest.mark.parametrize("line", GOOD)
def test_a_good_alert_gives_no_warning(line: str) -> None:
    assert clarity.check(alert(line), Written.HANS) == []


@pytest.mark.parametrize("line", GOOD)
def test_nor_does_it_in_traditional_characters(line: str) -> None:
    assert clarity.check(phrase.traditional(alert(line)), Written.HANT) == []


@pytest.mark.parametrize("line", GOOD_ENGLISH)
def test_a_good_english_alert_gives_no_warning(line: str) -> None:
    assert clarity.check(alert(line), Written.ENGLISH) == []


@pytest.mark.parametrize(("text", "fault", "words"), BAD)
def test_what_is_hard_to_follow_is_found(text: str, fault: Fault, words: str) -> None:
    first, *_ = clarity.check(text, Written.HANS)
    assert (first.fault, first.words) == (fault, words)


@pytest.mark.parametrize(("text", "fault", "words"), BAD_ENGLISH)
def test_what_is_hard_to_follow_in_english_is_found(text: str, fault: Fault, words: str) -> None:
    first, *_ = clarity.check(text, Written.ENGLISH)
    assert (first.fault, first.words) == (fault, words)


def test_a_warning_says_what_to_write_instead() -> None:
    texts = {Written.HANS: "对水管进行检修。", Written.ENGLISH: "No water tomorrow."}
    assert clarity.warnings(texts) == [
        "「tomorrow」请写上几月几日，转发以后才不会弄错。",
        "「对水管进行检修」太绕：写“检修”。",
    ]


def test_a_few_are_shown_and_the_most_important_first() -> None:
    text = "今晚7点届时予以停水，近期周知，请联系有关部门，非必要不外出，致电13800000001。"
    found = clarity.warnings({Written.HANS: text})
    assert len(found) == clarity.MOST
    assert "今晚" in found[0]


@pytest.mark.parametrize(
    "text", ["一氧化碳（CO）会毒死人。", "CO（一氧化碳）会毒死人。", "A栋、B座停水。", "雨量50mm。"]
)
def test_letters_that_are_explained_are_well(text: str) -> None:
    assert clarity.check(text, Written.HANS) == []


@given(st.text(max_size=200), st.sampled_from(list(Written)))
def test_any_text_is_checked_and_quoted_as_it_stands(text: str, language: Written) -> None:
    for finding in clarity.check(text, language):
        assert finding.words.split(" ")[0] in text
        assert finding.said(Written.ENGLISH)
