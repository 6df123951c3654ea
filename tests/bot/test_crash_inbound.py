"""The house is killed while something arrives: what was answered is handled once, the rest again."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from bot.sandbox.phones import Phone
from bot.web.intake import FOLDER
from tests.bot.town import Town, opened, until
from verification.case import Heard


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with opened(tmp_path) as made:
        yield made


class Provider:
    """Posts SMS as Twilio does, and knows which of them were taken."""

    def __init__(self, town: Town, client: httpx.AsyncClient) -> None:
        self.town = town
        self.client = client
        self.taken: list[str] = []

    async def ready(self) -> None:
        async with asyncio.timeout(120):
            while not await self._well():  # noqa: ASYNC110 - another process tells us nothing
                await asyncio.sleep(0.05)

    async def post(self, number: int) -> None:
        text = f"听说{number}路公交车今天起停运了，是真的吗？"
        form = {
            "MessageSid": "SM" + uuid.uuid4().hex,
            "From": f"+861390000{number:04}",
            "To": self.town.sandbox.numbers[0],
            "Body": text,
        }
        url = f"http://127.0.0.1:{self.town.port}/hooks/twilio_sms/inbound"
        signer = RequestValidator(self.town.sandbox.auth_token)
        headers = {
            "X-Twilio-Signature": signer.compute_signature(url, form),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = await self.client.post(url, content=urlencode(form), headers=headers)
        except httpx.TransportError:
            return
        if answer.status_code == httpx.codes.OK:
            self.taken.append(text)

    async def _well(self) -> bool:
        try:
            await self.client.get(f"http://127.0.0.1:{self.town.port}/healthz")
        except httpx.TransportError:
            return False
        return True


@pytest.fixture
async def provider(town: Town) -> AsyncIterator[Provider]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield Provider(town, client)


def handled(town: Town) -> Counter[str]:
    with town.store.read() as session:
        return Counter(session.scalars(select(Heard.text)))


async def once(town: Town, provider: Provider) -> None:
    """Start the house again: what it took is handled, each once."""
    async with town.restarted():
        await until(lambda: set(provider.taken) <= set(handled(town)), 240)
        await until(lambda: list((town.folder / FOLDER).iterdir()) == [], 240)
    assert set(handled(town).values()) == {1}


@pytest.mark.slow
async def test_what_was_answered_while_the_database_was_locked_survives_a_kill(
    town: Town, provider: Provider
) -> None:
    async with town.process():
        await provider.ready()
        with town.locked():
            await asyncio.gather(*(provider.post(number) for number in range(30)))
            waiting = handled(town)
            files = list((town.folder / FOLDER).iterdir())
    assert (len(provider.taken), waiting) == (30, Counter())
    assert len(files) >= 1
    await once(town, provider)


@pytest.mark.slow
async def test_a_kill_while_the_journal_is_replayed_loses_nothing_and_doubles_nothing(
    town: Town, provider: Provider
) -> None:
    chance = random.Random(20260720)  # noqa: S311 - when to be killed
    for start in (0, 40):
        async with town.process():
            await provider.ready()
            with town.locked():
                await asyncio.gather(*(provider.post(start + number) for number in range(40)))
            await asyncio.sleep(chance.uniform(0, 0.3))
    assert len(provider.taken) == 80
    await once(town, provider)


@pytest.mark.slow
async def test_a_kill_in_the_middle_of_webhooks_loses_none_that_was_answered(
    town: Town, provider: Provider
) -> None:
    async with town.process() as running:
        await provider.ready()
        posts = [asyncio.create_task(provider.post(number)) for number in range(200)]
        await until(lambda: len(provider.taken) >= 20, 60)
        running.kill()
        await asyncio.gather(*posts)
    assert 20 <= len(provider.taken) <= 200
    await once(town, provider)


def say(town: Town, chats: range) -> None:
    for chat in chats:
        phone = town.sandbox.phones.add(Phone("某人", chat=chat))
        town.sandbox.chats.says(phone, f"听说{chat}号线的地铁今天起停运了，是真的吗？")


@pytest.mark.slow
async def test_what_the_poller_has_not_committed_is_not_acknowledged(
    town: Town, provider: Provider
) -> None:
    async with town.process():
        await provider.ready()
        with town.locked():
            say(town, range(5_000, 5_030))
            # long enough for the updates to be fetched, and to wait for the lock
            await asyncio.sleep(2)
            assert len(town.sandbox.updates) == 30
    async with town.restarted():
        await until(lambda: len(handled(town)) == 30, 240)
    assert set(handled(town).values()) == {1}


@pytest.mark.slow
async def test_the_poller_waits_for_a_locked_database_and_goes_on(
    town: Town, provider: Provider
) -> None:
    async with town.process():
        await provider.ready()
        with town.locked():
            say(town, range(5_000, 5_040))
            await asyncio.sleep(4)
        await until(lambda: len(handled(town)) == 40, 240)
    assert set(handled(town).values()) == {1}
