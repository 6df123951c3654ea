"""T2: the house is killed at its worst moments; nobody is told twice, nobody is lost."""

import asyncio
import os
import random
import signal
import socket
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Direction
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import NEVER_REPLIES, ONLY_LISTENS, Behaviour, Phone, PhoneKind
from bot.sandbox.server import Sandbox
from content import expansion
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery
from content.inbound import Inbound
from content.keys import Keyring
from content.people import Need
from content.place import Community
from content.store import Store
from tests.content import outbox

ROOT = Path(__file__).resolve().parents[2]
ANSWER = 2
"""Seconds after which a provider is asked."""
LADDERS = """
[wait.sms]
{times}
[wait.call]
{times}
[tries]
sms = 1
call = 1
[[ladder]]
name = "elderly"
needs = ["elderly"]
steps = ["call", "door"]
[[ladder]]
name = "default"
needs = []
steps = ["sms", "door"]
"""
TIMES = "\n".join(
    f'{name} = "1h"' for name in ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
)


@dataclass
class Town:
    """A database with residents who each have one number, and the providers' stand-ins."""

    folder: Path
    store: Store
    sandbox: Sandbox
    port: int
    numbers: list[str] = field(default_factory=list)

    def people(self, count: int, *, elderly: bool = False) -> None:
        """Each has a mobile, or is old and has a landline; nobody ever confirms."""
        now = datetime.now(UTC)
        with self.store.begin() as session:
            for _ in range(count):
                at = len(self.numbers)
                number = f"+86210001{at:04}" if elderly else f"+861380000{at:04}"
                self.numbers.append(number)
                quiet = Behaviour(calls=(ONLY_LISTENS,), texts=(NEVER_REPLIES,))
                kind = PhoneKind.LANDLINE if elderly else PhoneKind.MOBILE
                self.sandbox.phones.add(Phone("某人", number, kind=kind, behaviour=quiet))
                outbox.resident(
                    session,
                    now,
                    room=f"3-2-{at + 101}",
                    needs=[Need.ELDERLY] if elderly else [],
                    **({"landlines": [number]} if elderly else {"mobile": number}),
                )

    def tell(self) -> uuid.UUID:
        with self.store.begin() as session:
            return outbox.tell(session, datetime.now(UTC)).id

    def settings(self) -> dict[str, str]:
        return {
            "database_url": self.store.url,
            "key_file": str(self.folder / "linxun.key"),
            "ladders_file": str(self.folder / "ladders.toml"),
            "port": str(self.port),
            "answer_seconds": str(ANSWER),
            "telegram_token": self.sandbox.telegram_token,
            "telegram_api_url": self.sandbox.telegram_base_url,
            "telegram_file_url": self.sandbox.telegram_file_url,
            "twilio_account_sid": self.sandbox.account_sid,
            "twilio_auth_token": self.sandbox.auth_token,
            "twilio_api_url": self.sandbox.twilio_url,
            "twilio_sms_from": self.sandbox.numbers[0],
            "twilio_sms_rate": "200",
            "twilio_voice_from": self.sandbox.numbers[1],
            "twilio_voice_rate": "200",
            "twilio_voice_lines": "100",
            "log_level": "ERROR",
        }

    @asynccontextmanager
    async def process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The house as a process of its own, which is killed at the end."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LINXUN_")},
            **{f"LINXUN_{name.upper()}": value for name, value in self.settings().items()},
            "PYTHONPATH": str(ROOT),
        }
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
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
    async def restarted(self) -> AsyncIterator[App]:
        """The house once more, in this process."""
        app = App(Settings.model_validate(self.settings()), self.store, Clock())
        await app.start()
        try:
            yield app
        finally:
            await app.stop()

    def attempts(self) -> Counter[AttemptState]:
        with self.store.read() as session:
            rows = session.execute(select(Attempt.state, func.count()).group_by(Attempt.state))
            return Counter(dict(rows.all()))

    def heard(self) -> Counter[str]:
        """How often each number was written to or called, as the provider saw it."""
        book = self.sandbox.book
        entries = [*book.messages, *book.calls]
        return Counter(one.to for one in entries if one.direction is Direction.OUT)

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


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    ring = Keyring.generate()
    ring.save(tmp_path / "linxun.key")
    (tmp_path / "ladders.toml").write_text(LADDERS.format(times=TIMES), encoding="utf-8")
    store = Store(f"sqlite:///{tmp_path / 'linxun.sqlite3'}", ring, uuid.uuid4())
    store.migrate()
    with store.begin() as session:
        session.add(Community(community_id=store.community_id, name="幸福里社区"))
    sandbox = await Sandbox.start(Clock(), limits=UNLIMITED)
    yield Town(tmp_path, store, sandbox, _free_port())
    await sandbox.stop()
    store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(ready: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110 - another process tells us nothing
            await asyncio.sleep(0.01)


async def test_nobody_is_told_twice_after_a_crash_before_our_commit(town: Town) -> None:
    """The provider has the messages, its answers never arrive."""
    town.people(12)
    town.tell()
    town.sandbox.faults.twilio.lag = 60
    async with town.process():
        await until(lambda: len(town.heard()) == len(town.numbers))
    town.sandbox.faults.twilio.lag = 0
    assert town.attempts() == {AttemptState.ATTEMPTING: len(town.numbers)}
    # the receipts of the first run have no house to come to
    town.port = _free_port()
    await asyncio.sleep(ANSWER)
    async with town.restarted():
        await until(town.settled)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("elderly", [False, True], ids=["sms", "call"])
@pytest.mark.parametrize("receipts", [False, True], ids=["asked", "by receipt"])
async def test_nobody_is_told_twice_whatever_tells_the_outcome(
    town: Town, elderly: bool, receipts: bool
) -> None:
    town.people(12, elderly=elderly)
    town.tell()
    town.sandbox.faults.twilio.lag = 60
    async with town.process():
        await until(lambda: len(town.heard()) >= 5)
    town.sandbox.faults.twilio.lag = 0
    if not receipts:
        town.port = _free_port()
    await asyncio.sleep(ANSWER)
    async with town.restarted():
        await until(town.settled)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("elderly", [False, True], ids=["sms", "call"])
async def test_nobody_is_lost_after_a_crash_before_the_provider_took_it(
    town: Town, elderly: bool
) -> None:
    """The intent is committed, the request came to nothing."""
    town.people(8, elderly=elderly)
    town.tell()
    fault = town.sandbox.faults.twilio
    fault.latency, fault.errors = 1.0, len(town.numbers)
    async with town.process():
        await until(lambda: town.attempts()[AttemptState.ATTEMPTING] == len(town.numbers))
    # what is on its way comes to nothing
    await asyncio.sleep(fault.latency)
    fault.latency = fault.errors = 0
    assert not town.heard()
    async with town.restarted():
        await until(town.settled)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
async def test_an_expansion_goes_on_after_a_crash(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.people(30)
    with monkeypatch.context() as small:
        small.setattr(expansion, "CHUNK", 7)
        town.tell()
    async with town.process():
        await until(lambda: len(town.heard()) >= 1)
    await asyncio.sleep(ANSWER)
    async with town.restarted():
        await until(town.settled)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
async def test_a_house_that_is_killed_again_and_again_tells_everybody_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.people(60)
    town.people(40, elderly=True)
    with monkeypatch.context() as small:
        small.setattr(expansion, "CHUNK", 11)
        town.tell()
    town.sandbox.faults.twilio.lag = 0.3
    chance = random.Random(20260720)  # noqa: S311 - when to be killed
    for _ in range(4):
        async with town.process():
            heard = len(town.heard())
            await until(lambda before=heard: len(town.heard()) > before or town.settled())
            await asyncio.sleep(chance.uniform(0, 0.4))
    await asyncio.sleep(ANSWER)
    async with town.restarted():
        await until(town.settled, 60)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
async def test_what_people_write_is_handled_once_although_the_house_is_killed(town: Town) -> None:
    chats = list(range(5_000, 5_120))
    for chat in chats:
        phone = town.sandbox.phones.add(Phone("某人", chat=chat))
        town.sandbox.chats.says(phone, f"听说{chat}号线的公交车今天起停运了，是真的吗？")

    def handled(done: bool) -> int:
        with town.store.read() as session:
            some = Inbound.handled_at.is_not(None) if done else Inbound.handled_at.is_(None)
            return session.scalar(select(func.count()).select_from(Inbound).where(some)) or 0

    async with town.process():
        await until(lambda: handled(done=True) > 0)
    waiting = handled(done=False)
    async with town.restarted():
        await until(lambda: handled(done=True) == len(chats))
    with town.store.read() as session:
        told = session.execute(
            select(Delivery.recipient_id, func.count()).group_by(Delivery.recipient_id)
        ).all()
    assert waiting > 0
    assert [count for _, count in told] == [1] * len(chats)
