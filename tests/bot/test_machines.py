"""Four workers on one PostgreSQL, one of them killed for good: nobody is lost, nobody told twice."""

import asyncio
import os
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from bot.leases import SWEEP
from content import expansion, lease
from content.keys import Keyring
from content.message import Kind
from content.place import Community
from content.store import Store
from tests.bot.test_crash_inbound import Provider, handled
from tests.bot.test_inbox import Desk
from tests.bot.town import ANSWER, Town, opened, until
from tests.databases import cut, fragile, server

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
        # everybody may be told before its lease ends
        await until(lambda: _sweeper(town) not in (0, dead), 60)
        for one in workers:
            if one.pid != dead:
                one.send_signal(signal.SIGTERM)
        ends = Counter(await asyncio.gather(*(one.wait() for one in workers)))
    assert ends == {0: 3, -signal.SIGKILL: 1}
    assert town.heard() == Counter(town.numbers)
    assert _sweeper(town) == 0


async def test_what_arrives_is_handled_once_and_in_order_by_two_web_processes() -> None:
    """Each reads and parses by itself; the rows say who handles an event."""
    ring, here, said = Keyring.generate(), uuid.uuid4(), 40
    with server().database() as url:
        stores = [Store(url, ring, here) for _ in range(2)]
        with stores[0].begin() as session:
            session.add(Community(community_id=here, name="幸福里社区"))
        desks = [Desk(one) for one in stores]
        for number in range(said):
            text = desks[0].text(number, f"听说{number}号楼停水了？", chat=1000 + number % 4)
            desks[number % 2].keep(text)
        inboxes = [asyncio.create_task(one.inbox.run()) for one in desks]
        await until(lambda: all(one.handled_at for one in desks[0].kept()), 60)
        for one in desks:
            one.inbox.stop()
        await asyncio.gather(*inboxes)
        heard = [one.text for one in desks[0].heard()]
        for one in desks:
            await one.chat.close()
            await one.sms.close()
            one.store.close()
    assert [text.strip("听说号楼停水了？") for text in heard] == [str(one) for one in range(said)]


async def test_workers_wait_for_a_server_that_is_gone_and_go_on(town: Town) -> None:
    town.people(30)
    async with town.process("worker"):
        await until(lambda: _sweeper(town), 120)
        town.tell()
        for _ in range(5):
            # as a server that is restarted does it
            cut(town.store)
            await asyncio.sleep(0.2)
        await until(town.settled, 90)
    assert town.heard() == Counter(town.numbers)


async def test_a_server_that_is_away_for_a_while_is_waited_for_by_all_of_the_house(
    tmp_path: Path,
) -> None:
    """Workers go on where they were, nobody is told twice, webhooks are answered and kept."""
    with fragile() as server:
        journal = tmp_path / "journal"
        async with AsyncExitStack() as running:
            town = await running.enter_async_context(opened(tmp_path, url=server.address))
            for kind in (Kind.SMS, Kind.CALL, Kind.CHAT):
                town.people(25, kind)
            slow = {f"{one}_rate": "10" for one in ("telegram", "twilio_sms", "twilio_voice")}
            children = [
                await running.enter_async_context(
                    town.process(part, journal_folder=str(journal), **slow)
                )
                for part in ("worker", "worker", "web")
            ]
            client = await running.enter_async_context(httpx.AsyncClient(timeout=30))
            provider = Provider(town, client)
            await provider.ready()
            await until(lambda: _sweeper(town), 120)
            town.tell()
            await until(lambda: len(town.heard()) >= 20, 60)
            await asyncio.to_thread(server.stop)
            for number in range(10):
                await provider.post(number)
            shelved = list(journal.glob("*.journal"))
            # past the deadline of whatever was in flight
            await asyncio.sleep(2 * ANSWER)
            await asyncio.to_thread(server.start)
            await until(town.settled, 120)
            await until(lambda: set(provider.taken) <= set(handled(town)), 120)
            await until(lambda: not list(journal.glob("*.journal")), 60)
            assert [one.returncode for one in children] == [None] * 3
            assert len(provider.taken) == 10
            assert shelved
            assert set(handled(town).values()) == {1}
            heard = town.heard()
            assert {heard[one] for one in town.numbers} == {1}
