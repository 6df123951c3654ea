"""Numerals: Chinese numerals before a counter become figures, and units get one name."""

import functools
import re

from verification.tables import anyof, table

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "仨": 3,
}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_WEEKDAYS = {day: number for number, day in enumerate("一二三四五六日", 1)} | {"天": 7}
_RUN = "[零〇一二两三四五六七八九十百千万亿]"
_NEVER = (
    r"(?!一月(?!份|初|底|中|下|上|末|起|[0-9一二三])|一块(?!钱|[0-9零〇一二三四五六七八九两几多])|一毛(?=都|也|不)|一分(?=都|也|不|钱都)|一(?:点|些|律|样|起|定|直|下|般|旦|切|共|致|面|边|家人|旁|道|路|时|回事|次性|分为)"
    r"|十分(?!钟|之)|万一|千万(?:别|不)|三(?:方|角)|四处)"
)


@functools.cache
def unit_names() -> dict[str, str]:
    """Every way to write a unit, with the one name it is read as."""
    names: dict[str, str] = {}
    for group in table("units")["groups"]:
        for name in group:
            names.setdefault(name, group[0])
    return names


@functools.cache
def _numeral() -> re.Pattern[str]:
    counters = anyof(
        [
            *unit_names(),
            "毛",
            "角",
            "月",
            "日",
            "多",
            "几",
            "千",
            "周",
            "世纪",
            "大",
            "口",
            "针",
            "股",
            "栋",
            "门",
        ]
    )
    return re.compile(
        rf"(?<![0-9几数上.])第?{_NEVER}(?<!{_RUN})({_RUN}{{1,16}})(?!{_RUN})(?:点([零〇一二三四五六七八九]{{1,8}}))?(?={counters})|(?<=第){_RUN}{{1,16}}|(?<=负){_RUN}{{1,4}}(?=层|楼)"
    )


def value(numeral: str) -> int:
    """Give the value of a Chinese numeral such as 二十一; digit by digit for 二〇二六."""
    if not any(char in _SCALES or char in "万亿" for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _SCALES:
            section += (digit or 1) * _SCALES[char]
            digit = 0
        else:
            total = (total + section + digit or 1) * (10_000 if char == "万" else 100_000_000)
            section = digit = 0
    return total + section + digit


def _figure(match: re.Match[str]) -> str:
    whole, run, fraction = match.group(), match.group(1), match.group(2)
    if run is None:
        return str(value(whole))
    head = "第" if whole.startswith("第") else ""
    tail = "." + "".join(str(_DIGITS[char]) for char in fraction) if fraction else ""
    return f"{head}{value(run)}{tail}"


def _scaled(match: re.Match[str]) -> str:
    factor = {"万": 10_000, "亿": 100_000_000, "千": 1000, "百": 100}[match.group(2)]
    return _plain(float(match.group(1)) * factor)


_WEEKDAY = re.compile(
    "(?<![一二两三四五六七八九十几半0-9])(?:星期|礼拜|周)([一二三四五六日天])(?![次回遍个份])"
)


def _weekday(match: re.Match[str]) -> str:
    return f"周{_WEEKDAYS[match.group(1)]}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.4f}".rstrip("0")


def _coins(match: re.Match[str]) -> str:
    return _plain(int(match.group(1)) / 10) + "元"


@functools.cache
def _unit() -> re.Pattern[str]:
    changed = [name for name, first in unit_names().items() if name != first]
    return re.compile(rf"(?<=[0-9])({anyof(changed)})(?![a-z])")


@functools.cache
def rules() -> tuple[tuple[re.Pattern[str], object], ...]:
    """Give the rewriting rules in their order: pattern and replacement, as for `re.sub`."""
    return (
        (_WEEKDAY, _weekday),
        (_numeral(), _figure),
        (re.compile(r"(?<![0-9.])([0-9]{1,8}(?:\.[0-9]+)?)(万|亿)"), _scaled),
        (re.compile(r"(?<![0-9.])([0-9]{1,8})(?:毛钱|毛|角钱|角(?![度落色形星]))"), _coins),
        (re.compile(r"百分之([0-9]{1,8})"), r"\1%"),
        (re.compile(r"(?<=[0-9]月)([0-9]{1,2})号"), r"\1日"),
        (re.compile(r"(?<![0-9])([01]?[0-9]|2[0-4]):([0-5][0-9])(?![0-9])"), r"\1点\2分"),
        (_unit(), lambda match: unit_names()[match.group(1)]),
    )
