"""The same people under other limits: one run for each, and what the difference is in words."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.simulate import figures, scenario
from bot.simulate.figures import Figures
from bot.simulate.run import Run
from bot.simulate.scenario import Scenario
from content.base import new_id
from content.keys import Keyring
from content.ladder import Ladders
from content.store import Store

_WORDS = {
    "lines": ("{} 条线路", "{} lines"),
    "calls_per_second": ("每秒拨 {} 通", "{} calls a second"),
    "sms_per_second": ("每秒 {} 条短信", "{} SMS a second"),
    "chat_per_second": ("每秒 {} 条聊天消息", "{} chat messages a second"),
}
_NINE_IN_TEN = 90
_RARELY = (50_000, 20, 50)
"""When Python looks for garbage: a crowd and its deeds are many objects, and none of them is."""
Progress = Callable[[int, int], None]
"""Told how many of how many steps are done."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run: the wish that made it (empty: the scenario as it is) and its figures."""

    wish: str
    figures: Figures
    chinese: str = ""
    english: str = ""


def compare(
    base: Scenario,
    wishes: Sequence[str],
    seed: int,
    ladders: Ladders,
    progress: Progress | None = None,
) -> list[Case]:
    """Play the scenario as it is, and then once for each wish; the same seed for all of them."""
    cases = [("", base), *((wish, scenario.changed(base, wish)) for wish in wishes)]
    found = []
    for number, (wish, one) in enumerate(cases):
        watch = _part(progress, number, len(cases), one) if progress else None
        found.append(Case(wish, play(one, seed, ladders, watch), *_said(wish)))
    return found


def play(
    one: Scenario, seed: int, ladders: Ladders, watch: Callable[[datetime], None] | None = None
) -> Figures:
    """Play a scenario on a database that is thrown away, and return its figures."""
    store = Store("sqlite://", Keyring.generate(), new_id())
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        store.migrate()
        _keep_no_journal(store)
        run = Run(one, seed, store, ladders)
        asyncio.run(run.play(watch))
        return figures.read(run)
    finally:
        gc.set_threshold(*before)
        store.close()


def _keep_no_journal(store: Store) -> None:
    """Take no notes for a rollback: a run that fails is thrown away as a whole."""
    with store.begin() as session:
        driver = session.connection().connection.driver_connection
    # not within a transaction: there SQLite would keep the journal it has
    if driver is not None:
        driver.execute("PRAGMA journal_mode=OFF")


def answer(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """Yield the answers as (Chinese, English) sentences, the scenario as it is first."""
    now, *others = cases
    yield _now(now.figures)
    for one in others:
        yield _against(now.figures, one)


def _now(found: Figures) -> tuple[str, str]:
    minutes = found.confirmed[_NINE_IN_TEN]
    if minutes is not None:
        return (
            f"90% 的居民在 {_time(minutes)[0]}内确认。",
            f"90 % have confirmed after {_time(minutes)[1]}.",
        )
    share = f"{100 * found.share_confirmed:.0f}"
    chinese = f"到结束时 {share}% 的居民确认，达不到 90%"
    english = f"{share} % have confirmed when it ends: never 90 %"
    settled = found.accounted[_NINE_IN_TEN]
    if settled is None:
        return f"{chinese}，也没能让 90% 有着落。", f"{english}, nor are 90 % accounted for."
    in_words = _time(settled)
    return (
        f"{chinese}；90% 在 {in_words[0]}内有了着落（确认、转告或列入上门名单）。",
        f"{english}; 90 % are accounted for (confirmed, told, to be visited) after {in_words[1]}.",
    )


def _against(now: Figures, other: Case) -> tuple[str, str]:
    """Say what a change makes of the same measure: confirmed, or else accounted for."""
    for before, after in (
        (now.confirmed[_NINE_IN_TEN], other.figures.confirmed[_NINE_IN_TEN]),
        (now.accounted[_NINE_IN_TEN], other.figures.accounted[_NINE_IN_TEN]),
    ):
        if before is not None and after is not None:
            word = _change(before, after)
            return (
                f"{other.chinese}：{word[0]} {_time(after)[0]}。",
                f"{other.english}: {word[1]} {_time(after)[1]}.",
            )
    chinese, english = _now(other.figures)
    return f"{other.chinese}：{chinese}", f"{other.english}: {english}"


def _change(before: float, after: float) -> tuple[str, str]:
    if after < before * 0.98:
        return "缩短到", "shortened to"
    return ("延长到", "lengthened to") if after > before * 1.02 else ("仍是", "still")


def _time(minutes: float) -> tuple[str, str]:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{max(1, rest)} 分钟", f"{max(1, rest)} minutes"
    return f"{hours} 小时 {rest} 分钟", f"{hours} h {rest} min"


def _said(wish: str) -> tuple[str, str]:
    """Say a wish in words: lines=2 as 2 条线路, 2 lines."""
    parts = [part.partition("=") for part in wish.split(",") if part]
    words = [(_WORDS[name.strip()], value.strip()) for name, _, value in parts]
    chinese = "、".join(said.format(value) for (said, _), value in words)
    english = ", ".join(
        said.format(value).removesuffix("s" if value == "1" and said.endswith("lines") else "")
        for (_, said), value in words
    )
    return chinese or "现在", english or "as it is"


def _part(progress: Progress, number: int, count: int, one: Scenario) -> Callable[[datetime], None]:
    """Tell the progress of one run among several, by the alert's own time."""
    whole = one.hours * 3600

    def watch(at: datetime) -> None:
        progress(int(1000 * (number + (at - one.start).total_seconds() / whole)), 1000 * count)

    return watch
