"""Two robots talk to each other by SMS, and stop."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Direction
from bot.sandbox.phones import Behaviour, OnText, Phone
from content.clock import Clock
from content.event import Event
from tests.bot.town import Town, opened, until
from verification.case import Heard, State

ROBOT, MOST = "+8613800000077", 4
ANSWERS_ALL = Behaviour(
    texts=(OnText("自动回复：听说小区要拆迁了，是真的吗？", after=1.0),), spread=0
)


def sent(town: Town) -> list[str]:
    messages = town.sandbox.book.of(ROBOT)
    return [one.body for one in messages if one.direction is Direction.OUT]


def heard(town: Town) -> list[State]:
    with town.store.read() as session:
        return list(session.scalars(select(Heard.state).order_by(Heard.number)))


def guarded(town: Town) -> int:
    with town.store.read() as session:
        return session.scalar(select(func.count()).where(Event.kind == "answer.guarded")) or 0


@pytest.mark.slow
async def test_two_robots_stop_and_what_was_said_is_taken_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as town:
        robot = town.sandbox.phones.add(Phone("机器人", ROBOT, behaviour=ANSWERS_ALL))
        settings = Settings.model_validate(town.settings() | {"answers_per_hour": str(MOST)})
        app = App(settings, town.store, Clock())
        town.sandbox.sms_webhook = f"{app.public_url}/hooks/twilio_sms/inbound"
        await app.start()
        try:
            town.sandbox.texts.says(robot, "听说小区要拆迁了，是真的吗？", town.sandbox.numbers[0])
            # the robot has answered our last word, and it was heard
            await until(lambda: len(heard(town)) == MOST + 1, 240)
            await asyncio.sleep(2)
        finally:
            await app.stop()
        assert len(sent(town)) == MOST
        assert "都记下" in sent(town)[-1]
        assert heard(town) == [State.WAITING] * (MOST + 1)
        assert guarded(town) == 1
