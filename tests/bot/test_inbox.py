"""The one door: kept first, handled once in order, counted when it fails, never silent."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot import inbox
from bot.inbox import Inbox
from bot.turn import House, Say
from channels.base import Request
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from content import inbound, ladder
from content.clock import Clock
from content.inbound import Inbound
from content.store import Store
from verification import case, leftover, shelf
from verification.case import File, Heard, State

SMS = "SM" + "0" * 32
LATER = datetime(2100, 1, 1, tzinfo=UTC)


class Desk:
    """An inbox over a WAL file, with the real adapters and nobody at the other end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()
        self.chat = Telegram("7:token", username="linxun_bot")
        self.sms = TwilioSms("AC" + "0" * 32, "t" * 32, "+12025550100", "https://a.example")
        channels = {one.name: one for one in (self.chat, self.sms)}
        with store.read() as session:
            house = House(shelf.base(session), (), ladder.load(), "linxun_bot")
        self.inbox = Inbox(store, self.clock, channels, house)

    def text(self, number: int, words: str, chat: int = 1002) -> Request:
        sender = {"id": chat, "is_bot": False, "first_name": "李", "language_code": "zh-hans"}
        message = {"message_id": 1, "date": 0, "text": words, "from": sender}
        message["chat"] = {"id": chat, "type": "private"}
        return Request("", {"update_id": number, "message": message})

    def keep(self, *requests: Request) -> list[int]:
        with self.store.begin() as session:
            inbox.keep_all(session, self.chat, requests, self.clock)
        with self.store.read() as session:
            return inbound.open_ids(session, LATER)

    def heard(self) -> list[Heard]:
        with self.store.read() as session:
            return list(session.scalars(select(Heard).order_by(Heard.number)))

    def kept(self) -> list[Inbound]:
        with self.store.read() as session:
            return list(session.scalars(select(Inbound).order_by(Inbound.id)))


@pytest.fixture
async def desk(file_store: Store) -> AsyncIterator[Desk]:
    made = Desk(file_store)
    yield made
    await made.chat.close()
    await made.sms.close()


async def test_what_arrives_twice_is_handled_once(desk: Desk) -> None:
    numbers = desk.keep(desk.text(1, "小区要拆迁了"), desk.text(1, "小区要拆迁了"))
    await desk.inbox.handle(numbers)
    await desk.inbox.handle(numbers)
    assert len(desk.heard()) == 1


async def test_a_batch_is_handled_in_the_order_of_its_arrival(desk: Desk) -> None:
    texts = ("小区要拆迁了", "地铁要修到门口", "超市明天关门")
    await desk.inbox.handle(desk.keep(*(desk.text(n, t) for n, t in enumerate(texts))))
    assert [one.text for one in desk.heard()] == list(texts)


async def test_what_takes_long_is_handled_in_small_transactions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [desk.text(number, "小区要拆迁了") for number in range(4)]
    monkeypatch.setattr(inbox, "_LONG", 0.0)
    for _ in range(3):
        await desk.inbox.handle(desk.keep(*texts)[: desk.inbox.batch])
    assert desk.inbox.batch == 1
    monkeypatch.setattr(inbox, "_LONG", 3600)
    for _ in range(5):
        await desk.inbox.handle([])
    assert desk.inbox.batch == 25


async def test_one_broken_update_does_not_hold_up_the_others(desk: Desk) -> None:
    broken: dict[str, Any] = {"update_id": 1, "message": {"text": 5}}
    numbers = desk.keep(desk.text(0, "地铁要修到门口"), Request("", broken), Request("", {}))
    await desk.inbox.handle(numbers)
    assert [one.handled_at is not None for one in desk.kept()] == [True, True]
    assert len(desk.heard()) == 1


async def test_what_cannot_be_handled_is_tried_again_and_becomes_a_case(desk: Desk) -> None:
    numbers = desk.keep(desk.text(1, "地铁要修到门口"))
    judged = desk.inbox.house.base
    broken = House(None, (), desk.inbox.house.ladders)  # type: ignore[arg-type]
    desk.inbox.house = broken
    for _ in range(4):
        await desk.inbox.handle(numbers)
    assert (desk.heard(), desk.kept()[0].tries) == ([], 4)
    await desk.inbox.handle(numbers)
    assert [one.state for one in desk.heard()] == [State.WAITING]
    with desk.store.read() as session:
        assert len(case.open_cases(session)) == 1
        assert inbound.open_ids(session, LATER) == []
    assert judged is not None


class SlowFiles(Telegram):
    """A chat whose files never come."""

    async def fetch(self, file_id: str) -> bytes:
        await asyncio.Event().wait()
        return file_id.encode()


async def test_a_file_that_does_not_come_holds_up_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_PATIENCE", 0.05)
    desk.inbox.channels = {"telegram": SlowFiles("7:token")}
    photo = desk.text(1, "")
    photo.data["message"]["photo"] = [{"file_id": "f1"}]  # type: ignore[index]
    numbers = desk.keep(photo, desk.text(2, "地铁要修到门口", 1003))
    await asyncio.wait_for(desk.inbox.handle(numbers), 10)
    assert "地铁要修到门口" in [one.text for one in desk.heard()]


class Recorder(Telegram):
    """A provider that keeps what callers leave until it is told to delete it."""

    deleted = False

    async def fetch(self, file_id: str) -> bytes:
        assert not self.deleted
        return file_id.encode()

    async def forget(self, file_id: str) -> None:
        self.deleted = bool(file_id)


async def test_a_recording_outlives_a_transaction_that_fails(desk: Desk) -> None:
    line = Recorder("7:token")
    desk.inbox.channels = {"telegram": line}
    voice = desk.text(1, "")
    voice.data["message"]["voice"] = {"file_id": "f1", "duration": 3}  # type: ignore[index]
    numbers = desk.keep(voice)
    judged = desk.inbox.house
    desk.inbox.house = House(None, (), judged.ladders)  # type: ignore[arg-type]
    await desk.inbox.handle(numbers)
    desk.inbox.house = judged
    await desk.inbox.handle(numbers)
    with desk.store.read() as session:
        (file,) = session.scalars(select(File)).all()
        left = leftover.due(session, LATER)
    assert (file.content, line.deleted, len(left)) == (b"f1", False, 1)


async def test_an_error_is_kept_by_its_kind_and_never_by_its_text(desk: Desk) -> None:
    numbers = desk.keep(desk.text(1, "地铁要修到门口"))
    desk.inbox.house = House(None, (), desk.inbox.house.ladders)  # type: ignore[arg-type]
    await desk.inbox.handle(numbers)
    assert desk.kept()[0].error == "AttributeError"


async def test_an_event_of_a_channel_that_is_gone_is_laid_aside(desk: Desk) -> None:
    with desk.store.begin() as session:
        inbound.keep(session, "telex", "1", "", {"x": 1}, datetime.now(UTC))
    with desk.store.read() as session:
        numbers = inbound.open_ids(session, LATER)
    assert await desk.inbox.handle(numbers) == []
    assert desk.heard() == []


async def test_an_sms_is_heard_as_well(desk: Desk) -> None:
    form = {"MessageSid": SMS, "From": "+8613800000002", "Body": "地铁要修到门口"}
    with desk.store.begin() as session:
        inbox.keep(session, desk.sms, Request("inbound", form), desk.clock)
    with desk.store.read() as session:
        numbers = inbound.open_ids(session, LATER)
    await desk.inbox.handle(numbers)
    assert [one.channel for one in desk.heard()] == ["sms"]


async def test_what_is_said_at_once_goes_to_the_chat_it_came_from(desk: Desk) -> None:
    (spoken,) = await desk.inbox.handle(desk.keep(desk.text(1, "/start")))
    assert isinstance(spoken, Say)
    assert spoken.chat == "1002"


async def test_half_a_character_is_heard_as_a_question_mark(desk: Desk) -> None:
    half = desk.text(1, "地铁\ud800要修到门口")
    await desk.inbox.handle(desk.keep(half))
    assert [one.text for one in desk.heard()] == ["地铁?要修到门口"]
