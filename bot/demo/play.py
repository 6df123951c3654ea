"""Playing the demo: its progress on the terminal, its report, and the phones page afterwards."""

import asyncio
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.demo import books, world
from bot.demo.acting import StoryError
from bot.demo.books import Books
from bot.demo.story import SCENES, Story, Told
from bot.demo.world import World
from content.coverage import Reach

_LOOKS, _BETWEEN = 20, 0.25
_TITLE = "到达报告 reach report"
_COLUMNS = ("居民", "确认", "转告", "求助", "上门", "50 %", "90 %", "100 %")
_CAPTION = "residents, confirmed, passed on, need help, door-knock, minutes to 50 / 90 / 100 %"


async def show(folder: Path, out: Console, *, seed: int, port: int, stay: bool) -> int:
    """Play the story in `folder`; return 0 when the books balance, else 1."""
    began = time.monotonic()
    built = await world.build(folder, seed=seed, port=port)
    try:
        told = await _play(built, out)
        found = await _settled(built, told)
        _report(built, told, out)
        _balance(found, out, time.monotonic() - began)
        if stay:
            await _stay(built, out)
    except StoryError as error:
        out.print(f"The story broke off: {error}", style="bold red", markup=False)
        return 1
    finally:
        await built.stop()
    return 0 if found.balance else 1


async def _play(built: World, out: Console) -> Told:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out) as bar:
        shown = bar.add_task("", total=SCENES)

        def tell(title: str, done: int) -> None:
            bar.update(shown, description=title, completed=done)

        return await Story(built, tell).play()


async def _settled(built: World, told: Told) -> Books:
    """Close the books when the last replies are in; what is wrong after that stays wrong."""
    found = books.check(built, told)
    for _ in range(_LOOKS):
        if found.balance:
            break
        await asyncio.sleep(_BETWEEN)
        found = books.check(built, told)
    return found


def _report(built: World, told: Told, out: Console) -> None:
    out.print(_reach(books.report(built, told)))
    for what, said in (
        ("作者想核实自己写的通知", told.refused),
        ("居民转来的传言", told.known),
        ("同一条传言反过来说", told.reversed),
        ("没有人问过的", told.checking),
        ("专家核实以后", told.settled),
    ):
        first = said.splitlines()[0] if said else "-"
        out.print(f"{what}: {first}", markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"更新发布时第一条已发出 {told.half} 人。 The update was published after "
        f"{told.half} people had been sent the first alert.",
        highlight=False,
        soft_wrap=True,
    )


def _reach(rows: list[Reach]) -> Table:
    table = Table(title=_TITLE, caption=_CAPTION)
    table.add_column("网格")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for row in rows:
        figures = (row.residents, row.confirmed, row.passed_on, row.need_help, row.door)
        minutes = (row.minutes.get(share) for share in (50, 90, 100))
        table.add_row(
            row.place or "合计",
            *(str(figure) for figure in figures),
            *("-" if minute is None else f"{minute:.1f}" for minute in minutes),
        )
    return table


def _balance(found: Books, out: Console, seconds: float) -> None:
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.by_kind.items()))
    out.print(
        f"账目 books: {found.residents} residents = {found.confirmed} confirmed + {found.door} "
        f"on the door-knock list; {found.attempts} attempts ({kinds}), {found.taken} taken, "
        f"{found.seen} seen by the stand-ins; {found.lost} lost, {found.twice} twice; "
        f"{seconds:.1f} s",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for line in found.wrong:
        out.print(f"does not balance: {line}", style="bold red", markup=False)
    if found.balance:
        out.print("账目相符。 The books balance.", style="bold green")


async def _stay(built: World, out: Console) -> None:
    """Serve the phones page in real time until Ctrl-C."""
    built.clock.pace(1.0)
    out.print(
        f"虚拟手机 phones: {built.sandbox.url}/phones （Ctrl-C 结束 ends it）", highlight=False
    )
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        out.print("再见。 Goodbye.")
