"""`linxun simulate`: how long an alert would take here, and what another line would change."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bot import config
from bot.cli import context, progress
from content import ladder

if TYPE_CHECKING:
    from bot.simulate.compare import Case
    from bot.simulate.figures import Figures
    from bot.simulate.scenario import Scenario


def simulate(
    *,
    name: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="a scenario that comes along, or a TOML file")
    ] = "community",
    residents: Annotated[int | None, typer.Option(min=1, help="how many live there")] = None,
    lines: Annotated[int | None, typer.Option(min=1, help="calls at the same time")] = None,
    calls_per_second: Annotated[float | None, typer.Option(help="calls started a second")] = None,
    sms_per_second: Annotated[float | None, typer.Option(help="SMS a second")] = None,
    chat_per_second: Annotated[float | None, typer.Option(help="chat messages a second")] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", help="compare with another limit, as lines=2; may be repeated"),
    ] = None,
    like_mine: Annotated[
        bool, typer.Option("--like-mine", help="people in the shares of your own list")
    ] = False,
    seed: Annotated[int, typer.Option(help="another seed, other people and other luck")] = 1,
    to: Annotated[Path | None, typer.Option(help="a folder for figures and plots")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
) -> None:
    """Play an alert in virtual time through the real ladders: who is reached by when."""
    # the channels' libraries take seconds to load: no other command waits for them
    from bot.simulate import compare, scenario

    limits = {
        "lines": lines,
        "calls_per_second": calls_per_second,
        "sms_per_second": sms_per_second,
        "chat_per_second": chat_per_second,
    }
    base = scenario.load(name)
    for limit, value in limits.items():
        base = base if value is None else scenario.changed(base, f"{limit}={value:g}")
    if like_mine:
        base = _like_mine(base)
    base = base if residents is None else replace(base, residents=residents)
    ladders = ladder.load(config.settings().ladders_file)
    with progress.bar("模拟 simulating") as told:
        cases = compare.compare(base, what_if or base.what_if, seed, ladders, told)
    if to is not None:
        _write(to, base, seed, cases)
    if as_json:
        context.console.print_json(json.dumps(_figures(base, seed, cases), ensure_ascii=False))
    else:
        _print(base, cases, to)


def _like_mine(base: "Scenario") -> "Scenario":
    from bot.simulate import mine

    with context.store() as store, store.read() as session:
        return mine.like(session, base)


def _print(base: "Scenario", cases: Sequence["Case"], to: Path | None) -> None:
    from bot.simulate import compare

    title = f"{base.chinese or base.name}：{cases[0].figures.residents} 人 residents"
    context.console.print(_table(title, cases))
    context.console.print(_groups(cases[0]))
    for chinese, english in compare.answer(cases):
        context.console.print(chinese, style="bold", highlight=False)
        context.console.print(english, highlight=False)
    if to is not None:
        context.console.print(f"图表和数字在 {to}。 Plots and figures are in {to}.", soft_wrap=True)


def _table(title: str, cases: Sequence["Case"]) -> Table:
    table = Table("", *(f"{one.chinese}\n{one.english}" for one in cases), title=title)
    for name, say in _MEASURES:
        table.add_row(name, *(say(one.figures) for one in cases))
    return table


def _last_call(found: "Figures") -> str:
    call = found.first.get("call")
    return _minutes(call.last / 60 if call else None)


def _groups(case: "Case") -> Table:
    table = Table("人群 group", "人数", "确认 confirmed", "上门 door", "90% 有着落 accounted for")
    for name, one in case.figures.groups.items():
        share = 100 * one.confirmed / max(1, one.residents)
        cells = (str(one.residents), f"{share:.1f}%", str(one.door), _minutes(one.minutes))
        table.add_row(name, *cells)
    return table


def _minutes(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f} 分 min"


def _figures(base: "Scenario", seed: int, cases: Sequence["Case"]) -> dict[str, Any]:
    from bot.simulate import compare

    left_out = ("curve", "calls")
    return {
        "scenario": base.name,
        "seed": seed,
        "answers": [f"{chinese} {english}" for chinese, english in compare.answer(cases)],
        "cases": [
            {"wish": one.wish, "name": f"{one.chinese} {one.english}"}
            | {key: value for key, value in asdict(one.figures).items() if key not in left_out}
            for one in cases
        ],
    }


def _write(folder: Path, base: "Scenario", seed: int, cases: Sequence["Case"]) -> None:
    from bot.cli import curves

    found = json.dumps(_figures(base, seed, cases), ensure_ascii=False, indent=1)
    files = {
        "figures.json": found + "\n",
        "reach.svg": curves.reach(cases[0]),
        "lines.svg": curves.lines(cases[0]),
    }
    if len(cases) > 1:
        files["what-if.svg"] = curves.what_if(cases)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        _write_curves(folder / "reach.csv", cases)
    except OSError:
        context.fail(f"文件写不了。 {folder} cannot be written.")


def _write_curves(file: Path, cases: Sequence["Case"]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("case", "minute", "contacted", "confirmed", "accounted"))
        for case in cases:
            for at in case.figures.curve:
                counts = (at.tried, at.confirmed, at.accounted)
                rows.writerow((case.wish or "now", f"{at.minute:.2f}", *counts))


_MEASURES: tuple[tuple[str, Callable[["Figures"], str]], ...] = (
    ("确认 confirmed", lambda found: f"{100 * found.share_confirmed:.1f}%"),
    ("50% 确认 confirmed", lambda found: _minutes(found.confirmed[50])),
    ("90% 确认 confirmed", lambda found: _minutes(found.confirmed[90])),
    ("90% 有着落 accounted for", lambda found: _minutes(found.accounted[90])),
    ("上门 to be visited", lambda found: str(found.door)),
    ("最后一次首呼 last first call", _last_call),
    ("线路占用 lines used", lambda found: f"{100 * found.use_of_lines:.0f}%"),
)
