"""`linxun doctor`: is everything in place, and what to do about what is not."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Column, Table

from bot import config
from bot.cli import context


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
    online: Annotated[bool, typer.Option(help="ask the providers too")] = True,
) -> None:
    """Check settings, key file, database, ladders, channels, duty, facts and how all works."""
    # the channels' libraries take seconds to load: no other command waits for them
    from bot.checks import everything

    found = asyncio.run(everything(config.settings(), context.now(), online=online))
    if as_json:
        context.console.print_json(json.dumps([asdict(one) for one in found], ensure_ascii=False))
    else:
        table = Table("", "检查 check", Column("结果 result", overflow="fold"))
        for one in found:
            # a mark beside the colour: a log, a printer and many eyes know none
            mark, style = ("✓", "green") if one.ok else ("✗", "bold red")
            table.add_row(mark, one.check, one.said, style=style)
        context.console.print(table)
    if not all(one.ok for one in found):
        raise typer.Exit(1)
