"""What `linxun doctor` looks at: settings, key file, database, channels, people, how it works."""

import stat
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select

from bot import installed, senders, standing
from bot.config import Settings
from bot.errors import KNOWN, AppError
from bot.finding import Finding
from bot.opening import open_store
from content import duty, expansion, ladder, store, template
from content.clock import Clock
from content.keys import KeyFileError, Keyring
from content.message import Written
from content.people import Resident
from content.staff import Role, StaffRole
from content.store import Store
from verification.fact import Fact, FactState

_NEEDED = {Role.AUTHOR, Role.VERIFIER, Role.PUBLISHER, Role.EXPERT}
_NOBODY_ELSE = 0o077


async def everything(settings: Settings, now: datetime, *, online: bool) -> list[Finding]:
    """Run every check; a later one that needs a failed one is left out."""
    found = [
        _try("packages", _packages),
        _try("key file", lambda: _key_file(settings)),
        _try("ladders", lambda: _ladders(settings)),
        _try("channels", lambda: _channels(settings)),
        _try("SMS texts", lambda: _texts(settings)),
        *_database(settings, now),
    ]
    return found + (await _links(settings) if online else [])


def _try(check: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(check, ok=True, said=ask())
    except KNOWN as error:
        return Finding(check, ok=False, said=str(error))


def _packages() -> str:
    installed.check()
    return f"linxun {installed.version()}"


def _key_file(settings: Settings) -> str:
    Keyring.load(settings.key_file)
    if stat.S_IMODE(settings.key_file.stat().st_mode) & _NOBODY_ELSE:
        raise KeyFileError(f"Others can read {settings.key_file}: run chmod 600 on it.")
    return "only its owner can read it"


def _ladders(settings: Settings) -> str:
    return ", ".join(one.name for one in ladder.load(settings.ladders_file).ladders)


def _channels(settings: Settings) -> str:
    found = senders.channels(settings, settings.public_url or "http://127.0.0.1")
    if not found:
        raise AppError(
            "No channel is set up: set LINXUN_TELEGRAM_TOKEN, LINXUN_SIP_SERVER or the "
            "LINXUN_TWILIO_ settings."
        )
    return ", ".join(found)


def _texts(settings: Settings) -> str:
    """Say what is registered; every kind of notice to those numbers needs a text in Chinese."""
    known = senders.texting(settings).templates
    missing = sorted(
        notice
        for notice in template.NOTICES - {"contact"}
        if not any(notice in one.notices and one.language is Written.HANS for one in known.known)
    )
    if known.required and missing:
        raise AppError(
            f"No registered SMS text in zh-Hans is for {', '.join(missing)}: "
            f"numbers that begin with {', '.join(known.required)} get no such SMS."
        )
    return f"{len(known.known)} registered" if known.known else "none registered"


def _database(settings: Settings, now: datetime) -> list[Finding]:
    try:
        kept = open_store(settings)
    except KNOWN as error:
        return [Finding("database", ok=False, said=str(error))]
    try:
        return [
            Finding("database", ok=True, said="migrated"),
            *_contents(kept, now),
            *_standing(kept, settings, now),
        ]
    finally:
        kept.close()


def _contents(kept: Store, now: datetime) -> list[Finding]:
    with kept.read() as session:
        here = store.community(session)
        living = (Resident.community_id == here) & Resident.erased_at.is_(None)
        residents = session.scalar(select(func.count()).where(living)) or 0
        roles = set(session.scalars(select(StaffRole.role).where(StaffRole.community_id == here)))
        answers = (Fact.community_id == here) & (Fact.state == FactState.PUBLISHED)
        known = session.scalar(select(func.count()).where(answers)) or 0
        on = duty.current(session, now)
        short = len(expansion.short(session, now))
    missing = ", ".join(sorted(_NEEDED - roles))
    return [
        Finding("residents", residents > 0, f"{residents} residents"),
        Finding("staff", not missing, f"nobody is {missing}" if missing else "every role"),
        Finding("duty", on is not None, "somebody is on duty" if on else "nobody is on duty"),
        Finding("facts", known > 0, f"{known} published facts"),
        Finding("outbox", short == 0, f"{short} notices short of their audience"),
    ]


def _standing(kept: Store, settings: Settings, now: datetime) -> list[Finding]:
    try:
        opened = senders.channels(settings, settings.public_url or "http://127.0.0.1")
        limits = senders.limits(settings, opened, Clock())
        return standing.of(kept, settings, limits, ladder.load(settings.ladders_file), now)
    except KNOWN:
        # what is wrong with the channels or the ladders has been said
        return []


async def _links(settings: Settings) -> list[Finding]:
    try:
        opened = senders.channels(settings, settings.public_url or "http://127.0.0.1")
    except KNOWN:
        return []
    try:
        return await standing.links(opened)
    finally:
        for one in opened.values():
            await one.close()
