"""What the engine does beside sending, while a provider is slow or a message is broken."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.engine import make_url

from channels.base import Abilities, Receipt
from channels.worker import Worker
from content import outcome
from content.clock import Clock
from content.delivery import Attempt, AttemptState
from content.message import Kind, Message
from content.notice import Notice, NoticeState, NoticeText
from content.pace import Sender
from content.store import Store
from tests.content import outbox
from tests.content.outbox import CHAT, SMS
from tests.databases import Databases, found


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


def _lost(store: Store, now: datetime, sender: Sender = SMS) -> str:
    with store.begin() as session:
        outbox.resident(session, now, mobile="+8613800000001", chat="" if sender is SMS else "11")
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, sender)
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
    for _ in range(2):
        await worker._settle()
    with file_store.read() as session:
        assert session.scalars(select(Attempt.state)).one() is AttemptState.UNKNOWN


async def test_who_was_held_up_by_the_database_writes_outcomes_before_they_count_as_lost(
    tmp_path: Path, now: datetime
) -> None:
    """Another process knows that the chat took it, and stands behind us in the line of writers."""
    with Databases("sqlite").store(tmp_path) as store, _beside(store) as other:
        found(store)
        ref = _lost(store, now, CHAT)
        worker = Worker(store, Clock(start=now + timedelta(minutes=1)), {}, (), outbox.LADDERS)
        with _locked(store):
            settling = asyncio.create_task(worker._settle())
            async with asyncio.timeout(30):
                while not store.usage.waits:  # noqa: ASYNC110 - the store tells nobody
                    await asyncio.sleep(0.01)
            known = asyncio.create_task(other.write(lambda s: outcome.accepted(s, ref, "7", now)))
        await asyncio.gather(settling, known)
        await worker._settle()
        assert worker.meter.settlements == {}


async def test_what_is_lost_is_settled_at_the_next_look(file_store: Store, now: datetime) -> None:
    _lost(file_store, now, CHAT)
    worker = Worker(file_store, Clock(start=now + timedelta(minutes=1)), {}, (), outbox.LADDERS)
    for _ in range(3):
        await worker._settle()
    assert worker.meter.settlements == {("telegram", AttemptState.UNKNOWN): 1}


@contextmanager
def _beside(store: Store) -> Iterator[Store]:
    """The same database, as another process has it."""
    other = Store(store.url, store.keyring, store.community_id)
    yield other
    other.close()


@contextmanager
def _locked(store: Store) -> Iterator[None]:
    with contextlib.closing(
        sqlite3.connect(str(make_url(store.url).database), isolation_level=None)
    ) as blocking:
        blocking.execute("BEGIN IMMEDIATE")
        yield
        blocking.rollback()


def _state(store: Store, notice_id: object) -> NoticeState:
    with store.read() as session:
        return session.scalars(select(Notice.state).where(Notice.id == notice_id)).one()
