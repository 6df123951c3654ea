"""Serving for real: the house in the foreground until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable

from bot.app import App, Part
from bot.config import Settings
from bot.errors import AppError
from bot.opening import open_store
from content.clock import Clock

_PATIENCE = 90.0
"""Seconds for which a house that starts waits for its database, which may be starting too."""


async def serve(
    settings: Settings, tell: Callable[[str], None], parts: frozenset[Part] | None = None
) -> None:
    """Run until SIGINT or SIGTERM; what is in flight is finished and recorded."""
    opened = open_store(settings, _PATIENCE)
    try:
        running = App(settings, opened, Clock(), parts)
        if not running.channels:
            raise AppError(
                "还没有设置任何渠道，请看 linxun doctor。 "
                "No channel is set up: set LINXUN_TELEGRAM_TOKEN or the LINXUN_TWILIO_ settings, "
                "or try `linxun demo`."
            )
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, running.ask_to_stop)
        where = "" if running.listening is None else f" · {running.public_url}"
        tell(f"{', '.join(running.channels)}{where}")
        await running.run()
    finally:
        opened.close()
