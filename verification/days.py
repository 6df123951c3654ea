"""Days: what 明晚, 下周三 and 月底 mean to somebody who says it on a certain day; pure."""

import re
from datetime import date, timedelta

Day = tuple[int, int, int]
"""Year, month and day, 0 for what is not said."""

_NEAR = re.compile(r"大?[前后後](?=[天日晚早夜])|[昨今明](?=[天日晚早夜晨])")
_STEPS = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "後": 2, "大后": 3, "大後": 3}
_WEEK = re.compile(
    r"(?P<which>[上下]+|[这這本])(?:个|個)?(?:周|週|星期|礼拜|禮拜)(?P<day>[一二三四五六日天末1-7])"
)
_MONTH = re.compile(
    r"(?P<which>[上下]|[这這本])(?:个|個)?月(?:(?P<day>3[01]|[12]?[0-9])[日号號]|[初底末中份]|$|(?=[^0-9]))"
    r"|(?<![0-9一二三四五六七八九十每个個])月(?:底|末)"
)
_WEEKDAYS = {
    name: at
    for at, names in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天7"))
    for name in names
}
_WEEKEND = (5, 6)


def relative(text: str, today: date) -> frozenset[Day]:
    """Return the days that a text names by their distance from `today`; empty where it names none.

    下周三 is in the week that begins next Monday. A bare 周三 or 周末 names none: what is open at
    weekends is so at every one.
    """
    found: set[Day] = set()
    for near in _NEAR.finditer(text):
        found.add(_day(today + timedelta(days=_STEPS[near.group()])))
    for week in _WEEK.finditer(text):
        found.update(map(_day, _weekdays(week["which"], week["day"], today)))
    for month in _MONTH.finditer(text):
        found.add(_month(month["which"] or "", int(month["day"] or 0), today))
    return frozenset(found)


def spelled(days: frozenset[Day]) -> str:
    """Return days as staff read them: 2026-8-4, without what is not said."""
    return ", ".join("-".join(str(part) for part in day if part) for day in sorted(days))


def _day(day: date) -> Day:
    return day.year, day.month, day.day


def _weekdays(which: str, day: str, today: date) -> list[date]:
    wanted = _WEEKEND if day == "末" else (_WEEKDAYS[day],)
    weeks = which.count("下") - which.count("上")
    monday = today + timedelta(days=7 * weeks - today.weekday())
    return [monday + timedelta(days=at) for at in wanted]


def _month(which: str, day: int, today: date) -> Day:
    months = today.year * 12 + today.month - 1 + {"上": -1, "下": 1}.get(which, 0)
    return months // 12, months % 12 + 1, day
