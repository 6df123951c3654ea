"""How a house starts."""

import asyncio
import threading
from datetime import datetime

import httpx
import pytest
from sqlalchemy.orm import Session

from bot.app import App, Part
from bot.config import Settings
from content import loudspeaker
from content.clock import Clock
from content.store import Store
from verification import shelf

CALLS: dict[str, object] = {
    "port": 0,
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "0" * 32,
    "twilio_api_url": "http://127.0.0.1:9",
    "twilio_voice_from": "+12025550101",
}


async def test_webhooks_are_served_while_the_fact_base_is_still_loaded(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, load = threading.Event(), shelf.base

    def slowly(session: Session) -> shelf.Base:
        loaded.wait(30)
        return load(session)

    monkeypatch.setattr(shelf, "base", slowly)
    house = App(Settings.model_validate(CALLS), file_store, Clock())
    starting = asyncio.create_task(house.start())
    hook = f"http://127.0.0.1:{house.port}/hooks/twilio_voice/inbound"
    again = httpx.AsyncHTTPTransport(retries=8)
    async with asyncio.timeout(20), httpx.AsyncClient(transport=again) as caller:
        answer = await caller.post(hook, data={"CallSid": "CA1"})
    early = not starting.done()
    loaded.set()
    await starting
    await house.stop()
    assert early
    assert answer.status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    ("parts", "kept"), [({Part.WORKER}, True), ({Part.WEB}, True), (set(Part), False)]
)
async def test_only_a_house_that_is_whole_knows_that_there_is_no_loudspeaker(
    file_store: Store, now: datetime, parts: set[Part], *, kept: bool
) -> None:
    """Of several machines one has it, whichever starts last."""
    with file_store.begin() as session:
        loudspeaker.use(session, now, on=True)
    house = App(Settings.model_validate(CALLS), file_store, Clock(), frozenset(parts))
    await house.start()
    await house.stop()
    with file_store.read() as session:
        assert bool(loudspeaker.ids(session)) is kept
