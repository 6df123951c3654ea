"""`linxun run`, `web`, `worker`: the whole house or a half of it, until it is told to stop."""

from typing import Annotated

import typer

from bot import config, loop
from bot.cli import context
from bot.config import Settings

Host = Annotated[str | None, typer.Option(help="the address the web listens on")]
Port = Annotated[int | None, typer.Option(help="the port the web listens on")]


def run(host: Host = None, port: Port = None) -> None:
    """Serve: send what is due, answer what arrives. Ctrl-C finishes what is in flight."""
    _serve(config.load(host=host, port=port), "worker", "web")


def web(host: Host = None, port: Port = None) -> None:
    """Answer what arrives, by webhook and chat; `linxun worker` sends. Run as many as you like."""
    _serve(config.load(host=host, port=port), "web")


def worker() -> None:
    """Send what is due; `linxun web` answers what arrives. Run as many as you like."""
    _serve(config.load(), "worker")


def _serve(settings: Settings, *parts: str) -> None:
    # the channels' libraries take seconds to load: no other command waits for them
    from bot.app import Part
    from bot.serve import serve

    def tell(line: str) -> None:
        context.errors.print(line, highlight=False, markup=False)

    loop.run(serve(settings, tell, frozenset(map(Part, parts))))
