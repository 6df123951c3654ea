"""What a restored copy does: nobody is told again who had been told, what was open is asked for."""

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from channels.base import Channel
from channels.worker import Worker
from content import backup, compose, outcome
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind
from content.pace import Sender
from content.store import Store
from tests.content import outbox

CHATS = ("8001", "8002")
NUMBER = "+8613800000001"
SENDERS = (Sender("telegram", Kind.CHAT, 1000.0), Sender("twilio_sms", Kind.SMS, 1000.0))


@pytest.fixture(autouse=True)
def _phones(sandbox: Sandbox) -> None:
    for chat in CHATS:
        sandbox.phones.add(Phone(f"居民{chat}", f"+861390000{chat}", chat=int(chat)))


async def _told_in_part(store: Store, clock: Clock, adapters: dict[str, Channel]) -> None:
    """One was told, one was sent an SMS whose outcome nobody wrote down, one waits."""
    with store.begin() as session:
        outbox.resident(session, clock.now(), chat=CHATS[0])
        outbox.resident(session, clock.now(), mobile=NUMBER)
        outbox.tell(session, clock.now(), confirms=False)
        jobs = outbox.take(session, clock.now() + timedelta(seconds=1), *SENDERS)
        texts = {job.ref: compose.message(session, compose.reader(job)) for job in jobs}
    for job in jobs:
        sent = await adapters[job.sender].send(job.to, texts[job.ref], job.ref)
        if job.kind is Kind.CHAT:
            with store.begin() as session:
                outcome.accepted(session, job.ref, sent.provider_id, clock.now())
    with store.begin() as session:
        outbox.resident(session, clock.now(), chat=CHATS[1], room="9-1-101")
        outbox.tell(session, clock.now(), confirms=False)


def _open(store: Store) -> int:
    with store.read() as session:
        flying = select(Attempt.id).where(Attempt.state == AttemptState.ATTEMPTING)
        waiting = select(Delivery.notice_id).where(Delivery.state == DeliveryState.OPEN)
        return len(session.scalars(flying).all()) + len(session.scalars(waiting).all())


async def test_after_a_restore_the_house_goes_on_where_the_copy_was_made(
    file_store: Store, sandbox: Sandbox, adapters: dict[str, Channel], tmp_path: Path
) -> None:
    clock = sandbox.stage.clock
    await _told_in_part(file_store, clock, adapters)
    before = [(one.kind, one.to) for one in sandbox.book.messages]
    copy = tmp_path / "copy.sqlite3"
    backup.make(file_store.url, copy)
    restored = Store(f"sqlite:///{copy}", file_store.keyring, file_store.community_id)
    restored.migrate()
    worker = Worker(restored, clock, adapters, SENDERS, outbox.LADDERS)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(60):
        while _open(restored):  # noqa: ASYNC110 - what is waited for stands in the database
            await asyncio.sleep(0.05)
    worker.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    restored.close()
    assert len(before) == 2
    # of the first notice nobody hears again; all three hear the second
    assert len(sandbox.book.messages) == len(before) + 3
