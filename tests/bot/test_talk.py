"""Talking to the whole house: the real App and the real clients, against the stand-ins."""

from collections.abc import AsyncIterator
from typing import TypeVar

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from bot.sandbox.phones import OnCall, Phone
from content import identity, place
from content.delivery import Delivery, DeliveryState
from content.inbound import Inbound
from content.reason import Reason
from tests.bot.house import Town, lived_in
from tests.bot.street import LI, LI_CHAT, STRANGER, WANG, WATER

T = TypeVar("T")
pytestmark = pytest.mark.asyncio(loop_scope="module")
RUMOR = WATER.variants[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with lived_in(tmp_path_factory.mktemp("town")) as made:
        yield made


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
