"""`linxun rumors report`: one page on what was asked and how it was answered, to read and print."""

import datetime as dt
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.cli import context
from bot.cli import page as pages
from bot.cli.context import put, say
from bot.cli.facts import acting
from content import phrase, store
from content.message import Written
from content.place import Community
from verification import report as reports
from verification import standing
from verification.report import Period, middle
from verification.sample import Precision

_Figure = tuple[str, str]
"""A figure as it is read, and what stands behind it."""
_NOTHING: _Figure = ("—", "")
_DAYS = 30
_LONGEST = 366
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def report(
    first: Annotated[str, typer.Option("--from", help="its first day, YYYY-MM-DD")] = "",
    last: Annotated[str, typer.Option("--to", help="its last day; default: today")] = "",
    out: Annotated[Path | None, typer.Option(help="the HTML file to write")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
) -> None:
    """Write what was asked, answered, how fast and how well, against the period before."""
    with acting() as (session, _):
        zone = standing.zone(session)
        begin, end = _span(first, last, context.now().astimezone(zone).date())
        start, stop = (datetime.combine(day, time(), zone) for day in (begin, end + timedelta(1)))
        earlier = datetime.combine(begin - (end + timedelta(1) - begin), time(), zone)
        now, before = (reports.period(session, *span) for span in ((start, stop), (earlier, start)))
        name = session.get_one(Community, store.community(session)).name
    if as_json:
        put({"now": _figures(now), "before": _figures(before)})
        return
    file = out or Path(f"linxun-rumors-{begin}-{end}.html")
    try:
        file.write_text(page(now, before, name, zone), encoding="utf-8")
    except OSError:
        context.fail(f"文件写不了。 {file} cannot be written.")
    say(f"已写出 {file}，可以用浏览器打开、打印。 Written: open {file} in a browser, or print it.")


def page(now: Period, before: Period, name: str, zone: ZoneInfo) -> str:
    """Return the report as one HTML page that needs nothing beside it."""
    from bot.cli import plots

    return pages.render(
        "report.html",
        name=name,
        now=now,
        before=before,
        tiles=_tiles(now, before),
        days=plots.days(now.days),
        speed=plots.speed(now, before),
        precision=plots.precision(now, before),
        moment=lambda at: f"{at.astimezone(zone):%m-%d %H:%M}",
        until=now.days[-1].day,
        verdict=lambda word: phrase.say(f"verdict.{word}", Written.HANS),
    )


def _span(first: str, last: str, today: dt.date) -> tuple[dt.date, dt.date]:
    try:
        end = dt.date.fromisoformat(last) if last else today
        begin = dt.date.fromisoformat(first) if first else end - timedelta(_DAYS - 1)
    except ValueError:
        context.fail("日期要写成 2026-07-20。 Write days as 2026-07-20.")
    if not timedelta(0) <= end - begin < timedelta(_LONGEST):
        context.fail("从早到晚，最多一年。 --from comes before --to, and a year is the most.")
    return begin, end


def _tiles(now: Period, before: Period) -> list[tuple[str, str, _Figure, _Figure]]:
    """Return the figures at the top: in Chinese, in English, now, and in the period before."""
    figures: tuple[tuple[str, str, Callable[[Period], _Figure]], ...] = (
        ("提问", "questions", lambda one: _count(one.total.total)),
        ("提问的人", "askers", lambda one: _count(one.askers)),
        ("自动答复", "answered at once", lambda one: _share(one.total.answered, one.total.total)),
        ("请对方选", "asked back", lambda one: _share(one.total.asked_back, one.total.total)),
        ("请专家核实", "being checked", lambda one: _share(one.total.waiting, one.total.total)),
        ("自动答复用时", "median, automatic", lambda one: _time(middle(one.automatic))),
        ("专家答复用时", "median, experts", lambda one: _time(middle(one.experts))),
        ("按时办结", "settled in time", lambda one: _share(one.promise.kept, one.promise.due)),
        ("标为有用", "marked useful", lambda one: _count(one.useful)),
        ("不是我问的", "marked not mine", lambda one: _count(one.not_mine)),
        ("抽查答对", "right, by sample", lambda one: _precision(one.precision)),
        ("集中提问", "times it spread", lambda one: _count(len(one.spread))),
    )
    return [(chinese, english, figure(now), figure(before)) for chinese, english, figure in figures]


def _count(number: int) -> _Figure:
    return str(number), ""


def _share(part: int, whole: int) -> _Figure:
    return (f"{100 * part / whole:.0f}%", f"{part}/{whole}") if whole else _NOTHING


def _precision(found: Precision) -> _Figure:
    low, high = found.interval
    if not found.judged:
        return _NOTHING
    return f"{100 * found.rate:.0f}%", f"{100 * low:.0f}–{100 * high:.0f}%"


def _time(seconds: float | None) -> _Figure:
    if seconds is None:
        return _NOTHING
    for length, word in ((_DAY, "天 d"), (_HOUR, "小时 h"), (_MINUTE, "分钟 min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {word}", ""
    return f"{seconds:.1f} 秒 s", ""


def _figures(one: Period) -> dict[str, Any]:
    low, high = one.precision.interval
    return {
        "from": one.days[0].day,
        "to": one.days[-1].day,
        "questions": one.total.total,
        "askers": one.askers,
        "answered": one.total.answered,
        "asked_back": one.total.asked_back,
        "waiting": one.total.waiting,
        "replied": one.total.replied,
        "automatic_seconds": middle(one.automatic),
        "expert_seconds": middle(one.experts),
        "due": one.promise.due,
        "kept": one.promise.kept,
        "useful": one.useful,
        "not_mine": one.not_mine,
        "spread": len(one.spread),
        "judged": one.precision.judged,
        "right": one.precision.good,
        "precision_low": round(low, 4),
        "precision_high": round(high, 4),
    }
