"""Four workers on one PostgreSQL, one of them killed for good: nobody is lost, nobody told twice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.leases import SWEEP
from content import expansion, lease
from content.message import Kind
from tests.bot.town import Town, opened, until
from tests.databases import server

pytestmark = pytest.mark.slow


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    with server().database() as url:
        async with opened(tmp_path, url=url) as made:
            yield made


def _sweeper(town: Town) -> int:
    """The process that has the sweeps; 0: nobody has."""
    with town.store.read() as session:
        holder = lease.holders(session).get(SWEEP, "")
    return int(holder.split(":")[1]) if holder else 0


async def test_four_workers_of_which_one_is_killed_tell_everybody_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 23)
    town.chunk = 23
    town.people(150)
    town.people(50, Kind.CALL)
    async with AsyncExitStack() as running:
        workers = [await running.enter_async_context(town.process("worker")) for _ in range(4)]
        await until(lambda: _sweeper(town), 120)
        town.sandbox.faults.twilio.lag = 1.0
        town.tell()
        await until(lambda: len(town.heard()) >= 20, 60)
        # the one with the lease, whose requests in flight nobody will record
        dead = _sweeper(town)
        os.kill(dead, signal.SIGKILL)
        town.sandbox.faults.twilio.lag = 0
        await until(town.settled, 90)
        assert _sweeper(town) not in (0, dead)
        for one in workers:
            if one.pid != dead:
                one.send_signal(signal.SIGTERM)
        ends = Counter(await asyncio.gather(*(one.wait() for one in workers)))
    assert ends == {0: 3, -signal.SIGKILL: 1}
    assert town.heard() == Counter(town.numbers)
    assert _sweeper(town) == 0
