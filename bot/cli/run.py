"""`linxun run`: the worker, the inbox, the web and the chat, until it is told to stop."""

import asyncio
from typing import Annotated

import typer

from bot import config
from bot.cli import context


def run(
    host: Annotated[str | None, typer.Option(help="the address the web listens on")] = None,
    port: Annotated[int | None, typer.Option(help="the port the web listens on")] = None,
) -> None:
    """Serve: send what is due, answer what arrives. Ctrl-C finishes what is in flight."""
    # the channels' libraries take seconds to load: no other command waits for them
    from bot.serve import serve

    def tell(line: str) -> None:
        context.errors.print(line, highlight=False, markup=False)

    asyncio.run(serve(config.load(host=host, port=port), tell))
