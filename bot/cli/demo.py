"""`linxun demo`: a rainstorm in a sample community, on this machine alone, in under a minute."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot import logs
from bot.cli import context
from bot.demo import books, community, world
from bot.demo.acting import StoryError
from bot.demo.books import Books
from bot.demo.story import Story, Told
from bot.demo.world import World
from content.coverage import Reach

_SCENES = 8


def demo(
    *,
    seed: Annotated[int, typer.Option(help="another seed, other people")] = community.SEED,
    port: Annotated[int, typer.Option(help="the port of the phones page; 0: any")] = 0,
    stay: Annotated[
        bool | None, typer.Option(help="keep serving the phones page afterwards")
    ] = None,
) -> None:
    """Play the sample community through a rainstorm, and check the books against the stand-ins."""
    logs.set_up("ERROR")
    serve = sys.stdout.isatty() if stay is None else stay
    with tempfile.TemporaryDirectory(prefix="linxun-demo-") as folder:
        raise typer.Exit(asyncio.run(_demo(Path(folder), seed, port, serve=serve)))


async def _demo(folder: Path, seed: int, port: int, *, serve: bool) -> int:
    began = time.monotonic()
    built = await world.build(folder, seed=seed, port=port)
    try:
        told = await _play(built)
        found = books.check(built, told)
        _show(built, told, found, time.monotonic() - began)
        if serve:
            await _stay(built)
    except StoryError as error:
        context.errors.print(f"The story broke off: {error}", style="bold red", markup=False)
        return 1
    finally:
        await built.stop()
    return 0 if found.balance else 1


async def _play(built: World) -> Told:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=context.console) as bar:
        shown = bar.add_task("开始", total=_SCENES)
        scene = 0

        def tell(title: str) -> None:
            nonlocal scene
            bar.update(shown, description=title, completed=scene)
            scene += 1

        told = await Story(built, tell).play()
        bar.update(shown, description="演示完成", completed=_SCENES)
    return told


def _show(built: World, told: Told, found: Books, seconds: float) -> None:
    out = context.console
    out.print(_reach(books.report(built, told)))
    out.print(f"作者想核实自己写的通知: {told.refused}", markup=False)
    out.print(f"更新发布时，已向 {told.half} 人发出第一条。", markup=False)
    for what, said in (
        ("转来的传言", told.known),
        ("同一传言反着说", told.reversed),
        ("没有人问过的", told.checking),
        ("专家核实以后", told.settled),
    ):
        out.print(f"{what}: {said.splitlines()[0] if said else '-'}", markup=False)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.by_kind.items()))
    out.print(
        f"账目 books: {found.residents} residents = {found.confirmed} confirmed + "
        f"{found.door} on the door-knock list; {found.attempts} attempts ({kinds}), "
        f"{found.seen} taken by the stand-ins; {found.lost} lost, {found.twice} twice; "
        f"{seconds:.1f} s",
        markup=False,
        highlight=False,
    )
    for line in found.wrong:
        out.print(f"does not balance: {line}", style="bold red", markup=False)
    if found.balance:
        out.print("账目相符。 The books balance.", style="bold green")


def _reach(rows: list[Reach]) -> Table:
    table = Table(title="到达报告 reach report")
    for name in ("网格 grid", "居民", "确认 confirmed", "转告", "求助 help", "上门 door", "50 %"):
        table.add_column(name, justify="left" if "grid" in name else "right")
    table.add_column("90 %", justify="right")
    table.add_column("100 % (分钟 min)", justify="right")
    for row in rows:
        figures = (row.residents, row.confirmed, row.passed_on, row.need_help, row.door)
        minutes = (row.minutes.get(share) for share in (50, 90, 100))
        table.add_row(
            row.place or "合计 all",
            *(str(figure) for figure in figures),
            *("-" if minute is None else f"{minute:.1f}" for minute in minutes),
        )
    return table


async def _stay(built: World) -> None:
    """Serve the phones page in real time until Ctrl-C."""
    built.clock.pace(1.0)
    context.console.print(f"手机页面 phones: {built.sandbox.url}/phones （Ctrl-C 结束 to end）")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        context.console.print("再见。 Goodbye.")
