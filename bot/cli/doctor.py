"""`linxun doctor`: is everything in place, and what to do about what is not."""

import asyncio
import json
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import func, select

from bot import app as house
from bot import config, senders
from bot.app import AppError
from bot.cli import context
from bot.config import Settings
from bot.errors import KNOWN
from channels.base import SendError
from channels.telegram import Telegram
from content import duty, expansion, ladder, store
from content.keys import KeyFileError, Keyring
from content.people import Resident
from content.staff import Role, StaffRole
from content.store import Store
from verification import facts


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found; `ok` False needs somebody to act."""

    check: str
    ok: bool
    said: str


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
    online: Annotated[bool, typer.Option(help="ask the providers too")] = True,
) -> None:
    """Check settings, key file, database, ladders, channels, duty and facts."""
    settings = config.settings()
    found = [
        _try("packages", lambda: house.check_packages() or "no strangers"),
        _try("key file", lambda: _key_file(settings)),
        _try("ladders", lambda: f"{len(ladder.load(settings.ladders_file).ladders)} ladders"),
        _try("channels", lambda: _channels(settings)),
        *_database(settings),
    ]
    if online and settings.telegram_token.get_secret_value():
        found.append(_try("telegram", lambda: asyncio.run(_telegram(settings))))
    _print(found, as_json=as_json)
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def _print(found: list[Finding], *, as_json: bool) -> None:
    if as_json:
        context.console.print_json(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    table = Table("检查 check", "结果 result")
    for one in found:
        table.add_row(one.check, f"[{'green' if one.ok else 'bold red'}]{one.said}")
    context.console.print(table)


def _try(check: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(check, ok=True, said=ask())
    except KNOWN as error:
        return Finding(check, ok=False, said=str(error))


def _key_file(settings: Settings) -> str:
    Keyring.load(settings.key_file)
    if stat.S_IMODE(settings.key_file.stat().st_mode) & 0o077:
        raise KeyFileError(f"Others can read {settings.key_file}: run chmod 600 on it.")
    return "only its owner can read it"


def _channels(settings: Settings) -> str:
    found = senders.channels(settings, settings.public_url or "http://127.0.0.1")
    if not found:
        raise AppError("No channel is set up: set LINXUN_TELEGRAM_TOKEN or the LINXUN_TWILIO_ ones.")
    return ", ".join(found)


def _database(settings: Settings) -> list[Finding]:
    opened = _try("database", lambda: house.open_store(settings).close() or settings.database_url)
    if not opened.ok:
        return [opened]
    kept = house.open_store(settings)
    try:
        return [opened, *_contents(kept)]
    finally:
        kept.close()


def _contents(kept: Store) -> list[Finding]:
    now = context.now()
    with kept.read() as session:
        here = store.community(session)
        residents = session.scalar(
            select(func.count()).where(Resident.community_id == here, Resident.erased_at.is_(None))
        )
        roles = set(session.scalars(select(StaffRole.role).where(StaffRole.community_id == here)))
        missing = sorted(
            {Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER, Role.EXPERT} - roles
        )
        on = duty.current(session, now)
        known = len(facts.base(session).index)
        short = len(expansion.short(session))
    return [
        Finding("residents", bool(residents), f"{residents or 0}"),
        Finding(
            "staff",
            not missing,
            f"nobody is {', '.join(missing)}: run `linxun staff add`" if missing else "every role",
        ),
        Finding(
            "duty", on is not None, "somebody is on duty" if on else "nobody: `linxun staff duty`"
        ),
        Finding("facts", known > 0, f"{known} signed facts"),
        Finding("outbox", not short, f"{short} notices short of their audience"),
    ]


async def _telegram(settings: Settings) -> str:
    chat = senders.channels(settings, settings.public_url or "http://127.0.0.1")["telegram"]
    try:
        if isinstance(chat, Telegram):
            _, username = await chat.me()
            return f"@{username}"
    except SendError as error:
        raise AppError(f"Telegram does not answer ({error}): check the token and the proxy.") from error
    finally:
        await chat.close()
    return ""
