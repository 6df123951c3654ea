"""What an edit may and may not change in a text; pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from content import numeral

_FOLD = str.maketrans(
    "來個側僅億兒內兩別刪則剋動務區卽啓啟單噸噹嚮嚴園場學實寫將對屆層嵗廈廣彆後從復應戶斷昇時暫曏"
    "會東條棟樓樣橋機歲沒淩準無當發碼礙禮箇範紅級給統經網緻繞纔與舘萬藍號衕衚衛裏裡複許註說説請論"
    "讓車轉這週進過適遶邊鄉醫釐鈡錯鍾鎭鎮鐘鐵門閉開間關陞隻離韆響須預館體髮鬍鬚麪麫麵麼麽黃點齣",
    "来个侧仅亿儿内两别删则克动务区即启启单吨当向严园场学实写将对届层岁厦广别后从复应户断升时暂向"
    "会东条栋楼样桥机岁没凌准无当发码碍礼个范红级给统经网致绕才与馆万蓝号同胡卫里里复许注说说请论"
    "让车转这周进过适绕边乡医厘钟错钟镇镇钟铁门闭开间关升只离千响须预馆体发胡须面面面么么黄点出",
)
"""Traditional characters, as OpenCC knows them, of those that the patterns below hold."""
_SPARED = re.compile(
    r"(?<![零〇一二两三四五六七八九十百千万亿点时\d])(?:"
    "一定|一起|一律|统一|一旦|一下|万一|一样|一些|进一步|唯一|一直|一般|一方面|同一|一致|一同|一切"
    "|千万(?=[不别要勿注])|第一时间|十分(?!钟)|不久|不少|不断|不仅|不同|不过|不论|不管|不便|不良|不法"
    "|不适|不止|无论|无障碍|非常|非机动|除非|特别|分别|级别|区别|个别|性别|告别|未来|别墅|是否|能否)"
)
"""Words that only look like a number or a negation."""

_N = numeral.PATTERN
_PERIOD = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|晚间|早|晚"
_UNIT = (
    "公里|千米|厘米|毫米|米|里|平方米|立方米|小时|分钟|秒|个月|月|天|年|岁|周|人|户|名|位|元|吨|升|公斤"
    "|千克|克|斤|度|℃|°c|级|次|倍|个|条|件|%|km|cm|mm|m|kg|hours?|minutes?|days?|people|percent"
)
_NO_MINUTE = rf"[\d,.〇零一二两三四五六七八九十百千万亿号楼栋幢座层室弄%]|单元|{_UNIT}"
_CLOCK = (
    rf"[点时](?!间)(?:(?P<q>半|一刻|三刻)|(?P<mi>{_N})(?:分(?!之)|(?!{_NO_MINUTE}))|整|钟)?"
    r"|:(?P<ci>\d\d)(?: ?(?P<ap>[ap])\.?m\b)?| ?(?P<ap2>[ap])\.?m\b"
)
_DAY = (
    "大后天|大前天|今天|今日|明天|明日|后天|昨天|昨日|前天|次日|当天|当日|即日|本周末|周末|本周|下周|上周"
    "|本月|下月|上月|今年|明年|去年|今(?=[早晚])|明(?=[早晚])|昨(?=晚)"
    "|today|tomorrow|yesterday|tonight"
)
_WEEKDAY = "(?:周|星期|礼拜)[一二三四五六日天]|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_ROAD = (
    "大道|大街|路|街|巷|弄|胡同|小区|社区|花园|公寓|公园|广场|学校|小学|中学|幼儿园|医院|卫生站|服务站"
    "|车站|地铁站|大桥|桥|超市|菜场|体育馆|体育场|大厦|苑|村|镇"
)
_STOP = "起请在到往至从去和与及或的是了前由经沿绕行各将已有就对向离让被把给"
_PLACE_UNIT = {"号楼": "楼", "栋": "楼", "幢": "楼", "座": "楼", "楼": "层", "层": "层"}
_SAME = {
    **dict.fromkeys(("今日", "今", "当天", "当日", "即日", "today"), "今天"),
    **dict.fromkeys(("明日", "明", "次日", "tomorrow"), "明天"),
    **dict.fromkeys(("昨日", "昨", "yesterday"), "昨天"),
    **dict.fromkeys(
        (
            "不要",
            "请勿",
            "切勿",
            "勿",
            "别",
            "不得",
            "不可",
            "不能",
            "不准",
            "不许",
            "禁止",
            "严禁",
        ),
        "勿",
    ),
    **dict.fromkeys(("没有", "没", "无", "未", "尚未"), "无"),
    **dict.fromkeys(("不必", "不用", "无需", "无须", "不需要", "不需"), "不必"),
    **dict.fromkeys(("不会", "不再"), "不"),
    **dict.fromkeys(("千米", "km"), "公里"),
    **dict.fromkeys(("除外", "以外", "除了", "除"), "除"),
    **dict.fromkeys(("所有", "全体"), "全部"),
    **dict.fromkeys(("cannot", "n't", "don't", "can't", "won't"), "not"),
    **dict.fromkeys(("务必", "必须"), "必须"),
    **dict.fromkeys(("只有", "只", "仅"), "只"),
    **dict.fromkeys(("晚上", "夜里", "夜间", "晚间"), "晚"),
    **dict.fromkeys(("早上", "清晨", "早晨"), "早"),
}
_NOT = (
    "不需要|不需|不必|不用|无需|无须|不要|请勿|切勿|不得|不可|不能|不准|不许|不会|不再|禁止|严禁|没有|尚未"
    "|勿|别|没|无|未|不|非|否则|停止|暂停|取消|恢复|解除|关闭|开放|可以|允许|必须|务必"
    r"|can't|won't|don't|cannot|\b(?:not|no|never|without|unless|only|except|avoid|must|may|stop)\b|n't"
)
_ENGLISH = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand"
    "|half|noon|midnight|morning|afternoon|evening|night|north|south|east|west|all|every|some"
)
_SCOPE = "全部|所有|全体|部分|除外|以外|除了|除|仅|只有|只|至少|至多|最多|最少|以上|以下|以内|超过"
_COLOR = "[红橙黄蓝]色|red|orange|yellow|blue"

_PATTERNS = (
    ("url", r"https?://[^\s，。；、）]+"),
    (
        "building",
        rf"(?P<b>(?:{_N})|[a-z])(?P<bu>号楼|栋|幢|座|楼|层|单元|号院|号门|弄|室|号(?!码))",
    ),
    ("building_en", r"(?:building|block|unit|room|floor|entrance) ?(?P<be>\d+|[a-z]\b)"),
    ("date", rf"(?:(?P<y>{_N})年)?(?P<mo>{_N})月(?:份|(?P<d>{_N})[日号]?)?"),
    ("iso", r"(?P<iy>\d{4})[-/.](?P<im>\d{1,2})[-/.](?P<id>\d{1,2})"),
    ("date_en", rf"\b(?:(?P<ed>\d{{1,2}}) )?(?:{_MONTH})[a-z]*\b(?: (?P<ee>\d{{1,2}}))?"),
    ("monthday", rf"(?P<dom>{_N})日"),
    ("time", rf"(?P<p>{_PERIOD})?(?P<h>{_N})(?:{_CLOCK})"),
    ("weekday", _WEEKDAY),
    ("day", _DAY),
    ("percent", rf"百分之(?P<pc>{_N})|(?P<pd>{_N})%"),
    ("number", rf"(?P<n>{_N})(?P<u>{_UNIT})?"),
    ("period", _PERIOD),
    ("half", "半个?(?:小时|天|月|年|日)"),
    ("not", _NOT),
    ("scope", _SCOPE),
    ("color", _COLOR),
    ("side", "[东西南北](?:门|侧|面|边|口|区|院)|楼上|楼下|地上|地下|左|右"),
    ("word", rf"\b(?:{_ENGLISH})\b"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word whose change is a change of fact: as one may compare it, and as it stands there."""

    norm: str
    shown: str


def protected(text: str, places: Iterable[str] = ()) -> tuple[Word, ...]:
    """Return the words of a text that only a new verification may change, in their order.

    Numbers (`三` and `3` are one), dates, times, places by their pattern and those in `places`,
    negations, permissions, scopes, colours of warnings, links.
    """
    plain = _plain(text)
    spared = _SPARED.sub(lambda found: "□" * len(found[0]), plain)
    return tuple(
        Word(_norm(found), plain[found.start() : found.end()])
        for found in _scanner(places).finditer(spared)
    )


def changed(old: str, new: str, places: Iterable[str] = ()) -> list[str]:
    """Return each protected word that `new` changes, adds, drops or moves; none: only wording."""
    names = tuple(places)
    before, after = protected(old, names), protected(new, names)
    matcher = SequenceMatcher(
        None, [word.norm for word in before], [word.norm for word in after], autojunk=False
    )
    return [
        _change(before[a:b], after[c:d])
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    ]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text without their end marks."""
    return [part.strip() for part in re.split(r"[。！？；\n!?;]", text) if part.strip()]


def cancel_text(event: str, language: str) -> str:
    """Return the phrase that is offered as the text of a cancellation."""
    if language == "en":
        return f"The alert about {event} is over."
    if language == "zh-Hant":
        return f"{event}的通知已經解除。"
    return f"{event}的通知已经解除。"


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_FOLD).lower().replace("’", "'")
    return re.sub(r"(?<=[\u4e00-\u9fff\d]) +(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff]) +", "", folded)


def _change(before: tuple[Word, ...], after: tuple[Word, ...]) -> str:
    old = " ".join(word.shown for word in before)
    new = " ".join(word.shown for word in after)
    if not old:
        return f"加了「{new}」"
    return f"「{old}」改成了「{new}」" if new else f"删了「{old}」"


def _scanner(places: Iterable[str]) -> re.Pattern[str]:
    names = sorted({_plain(name) for name in places if len(name) > 1}, key=len, reverse=True)
    known = "|".join(re.escape(name) for name in names) or r"(?!)"
    road = rf"(?:(?![{_STOP}]|{known})[\u4e00-\u9fff]){{1,5}}?(?:{_ROAD})"
    rules = (*_PATTERNS[:3], ("place", known), *_PATTERNS[3:], ("road", road))
    return re.compile("|".join(f"(?P<{kind}>{rule})" for kind, rule in rules))


def _norm(found: re.Match[str]) -> str:
    kind = str(_kind(found))
    make = _NORMS.get(kind)
    return f"{kind}:{make(found) if make else _SAME.get(found[0], found[0])}"


def _kind(found: re.Match[str]) -> str:
    return next(kind for kind in _KINDS if found.group(kind) is not None)


def _building(found: re.Match[str]) -> str:
    if found["be"]:
        return re.sub(" ", "", found[0])
    return f"{numeral.value(found['b'])}{_PLACE_UNIT.get(found['bu'], found['bu'])}"


def _date(found: re.Match[str]) -> str:
    if found["iy"]:
        return f"{int(found['iy'])}-{int(found['im'])}-{int(found['id'])}"
    return "-".join(numeral.value(part) for part in (found["y"], found["mo"], found["d"]) if part)


def _time(found: re.Match[str]) -> str:
    hour = numeral.value(found["h"])
    minute = {"半": "30", "一刻": "15", "三刻": "45"}.get(found["q"] or "")
    minute = minute or numeral.value(found["mi"] or found["ci"] or "0")
    return f"{_hour(hour, found['p'] or found['ap'] or found['ap2'] or '')}:{minute.zfill(2)}"


def _hour(hour: str, period: str) -> str:
    if not hour.isdigit():
        return period + hour
    number, name = int(hour), _SAME.get(period, period)
    if name == "晚" and number < _NIGHT:
        return f"夜{number}"
    if name in ("下午", "傍晚", "晚", "p") and number <= _NOON:
        return str(number % _NOON + _NOON) if name != "晚" or number != _NOON else "24"
    if name == "中午" and number < _NIGHT:
        return str(number + _NOON)
    return "0" if name in ("凌晨", "a") and number == _NOON else str(number)


def _monthday(found: re.Match[str]) -> str:
    return numeral.value(found["dom"])


def _weekday(found: re.Match[str]) -> str:
    if found[0][-1] in "日天":
        return "7"
    return numeral.value(found[0][-1]) if found[0][-1] in "一二三四五六" else found[0][:3]


def _percent(found: re.Match[str]) -> str:
    return numeral.value(found["pc"] or found["pd"]) + "%"


def _number(found: re.Match[str]) -> str:
    unit = found["u"] or ""
    if re.match(r"0\d", found["n"]):
        return found["n"] + unit  # an area code or an id, not a quantity
    return numeral.value(found["n"]) + _SAME.get(unit, unit)


_KINDS = (*(kind for kind, _ in _PATTERNS), "place", "road")
_NOON, _NIGHT = 12, 5
_NORMS = {
    "building": _building,
    "building_en": _building,
    "date": _date,
    "iso": _date,
    "time": _time,
    "weekday": _weekday,
    "monthday": _monthday,
    "percent": _percent,
    "number": _number,
}
