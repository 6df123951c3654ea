"""T2: the house is killed at its worst moments; nobody is told twice, nobody is lost."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.sandbox.phones import Phone
from content import expansion
from content.alert import Severity
from content.delivery import AttemptState, Delivery
from content.inbound import Inbound
from content.message import Kind
from tests.bot.town import ANSWER, Town, deaf, free_port, opened, until

KINDS = [Kind.SMS, Kind.CALL]
"""What can be asked what became of a request."""


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with opened(tmp_path) as made:
        yield made


async def restarted(town: Town) -> Counter[str]:
    """Start the house again until everything is settled; how often each number was told."""
    async with town.restarted():
        await until(town.settled)
    return town.heard()


@pytest.mark.slow
async def test_nobody_is_told_twice_after_a_crash_before_our_commit(town: Town) -> None:
    """The provider has the messages, its answers never arrive."""
    town.people(12)
    town.tell()
    town.sandbox.faults.twilio.lag = 60
    async with town.process():
        await until(lambda: len(town.heard()) == len(town.numbers))
    town.sandbox.faults.twilio.lag = 0
    assert town.attempts() == {AttemptState.ATTEMPTING: len(town.numbers)}
    # the receipts of the first run have no house to come to
    town.port = free_port()
    await asyncio.sleep(ANSWER)
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_after_the_claim(town: Town, kind: Kind) -> None:
    """The intent is committed, and the provider never reads of it."""
    town.people(8, kind)
    town.tell()
    with deaf() as nobody:
        async with town.process(twilio_api_url=nobody):
            await until(lambda: town.attempts()[AttemptState.ATTEMPTING] == len(town.numbers))
    assert not town.heard()
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("comes", [False, True], ids=["to nothing", "through"])
async def test_during_the_request(town: Town, kind: Kind, comes: bool) -> None:
    """The provider has read the request, and takes it when we are gone, or does not."""
    town.people(8, kind)
    town.tell()
    fault = town.sandbox.faults.twilio
    fault.latency, fault.errors = 1.5, 0 if comes else len(town.numbers)
    async with town.process():
        # one more is the poll for what is written in chats
        await until(lambda: town.asked() > len(town.numbers))
        assert not town.heard()
    await asyncio.sleep(fault.latency)
    fault.latency = fault.errors = 0
    assert len(town.heard()) == (len(town.numbers) if comes else 0)
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("receipts", [False, True], ids=["asked", "by receipt"])
async def test_after_the_provider_took_it(town: Town, kind: Kind, receipts: bool) -> None:
    town.people(12, kind)
    town.tell()
    town.sandbox.faults.twilio.lag = 60
    async with town.process():
        await until(lambda: len(town.heard()) >= 5)
    town.sandbox.faults.twilio.lag = 0
    if not receipts:
        town.port = free_port()
    await asyncio.sleep(ANSWER)
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_before_the_outcome_is_committed(town: Town, kind: Kind) -> None:
    """Every answer has arrived, and nothing can be written."""
    town.people(8, kind)
    town.tell()
    town.sandbox.faults.twilio.latency = 0.7
    async with town.process():
        await until(lambda: town.attempts()[AttemptState.ATTEMPTING] == len(town.numbers))
        with town.locked():
            await until(lambda: len(town.heard()) == len(town.numbers))
            await asyncio.sleep(0.3)
            assert town.attempts() == {AttemptState.ATTEMPTING: len(town.numbers)}
            town.port = free_port()
    town.sandbox.faults.twilio.latency = 0
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
async def test_in_the_middle_of_an_expansion(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.people(200)
    # hundreds of steps: it is killed at once after the first, with nothing to wait for in between
    town.chunk = 1
    with monkeypatch.context() as small:
        small.setattr(expansion, "CHUNK", town.chunk)
        town.tell()
    async with town.process():
        await until(lambda: town.rows() > town.chunk)
    assert town.growing()
    assert town.chunk < town.rows() < len(town.numbers)
    await asyncio.sleep(ANSWER)
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
async def test_while_the_database_is_locked(town: Town) -> None:
    """It is killed while it waits for the lock, and starts again before the lock is gone."""
    town.people(6)
    town.people(6, Kind.CALL)
    town.tell()
    town.sandbox.faults.twilio.lag = 0.5
    async with town.process():
        await until(lambda: len(town.heard()) >= 3)
        other = town.locked()
        other.__enter__()
        await asyncio.sleep(1)
    async with town.process():
        await asyncio.sleep(2)
        other.__exit__(None, None, None)
        await until(town.settled)
    assert town.heard() == Counter(town.numbers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("severity", "times"), [(Severity.EXTREME, 2), (Severity.MODERATE, 1)], ids=["urgent", "mild"]
)
async def test_where_nobody_can_be_asked_only_the_urgent_is_said_again(
    town: Town, severity: Severity, times: int
) -> None:
    """A chat doubles at most what was in flight at the kill."""
    town.people(6, Kind.CHAT)
    town.tell(severity)
    town.sandbox.faults.telegram.lag = 60
    async with town.process():
        await until(lambda: len(town.heard()) == len(town.numbers))
    town.sandbox.faults.telegram.lag = 0
    async with town.restarted():
        await until(lambda: not town.attempts()[AttemptState.ATTEMPTING])
        await asyncio.sleep(0.5)
    assert set(town.heard().values()) == {times}
    assert town.attempts()[AttemptState.UNKNOWN] == len(town.numbers)


@pytest.mark.slow
async def test_a_house_that_is_killed_again_and_again_tells_everybody_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.people(60)
    town.people(40, Kind.CALL)
    town.chunk = 11
    with monkeypatch.context() as small:
        small.setattr(expansion, "CHUNK", town.chunk)
        town.tell()
    town.sandbox.faults.twilio.lag = 0.3
    chance = random.Random(20260720)  # noqa: S311 - when to be killed
    for _ in range(4):
        async with town.process():
            heard = len(town.heard())
            await until(lambda before=heard: len(town.heard()) > before or town.settled())
            await asyncio.sleep(chance.uniform(0, 0.4))
    await asyncio.sleep(ANSWER)
    assert await restarted(town) == Counter(town.numbers)


@pytest.mark.slow
async def test_what_people_write_is_handled_once_although_the_house_is_killed(town: Town) -> None:
    chats = list(range(5_000, 5_120))
    for chat in chats:
        phone = town.sandbox.phones.add(Phone("某人", chat=chat))
        town.sandbox.chats.says(phone, f"听说{chat}号线的公交车今天起停运了，是真的吗？")

    def handled(done: bool) -> int:
        with town.store.read() as session:
            some = Inbound.handled_at.is_not(None) if done else Inbound.handled_at.is_(None)
            return session.scalar(select(func.count()).select_from(Inbound).where(some)) or 0

    async with town.process():
        await until(lambda: handled(done=True) > 0)
    waiting = handled(done=False)
    async with town.restarted():
        await until(lambda: handled(done=True) == len(chats))
    with town.store.read() as session:
        told = session.execute(
            select(Delivery.recipient_id, func.count()).group_by(Delivery.recipient_id)
        ).all()
    assert waiting > 0
    assert [count for _, count in told] == [1] * len(chats)
