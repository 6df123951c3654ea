"""A small town whose house is a process of its own, to be killed, beside the stand-ins."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Direction
from bot.sandbox.limits import UNLIMITED, Limits
from bot.sandbox.phones import NEVER_REPLIES, ONLY_LISTENS, READS_ONLY, Behaviour, Phone, PhoneKind
from bot.sandbox.server import Sandbox
from content.alert import Severity
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery
from content.keys import Keyring
from content.message import Kind
from content.notice import Notice
from content.people import Need
from content.store import Store
from tests import databases
from tests.content import outbox

ROOT = Path(__file__).resolve().parents[2]
ANSWER = 2
"""Seconds after which a provider is asked."""
CHILD = "from content import expansion; expansion.CHUNK = {}; from bot.cli.main import main; main()"
"""The house with an expansion in small steps."""
LADDERS = """
[wait.chat]
{times}
[wait.sms]
{times}
[wait.call]
{times}
[tries]
chat = 1
sms = 1
call = 1
[[ladder]]
name = "elderly"
needs = ["elderly"]
steps = ["call", "door"]
[[ladder]]
name = "deaf"
needs = ["deaf"]
steps = ["chat", "door"]
[[ladder]]
name = "default"
needs = []
steps = ["sms", "door"]
"""
TIMES = "\n".join(
    f'{name} = "1h"' for name in ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
)
QUIET = Behaviour(calls=(ONLY_LISTENS,), texts=(NEVER_REPLIES,), chats=(READS_ONLY,))


@dataclass
class Town:
    """A database with residents who each have one number or chat, and the stand-ins."""

    folder: Path
    store: Store
    sandbox: Sandbox
    port: int
    chunk: int = 5_000
    numbers: list[str] = field(default_factory=list)

    def people(self, count: int, kind: Kind = Kind.SMS, behaviour: Behaviour = QUIET) -> None:
        """Each has a mobile, or is old and has a landline, or is deaf and has a chat."""
        now = datetime.now(UTC)
        with self.store.begin() as session:
            for _ in range(count):
                at = len(self.numbers)
                number = {
                    Kind.SMS: f"+861380000{at:04}",
                    Kind.CALL: f"+86210001{at:04}",
                    Kind.CHAT: f"{700_000_000 + at}",
                }[kind]
                self.numbers.append(number)
                who = {
                    Kind.SMS: {"mobile": number},
                    Kind.CALL: {"landlines": [number], "needs": [Need.ELDERLY]},
                    Kind.CHAT: {"chat": number, "needs": [Need.DEAF]},
                }[kind]
                self.sandbox.phones.add(_phone(number, kind, behaviour))
                outbox.resident(session, now, room=f"3-2-{at + 101}", **who)

    def tell(self, severity: Severity = Severity.SEVERE) -> uuid.UUID:
        with self.store.begin() as session:
            return outbox.tell(session, datetime.now(UTC), severity).id

    def settings(self) -> dict[str, str]:
        return self.sandbox.settings() | {
            "database_url": self.store.url,
            "key_file": str(self.folder / "linxun.key"),
            "ladders_file": str(self.folder / "ladders.toml"),
            "port": str(self.port),
            "answer_seconds": str(ANSWER),
            "telegram_rate": "200",
            "twilio_sms_rate": "200",
            "twilio_voice_rate": "200",
            "twilio_voice_lines": "1000",
            "log_level": "ERROR",
        }

    @asynccontextmanager
    async def process(
        self, command: str = "run", **other: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """The house, or a half of it, as a process of its own, which is killed at the end."""
        settings = self.settings() | other
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LINXUN_")},
            **{f"LINXUN_{name.upper()}": value for name, value in settings.items()},
            "PYTHONPATH": str(ROOT),
        }
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CHILD.format(self.chunk), command),
            cwd=self.folder,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield running
        finally:
            if running.returncode is None:
                running.send_signal(signal.SIGKILL)
            await running.wait()

    @asynccontextmanager
    async def restarted(self, **other: str) -> AsyncIterator[App]:
        """The house once more, in this process."""
        app = App(Settings.model_validate(self.settings() | other), self.store, Clock())
        await app.start()
        try:
            yield app
        finally:
            await app.stop()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else holds the database, and nobody can write."""
        path = self.folder / "linxun.sqlite3"
        other = sqlite3.connect(path, timeout=10, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.rollback()
            other.close()

    def attempts(self) -> Counter[AttemptState]:
        with self.store.read() as session:
            rows = session.execute(select(Attempt.state, func.count()).group_by(Attempt.state))
            return Counter(dict(rows.all()))

    def heard(self) -> Counter[str]:
        """How often each number was written to or called, as the provider saw it."""
        book = self.sandbox.book
        entries = [*book.messages, *book.calls]
        return Counter(one.to for one in entries if one.direction is Direction.OUT)

    def asked(self) -> int:
        """How many requests the stand-ins are at work on."""
        return len(self.sandbox._server.server_state.tasks)

    def rows(self) -> int:
        with self.store.read() as session:
            return session.scalar(select(func.count()).select_from(Delivery)) or 0

    def growing(self) -> bool:
        """Whether somebody of an audience has no delivery yet."""
        with self.store.read() as session:
            return bool(session.scalars(select(Notice.id).where(Notice.cursor.is_not(None))).all())

    def settled(self) -> bool:
        """Whether everybody has a delivery, and a provider has taken an attempt for it."""
        with self.store.read() as session:
            rows = select(func.count()).select_from(Delivery)
            taken = rows.where(Delivery.first_at.is_not(None))
            open_ = (
                select(func.count())
                .select_from(Attempt)
                .where(Attempt.state == AttemptState.ATTEMPTING)
            )
            counts = [session.scalar(query) for query in (rows, taken, open_)]
        return counts == [len(self.numbers), len(self.numbers), 0]


@asynccontextmanager
async def opened(folder: Path, limits: Limits = UNLIMITED, url: str = "") -> AsyncIterator[Town]:
    ring = Keyring.generate()
    ring.save(folder / "linxun.key")
    (folder / "ladders.toml").write_text(LADDERS.format(times=TIMES), encoding="utf-8")
    store = databases.founded(url or f"sqlite:///{folder / 'linxun.sqlite3'}", ring)
    sandbox = await Sandbox.start(Clock(), limits=limits)
    yield Town(folder, store, sandbox, free_port())
    await sandbox.stop()
    store.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def deaf() -> Iterator[str]:
    """An address that takes connections and never reads a request."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def until(ready: Callable[[], object], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110 - another process tells us nothing
            await asyncio.sleep(0.01)


def _phone(number: str, kind: Kind, behaviour: Behaviour) -> Phone:
    if kind is Kind.CHAT:
        return Phone("某人", chat=int(number), behaviour=behaviour)
    form = PhoneKind.LANDLINE if kind is Kind.CALL else PhoneKind.MOBILE
    return Phone("某人", number, kind=form, behaviour=behaviour)
