"""The whole house calls somebody by SIP: rung, told, confirmed, and nothing left open."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import App
from bot.config import Settings
from channels import sweep
from channels.sip_voice import SipVoice
from channels.sweep import Lost
from content.alert import Severity
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind, Message, Written
from content.pace import Sender
from content.people import Need
from content.reason import Reason
from content.store import Store
from content.task import Task
from tests.channels.callee import Callee, called
from tests.content import outbox

PHONE = "+8657187654321"
OFTEN = [float(after) for after in range(4, 60, 2)]
"""A key pressed again and again until it counts."""


def settings(callee: Callee, folder: Path) -> Settings:
    given = {
        "port": 0,
        "sip_server": f"127.0.0.1:{callee.port}",
        "sip_ports": "26200-26299",
        "voice_folder": str(folder / "voice"),
    }
    return Settings.model_validate(given)


async def told(
    store: Store, callee: Callee, folder: Path, done: Callable[[Delivery], bool]
) -> None:
    """Tell an old person who has a landline only, until it stands with them as a test says."""
    now = datetime.now(UTC)
    with store.begin() as session:
        outbox.resident(session, now, "王奶奶", needs=[Need.ELDERLY], landlines=[PHONE])
        outbox.tell(session, now, Severity.SEVERE)
    house = App(settings(callee, folder), store, Clock())
    await house.start()
    try:
        async with asyncio.timeout(90):
            while not _stands(store, done):  # noqa: ASYNC110 - the rows of a running house
                await asyncio.sleep(0.1)
    finally:
        await house.stop()


def _stands(store: Store, done: Callable[[Delivery], bool]) -> bool:
    with store.read() as session:
        attempt = session.scalars(select(Attempt)).first()
        ended = attempt is not None and attempt.closed_at is not None
        return ended and done(session.scalars(select(Delivery)).one())


@pytest.mark.slow
@pytest.mark.parametrize("key", ["1", "3"])
async def test_a_key_in_a_call_by_sip_confirms(file_store: Store, tmp_path: Path, key: str) -> None:
    async with called(answers=[180, 200], keys=[(after, key) for after in OFTEN]) as callee:
        await told(file_store, callee, tmp_path, lambda one: one.state is DeliveryState.CONFIRMED)
    with file_store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
        tasks = len(session.scalars(select(Task)).all())
    assert attempt.state is AttemptState.COMPLETED
    assert tasks == (key == "3")


@pytest.mark.parametrize(("code", "reason"), [(486, Reason.BUSY), (404, Reason.NUMBER_INVALID)])
async def test_a_call_that_was_refused_confirms_nothing(
    file_store: Store, tmp_path: Path, code: int, reason: Reason
) -> None:
    async with called(answers=[180, code]) as callee:
        await told(
            file_store, callee, tmp_path, lambda one: one.state is not DeliveryState.CONFIRMED
        )
    with file_store.read() as session:
        attempt = session.scalars(select(Attempt)).first()
    assert (attempt.state, attempt.reason) == (AttemptState.FAILED, reason)


@pytest.mark.parametrize("urgent", [True, False])
async def test_a_call_of_which_a_crash_has_left_nothing_is_unknown(
    file_store: Store, urgent: bool
) -> None:
    """SIP cannot be asked: an urgent alert is said again, any other waits for its ladder."""
    sender = Sender("sip_voice", Kind.CALL, 1.0, 2)
    now = datetime.now(UTC)
    with file_store.begin() as session:
        outbox.resident(session, now, "王奶奶", landlines=[PHONE])
        outbox.tell(session, now, Severity.EXTREME if urgent else Severity.MINOR)
        (job,) = outbox.take(session, now, sender)
    message = Message(Written.HANS, chat="停水", sms="停水")
    lost = Lost(job.ref, sender.name, AttemptState.ATTEMPTING, now, PHONE, message, urgent=urgent)
    voice = SipVoice("127.0.0.1", None, None)  # type: ignore[arg-type]
    found = await sweep.settle(file_store, {sender.name: voice}, lost, Clock())
    with file_store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
        again = session.scalars(select(Delivery)).one().next_at <= Clock().now()
    assert (found, attempt.reason) == (AttemptState.UNKNOWN, Reason.OUTCOME_UNKNOWN)
    assert again is urgent
