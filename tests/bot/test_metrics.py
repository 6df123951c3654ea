"""The figures over real HTTP: what they show, whom they are shown, and what they never hold."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from bot.app import App
from bot.config import Settings
from bot.metrics import Metrics
from bot.sandbox import phones
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import Behaviour, Phone
from bot.sandbox.server import Sandbox
from bot.web import metrics as web
from bot.web.metrics import Access
from channels.meter import Meter
from content.clock import Clock
from content.store import Store
from tests import databases
from tests.content import outbox

NAME, CHAT, NUMBER = "欧阳收到", "700000001", "+862188880000"
TOKEN = "t" * 32
HERE: Mapping[str, str] = {"host": "127.0.0.1:8080"}


@dataclass
class House:
    store: Store
    clock: Clock
    sandbox: Sandbox
    app: App

    async def read(self, token: str = "", **headers: str) -> httpx.Response:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.app.port}/metrics", headers=headers)


@asynccontextmanager
async def opened(folder: Path, **settings: object) -> AsyncIterator[House]:
    clock = Clock(60.0)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    store = databases.founded(f"sqlite:///{folder / 'linxun.sqlite3'}")
    given = sandbox.settings() | {
        "database_url": store.url,
        "port": 0,
        "twilio_sms_from": "",
    }
    app = App(Settings.model_validate(given | settings), store, clock)
    await app.start()
    try:
        yield House(store, clock, sandbox, app)
    finally:
        await app.stop()
        await sandbox.stop()
        store.close()


def _told(house: House) -> None:
    taps = Behaviour(chats=(phones.TAPS_RECEIVED,), spread=0.0)
    house.sandbox.phones.add(Phone(NAME, NUMBER, chat=int(CHAT), behaviour=taps))
    with house.store.begin() as session:
        outbox.resident(session, house.clock.now(), NAME, chat=CHAT, mobile=NUMBER)
        outbox.tell(session, house.clock.now())


def _values(text: str) -> dict[str, float]:
    """Every sample as `name{label=value,…}` without the time-dependent ones."""
    return {
        one.name
        + "".join(f" {key}={value}" for key, value in sorted(one.labels.items())): one.value
        for family in parse(text)
        for one in family.samples
    }


async def _until(house: House, sample: str, value: float) -> dict[str, float]:
    async with asyncio.timeout(30):
        while True:
            found = _values((await house.read()).text)
            if found.get(sample) == value:
                return found
            await asyncio.sleep(0.2)


async def test_what_a_house_does_is_counted_without_a_name_or_a_number(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        _told(house)
        # who confirmed is counted a few seconds later, when no older transaction can be open
        found = await _until(house, "linxun_house_confirmed_total act=button", 1)
        text = (await house.read()).text
    assert found["linxun_attempts_total outcome=taken reason= sender=telegram"] == 1
    assert found["linxun_claim_seconds_count sender=telegram"] >= 1
    assert found["linxun_record_seconds_count sender="] >= 1
    assert 0 <= found["linxun_last_taken_age_seconds sender=telegram"] < 60
    assert found["linxun_house_link_up sender=telegram"] == 1
    assert found["linxun_sweep finding=late"] == 0
    assert found["linxun_last_success_timestamp_seconds loop=claim sender=telegram"] > 0
    assert found["linxun_database_up"] == 1
    assert found["linxun_house_due_age_seconds kind=sms"] == 0
    assert found["linxun_journal_waiting"] == 0
    assert found["linxun_database_writes_total"] > 0
    assert [secret for secret in (NAME, CHAT, NUMBER, NUMBER[3:]) if secret in text] == []


async def test_a_port_that_is_public_shows_nothing_without_the_token(tmp_path: Path) -> None:
    public = {"public_url": "https://linxun.example", "metrics_token": TOKEN}
    async with opened(tmp_path, **public) as house:
        answers = [(await house.read(token)).status_code for token in ("", "wrong", TOKEN)]
    assert answers == [404, 404, 200]


@pytest.mark.parametrize(
    ("access", "peer", "headers", "allowed"),
    [
        (Access(), "127.0.0.1", HERE, True),
        (Access(), "::1", {"host": "[::1]:8080"}, True),
        (Access(), "127.0.0.1", {"host": "localhost"}, True),
        (Access(), "192.168.1.7", HERE, False),
        (Access(), "", HERE, False),
        # behind a proxy on the same machine everybody comes from here
        (Access(), "127.0.0.1", {**HERE, "x-forwarded-for": "1.2.3.4"}, False),
        (Access(), "127.0.0.1", {**HERE, "forwarded": "for=1.2.3.4"}, False),
        (Access(public=True), "127.0.0.1", HERE, False),
        # a page that rebinds its name to this machine
        (Access(), "127.0.0.1", {"host": "evil.example:8080"}, False),
        (Access(TOKEN), "127.0.0.1", HERE, False),
        (Access(TOKEN, public=True), "1.2.3.4", {"authorization": f"Bearer {TOKEN}"}, True),
        (Access(TOKEN), "1.2.3.4", {"authorization": f"Basic {TOKEN}"}, False),
        (Access(TOKEN), "1.2.3.4", {"authorization": "Bearer "}, False),
        (Access(TOKEN), "1.2.3.4", {"authorization": "Bearer é"}, False),
    ],
)
def test_who_may_read(access: Access, peer: str, headers: dict[str, str], *, allowed: bool) -> None:
    assert access.allows(peer, headers) is allowed


async def test_a_process_without_a_web_shows_its_figures_on_a_port_of_its_own(
    file_store: Store,
) -> None:
    metrics = Metrics(Meter(), file_store, Clock())
    metrics.meter.taken("telegram")
    runner = await web.listen("127.0.0.1", 0, metrics, Access())
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with httpx.AsyncClient() as client:
        shown, other = await client.get(f"{url}/metrics"), await client.get(f"{url}/hooks/x")
    await runner.cleanup()
    assert 'linxun_attempts_total{outcome="taken",reason="",sender="telegram"} 1.0' in shown.text
    assert other.status_code == 404


async def test_a_loop_that_stands_still_makes_the_process_unwell(file_store: Store) -> None:
    ticks = [0.0]
    metrics = Metrics(Meter(lambda: ticks[0]), file_store, Clock())
    metrics.meter.expect("claim", "telegram")
    runner = await web.listen("127.0.0.1", 0, metrics, Access(TOKEN))
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/healthz"
    async with httpx.AsyncClient() as client:
        well = await client.get(url)
        ticks[0] = 181.0
        unwell = await client.get(url)
    await runner.cleanup()
    assert (well.status_code, unwell.status_code) == (200, 503)


async def test_two_processes_of_a_machine_cannot_share_the_port(file_store: Store) -> None:
    metrics = Metrics(Meter(), file_store, Clock())
    runner = await web.listen("127.0.0.1", 0, metrics, Access())
    with pytest.raises(web.AppError, match="LINXUN_METRICS_PORT"):
        await web.listen("127.0.0.1", runner.addresses[0][1], metrics, Access())
    await runner.cleanup()


async def test_a_database_that_does_not_answer_hides_only_its_own_figures(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.metrics._PATIENCE", 0.1)
    metrics, free = Metrics(Meter(), file_store, Clock()), threading.Event()
    stuck = [asyncio.create_task(file_store.query(lambda _: free.wait())) for _ in range(4)]
    await asyncio.sleep(0)
    metrics.meter.taken("telegram")
    found = _values((await metrics.text())[0].decode())
    free.set()
    await asyncio.gather(*stuck)
    assert found["linxun_database_up"] == 0
    assert found["linxun_attempts_total outcome=taken reason= sender=telegram"] == 1
    assert not any(name.startswith("linxun_house_") for name in found)
