"""Calls that nobody needs any more are taken back, whichever door made them superfluous."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import update

from channels import sweep
from channels.sip_voice import SipVoice
from channels.worker import Worker
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind, Message
from content.pace import Sender
from content.store import Store
from tests.channels.callee import Callee, called
from tests.content import outbox


@pytest.mark.parametrize(
    ("state", "ended", "recalled"),
    [
        (AttemptState.ACCEPTED, DeliveryState.CONFIRMED, True),
        (AttemptState.RINGING, DeliveryState.CANCELLED, True),
        (AttemptState.RINGING, DeliveryState.OPEN, False),
        (AttemptState.ANSWERED, DeliveryState.CONFIRMED, False),
    ],
)
def test_only_an_unanswered_call_of_an_ended_delivery_is_superfluous(
    store: Store, now: datetime, state: AttemptState, ended: DeliveryState, *, recalled: bool
) -> None:
    with store.begin() as session:
        outbox.resident(session, now, landlines=["+862100000099"])
        outbox.tell(session, now)
        outbox.route(session, now)
        outbox.take(session, now)
        session.execute(update(Attempt).values(state=state, provider_id="CA1"))
        session.execute(update(Delivery).values(state=ended))
        session.expire_all()
        assert bool(sweep.superfluous(session)) is recalled


async def test_a_worker_without_the_sweeps_takes_back_the_calls_it_has_dialled(
    file_store: Store, message: Message
) -> None:
    """Only this process can: the phone that rings hangs on its own line."""

    async def unkept(_request: object) -> None:
        """Keep nothing of what the call reports."""

    async def hushed(_line: object) -> bytes:
        return b""

    async with called(answers=[180]) as callee:
        voice = SipVoice(f"127.0.0.1:{callee.port}", unkept, hushed, ports=(26400, 26499))
        number = "+862100000099"
        receipt = await voice.send(number, message, "r1")
        with file_store.begin() as session:
            now = Clock().now()
            outbox.resident(session, now, landlines=[number])
            outbox.tell(session, now)
            outbox.take(session, now)
            ringing = {"state": AttemptState.RINGING, "provider_id": receipt.provider_id}
            session.execute(update(Attempt).values(sender="sip_voice", **ringing))
            session.execute(update(Delivery).values(state=DeliveryState.CONFIRMED))
        await _stopped_ringing(file_store, voice, callee)
    assert "CANCEL" in callee.methods


async def _stopped_ringing(store: Store, voice: SipVoice, callee: Callee) -> None:
    senders = (Sender("sip_voice", Kind.CALL, 1.0, 2),)
    worker = Worker(
        store, Clock(), {"sip_voice": voice}, senders, outbox.LADDERS, holds=lambda: False
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while "CANCEL" not in callee.methods:  # noqa: ASYNC110 - another one's list
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    await voice.close()
