"""A recorded question is kept before it is deleted at the provider, and fetched again if need be."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.collector import Collector
from bot.metrics import Metrics
from channels.base import SendError
from channels.meter import Meter
from channels.telegram import Telegram
from content import bare
from content.clock import Clock
from content.message import Kind
from content.reason import Reason
from content.store import Store
from verification import case, leftover
from verification.case import Attachment, File, Question
from verification.leftover import Leftover

LEFT = Attachment("audio/x-wav", "RE1", sender="line")


class Line(Telegram):
    """A provider that keeps recordings; it has them when `ready`, and deletes them when `works`."""

    def __init__(self) -> None:
        super().__init__("7:token")
        self.kept = {"RE1"}
        self.ready = self.works = True
        self.on_forget: Callable[[], None] = lambda: None

    async def fetch(self, file_id: str) -> bytes:
        if not self.ready or file_id not in self.kept:
            raise SendError(Reason.PROVIDER_REFUSED, permanent=True, code="404")
        return b"RIFF"

    async def forget(self, file_id: str) -> None:
        self.on_forget()
        if not self.works:
            raise SendError(Reason.PROVIDER_DOWN, code="500")
        self.kept.discard(file_id)


class Later(Clock):
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def clock(now: datetime) -> Later:
    return Later(now)


@pytest.fixture
def collector(file_store: Store, clock: Later, line: Line) -> Collector:
    return Collector(file_store, clock, {"line": line})


def asks(store: Store, now: datetime, came: Attachment = LEFT, *, fails: bool = False) -> None:
    """Take a recorded question in, as the inbox does; `fails`: and roll it back."""
    with store.begin() as session:
        who = bare.address(session, Kind.CALL, "+8613800000001", now)
        case.record(session, Question("", who, attachment=came), "", now)
        leftover.keep(session, came, now)
        leftover.keep(session, came, now)
        if fails:
            session.rollback()


def sounds(store: Store) -> list[str | None]:
    with store.read() as session:
        return [one.data for one in session.scalars(select(File))]


def left(store: Store) -> list[int]:
    with store.read() as session:
        return [one.tries for one in session.scalars(select(Leftover))]


async def test_what_was_kept_is_deleted_there(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    asks(file_store, clock.at, replace(LEFT, data=b"RIFF"))
    await collector.once()
    assert (line.kept, left(file_store)) == (set(), [])


async def test_what_was_rolled_back_is_not_deleted(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    asks(file_store, clock.at, replace(LEFT, data=b"RIFF"), fails=True)
    await collector.once()
    assert line.kept == {"RE1"}


async def test_what_is_not_ready_is_fetched_later_and_only_then_deleted(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    line.ready = False
    asks(file_store, clock.at)
    await collector.once()
    assert (sounds(file_store), line.kept, left(file_store)) == ([None], {"RE1"}, [1])
    line.ready, clock.at = True, clock.at + timedelta(seconds=6)
    line.on_forget = lambda: None if sounds(file_store) != [None] else pytest.fail("not kept")
    await collector.once()
    assert sounds(file_store) == [base64.b64encode(b"RIFF").decode()]
    assert (line.kept, left(file_store)) == (set(), [])


async def test_a_failed_delete_is_tried_again_and_counted(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    line.works = False
    asks(file_store, clock.at, replace(LEFT, data=b"RIFF"))
    await collector.once()
    await collector.once()
    assert left(file_store) == [1]
    with file_store.read() as session:
        assert leftover.waiting(session) == 1
    line.works, clock.at = True, clock.at + timedelta(seconds=6)
    await collector.once()
    assert (line.kept, left(file_store)) == (set(), [])


async def test_while_its_channel_is_not_set_up_a_recording_is_not_given_up(
    file_store: Store, clock: Later, line: Line
) -> None:
    asks(file_store, clock.at)
    for _ in range(leftover.FETCHES + 1):
        await Collector(file_store, clock, {}).once()
        clock.at += timedelta(hours=7)
    assert left(file_store) == [1]
    await Collector(file_store, clock, {"line": line}).once()
    assert (sounds(file_store), line.kept) == ([base64.b64encode(b"RIFF").decode()], set())


async def test_what_never_comes_is_given_up_and_deleted(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    line.ready = False
    asks(file_store, clock.at)
    for _ in range(leftover.FETCHES + 1):
        await collector.once()
        clock.at += timedelta(hours=7)
    assert (sounds(file_store), line.kept, left(file_store)) == ([None], set(), [])


async def test_a_recording_that_nobody_needs_is_deleted_too(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    """A caller who hides their number leaves no question."""
    with file_store.begin() as session:
        leftover.keep(session, LEFT, clock.at)
    await collector.once()
    assert line.kept == set()


async def test_the_figures_count_what_is_left_there(
    collector: Collector, file_store: Store, clock: Later, line: Line
) -> None:
    line.works = False
    asks(file_store, clock.at, replace(LEFT, data=b"RIFF"))
    await collector.once()
    shown, _ = await Metrics(Meter(), file_store, clock).text()
    assert b"linxun_house_recordings_left 1.0" in shown
