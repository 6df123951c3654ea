"""Slots: the numbers, dates, places and polarity that a text pins down."""

import functools
import itertools
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from verification import lexicon
from verification.numerals import unit_names
from verification.tables import anyof, phrases, table


class Polarity(StrEnum):
    """How a text holds its claim."""

    AFFIRMED = "affirmed"
    DENIED = "denied"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Slots:
    """What a text pins down; empty sets where it says nothing.

    `dates` are (year, month, day) with 0 for what is not said; `numbers` are
    (value as text, unit or ""); `places` are names after folding; `denied` are
    the words that stand behind a negation; `moved` are words such as 明年 and 隔壁
    that move a claim to another time or place.
    """

    numbers: frozenset[tuple[str, str]] = frozenset()
    dates: frozenset[tuple[int, int, int]] = frozenset()
    places: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    polarity: Polarity = Polarity.AFFIRMED


_DATE = re.compile(
    r"(?:(?P<year>(?:19|20)[0-9]{2})年)?(?P<month>1[0-2]|0?[1-9])月(?:份|初|底|中旬|上旬|下旬|末)?(?:(?P<day>3[01]|[12][0-9]|0?[1-9])日?(?![0-9%.元]))?"
    r"|(?P<only>(?:19|20)[0-9]{2})年"
    r"|(?<![0-9.月第])(?P<alone>3[01]|[12][0-9]|[1-9])(?:日|号(?!楼|线|院|门|店|桌|机|路|厂|床|文|公|地|台|线|令|病|染|码|机|选|种|库|馆|仓|岛|堂|口|井|车|航))"
)
_DAYS = {
    "前天": -2,
    "昨天": -1,
    "昨晚": -1,
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "今夜": 0,
    "明天": 1,
    "明日": 1,
    "明晚": 1,
    "后天": 2,
}
_ASKED_SHAPE = re.compile(
    r"([㐀-鿿])(?:还是)?[不没]\1|([㐀-鿿])([㐀-鿿])[不没]\2|没有?[啊呀呢哦嘛]*[?。 ]*$"
)
_ASIDE = re.compile(
    "我[^ 。不没]{0,4}(?:还|又|也|都)?[不没][^ 。]{0,4}"
    "|(?:大家|千万|请|先|都|快|你们?|咱们?)先?(?:不要|别|甭|莫|勿)[^ 。]{0,4}"
    "|不[^ 。不没有]{1,4}(?=就|的话|便|不)|没[^ 。不没有]{1,4}(?=就|的话|便)"
    "|不[用去交办换做来](?=会|要|得)"
)
"""What the writer does not do (我还没打), advises (千万别打) or makes a condition (不交就…)."""
_DENIED = re.compile(
    r"(?:[0-9.]+[岁个户元人次天年月日度%]?(?:以上|以下|左右)?)?([a-z]+|[㐀-鿿]{1,2})"
)
"""The word that a negation denies; a number before it does not count."""
_ABLE = frozenset("用能会可行得要许")
"""What may be denied at the end of a sentence: 银针试没有用."""
_LACK = re.compile("没[^有法能得会让]")
_HOLLOW = frozenset("也已都就这那是在有么的了人个")
"""Characters that alone cannot be what is denied."""
UNABLE = re.compile("不(?:[了到起成动住着]|[上下出过来去](?![㐀-鿿]))")
_SCOPE = 8
_MANY = 60
"""Numbers or days of one text that are looked at."""


def find(folded: str, spoken: str, *, today: date | None = None) -> Slots:
    """Read the slots of a folded text; `spoken` is the text before phrases were taken out."""
    denied = _denied(folded)
    return Slots(
        numbers=_numbers(folded),
        dates=_dates(folded, today),
        places=_places(folded),
        denied=denied,
        moved=frozenset(_moved().findall(folded)),
        polarity=_polarity(spoken, denied),
    )


@functools.cache
def _number() -> re.Pattern[str]:
    names = anyof([*unit_names().values(), "月", "日"])
    return re.compile(rf"(?<![0-9.a-z])([0-9]+(?:\.[0-9]+)?)({names})?")


def _numbers(folded: str) -> frozenset[tuple[str, str]]:
    """Numbers with their unit; parts of a date are left to the dates."""
    bare = _DATE.sub(" ", folded)
    every = itertools.islice(_number().finditer(bare), _MANY)
    return frozenset((m.group(1), m.group(2) or "") for m in every)


@functools.cache
def _named_day() -> re.Pattern[str]:
    return re.compile(anyof([*table("units")["holidays"], *_DAYS]))


def _dates(folded: str, today: date | None) -> frozenset[tuple[int, int, int]]:
    found: set[tuple[int, int, int]] = set()
    for match in itertools.islice(_DATE.finditer(folded), _MANY):
        year, month, day = (int(match[name] or 0) for name in ("year", "month", "day"))
        found.add((year or int(match["only"] or 0), month, day or int(match["alone"] or 0)))
    for name in _named_day().findall(folded):
        if name in _DAYS:
            if today:
                then = today + timedelta(days=_DAYS[name])
                found.add((then.year, then.month, then.day))
        else:
            month, day = table("units")["holidays"][name]
            found.add((0, month, day))
    return frozenset(found)


@functools.cache
def _place() -> re.Pattern[str]:
    names = table("places")
    return re.compile(anyof([*names["provinces"], *names["cities"], *names["countries"]]))


def known_place(name: str) -> bool:
    """Whether `name` is a country, province or city by itself."""
    return _place().fullmatch(name) is not None


def _places(folded: str) -> frozenset[str]:
    return frozenset(_place().findall(folded))


@functools.cache
def _moved() -> re.Pattern[str]:
    names = table("places")
    return re.compile(anyof([*names["elsewhere"], *names["later"], *names["now"]]))


@functools.cache
def _negation() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    words = table("negation")
    bridge = re.compile(rf"(?:{anyof(words['bridge'])}|\s)*")
    return phrases("negation", "neutral", "questions"), phrases("negation", "negations"), bridge


@functools.lru_cache(maxsize=4096)
def named(folded: str) -> Slots:
    """Read only the days and places of a folded text."""
    return Slots(dates=_dates(folded, None), places=_places(folded))


def _denied(folded: str) -> frozenset[str]:
    """Give the two characters (or the word) behind each negation."""
    neutral, negation, bridge = _negation()
    bare = _ASKED_SHAPE.sub(
        lambda m: m.group()[-1], neutral.sub(_cover, _ASIDE.sub(_cover, _unsaid(folded)))
    )
    found = set()
    for match in negation.finditer(bare):
        before = re.search(r"[㐀-鿿a-z]$", bare[: match.start()])
        if before and UNABLE.match(bare, match.start()):
            found.add(before.group())
            continue
        rest = bare[match.end() : match.end() + _SCOPE]
        skipped = bridge.match(rest)
        bridged = skipped.group() if skipped else ""
        word = _DENIED.match(rest[len(bridged) :])
        if word:
            found.add(word.group(1))
        elif set(bridged) & _ABLE:
            found.add(bare[max(0, match.start() - 2) : match.start()])
    return frozenset(word for word in found if not set(word) <= _HOLLOW and " " not in word)


def _cover(match: re.Match[str]) -> str:
    return "·" * len(match.group())


def _unsaid(folded: str) -> str:
    """Cover the set words that begin with a negation and deny nothing: 没水 says 停水."""
    for span in lexicon.meanings(folded):
        if _LACK.match(folded, span.start, span.end):
            folded = folded[: span.start] + "·" * (span.end - span.start) + folded[span.end :]
    return folded


def _polarity(spoken: str, denied: frozenset[str]) -> Polarity:
    if _ASKED_SHAPE.search(spoken) or phrases("negation", "questions").search(spoken):
        return Polarity.ASKED
    return Polarity.DENIED if denied else Polarity.AFFIRMED


def dates_conflict(
    left: frozenset[tuple[int, int, int]], right: frozenset[tuple[int, int, int]]
) -> bool:
    """Whether both say dates and no pair of them can be the same day."""
    return bool(left and right) and not any(_same_day(a, b) for a in left for b in right)


def may_be(day: tuple[int, int, int], days: frozenset[tuple[int, int, int]]) -> bool:
    """Whether a day can be one of `days`."""
    return any(_same_day(day, other) for other in days)


def _same_day(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return all(x == y or not x or not y for x, y in zip(a, b, strict=True))


def number_conflicts(
    left: frozenset[tuple[str, str]], right: frozenset[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Pairs of one unit and different values, where the sides share no value of that unit."""
    ours, theirs = {value for value, _ in left}, {value for value, _ in right}
    shared = {unit for _, unit in left & right}
    return [
        (value + unit, other + unit)
        for value, unit in sorted(left)
        for other, same in sorted(right)
        if unit == same and unit and unit not in shared
        if unit in _NAMING or (value not in theirs and other not in ours)
    ]


_NAMING = frozenset(["号楼", "号线", "单元", "小", "中", "幼", "院", "桥", "厂"])
"""Units whose number is a name: the same figure before another unit does not excuse it."""
