"""Talking to the whole house: the real App and the real clients, against the stand-ins."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Direction, Message
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import NO_ANSWER, Behaviour, OnCall, Phone
from bot.sandbox.server import Sandbox
from content import identity, place
from content.clock import Clock
from content.delivery import Delivery, DeliveryState
from content.draft import Draft
from content.inbound import Inbound
from content.reason import Reason
from content.store import Store
from tests import databases
from tests.bot.street import LI, LI_CHAT, STORM, STRANGER, WANG, WATER, Street, open_street

T = TypeVar("T")
pytestmark = pytest.mark.asyncio(loop_scope="module")
RUMOR = WATER.variants[0]


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
        end = time.monotonic() + 15
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    clock = Clock(60.0)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    path = tmp_path_factory.mktemp("town") / "linxun.sqlite3"
    store = databases.opened(f"sqlite:///{path}")
    assert store.community_id is not None
    with store.begin() as session:
        street = open_street(session, clock.now(), store.community_id)
    for chat, number in ((LI_CHAT, LI), (STRANGER, ""), ("1998", "")):
        sandbox.phones.add(Phone("某人", number, chat=int(chat)))
    sandbox.phones.add(Phone("王奶奶", WANG, behaviour=Behaviour(calls=(NO_ANSWER,))))
    app = App(
        Settings.model_validate(sandbox.settings() | {"database_url": store.url, "port": 0}),
        store,
        clock,
    )
    sandbox.sms_webhook = f"{app.public_url}/hooks/twilio_sms/inbound"
    sandbox.voice_webhook = f"{app.public_url}/hooks/twilio_voice/inbound"
    await app.start()
    yield Town(sandbox, store, app, street)
    await app.stop()
    await sandbox.stop()
    store.close()


async def test_a_rumor_is_answered_in_the_chat(town: Town) -> None:
    town.sandbox.chats.forwards(town.phone(LI_CHAT), RUMOR)
    assert (await town.hears(LI_CHAT, WATER.truth)).startswith(WATER.truth)


async def test_a_rumor_is_answered_by_sms(town: Town) -> None:
    town.sandbox.texts.says(town.phone(LI_CHAT), RUMOR, town.sandbox.numbers[0])
    assert WATER.source in await town.hears(LI, WATER.truth)


async def test_a_group_is_answered_at_check_and_the_link_goes_on_in_private(town: Town) -> None:
    group = town.sandbox.chats.add_group(-500, "邻里群", [town.phone(STRANGER)])
    town.sandbox.chats.says(town.phone(STRANGER), RUMOR, group=group)
    town.sandbox.chats.says(town.phone(STRANGER), "/check 这里要建地铁站了", group=group)
    told = await town.hears("-500", "正在核实")
    assert len(town.read("-500")) == 1
    town.sandbox.chats.starts(town.phone("1998"), told.rpartition("?start=")[2].strip())
    assert "编号" in await town.hears("1998", "请先不要转发")


async def test_five_wrong_codes_shut_the_door_for_an_hour(town: Town) -> None:
    phone = town.phone(STRANGER)
    home = town.with_session(
        lambda s: identity.building_code(s, place.find(s, "3号楼").id, town.app.clock.now())
    )  # type: ignore[union-attr]
    for _ in range(5):
        town.sandbox.chats.starts(phone, "222222")
    await town.until(lambda: sum("没有这个登记码" in one for one in town.read(STRANGER)) == 5)
    town.sandbox.chats.starts(phone, home)
    assert await town.hears(STRANGER, "登记码试得太多了")


async def test_who_calls_back_confirms_with_a_key(town: Town) -> None:
    made = town.with_session(lambda _: town.street.publish(town.storm))
    await town.until(lambda: [one for one in town.sandbox.book.calls if one.to == WANG])
    phone = town.sandbox.phones.by_number(WANG)
    assert phone is not None
    town.sandbox.calls.dials(phone, town.sandbox.numbers[1], OnCall(keys=("1",)))

    def confirmed() -> Delivery | None:
        with town.store.read() as session:
            key = (made.community_id, made.id, town.street.wang.id)
            row = session.get_one(Delivery, key)
            return row if row.state is DeliveryState.CONFIRMED else None

    assert (await town.until(confirmed)).reason is Reason.CONFIRMED_CALL_BACK
    assert [one for one in town.sandbox.book.notes if "twilio_voice" in one.where] == []


async def test_an_idle_word_by_sms_is_answered_once(town: Town) -> None:
    number = "+8613800000055"
    town.sandbox.phones.add(Phone("路人", number))
    phone = town.sandbox.phones.by_number(number)
    assert phone is not None
    for _ in range(2):
        town.sandbox.texts.says(phone, "收到", town.sandbox.numbers[0])
    await town.hears(number, "没有等您确认的通知")

    def open_events() -> bool:
        with town.store.read() as session:
            waiting = select(func.count()).where(Inbound.handled_at.is_(None))
            return session.scalar(waiting) == 0

    await town.until(open_events)
    assert len(town.read(number)) == 1
