"""Speak: a text as it must be written so that a voice says it the way people do.

Speech engines read 12345 as an amount, 2026年 as an amount and `A栋` in English; here numbers,
times, dates, rooms, hotlines and phone numbers become words. Building letters stay. What is
returned for Chinese holds no digit.
"""

import re
import unicodedata
from collections.abc import Callable

from content import phrase
from content.amount import DIGITS, clock, decimal, quantity, spelled
from content.message import Spoken
from content.plain import MONTHS, unlinked

Match = re.Match[str]
Rule = tuple[str, str | Callable[[Match], str]]

_WIDE = dict(zip(map(ord, "０１２３４５６７８９．－％～"), "0123456789.-%~", strict=True))
_PART = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|今晚|明晚|当晚|昨晚|早|晚"
_DIALLED = (
    "拨打|拨|打|电话|電話|热线|熱線|致电|致電|回电|回電|号码|號碼|手机|手機|编号|編號|尾号|尾號"
)
_COUNTED = (
    "个|個|小时|小時|天|次|户|戶|名|人|米|公里|元|块|塊|条|條|张|張|段|件|位|年(?!级)|周|份|部|辆|輛"
    "|台|只|支|袋|瓶|片|杯|处|處|项|項|套|间|間|种|種|遍|吨|噸|万|萬|千|度|毫米|厘米|公斤|斤|克|升"
    "|毫升|平方|立方|分钟|分鐘|秒|岁|歲|场|場|成|多|余|餘|来|几|亿|级|級|倍|页|頁|栋|棟|幢|班|辈|代"
    "|亩|畝|公顷|公頃|伏|瓦|千伏|千瓦|赫|帕|棵|根|箱|桶|车|車|辆|艘|架|枚|票|字|步|圈|平米|株|头|頭"
)
_ENGLISH_COUNTED = (
    r"(?:people|persons|residents|homes|households|families|flats|yuan|metres|meters|millimetres"
    r"|kilometres|kilograms|litres|degrees|hours|minutes|days|volts|times|calls|messages)"
)
_UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "kWh": "度",
    "kV": "千伏",
    "kW": "千瓦",
    "V": "伏",
    "W": "瓦",
    "mm": "毫米",
    "cm": "厘米",
    "km": "公里",
    "kg": "公斤",
    "ml": "毫升",
    "m³": "立方米",
    "m²": "平方米",
    "℃": "度",
    "°C": "度",
    "m": "米",
    "g": "克",
    "L": "升",
    "h": "小时",
}
# What is said digit by digit waits in the private area, out of reach of the rules that follow.
_HIDDEN = 0xE010
_PAUSE = chr(_HIDDEN + 10)


def speak(text: str, language: Spoken) -> str:
    """Return `text` for a voice in `language`; Chinese keeps its script, English its letters."""
    plain = _plain(text)
    if language is Spoken.ENGLISH:
        return _shown(_apply(plain, _ENGLISH), [f"{digit} " for digit in "0123456789"], ", ")
    one = "一" if language is Spoken.CANTONESE else "幺"
    return _shown(_apply(plain, _CHINESE), [DIGITS[0], one, *DIGITS[2:]], "，")


def sentence(key: str, language: Spoken, **values: object) -> str:
    """Return a sentence of the phrases as a voice says it."""
    return speak(phrase.say(key, language, **values), language)


def _plain(text: str) -> str:
    text = unlinked(text.translate(_WIDE))
    text = re.sub(r"(?<=\d)：(?=\d)", ":", text)
    text = re.sub(r"(?<=\d)#楼?", "号楼", text)
    text = re.sub(r"(?<=\d)[*×](?=\d)", "乘", text)
    silent = ("So", "Sk", "Cf", "Cs", "Co", "Cn")
    kept = (c for c in text if c in "°℃" or unicodedata.category(c) not in silent)
    return re.sub(r"[【】「」“”\"*#_]", "", "".join(kept)).strip()


def _apply(text: str, rules: tuple[Rule, ...]) -> str:
    for pattern, said in rules:
        text = re.sub(pattern, said, text)
    return text


def _shown(text: str, digits: list[str], pause: str) -> str:
    words = {_HIDDEN + number: word for number, word in enumerate(digits)} | {ord(_PAUSE): pause}
    text = text.translate(words)
    text = re.sub(r" +(?=[，。！？；：、,.!?;:)])|(?<=[，。！？；：、]) +|(?<=号) +", "", text)
    return re.sub(r"[，,]+ *(?=[，。！？；：、,.!?;])| +(?= )", "", text).strip()


def _spell(digits: str) -> str:
    """Hide digits to be said one by one; anything between them is a pause."""
    hidden = re.sub(r"\d", lambda m: chr(_HIDDEN + int(m[0])), digits, flags=re.ASCII)
    return re.sub(rf"[^{chr(_HIDDEN)}-{chr(_HIDDEN + 9)}]+", _PAUSE, hidden)


def _phone(match: Match) -> str:
    """Hide a phone number in the groups in which people say it: 3-4-4, or area, 4-4."""
    digits = re.sub(r"\D", "", match[0])
    mobile = re.fullmatch(r"(?:86)?(1[3-9]\d)(\d{4})(\d{4})", digits)
    if mobile:
        return _spell("-".join(mobile.groups()))
    return _spell(re.sub(r"(\d{3,4})(\d{4})(?!\d)", r"\1-\2", match[0].strip("+- ")))


def _spelled(match: Match) -> str:
    return _spell(match[0])


def _after(match: Match) -> str:
    return match[1] + _spell(match[2])


def _date(match: Match) -> str:
    year, month, day = match.groups()
    said = _year(year) if year else ""
    return f"{said}{quantity(int(month))}月{quantity(int(day))}号"


def _year(year: str) -> str:
    return spelled(year) + "年"


def _time(match: Match) -> str:
    part, hour, minute, half = match.groups()
    return clock(int(hour), 30 if half else int(minute or 0), part or "")


def _point(match: Match) -> str:
    """Say 7点, which may be in either half of the day, and 19点, which may not."""
    part, hour, minute, half = match.groups()
    if part or int(hour) > 12:  # noqa: PLR2004 - noon
        return _time(match)
    return clock(int(hour), 30 if half else int(minute or 0), "_").removeprefix("_")


def _home(match: Match) -> str:
    building, unit, room = match.groups()
    return f"{quantity(int(building))}号楼{quantity(int(unit))}单元{_spell(room)}"


def _rest(match: Match) -> str:
    """Say what no rule knew: digit by digit where it is longer than two or begins with 0.

    What is counted has its word behind it and was said before; a bare 503 or 1234 is a name.
    """
    number = match[0]
    whole = number.partition(".")[0]
    code = len(whole) > 2 or (len(whole) > 1 and whole[0] == "0")  # noqa: PLR2004 - see above
    return _spell(number) if code and whole == number else decimal(number)


def _door(match: Match) -> str:
    """Say 3-501, which may name a building or a unit, as people point at it."""
    return f"{quantity(int(match[1]))}{_PAUSE}{_spell(match[2])}"


def _english_home(match: Match) -> str:
    building, unit, room = match.groups()
    return f"building {int(building)}, unit {int(unit)}, room {_spell(room)}"


def _english_year(match: Match) -> str:
    """Say 2026 as twenty twenty-six, 2005 as two thousand and five."""
    century, year = match[1], int(match[2])
    if year > 9:  # noqa: PLR2004 - two digits
        return f"{century} {year}"
    if century == "19":
        return f"19 hundred and {year}" if year else "19 hundred"
    return f"two thousand and {year}" if year else "two thousand"


def _english_date(match: Match) -> str:
    year, month, day = (int(part) for part in match.groups())
    return f"{day} {MONTHS[month - 1]} {year}" if 1 <= month <= len(MONTHS) else match[0]


def _english_time(match: Match) -> str:
    hour, minute = int(match[1]), match[2]
    half = "a.m." if hour % 24 < 12 else "p.m."  # noqa: PLR2004 - hours of a day and of its half
    return f"{hour % 12 or 12}{'' if minute == '00' else ':' + minute} {half}"


_ISO_DATE = r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)"
_CLOCK = (
    r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d(?:-\d\d:\d\d)?)?(?:\+\d\d:\d\d)?(?![\d:])"
)
_MOBILE = r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
_LANDLINE = (
    r"(?<!\d)(?:\+?86[- ]?)?(?:0\d{2,3}[- ]?\d{3,4}[- ]?\d{4}|[48]00[- ]?\d{3,4}[- ]?\d{3,4})(?!\d)"
)
_ABROAD = r"\+\d[\d -]{6,}\d"
_HOTLINE = r"(?<![\d.,])(?:110|119|12[02]|114|12\d{3}|9[56]\d{3,4}|100(?:86|10|00))(?![\d%]|[.,]\d"

_CHINESE: tuple[Rule, ...] = (
    (r"(?<=\d)[Tt](?=\d\d:\d\d)", " "),
    (_ISO_DATE, _date),
    (r"(?<![\d.])()([1-9]|1[0-2])\.([12]?\d|3[01])[日号號](?![楼樓])", _date),
    (r"(?<!\d)(?:(\d{4})\s*年)?\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号號](?![楼樓])", _date),
    (r"(?<!\d)(\d{4})\s*年(?!前|后|後)", lambda m: _year(m[1])),
    (r"(?<!\d)([12]?\d|3[01])日(?![内內])", lambda m: quantity(int(m[1])) + "号"),
    (rf"({_PART})?\s*{_CLOCK}()", _time),
    (rf"({_PART})?\s*(?<!\d)([01]?\d|2[0-4])[时時](?:([0-5]?\d)分|(半))?", _time),
    (rf"({_PART})?\s*(?<![\d.])([01]?\d|2[0-4])[点點](?!\d{{3}})(?:([0-5]?\d)分?|(半))?", _point),
    (_MOBILE, _phone),
    (_LANDLINE, _phone),
    (_ABROAD, _phone),
    (r"(?<![\d-])(\d{1,3})-(\d{1,2})-(\d{3,4})(?![\d-])", _home),
    (
        rf"(?<![\d.-])(\d{{1,2}})-(\d{{3,4}})(?![\d.%-]|\s*(?:{_COUNTED}|{'|'.join(_UNITS)}|[号號]))",
        _door,
    ),
    (r"(?<!\d)(\d{3,4})[-~](?=\d{3,4}(?:室|房))", lambda m: _spell(m[1]) + "到"),
    (
        r"(?<!\d)\d{3,4}(?=室|房|国道|國道|省道|县道|縣道|路(?:公交|车|車)|[号號](?![楼樓线線]))",
        _spelled,
    ),
    (rf"(?<=[栋幢座楼元樓棟])\d{{3,4}}(?![\d.%号號层層]|\s*(?:{_COUNTED}))", _spelled),
    (r"(?<!\d)400(?=电话|電話|热线)", _spelled),
    (r"(?<!\d)(\d{1,2})/(?=\d{1,2}\s*[号號栋棟幢座楼樓层層单單])", r"\1、"),
    (r"(?<=\d)\s*(" + "|".join(_UNITS) + r")(?![A-Za-z])", lambda m: _UNITS[m[1]]),
    (rf"((?:{_DIALLED})\s*[:：]?\s*)(\d{{2,}})(?!\d|\s*(?:{_COUNTED}))", _after),
    (rf"{_HOTLINE}|\s*(?:{_COUNTED}))", _spelled),
    (r"(?<![A-Za-z\d])-(?=\d+(?:\.\d+)?(?:[-~]-?\d+)?度)", "零下"),
    (r"(?<![A-Za-z\d])-(?=\d+[层層楼樓])", "负"),
    (r"([A-Za-z])-?(\d{2,})(?![\d.])", _after),
    (r"(?<=[\d点點半分号度%])\s*[-~–—]\s*(?=[\d早上中下晚凌夜零次明一二三四五六七八九十两])", "到"),
    (r"(\d[\d.,]*)\s*%", lambda m: "百分之" + decimal(m[1].strip(".,"))),
    (r"(?<![\d:])(\d+):(?=\d+(?![\d:]))", r"\1比"),
    (
        r"(?<![\d/])(\d{1,3})/(\d{1,3})(?![\d/])",
        lambda m: f"{quantity(int(m[2]))}分之{quantity(int(m[1]))}",
    ),
    (r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", lambda m: decimal(m[0])),
    (rf"(?<![\d.第])2(?=\s*(?:{_COUNTED}))", "两"),
    (rf"\d+(?:\.\d+)?(?=\s*(?:{_COUNTED}))", lambda m: decimal(m[0])),
    (r"\d+(?:\.\d+)?", _rest),
)

_ENGLISH: tuple[Rule, ...] = (
    (r"(?<=\d)[Tt](?=\d\d:\d\d)", " "),
    (_ISO_DATE, _english_date),
    (_CLOCK + r"(?!\s*[ap]\.?m)", _english_time),
    (_MOBILE, _phone),
    (_LANDLINE, _phone),
    (_ABROAD, _phone),
    (r"(?i)(?:\bbuilding\s+)?(?<![\d-])(\d{1,3})-(\d{1,2})-(\d{3,4})(?![\d-])", _english_home),
    (r"\b([A-Z])-?(\d{3,})\b(?!\.\d)", lambda m: f"{m[1]} {_spell(m[2])}"),
    (r"(?i)\b((?:room|flat|apartment|number|bus|route|code)\s+)(\d{3,})\b", _after),
    (rf"(?<![\d.,:/-])(19|20)(\d\d)(?![\d.,:/%-]*\d)(?!%|\s+{_ENGLISH_COUNTED})", _english_year),
    (r"(?i)\b((?:call|dial|phone|ring|or|and)\s+)(\d{3,5})\b(?!\s+[a-z]{3}|[-.,]\d)", _after),
    (rf"{_HOTLINE})(?!\s+{_ENGLISH_COUNTED})", _spelled),
    (rf"(?<![\d.,])\d{{5,}}(?![\d.,]*\d)(?!\s+{_ENGLISH_COUNTED})", _spelled),
    (r"(?<![\d.,:/-])\d{3,4}(?![\d.,:/%-]*\d)(?=\s*(?:[.,;:!?)]|$))", _spelled),
    (r"\s*(?:℃|°C)", " degrees"),
    (r"(?<=\d)\s*[-~–]\s*(?=\d)", " to "),
)
