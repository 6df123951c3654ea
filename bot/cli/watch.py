"""`linxun alert status`: how it stands with an alert, once or as long as it runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.cli import context
from content import alert as alerts
from content import cap, coverage, notice, phrase, stand
from content.coverage import Live, Reach
from content.delivery import DeliveryState
from content.message import Written
from content.store import Store

_EVERY = 2.0
"""Seconds between two looks at least."""
_SHARE = 20
"""A look that takes long is taken the more seldom: at most a twentieth of the time."""
COLUMNS = {
    "residents": "人\npeople",
    "contacted": "联系过\ncontacted",
    "reached": "送到\nreached",
    "confirmed": "确认\nconfirmed",
    "passed_on": "转告\npassed on",
    "need_help": "求助\nhelp",
    "door": "上门\ndoor",
    "refused": "不愿听\nrefused",
    "open": "在联系\nopen",
    "done": "不用确认\ntold",
    "other": "其他\nother",
}
STATES = {
    DeliveryState.OPEN: "还在联系 open",
    DeliveryState.DOOR: "要上门 door",
    DeliveryState.REFUSED: "上门不愿听 refused",
    DeliveryState.EXPIRED: "过期 expired",
    DeliveryState.SUPERSEDED: "被代替 superseded",
    DeliveryState.CANCELLED: "已解除 cancelled",
    DeliveryState.FAILED: "失败 failed",
}
_AWAY = "数据库没有回答，等它回来再继续。 The database does not answer: this goes on when it does."
_SCREEN = 8
"""Grids and reasons that a screen holds; the rest is summed up or left to `status`."""


def look(session: Session, code: str) -> Live | None:
    """Return how it stands with an alert; None before it is published."""
    told = notice.last(session, alerts.get(session, code).id)
    return coverage.live(session, told.id, context.now()) if told else None


def figures(code: str, live: Live, zone: ZoneInfo, most: int | None = None) -> RenderableType:
    """Draw the figures in Chinese and English: `most` grids and reasons, the gravest first."""
    said: list[RenderableType] = [_plain(stand.head(code, live))]
    said.append(_plain(stand.head(code, live, Written.ENGLISH)))
    said += [_plain(line) for line in stand.lines(live, zone, reasons=False)]
    said.append(_table("网格 grid", _cut(live.grids, most)))
    said.append(_table("第几步 step", live.rungs))
    said.append(_reasons(live, most))
    said += [_plain(phrase.say("live.words", one)) for one in (Written.HANS, Written.ENGLISH)]
    if live.over:
        said.append(_plain(phrase.say("live.over", Written.HANS)))
    return Group(*said)


def plain(live: Live) -> dict[str, Any]:
    """Return the figures for a program."""
    found = asdict(live)
    found["skips"] = [[*key, count] for key, count in live.skips.items()]
    found["whys"] = [asdict(one) | {"said": one.said()} for one in live.whys]
    return found | {"over": live.over}


def follow(code: str) -> None:
    """Show the figures until the alert is over; Ctrl-C leaves quietly.

    Where nobody watches a terminal, a line is printed whenever something has changed.
    """
    with suppress(KeyboardInterrupt), context.store() as opened:
        with opened.read() as session:
            zone = cap.zone(session)
        if not context.console.is_terminal:
            shown = ""
            for live in _looks(opened, code):
                line = f"{_clock(zone)} {_brief(code, live)}"
                if _brief(code, live) != shown:
                    context.say(line)
                shown = _brief(code, live)
            return
        with Screen(console=context.console, auto_refresh=False, screen=False) as screen:
            for live in _looks(opened, code):
                screen.update(figures(code, live, zone, _SCREEN), refresh=True)


def _looks(opened: Store, code: str, rest: Callable[[float], None] = time.sleep) -> Iterator[Live]:
    """Look again and again, each time with a session of its own, until the alert is over.

    A database that is away is waited for.
    """
    away = False
    while True:
        began = time.monotonic()
        try:
            with opened.read() as session:
                live = look(session, code)
        except DBAPIError:
            if not away:
                context.errors.print(_AWAY, style="bold red", soft_wrap=True)
            away = True
            rest(_EVERY)
            continue
        away = False
        if live is None:
            context.fail("还没有发布，没有进度可看。 It is not published yet: nothing to watch.")
        yield live
        if live.over:
            return
        took = time.monotonic() - began
        rest(max(_EVERY, took * _SHARE))


def _brief(code: str, live: Live) -> str:
    first, *_ = stand.lines(live, ZoneInfo("UTC"), reasons=False)
    return " ".join((stand.head(code, live), first, *stand.doors(live)))


def _clock(zone: ZoneInfo) -> str:
    return f"{context.now().astimezone(zone):%H:%M:%S}"


def _cut(grids: tuple[Reach, ...], most: int | None) -> list[Reach]:
    """Return at most so many grids, those with most left first, and one row for the others."""
    if most is None or len(grids) <= most:
        return list(grids)
    ordered = stand.worst(grids)
    rest = ordered[most:]
    sums = {name: sum(getattr(one, name) for one in rest) for name in COLUMNS}
    return [*ordered[:most], Reach(f"其余 others {len(rest)}", **sums)]


def _table(title: str, rows: Sequence[Reach]) -> Table:
    table = Table(title)
    rare = ("done", "other", "passed_on", "need_help", "refused")
    shown = [n for n in COLUMNS if n not in rare or any(getattr(one, n) for one in rows)]
    for name in shown:
        table.add_column(COLUMNS[name], justify="right")
    for one in rows:
        counts = (str(getattr(one, name)) for name in shown)
        table.add_row(Text(one.place or "全部 all"), *counts)
    return table


def _reasons(live: Live, most: int | None) -> Table:
    table = Table("没有确认的原因 why not confirmed", "人 people")
    for one in live.whys[:most]:
        said = "　".join(one.said(language) for language in (Written.HANS, Written.ENGLISH))
        table.add_row(Text(f"{said}（{STATES.get(one.state, one.state)}）"), str(one.count))
    for step, reason in list(live.skips)[:most]:
        words = (
            f"{stand.rung(step, language)}：{phrase.say(f'reason.{reason}', language)}"
            for language in (Written.HANS, Written.ENGLISH)
        )
        table.add_row(Text("　".join(words) + "（跳过 skipped）"), str(live.skips[step, reason]))
    return table


def _plain(line: str) -> Text:
    return Text(line)
