"""How the house stands, for `linxun doctor`: links, what is late, sweeps, heartbeat, copies."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.config import Settings
from bot.finding import Finding
from bot.leases import ROUNDS, SWEEP
from bot.web import intake
from channels import sweep
from channels.base import Channel, SendError, Tests
from channels.telegram import Telegram
from content import gauge, guard, incident, late, lease
from content.gauge import Gauges
from content.ladder import Ladders
from content.link import LinkTest
from content.pace import Sender
from content.store import Store

_LATELY = timedelta(days=1)
_OLD = timedelta(days=7)
"""A copy older than this is hardly worth restoring."""


def of(
    kept: Store, settings: Settings, senders: Sequence[Sender], ladders: Ladders, now: datetime
) -> list[Finding]:
    """Return what the database says about how the house works."""
    with kept.read() as session:
        seen = gauge.look(session, now)
        return [
            *_running(lease.held(session, now), seen),
            *(_link(one, settings, now) for one in seen.links if one.sender in _names(senders)),
            *_late(session, senders, ladders, now),
            _sweeps(session, now),
            _inbound(seen),
            _journal(kept, settings),
            _guard(session, now),
            _heartbeat(settings),
            _metrics(settings),
            _copy(kept, seen),
        ]


async def links(channels: dict[str, Channel]) -> list[Finding]:
    """Try the way to each provider now, without telling anybody anything."""
    return [await _tried(name, one) for name, one in channels.items() if isinstance(one, Tests)]


async def _tried(name: str, channel: Tests) -> Finding:
    try:
        await channel.test()
    except SendError as error:
        said = (
            f"现在连不上（{error}）：请查令牌、网络、余额和代理。 It does not answer ({error}): "
            "check the token, the network, the balance and LINXUN_PROXY."
        )
        return Finding(name, ok=False, said=said)
    told = f" @{channel.username}" if isinstance(channel, Telegram) else ""
    return Finding(name, ok=True, said=f"现在能用。 It works now.{told}")


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was, in both languages."""
    minutes = max(0, round((now - at).total_seconds() / 60))
    for size, chinese, english in ((1440, "天", "days"), (60, "小时", "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size}{chinese}前 {minutes // size} {english} ago"
    return f"{minutes}分钟前 {minutes} minutes ago"


_STARTS = "请启动服务。 No process {}: start the service (`linxun run` or `linxun {}`)."
_SENDS = (
    "有进程在发通知。 A process sends notices.",
    f"没有进程在发通知：{_STARTS.format('sends notices', 'worker')}",
)
_HEARS = (
    "有进程在收消息。 A process takes in what people write and press.",
    f"没有进程在收消息：{_STARTS.format('takes in what people write and press', 'web')}",
)


def _running(held: set[str], seen: Gauges) -> Iterator[Finding]:
    """Say whether the service runs; that it does not is wrong where somebody waits for it."""
    for check, duty, (runs, stands), waits in (
        ("sending", SWEEP, _SENDS, seen.due),
        ("hearing", ROUNDS, _HEARS, seen.waiting),
    ):
        there = duty in held
        yield Finding(check, ok=there or not waits, said=runs if there else stands)


def _names(senders: Sequence[Sender]) -> set[str]:
    return {one.name for one in senders}


def _link(test: LinkTest, settings: Settings, now: datetime) -> Finding:
    name = f"link {test.sender}"
    if test.tested_at is None:
        return Finding(name, ok=True, said="正在测试。 It is being tested.")
    when = ago(test.tested_at, now)
    if not test.ok:
        why = " ".join(filter(None, (str(test.reason), test.code)))
        return Finding(
            name,
            ok=False,
            said=f"定时测试连续{test.failures}次没通过（{why}）。 {test.failures} tests in a row "
            f"failed ({why}); {when}: check the token, the network and the balance.",
        )
    every = timedelta(minutes=settings.link_test_minutes)
    if every and now - test.tested_at > 3 * every:
        said = "能用，但很久没测了：服务在运行吗？ It worked, but long ago: does `linxun run` run?"
        return Finding(name, ok=True, said=f"{said} {when}")
    return Finding(name, ok=True, said=f"能用。 It works. {when}, {test.milliseconds} ms")


def _late(
    session: Session, senders: Sequence[Sender], ladders: Ladders, now: datetime
) -> Iterator[Finding]:
    found = late.look(session, senders, now, ladders)
    for one in found:
        waits = ago(one.since, now)
        yield Finding(
            f"late {one.name}",
            ok=False,
            said=f"{incident.words(one, now)} {one.rows or 'Some'} notices are held up "
            f"({one.cause}) since {waits}: does `linxun run` run, and what do its log lines say?",
        )
    if not found:
        known = ", ".join(one.name for one in incident.going_on(session))
        told = f" 刚恢复：{known}。 Over since a moment: {known}." if known else ""
        yield Finding("late", ok=True, said=f"没有卡住的通知。 Nothing is held up.{told}")


def _sweeps(session: Session, now: datetime) -> Finding:
    seen, found = sweep.look(session, now), sweep.search(session, now)
    said = (
        f"过期未结{seen.overdue}，一分钟没有回执{found.silent}。 {seen.overdue} attempts past "
        f"their deadline, {found.silent} without a receipt after a minute"
    )
    if seen.overdue:
        said += ": a running worker asks the provider about them within seconds"
    return Finding("sweeps", ok=not seen.overdue, said=f"{said}.")


def _inbound(seen: Gauges) -> Finding:
    said = (
        f"待处理{seen.waiting}，一天内放弃{seen.failed}。 "
        f"{seen.waiting} events wait, {seen.failed} were given up within a day"
    )
    if seen.failed:
        said += ": the log says why (inbox.failed)"
    return Finding("inbound", ok=not seen.failed, said=f"{said}.")


def _journal(kept: Store, settings: Settings) -> Finding:
    journal = intake.beside(kept, settings.journal_folder)
    if journal is None:
        return Finding("journal", ok=True, said="内存库没有。 None beside a database in memory.")
    waiting, refused = journal.counts()
    if refused:
        said = (
            f"有{refused}个文件放不回去，请看日志。 {refused} files could not be replayed: "
            f"the log says why (intake.laid_aside); they are in {journal.folder}."
        )
        return Finding("journal", ok=False, said=said)
    if not journal.usable:
        said = (
            f"写不了{journal.folder}。 It cannot be written: webhooks are lost while the database "
            "is away; set LINXUN_JOURNAL_FOLDER."
        )
        return Finding("journal", ok=False, said=said)
    return Finding("journal", ok=True, said=f"{waiting}个文件待放回。 {waiting} files wait.")


def _guard(session: Session, now: datetime) -> Finding:
    count = guard.closed(session, now - _LATELY)
    said = (
        f"一天内对{count}个号码或群停了自动答复。 "
        f"Automatic answers to {count} numbers or chats were stopped within a day."
    )
    return Finding("loop guard", ok=True, said=said)


def _heartbeat(settings: Settings) -> Finding:
    if settings.heartbeat_url.get_secret_value():
        return Finding("heartbeat", ok=True, said="已设。 It is set.")
    said = (
        "没有设：这台机器停了没有人会知道。 Not set: nobody hears when this machine stops; "
        "set LINXUN_HEARTBEAT_URL."
    )
    return Finding("heartbeat", ok=True, said=said)


def _metrics(settings: Settings) -> Finding:
    if settings.metrics_token.get_secret_value():
        said = "凭令牌可读。 Whoever bears the token may read them."
    elif settings.public_url and not settings.metrics_port:
        said = (
            "读不到：请设令牌或单独的端口。 Nobody can read them: set LINXUN_METRICS_TOKEN or "
            "LINXUN_METRICS_PORT."
        )
    else:
        said = "只有本机可读。 This machine only."
    return Finding("metrics", ok=True, said=said)


def _copy(kept: Store, seen: Gauges) -> Finding:
    if not kept.url.startswith("sqlite"):
        return Finding("backup", ok=True, said="由 pg_dump 备份。 pg_dump copies this database.")
    if seen.backed_up is None:
        said = "还没有备份过。 No copy was ever made: run `linxun backup FILE`."
        return Finding("backup", ok=True, said=said)
    old = seen.at - seen.backed_up > _OLD
    said = "上次备份太久了。 The last copy is old" if old else "上次备份 The last copy"
    return Finding("backup", ok=not old, said=f"{said}: {ago(seen.backed_up, seen.at)}")
