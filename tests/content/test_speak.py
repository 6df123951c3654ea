"""Numbers, times, dates, homes and phone numbers are said the way people say them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.amount import quantity
from content.message import Spoken, Written
from content.phrase import table, written
from content.speak import speak


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8月3日19:30", "八月三号晚上七点半"),
        ("8月3号晚上7点半", "八月三号晚上七点半"),
        ("2026年8月3日 07:05", "二零二六年八月三号早上七点零五分"),
        ("2026-08-03T21:00:00+08:00", "二零二六年八月三号晚上九点"),
        ("8:00-14:00", "早上八点到下午两点"),
        ("8时至14时", "早上八点至下午两点"),
        ("7点", "七点"),
        ("19点", "晚上七点"),
        ("2点半", "两点半"),
        ("24:00", "夜里十二点"),
        ("9月1日至5日", "九月一号至五号"),
        ("15日内", "十五日内"),
        ("8.3号", "八月三号"),
        ("8月3-5日", "八月三到五号"),
        ("早7:30", "早七点半"),
        ("20:00-次日6:00", "晚上八点到次日早上六点"),
        ("上午9点-11点", "上午九点到十一点"),
        ("0点", "零点"),
        ("凌晨0点", "凌晨零点"),
    ],
)
def test_times_and_dates(text: str, said: str) -> None:
    assert speak(text, Spoken.MANDARIN) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3号楼2单元", "三号楼二单元"),
        ("3号楼2单元501室", "三号楼二单元五零幺室"),
        ("3-2-501", "三号楼二单元五零幺"),
        ("A栋2层", "A栋二层"),
        ("12号楼15楼", "十二号楼十五楼"),
        ("-1层", "负一层"),
        ("3#楼", "三号楼"),
        ("101-105室", "幺零幺到幺零五室"),
        ("1栋101", "一栋幺零幺"),
        ("3/4号楼", "三、四号楼"),
        ("1-6号楼", "一到六号楼"),
        ("3-501", "三，五零幺"),
        ("1-101室", "一，幺零幺室"),
        ("1001、1002室", "幺零零幺、幺零零二室"),
        ("107路公交", "幺零七路公交"),
        ("107国道", "幺零七国道"),
    ],
)
def test_homes_and_floors(text: str, said: str) -> None:
    assert speak(text, Spoken.MANDARIN) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("请打12345", "请打幺二三四五"),
        ("拨打120或110", "拨打幺二零或幺幺零"),
        ("电话0571-88001234", "电话零五七幺，八八零零，幺二三四"),
        ("手机13912345678", "手机幺三九，幺二三四，五六七八"),
        ("+86 139 1234 5678", "幺三九，幺二三四，五六七八"),
        ("400-123-4567", "四零零，幺二三，四五六七"),
        ("编号20260803", "编号二零二六零八零三"),
        ("编号A12", "编号A幺二"),
        ("95598", "九五五九八"),
        ("+852 2345 6789", "八五二，二三四五，六七八九"),
        ("验证码1234", "验证码幺二三四"),
        ("503", "五零三"),
    ],
)
def test_hotlines_phones_and_codes_are_said_digit_by_digit(text: str, said: str) -> None:
    assert speak(text, Spoken.MANDARIN) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("120元", "一百二十元"),
        ("110多人", "一百一十多人"),
        ("12000元", "一万二千元"),
        ("1,200元", "一千二百元"),
        ("2个小时", "两个小时"),
        ("第2次", "第二次"),
        ("3-5天", "三到五天"),
        ("50mm", "五十毫米"),
        ("气温-5℃", "气温零下五度"),
        ("20%", "百分之二十"),
        ("2/3的住户", "三分之二的住户"),
        ("3.05米", "三点零五米"),
        ("请按1", "请按一"),
        ("PM2.5", "PM二点五"),
        ("-3~5℃", "零下三到五度"),
        ("24h", "二十四小时"),
        ("7*24小时", "七乘二十四小时"),
        ("150级台阶", "一百五十级台阶"),
        ("110kV", "一百一十千伏"),
        ("3-500元", "三到五百元"),
        ("比分2:1", "比分二比一"),
    ],
)
def test_amounts(text: str, said: str) -> None:
    assert speak(text, Spoken.MANDARIN) == said


def test_cantonese_says_one_as_it_is_and_keeps_the_script() -> None:
    assert speak("請打12345，3號樓", Spoken.CANTONESE) == "請打一二三四五，三號樓"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Call 12345 or 120 now.", "Call 1 2 3 4 5 or 1 2 0 now."),
        ("From 19:30 on 2026-08-03", "From 7:30 p.m. on 3 August 20 26"),
        ("Phone 0571-88001234.", "Phone 0 5 7 1, 8 8 0 0, 1 2 3 4."),
        ("120 people, 8-10 hours", "120 people, 8 to 10 hours"),
        ("Room 501", "Room 5 0 1"),
        ("building 3-2-501", "building 3, unit 2, room 5 0 1"),
        ("Your number is 503.", "Your number is 5 0 3."),
        ("in 2005 and 2026", "in two thousand and 5 and 20 26"),
        ("2000 people, 500 metres", "2000 people, 500 metres"),
    ],
)
def test_english(text: str, said: str) -> None:
    assert speak(text, Spoken.ENGLISH) == said


def test_links_marks_and_emoji_are_not_read_out() -> None:
    text = "【演练】请看 https://example.org/a?b=1 😀 “通知”"
    assert speak(text, Spoken.MANDARIN) == "演练请看 通知"


@pytest.mark.parametrize("language", [Spoken.MANDARIN, Spoken.CANTONESE])
@given(text=st.text("0123456789:.-/年月日点号楼元室 A，打到~%", max_size=40))
def test_chinese_speech_never_holds_a_digit(language: Spoken, text: str) -> None:
    assert re.search(r"[0-9\ue000-\uf8ff]", speak(text, language)) is None


@given(st.integers(0, 10**12))
def test_an_amount_holds_no_double_zero_and_no_zero_at_its_end(number: int) -> None:
    said = quantity(number)
    assert "零零" not in said
    assert number == 0 or not said.endswith("零")


@pytest.mark.parametrize("language", [Spoken.MANDARIN, Spoken.CANTONESE])
def test_no_number_of_a_phrase_is_read_as_an_amount(language: Spoken) -> None:
    said = {text: speak(text, language) for text in table(written(language)).values()}
    numbered = [spoken for text, spoken in said.items() if re.search(r"\d{3,}", text)]
    assert [spoken for spoken in numbered if re.search(r"[百千万萬]|\d", spoken)] == []


def test_english_phrases_spell_their_hotlines() -> None:
    said = [speak(text, Spoken.ENGLISH) for text in table(Written.ENGLISH).values()]
    assert [text for text in said if re.search(r"\d{3,}", text.replace("2026", ""))] == []
