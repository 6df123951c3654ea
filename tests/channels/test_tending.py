"""What the engine does beside sending, while a provider is slow or a message is broken."""

import asyncio
import contextlib
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from channels.base import Abilities, Receipt
from channels.worker import Worker
from content.clock import Clock
from content.delivery import Attempt, AttemptState
from content.message import Kind, Message
from content.notice import Notice, NoticeState, NoticeText
from content.store import Store
from tests.content import outbox
from tests.content.outbox import SMS


class Hanging:
    """A provider that can be asked and never answers."""

    name = "twilio_sms"
    kind = Kind.SMS
    abilities = Abilities(asks=True)

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        del to, message, since
        self.asked.set()
        await asyncio.Event().wait()
        return None


def _lost(store: Store, now: datetime) -> str:
    with store.begin() as session:
        outbox.resident(session, now, mobile="+8613800000001")
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, SMS)
    return job.ref


async def test_a_provider_that_hangs_does_not_hold_up_the_sweep(
    file_store: Store, now: datetime
) -> None:
    _lost(file_store, now)
    with file_store.begin() as session:
        over = outbox.tell(session, now, hours=0.5).id
    hanging = Hanging()
    clock = Clock(start=now + timedelta(hours=1))
    worker = Worker(file_store, clock, {"twilio_sms": hanging}, (), outbox.LADDERS)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        await hanging.asked.wait()
        while _state(file_store, over) is NoticeState.LIVE:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0.01)
    worker.stop()
    # who waits for the provider has to be broken off; on Python 3.11 a loop that waits with a
    # timeout may lose that, so the others are asked to stop first
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert _state(file_store, over) is NoticeState.EXPIRED


async def test_a_message_that_cannot_be_rendered_does_not_hold_up_the_others(
    file_store: Store, now: datetime
) -> None:
    _lost(file_store, now)
    with file_store.begin() as session:
        session.execute(delete(NoticeText))
    clock = Clock(start=now + timedelta(minutes=5))
    worker = Worker(file_store, clock, {"twilio_sms": Hanging()}, (), outbox.LADDERS)
    await worker._settle()
    with file_store.read() as session:
        assert session.scalars(select(Attempt.state)).one() is AttemptState.UNKNOWN


def _state(store: Store, notice_id: object) -> NoticeState:
    with store.read() as session:
        return session.scalars(select(Notice.state).where(Notice.id == notice_id)).one()
