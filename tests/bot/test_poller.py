"""The poller acknowledges nothing that is not kept."""

import asyncio

import pytest

from bot import poller
from bot.poller import Poller
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from channels.telegram import Telegram
from content import store as stores
from content.clock import Clock
from content.store import Store
from tests.bot.test_intake import kept, locked, until
from tests.channels.conftest import sandbox

__all__ = ["sandbox"]


async def test_what_is_not_committed_is_not_acknowledged(
    file_store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_PATIENCE", 0.01)
    monkeypatch.setattr(poller, "_PAUSE", 0.01)
    chat = Telegram(sandbox.telegram_token, base_url=sandbox.telegram_base_url)
    polling = Poller(file_store, Clock(), chat, lambda: True)
    for number in range(5_000, 5_003):
        sandbox.chats.says(sandbox.phones.add(Phone("某人", chat=number)), "停水吗")
    with locked(file_store):
        running = asyncio.create_task(polling.run())
        # several fetches have found the database locked
        await until(lambda: file_store.usage.waits >= 4)
        assert (kept(file_store), len(sandbox.updates)) == ([], 3)
    await until(lambda: len(sandbox.updates) == 0)
    polling.stop()
    await running
    await chat.close()
    assert len(kept(file_store)) == 3
