"""The running house: the real App and the real clients, against the stand-ins."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Direction, Message
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import NO_ANSWER, Behaviour, Phone
from bot.sandbox.server import Sandbox
from bot.web import reading
from content.clock import Clock
from content.draft import Draft
from content.store import Store
from tests import databases
from tests.bot.street import LI, LI_CHAT, STORM, STRANGER, WANG, Street, open_street

T = TypeVar("T")


@dataclass
class Town:
    """The running house, the stand-ins, and the people's phones."""

    sandbox: Sandbox
    store: Store
    app: App
    street: Street

    @property
    def storm(self) -> Draft:
        """Return an alert that has not expired yet."""
        return replace(STORM, expires=self.app.clock.now() + timedelta(days=1))

    def phone(self, chat: str) -> Phone:
        found = self.sandbox.phones.by_chat(int(chat))
        assert found is not None
        return found

    def read(self, who: str) -> list[str]:
        return [
            one.body
            for one in self.sandbox.book.of(who)
            if isinstance(one, Message) and one.direction is Direction.OUT
        ]

    async def until(self, happened: Callable[[], T]) -> T:
        """Wait until something is true; whoever waits longer than that waits in vain."""
        end = time.monotonic() + 60
        while not (found := happened()):
            assert time.monotonic() < end, self.sandbox.book.messages[-5:]
            await asyncio.sleep(0.02)
        return found

    async def hears(self, who: str, part: str) -> str:
        """Wait until somebody has been told a text with this part."""
        return await self.until(lambda: next((t for t in self.read(who) if part in t), ""))

    def with_session(self, work: Callable[[Session], T]) -> T:
        with self.store.begin() as session:
            self.street.session = session
            self.street.now = self.app.clock.now()
            return work(session)


@asynccontextmanager
async def lived_in(folder: Path, scale: float = 60.0, **settings: object) -> AsyncIterator[Town]:
    """Run a house with its street and the stand-ins; `settings` are its own.

    However slow the machine is, callers are not asked to wait: that is another test's matter.
    """
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr(reading, "PATIENCE", 30)
        async with _lived_in(folder, scale, **settings) as town:
            yield town


@asynccontextmanager
async def _lived_in(folder: Path, scale: float, **settings: object) -> AsyncIterator[Town]:
    clock = Clock(scale)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    path = folder / "linxun.sqlite3"
    store = databases.opened(f"sqlite:///{path}")
    assert store.community_id is not None
    with store.begin() as session:
        street = open_street(session, clock.now(), store.community_id)
    for chat, number in ((LI_CHAT, LI), (STRANGER, ""), ("1998", "")):
        sandbox.phones.add(Phone("某人", number, chat=int(chat)))
    sandbox.phones.add(Phone("王奶奶", WANG, behaviour=Behaviour(calls=(NO_ANSWER,))))
    app = App(
        Settings.model_validate(
            sandbox.settings() | {"database_url": store.url, "port": 0} | settings
        ),
        store,
        clock,
    )
    sandbox.sms_webhook = f"{app.public_url}/hooks/twilio_sms/inbound"
    sandbox.voice_webhook = f"{app.public_url}/hooks/twilio_voice/inbound"
    sandbox.voice_status_webhook = f"{app.public_url}/hooks/twilio_voice/status"
    await app.start()
    yield Town(sandbox, store, app, street)
    await app.stop()
    await sandbox.stop()
    store.close()
