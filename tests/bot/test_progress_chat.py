"""The progress message in a chat: it edits itself, rarely, survives errors, and ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest

from bot.commands import progress
from bot.inbox import Inbox
from bot.sandbox.book import Message
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from bot.turn import Follow, Glance, House
from channels.telegram import Telegram
from content import confirmation, ladder
from content.clock import Clock
from content.store import Store
from tests.content import outbox
from verification import shelf

STAFF = 501
LEAST = 0.05


@dataclass
class Desk:
    """A notice to two residents with no number, and the chat of who follows it."""

    store: Store
    sandbox: Sandbox
    chat: Telegram
    clock: Clock
    notice: UUID
    who: list[UUID]
    phone: Phone

    def follow(self) -> asyncio.Task[None]:
        what = Follow(str(STAFF), "A1", self.notice)
        return asyncio.create_task(
            progress.follow(self.store, self.clock, self.chat, what, least=LEAST)
        )

    def shown(self) -> list[Message]:
        return self.sandbox.book.texts(str(STAFF))

    def visit(self, who: UUID) -> None:
        with self.store.begin() as session:
            now = self.clock.now()
            confirmation.at_door(session, self.notice, who, outbox.SOMEBODY, now)


@pytest.fixture
async def desk(file_store: Store) -> AsyncIterator[Desk]:
    clock = Clock(500.0)
    with file_store.begin() as session:
        now: datetime = clock.now()
        who = [outbox.resident(session, now, chat=str(at)) for at in (11, 12)]
        made = outbox.tell(session, now, hours=500)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    phone = Phone("陆建国", chat=STAFF)
    sandbox.phones.add(phone)
    chat = Telegram(sandbox.telegram_token, base_url=sandbox.telegram_base_url)
    yield Desk(file_store, sandbox, chat, clock, made.id, who, phone)
    await chat.close()
    await sandbox.stop()


async def _until(true: object) -> None:
    for _ in range(400):
        if true():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


async def test_it_edits_one_message_only_when_something_changed_and_ends(desk: Desk) -> None:
    task = desk.follow()
    await _until(desk.shown)
    await asyncio.sleep(5 * LEAST)
    assert desk.shown()[0].edits == 0
    for one in desk.who:
        desk.visit(one)
    await asyncio.wait_for(task, 20)
    (only,) = desk.shown()
    assert "2/2人收到" in only.body
    assert "已经结束" in only.body
    assert 1 <= only.edits <= 2
    assert desk.sandbox.book.refusals == {}


async def test_it_survives_a_telegram_that_fails_for_a_while(desk: Desk) -> None:
    desk.sandbox.faults.telegram.errors = 2
    task = desk.follow()
    await _until(desk.shown)
    desk.sandbox.faults.telegram.errors = 1
    for one in desk.who:
        desk.visit(one)
    await asyncio.wait_for(task, 20)
    assert "2/2人收到" in desk.shown()[0].body


async def test_it_stops_where_the_chat_cannot_be_written_to(desk: Desk) -> None:
    desk.phone.blocked = True
    await asyncio.wait_for(desk.follow(), 20)
    assert desk.shown() == []


async def test_a_glance_is_answered_once_and_in_one_message(desk: Desk) -> None:
    with desk.store.read() as session:
        house = House(shelf.base(session), (), ladder.load())
    door = Inbox(desk.store, desk.clock, {desk.chat.name: desk.chat}, house)
    await door._perform(Glance(str(STAFF), (("A1", desk.notice),)))
    (only,) = desk.shown()
    assert only.body.startswith("A1：0/2人收到")
    assert "还没轮到：2人" in only.body
