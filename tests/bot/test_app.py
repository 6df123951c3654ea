"""How a house starts."""

import asyncio
import threading

import httpx
import pytest
from sqlalchemy.orm import Session

from bot.app import App
from bot.config import Settings
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
