"""One sender at work, on real time and a channel that counts."""

import asyncio
import itertools
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from channels.base import Abilities, Receipt
from channels.meter import Meter
from channels.sending import House, Line, Recorder, Texts
from content import closing, confirmation, outcome, pace
from content.clock import Clock
from content.message import Kind, Message
from content.notice import NoticeState
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


def _due(store: Store, now: datetime, count: int) -> None:
    """Tell so many residents something by SMS: it waits to be claimed."""
    with store.begin() as session:
        for number in range(count):
            outbox.resident(session, now, mobile=f"+86138000000{number:02d}")
        outbox.tell(session, now)
        outbox.route(session, now)


async def test_what_was_held_up_does_not_arrive_in_one_bunch(
    file_store: Store, now: datetime
) -> None:
    _due(file_store, now, 12)
    clock, meter = Clock(start=now), Meter()
    recorder = Recorder(file_store, meter)
    channel = Counting(stall=8 / RATE)
    line = Line(SMS, channel, House(file_store, clock, outbox.LADDERS, Texts(), recorder, meter))
    recording = asyncio.create_task(recorder.run())
    async with asyncio.timeout(20):
        while len(channel.at) < 12:  # noqa: ASYNC110 - the worker's loop, without the worker
            await asyncio.sleep(await line.step())
    await line.end()
    await recorder.written()
    recording.cancel()
    first, *held = channel.at[1:]
    # after one that may follow at once, each keeps its distance
    assert all(at - first > (index - 0.5) / RATE for index, at in enumerate(held))


async def test_what_comes_late_out_of_the_database_is_reserved_anew(
    file_store: Store, now: datetime
) -> None:
    _due(file_store, now, 4)
    # time stands still, so that only what we make late is late
    clock, channel = Clock(1e-6, start=now), Counting(stall=0)
    recorder = Recorder(file_store, Meter())
    line = Line(SMS, channel, House(file_store, clock, outbox.LADDERS, Texts(), recorder, Meter()))
    with file_store.begin() as session:
        jobs = line._claim(session, 4, now)[0]
    stale = [replace(job, at=job.at - timedelta(seconds=2 * SMS.slack)) for job in jobs]
    with file_store.begin() as session:
        others = pace.reserve(session, SMS, [1] * 3, now)
    anew = [job.at for job in await line._timely(stale)]
    assert await line._timely(jobs) == jobs
    assert anew[0] > others[-1]
    assert [(b - a).total_seconds() for a, b in itertools.pairwise(anew)] == pytest.approx(
        [SMS.seconds(1)] * 3, abs=1e-5
    )


class Other(Counting):
    """A provider to whose numbers another text goes, three segments long."""

    def text(self, to: str, message: Message) -> str:
        del to, message
        return "雨" * 150


async def test_what_is_really_sent_is_weighed(file_store: Store, now: datetime) -> None:
    _due(file_store, now, 1)
    sender = Sender("twilio_sms", Kind.SMS, RATE, segments=True)
    recorder = Recorder(file_store, Meter())
    house = House(file_store, Clock(start=now), outbox.LADDERS, Texts(), recorder, Meter())
    line = Line(sender, Other(stall=0), house)
    with file_store.begin() as session:
        line._claim(session, 10, now)
        free = pace.free_at(session, sender.name)
    assert free is not None
    assert (free - now).total_seconds() == pytest.approx(sender.seconds(3), abs=0.001)


@pytest.mark.parametrize("meanwhile", ["confirmed", "cancelled", "settled elsewhere", ""])
async def test_what_waited_long_for_its_turn_is_looked_at_again_before_it_is_sent(
    file_store: Store, now: datetime, meanwhile: str
) -> None:
    """A slow provider holds up what is claimed behind it: half a minute later much has changed."""
    with file_store.begin() as session:
        who = outbox.resident(session, now, mobile="+8613800000001")
        about = outbox.alert(session, now)
        made = outbox.tell(session, now, alert_id=about).id
        outbox.route(session, now)
    later, recorder = now + timedelta(minutes=1), Recorder(file_store, Meter())
    channel = Counting(stall=0)
    house = House(file_store, Clock(start=later), outbox.LADDERS, Texts(), recorder, Meter())
    line = Line(SMS, channel, house)
    with file_store.begin() as session:
        (job,), _ = line._claim(session, 10, now)
        if meanwhile == "confirmed":
            confirmation.at_door(session, made, who, outbox.SOMEBODY, later)
        elif meanwhile == "cancelled":
            closing.supersede(session, about, NoticeState.CANCELLED, later)
        elif meanwhile:
            # another process has the sweeps: to it the attempt is overdue
            outcome.never_taken(session, job.ref, later)
    await line._deliver(job)
    assert len(channel.at) == (not meanwhile)
