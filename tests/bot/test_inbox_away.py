"""The inbox while the database is away: it waits and goes on, and no event pays for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot import inbox
from bot.commands import ask
from bot.turn import Effect, Turn
from content import store as stores
from content.store import Store
from tests.bot.test_inbox import Desk
from tests.bot.test_intake import locked, until
from verification.case import State


@pytest.fixture
async def desk(file_store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(inbox, "_FIRST_PAUSE", 0.01)
    made = Desk(file_store)
    yield made
    await made.chat.close()
    await made.sms.close()


@contextlib.asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.inbox.run())
    yield
    desk.inbox.stop()
    await task


@pytest.mark.parametrize("patience", [0.05, 90.0], ids=["gives up", "waits"])
async def test_with_the_database_locked_it_waits_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    desk.keep(*(desk.text(number, f"地铁{number}号线停运了") for number in range(3)))
    monkeypatch.setattr(stores, "_PATIENCE", patience)
    with locked(desk.store):
        task = asyncio.create_task(desk.inbox.run())
        await until(lambda: desk.store.usage.waits >= 2)
    monkeypatch.undo()
    await until(lambda: len(desk.heard()) == 3)
    desk.inbox.stop()
    await task
    assert [one.tries for one in desk.kept()] == [0, 0, 0]


async def test_an_event_that_makes_the_database_fail_takes_the_blame_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ask.question

    def heavy(turn: Turn) -> list[Effect]:
        if "停运" in turn.event.text:
            raise OperationalError("", {}, Exception("too big"))
        return question(turn)

    monkeypatch.setattr(ask, "question", heavy)
    numbers = desk.keep(desk.text(1, "地铁停运了"), desk.text(2, "小区要拆迁了"))
    await desk.inbox.handle(numbers)
    assert [one.tries for one in desk.kept()] == [1, 0]
    await desk.inbox.handle(numbers[1:])
    assert [one.text for one in desk.heard()] == ["小区要拆迁了"]


async def test_after_its_last_failure_a_text_is_a_case_in_the_same_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = desk.keep(desk.text(1, "地铁要修到门口"))

    def broken(_: Turn) -> Any:
        raise ValueError

    monkeypatch.setattr(ask, "question", broken)
    for _ in range(5):
        await desk.inbox.handle(numbers)
    assert [one.state for one in desk.heard()] == [State.WAITING]
    assert desk.kept()[0].handled_at is not None


async def test_nothing_more_is_handled_while_too_many_replies_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_REPLIES", 1)
    stuck = asyncio.create_task(asyncio.Event().wait())
    desk.inbox._following.add(stuck)  # type: ignore[arg-type]
    desk.keep(desk.text(1, "小区要拆迁了"))
    async with running(desk):
        await asyncio.sleep(0.2)
        assert desk.heard() == []
        stuck.cancel()
        desk.inbox._following.discard(stuck)  # type: ignore[arg-type]
        await until(lambda: len(desk.heard()) == 1)
