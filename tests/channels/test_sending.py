"""One sender at work, on real time and a channel that counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from channels.base import Abilities, Receipt
from channels.meter import Meter
from channels.sending import House, Line, Recorder, Texts
from content.clock import Clock
from content.message import Kind, Message
from content.pace import Sender
from content.store import Store
from tests.content import outbox

RATE = 20.0
SMS = Sender("twilio_sms", Kind.SMS, RATE)


class Counting:
    """A provider that takes everything; the first request holds up the whole process."""

    name = "twilio_sms"
    kind = Kind.SMS
    abilities = Abilities()

    def __init__(self, stall: float) -> None:
        self.stall = stall
        self.at: list[float] = []

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        del to, message
        self.at.append(time.monotonic())
        if len(self.at) == 1:
            time.sleep(self.stall)  # noqa: ASYNC251 - that is the point
        return Receipt(ref)


@asynccontextmanager
async def _lines(
    store: Store, now: datetime, count: int, people: int, stall: float
) -> AsyncIterator[tuple[list[Line], Counting]]:
    """So many workers' lines to one provider, and people for them to tell."""
    with store.begin() as session:
        for number in range(people):
            outbox.resident(session, now, mobile=f"+86138000000{number:02d}")
        outbox.tell(session, now)
        outbox.route(session, now)
    clock, meter, channel = Clock(start=now), Meter(), Counting(stall)
    recorder = Recorder(store, meter)
    house = House(store, clock, outbox.LADDERS, Texts(), recorder, meter)
    lines = [Line(SMS, channel, house) for _ in range(count)]
    recording = asyncio.create_task(recorder.run())
    yield lines, channel
    for line in lines:
        await line.end()
    await recorder.written()
    recording.cancel()


async def _work(line: Line, channel: Counting, people: int) -> None:
    async with asyncio.timeout(30):
        while len(channel.at) < people:  # noqa: ASYNC110 - the worker's loop, without the worker
            await asyncio.sleep(min(0.1, await line.step()))


async def test_what_was_held_up_does_not_arrive_in_one_bunch(
    file_store: Store, now: datetime
) -> None:
    async with _lines(file_store, now, 1, 12, 8 / RATE) as ((line,), channel):
        await _work(line, channel, 12)
    first, *held = channel.at[1:]
    # after one that may follow at once, each keeps its distance
    assert all(at - first > (index - 0.5) / RATE for index, at in enumerate(held))


async def test_workers_that_were_held_up_keep_the_limit_together(
    file_store: Store, now: datetime
) -> None:
    async with _lines(file_store, now, 3, 30, 16 / RATE) as (lines, channel):
        await asyncio.gather(*(_work(line, channel, 30) for line in lines))
    held = channel.at[1:]
    # one more for each of them, whose start was due just then
    most = RATE / 2 + 1 + len(lines)
    assert all(sum(at <= other < at + 0.5 for other in held) <= most for at in held)
