"""`linxun run`: the worker, the inbox, the web and the chat, until it is told to stop."""

import asyncio
import signal
from typing import Annotated

import typer

from bot import app as house
from bot import config
from bot.app import App
from bot.cli import context
from bot.config import Settings
from content.clock import Clock


def run(
    host: Annotated[str | None, typer.Option(help="the address the web listens on")] = None,
    port: Annotated[int | None, typer.Option(help="the port the web listens on")] = None,
) -> None:
    """Serve: send what is due, answer what arrives. Ctrl-C finishes what is in flight."""
    asyncio.run(_serve(config.load(host=host, port=port)))


async def _serve(settings: Settings) -> None:
    opened = house.open_store(settings)
    try:
        running = App(settings, opened, Clock())
        if not running.channels:
            context.fail(
                "No channel is set up: set LINXUN_TELEGRAM_TOKEN or the LINXUN_TWILIO_ settings, "
                "or try `linxun demo`."
            )
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, running.ask_to_stop)
        context.errors.print(
            f"{', '.join(running.channels)} · {running.public_url}", highlight=False, markup=False
        )
        await running.run()
    finally:
        opened.close()
