"""Calls that nobody needs any more are taken back, whichever door made them superfluous."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import update

from channels import sweep
from channels.base import SendError
from channels.sip_voice import SipVoice
from channels.worker import Worker
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind, Message
from content.pace import Sender
from content.reason import Reason
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


class Dialling:
    """A provider whose first answer to a recall is that it is busy."""

    name = "twilio_voice"
    kind = Kind.CALL

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def cancel(self, provider_id: str) -> bool:
        self.asked.append(provider_id)
        if len(self.asked) == 1:
            raise SendError(Reason.RATE_LIMITED, retry_after=1)
        return True


async def test_a_recall_that_failed_is_tried_again_and_then_done_with() -> None:
    provider, tried = Dialling(), set[str]()
    done = [
        await sweep.recall([("twilio_voice", "CA1")], {"twilio_voice": provider}, tried)
        for _ in range(3)
    ]
    assert done == [False, True, True]
    assert provider.asked == ["CA1", "CA1"]


async def test_who_was_recalled_is_forgotten_once_the_call_is_over() -> None:
    """A worker runs for months."""
    provider, tried = Dialling(), {"CA0"}
    await sweep.recall([("twilio_voice", "CA0")], {"twilio_voice": provider}, tried)
    assert (provider.asked, tried) == ([], {"CA0"})
    await sweep.recall([], {"twilio_voice": provider}, tried)
    assert tried == set()
