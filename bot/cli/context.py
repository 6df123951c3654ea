"""What every command needs: the store, who is acting, where to print, how to fail."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from sqlalchemy.orm import Session

from bot import config
from bot.opening import open_store
from content import identity
from content.event import Actor, Door
from content.people import Staff
from content.store import Store

console = Console()
errors = Console(stderr=True)


def fail(sentence: str) -> NoReturn:
    """Print one sentence on standard error and leave with status 1."""
    errors.print(sentence, style="bold red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def say(line: str) -> None:
    """Print one line as it is."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def put(value: Any) -> None:
    """Print one value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def now() -> datetime:
    """Return the present instant: commands run in real time."""
    return datetime.now(UTC)


@contextmanager
def store() -> Iterator[Store]:
    """Open the database of the settings for its community, and close it afterwards."""
    opened = open_store(config.settings())
    try:
        yield opened
    finally:
        opened.close()


def staff(session: Session) -> Staff:
    """Return who acts: the owner of the personal token in LINXUN_TOKEN or LINXUN_TOKEN_FILE."""
    token = config.settings().token.get_secret_value()
    if not token:
        fail(
            "请先设好您的令牌 LINXUN_TOKEN；没有就向管理员要。 Set LINXUN_TOKEN to your personal "
            "token; an admin makes one with `linxun staff token`."
        )
    found = identity.by_token(session, token, now())
    if found is None:
        fail("令牌无效，请向管理员要新的。 This token is not valid: ask an admin for a new one.")
    return found


def actor(session: Session) -> Actor:
    """Return the acting staff member as the actor of what follows."""
    return Actor(Door.CLI, staff(session).id)
