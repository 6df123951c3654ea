"""What our own calls report is kept before anything is done about it, whatever the database does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from bot.config import Settings
from bot.reports import Reports
from channels.base import Request
from channels.sip_voice import SipVoice
from content.clock import Clock
from content.inbound import Inbound
from content.store import Store

KEY = Request("key/r1", {"call": "c1", "number": 3, "to": "+8657187654321", "key": "1"})
VOICE = SipVoice("127.0.0.1", None, None)  # type: ignore[arg-type]


@pytest.fixture
async def reports(file_store: Store, tmp_path: Path) -> AsyncIterator[Reports]:
    given = Settings.model_validate({"journal_folder": str(tmp_path / "journal")})
    made = Reports(given, file_store, Clock())
    yield made
    await made.stop()


def kept(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        return [(row.event_id, row.path) for row in session.scalars(select(Inbound))]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    with closing(sqlite3.connect(str(make_url(store.url).database), isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.rollback()


async def test_an_event_is_kept_once(reports: Reports, file_store: Store) -> None:
    await reports.keep(VOICE, KEY)
    await reports.keep(VOICE, KEY)
    assert kept(file_store) == [("c1:3", "key/r1")]


async def test_a_key_is_on_the_disk_while_the_database_is_locked_and_comes_back(
    reports: Reports, file_store: Store
) -> None:
    with locked(file_store):
        async with asyncio.timeout(3):
            await reports.keep(VOICE, KEY)
        assert kept(file_store) == []
    async with asyncio.timeout(10):
        while not kept(file_store):  # noqa: ASYNC110 - the rows of the database
            await asyncio.sleep(0.05)
    assert kept(file_store) == [("c1:3", "key/r1")]
