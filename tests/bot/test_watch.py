"""What the house does about what it sees of itself."""

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.config import Settings
from bot.sandbox.server import Sandbox
from bot.watch import Watch
from channels.base import Channel, SendError
from channels.telegram import Telegram
from channels.twilio_voice import TwilioVoice
from content import duty, identity, link, notice, outcome, pace, people, task
from content.clock import Clock
from content.delivery import Delivery
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.store import Store
from tests.channels.conftest import sandbox
from tests.channels.ticks import Ticks
from tests.content import outbox

__all__ = ["sandbox"]


def _watch(store: Store, at: datetime, channels: Mapping[str, Channel] | None = None) -> Watch:
    settings = Settings.model_validate({"database_url": store.url})
    return Watch(settings, store, Clock(start=at), channels or {}, outbox.SENDERS, outbox.LADDERS)


def _on_duty(store: Store, now: datetime) -> None:
    with store.begin() as session:
        who = identity.add_staff(session, "某人", [Role.GRID_WORKER], now).id
        for kind, value in ((Kind.CHAT, "99"), (Kind.CALL, "+8613800000009")):
            people.add_address(session, OwnerKind.STAFF, who, kind, value, now)
        duty.begin(session, who, now, None, now)


def _stuck(store: Store, now: datetime) -> uuid.UUID:
    """An alert to one chat is due, and nobody sends it."""
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        made = outbox.tell(session, now).id
        outbox.route(session, now)
    return made


def _pages(store: Store) -> list[str]:
    with store.read() as session:
        made = session.scalars(select(Notice.id).where(Notice.kind == NoticeKind.PAGE)).all()
        return [notice.texts(session, one)[Written.HANS]["text"] for one in made]


async def test_the_duty_phone_hears_once_of_a_row_that_is_over_a_minute_late(
    file_store: Store, now: datetime
) -> None:
    _on_duty(file_store, now)
    _stuck(file_store, now)
    assert not await _watch(file_store, now + timedelta(seconds=55)).look()
    for seconds in (70, 80, 90):
        assert await _watch(file_store, now + timedelta(seconds=seconds)).look()
    (text,) = _pages(file_store)
    assert "1条聊天通知没有发出" in text


async def test_it_is_called_by_phone_at_once_when_the_chat_is_what_is_stuck(
    file_store: Store, now: datetime
) -> None:
    _on_duty(file_store, now)
    made = _stuck(file_store, now)
    later = now + timedelta(seconds=70)
    await _watch(file_store, later).look()
    with file_store.begin() as session:
        (page,) = outbox.take(session, later + timedelta(seconds=1), outbox.CALL)
        assert page.to == "+8613800000009"
        assert page.notice_id != made


async def test_a_provider_that_only_fails_is_told(file_store: Store, now: datetime) -> None:
    _on_duty(file_store, now)
    watch, ticks = _watch(file_store, now), Ticks()
    watch.meter.ticks = ticks
    for ticks.at in (0, 60):
        watch.meter.refused("twilio_sms", SendError(Reason.PROVIDER_DOWN))
    assert await watch.look()
    (text,) = _pages(file_store)
    assert "短信服务商一直出错" in text


async def test_a_provider_that_asks_to_wait_again_and_again_is_told_with_the_end_of_the_pause(
    file_store: Store, now: datetime
) -> None:
    _on_duty(file_store, now)
    watch, ticks = _watch(file_store, now), Ticks()
    watch.meter.ticks = ticks
    for ticks.at in (0, 60):
        watch.meter.refused("telegram", SendError(Reason.RATE_LIMITED, retry_after=60))
    with file_store.begin() as session:
        pace.pause(session, "telegram", now + timedelta(minutes=5))
    assert await watch.look()
    (text,) = _pages(file_store)
    assert "聊天服务商要我们再等5分钟" in text


async def test_a_drill_on_a_fast_clock_is_not_late(file_store: Store, now: datetime) -> None:
    with file_store.begin() as session:
        outbox.resident(session, now, chat="11")
        outbox.tell(session, now)
    watch = _watch(file_store, now)
    watch.clock = Clock(60.0, now + timedelta(minutes=10))
    assert not await watch.look()


async def test_what_is_over_is_closed_and_nobody_is_called_to_it_any_more(
    file_store: Store, now: datetime
) -> None:
    _on_duty(file_store, now)
    _stuck(file_store, now)
    await _watch(file_store, now + timedelta(seconds=70)).look()
    later = now + timedelta(minutes=5)
    with file_store.begin() as session:
        for job in outbox.take(session, now + timedelta(seconds=75)):
            outcome.accepted(session, job.ref, "1", now + timedelta(seconds=75))
    await _watch(file_store, later).look()
    with file_store.read() as session:
        (errand,) = session.scalars(select(task.Task)).all()
        pages = select(Notice.id).where(Notice.kind == NoticeKind.PAGE)
        ended = session.scalars(select(Delivery.closed_at).where(Delivery.notice_id.in_(pages)))
        assert errand.outcome == "over"
        assert None not in set(ended)


@pytest.fixture
async def channels(sandbox: Sandbox) -> AsyncIterator[dict[str, Channel]]:
    opened = {
        "telegram": Telegram(sandbox.telegram_token, base_url=sandbox.telegram_base_url),
        "twilio_voice": TwilioVoice(
            sandbox.account_sid,
            sandbox.auth_token,
            sandbox.numbers[0],
            "http://127.0.0.1:9",
            api_url=sandbox.twilio_url,
        ),
    }
    yield opened
    for one in opened.values():
        await one.close()


async def test_links_are_tested_when_it_is_time_and_by_one_process_only(
    file_store: Store, now: datetime, sandbox: Sandbox, channels: dict[str, Channel]
) -> None:
    sandbox.faults.twilio.suspended = True
    both = [_watch(file_store, now, channels) for _ in range(2)]
    assert [await one.test() for one in both] == [True, False]
    with file_store.read() as session:
        found = {one.sender: (one.ok, one.code) for one in link.tests(session)}
    assert found == {"telegram": (True, ""), "twilio_voice": (False, "suspended")}
    assert await _watch(file_store, now + timedelta(minutes=4), channels).test()


async def test_a_link_that_hangs_is_told_as_one_that_does_not_answer(
    file_store: Store, now: datetime, sandbox: Sandbox, channels: dict[str, Channel]
) -> None:
    await sandbox.stop()
    await _watch(file_store, now, channels).test()
    with file_store.read() as session:
        assert {one.reason for one in link.tests(session)} == {Reason.PROVIDER_DOWN}
