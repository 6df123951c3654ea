"""What `linxun doctor` looks at: settings, key file, database, channels, people, how it works."""

import stat
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from bot import installed, senders, standing
from bot.config import Settings
from bot.errors import KNOWN, AppError
from bot.finding import Finding
from bot.opening import open_store
from content import duty, expansion, ladder, phrase, store, template
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
    return "只有所有者能读。 Only its owner can read it."


def _ladders(settings: Settings) -> str:
    return ", ".join(one.name for one in ladder.load(settings.ladders_file).ladders)


def _channels(settings: Settings) -> str:
    found = senders.channels(settings, settings.public_url or "http://127.0.0.1")
    if not found:
        raise AppError(
            "还没有设任何渠道，通知发不出去。 No channel is set up, and nothing goes out: set "
            "LINXUN_TELEGRAM_TOKEN, LINXUN_SIP_SERVER or the LINXUN_TWILIO_ settings."
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
    count = len(known.known)
    return f"登记了{count}条。 {count} are registered."


def _database(settings: Settings, now: datetime) -> list[Finding]:
    try:
        kept = open_store(settings)
    except KNOWN as error:
        return [Finding("database", ok=False, said=str(error))]
    try:
        return [
            Finding("database", ok=True, said="能用。 It can be used."),
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
    missing = sorted(_NEEDED - roles)
    return [
        _count("residents", residents, "位", "居民", "residents", "linxun residents import FILE"),
        Finding("staff", not missing, _missing(missing)),
        Finding("duty", on is not None, _on_duty(there=on is not None)),
        _count("facts", known, "条", "已发布的事实", "published facts", "linxun facts import FILE"),
        Finding("outbox", short == 0, _outbox(short)),
    ]


def _count(
    check: str, count: int, measure: str, chinese: str, english: str, remedy: str
) -> Finding:
    if count:
        return Finding(check, ok=True, said=f"{count}{measure}{chinese}。 {count} {english}.")
    said = f"还没有{chinese}：请运行 {remedy}。 No {english} yet: run `{remedy}`."
    return Finding(check, ok=False, said=said)


def _missing(roles: Sequence[Role]) -> str:
    if not roles:
        return "每个角色都有人。 Somebody has every role."
    chinese = "、".join(phrase.say(f"staff.role_{one}", Written.HANS) for one in roles)
    return (
        f"没有人负责{chinese}：请运行 linxun staff add 或 linxun staff roles。 Nobody is "
        f"{', '.join(roles)}: run `linxun staff add` or `linxun staff roles`."
    )


def _on_duty(*, there: bool) -> str:
    if there:
        return "有人值班。 Somebody is on duty."
    return (
        "没有人值班，求助没有人接：请运行 linxun staff duty。 Nobody is on duty, and nobody hears "
        "a cry for help: run `linxun staff duty`."
    )


def _outbox(short: int) -> str:
    if not short:
        return "没有漏掉人的通知。 No notice has left anybody out."
    return (
        f"{short}条通知漏了人，服务会在一分钟内补上。 {short} notices have left somebody out: a "
        "running service makes up for it within a minute."
    )


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
