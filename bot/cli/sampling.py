"""`linxun rumors sample`: answers drawn by lot, judged at the terminal or in a file."""

import csv
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import acting
from verification import sample as samples
from verification.sample import Drawn

_COLUMNS = ("编号", "事实", "问的是", "说法", "答复", "结论", "对不对")
_RIGHT = frozenset({"对", "是", "y", "yes", "1", "right", "true"})
_WRONG = frozenset({"错", "不对", "否", "n", "no", "0", "wrong", "false"})
_BAD_FILE = (
    "读不了 {file}：要 UTF-8 的 CSV，并带有 sample --out 写出的栏目。 "
    "{file} cannot be read: it must be the CSV that `linxun rumors sample --out` wrote."
)


def sample(
    count: Annotated[int, typer.Argument(min=1, max=1000, help="how many answers to judge")] = 20,
    *,
    days: Annotated[int, typer.Option(min=1, help="answers of so many past days")] = 30,
    out: Annotated[Path | None, typer.Option(help="write them to a CSV file")] = None,
    judged: Annotated[
        Path | None, typer.Option("--in", help="read back the file, its last column filled in")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
) -> None:
    """Draw automatic answers by lot and judge each right or wrong; the report shows the share."""
    if judged is not None:
        _take_in(judged)
        return
    now = context.now()
    with acting() as (session, actor):
        drawn = samples.draw(
            session, count, actor, now - timedelta(days=days), now, random.SystemRandom()
        )
    if out is not None:
        _write(out, drawn)
    elif as_json or not sys.stdin.isatty():
        put([dict(zip(_COLUMNS, _cells(one), strict=False)) for one in drawn])
    else:
        _ask(drawn)


def _ask(drawn: list[Drawn]) -> None:
    """Show one after the other; each judgement is kept at once."""
    for place, one in enumerate(drawn, 1):
        say(f"\n{place}/{len(drawn)} 编号{one.number}\n问：{one.question}\n答：{one.truth}")
        say(f"（{one.claim}：{one.verdict}）")
        said = typer.prompt("答对了吗 right? 对 y / 错 n / 跳过 s", default="s").strip().lower()
        if said in _RIGHT | _WRONG:
            with acting() as (session, actor):
                samples.judge(
                    session, one.number, one.code, actor, context.now(), good=said in _RIGHT
                )


def _write(file: Path, drawn: list[Drawn]) -> None:
    try:
        # with a mark at its head, by which spreadsheets know UTF-8
        with file.open("w", encoding="utf-8-sig", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(_COLUMNS)
            writer.writerows((*map(_harmless, _cells(one)), "") for one in drawn)
    except OSError:
        context.fail(f"文件写不了。 {file} cannot be written.")
    say(
        f"写出 {len(drawn)} 条，请在最后一栏填“对”或“错”，再用 --in 读回。 "
        f"{len(drawn)} answers written: put y or n into the last column, then read it with --in."
    )


def _take_in(file: Path) -> None:
    try:
        rows = list(_rows(file))
    except (OSError, UnicodeDecodeError, KeyError, ValueError, csv.Error):
        context.fail(_BAD_FILE.format(file=file))
    now = context.now()
    with acting() as (session, actor):
        for number, code, good in rows:
            samples.judge(session, number, code, actor, now, good=good)
    say(f"记下 {len(rows)} 条评判。 {len(rows)} judgements are kept.")


def _rows(file: Path) -> Iterator[tuple[int, str, bool]]:
    """Read number, fact and judgement of each row that was filled in."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            said = (row["对不对"] or "").strip().lower()
            if said not in _RIGHT | _WRONG | {""}:
                raise ValueError(said)
            if said:
                yield int(row["编号"]), row["事实"].removeprefix("'"), said in _RIGHT


def _cells(one: Drawn) -> tuple[str, ...]:
    return (str(one.number), one.code, one.question, one.claim, one.truth, one.verdict)


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" else cell
