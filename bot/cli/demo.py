"""`linxun demo`: a rainstorm in a sample community, on this machine alone, in a minute or two."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bot import logs, loop
from bot.cli import context


def demo(
    *,
    seed: Annotated[int, typer.Option(help="another seed, other people")] = 20260803,
    port: Annotated[int, typer.Option(help="the port of the phones page; 0: any")] = 0,
    stay: Annotated[
        bool | None, typer.Option(help="keep serving the phones page; default: on a terminal")
    ] = None,
) -> None:
    """Play the sample community through a rainstorm, and check the books against the stand-ins."""
    # the channels' libraries take seconds to load: no other command waits for them
    from bot.demo.play import show

    logs.set_up("ERROR")
    keep = sys.stdout.isatty() if stay is None else stay
    with tempfile.TemporaryDirectory(prefix="linxun-demo-") as folder:
        status = loop.run(show(Path(folder), context.console, seed=seed, port=port, stay=keep))
    raise typer.Exit(status)
