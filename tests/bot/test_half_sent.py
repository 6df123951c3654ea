"""T4 and T5: what a confirmation, an update and a cancellation change while an alert goes out."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.sandbox.book import Call, Direction, Message
from bot.sandbox.limits import UNLIMITED
from content import alert, confirmation, identity, review
from content.alert import Severity, Urgency
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.draft import Draft, Text
from content.event import Actor, Door
from content.message import Kind, Written
from content.people import Resident
from content.place import Community
from content.staff import Role
from tests.bot.town import Town, opened, until
from tests.content import outbox

OLD, NEW, OVER = "今晚停水检修", "停水改到明天", "检修已经取消"
SLOW = replace(UNLIMITED, calls_per_second=2.0)
"""A provider that takes every call at once and dials two a second."""


@asynccontextmanager
async def queueing(folder: Path) -> AsyncIterator[Town]:
    """A town whose calls wait at the provider; one confirmation stands for the household."""
    async with opened(folder, SLOW) as town:
        with town.store.begin() as session:
            session.scalars(select(Community)).one().household_confirms = True
        yield town


def move_together(town: Town, count: int) -> list[str]:
    """The last residents to come live in one flat; return their numbers."""
    with town.store.begin() as session:
        family = list(session.scalars(select(Resident).order_by(Resident.id.desc()).limit(count)))
        for one in family:
            one.place_id = family[0].place_id
    return town.numbers[-count:]


async def confirm_at_door(town: Town, notice_id: uuid.UUID) -> datetime:
    """Somebody of the family says at the door that they know; return when that was committed."""

    def work(session: object) -> None:
        who = session.scalars(select(Resident.id).order_by(Resident.id.desc())).first()
        confirmation.at_door(session, notice_id, who, outbox.SOMEBODY, datetime.now(UTC))

    await town.store.write(work)
    return datetime.now(UTC)


def dialled(town: Town, numbers: Iterable[str]) -> list[Call]:
    wanted = set(numbers)
    return [one for one in town.sandbox.book.dialled() if one.to in wanted]


@pytest.mark.slow
async def test_a_confirmation_stops_500_queued_calls_of_its_household_only(tmp_path: Path) -> None:
    """T4: nobody of it is dialled after the commit, and its calls are taken out of the queue."""
    async with queueing(tmp_path) as town:
        town.people(500, Kind.CALL)
        family = move_together(town, 12)
        # Extreme: the members of the home are all called at once
        made = town.tell(Severity.EXTREME)
        async with town.restarted(twilio_voice_rate="2000"):
            await until(lambda: len(town.sandbox.book.dialled()) >= 500)
            at = await confirm_at_door(town, made)
            waiting = [one for one in dialled(town, family) if one.started_at is None]
            await until(lambda: all(one.status == "canceled" for one in waiting))
            others = [one for one in town.sandbox.book.dialled() if one.to not in family]
        assert len(waiting) >= 6
        assert [one for one in dialled(town, family) if (one.started_at or at) > at] == []
        assert not any(one.status == "canceled" for one in others)


@pytest.mark.slow
async def test_who_is_still_in_our_own_queue_is_not_dialled_after_the_commit(
    tmp_path: Path,
) -> None:
    """T4: half of the calls are not with the provider yet."""
    async with queueing(tmp_path) as town:
        town.people(120, Kind.CALL)
        family = move_together(town, 60)
        made = town.tell()
        async with town.restarted(twilio_voice_rate="20"):
            await until(lambda: len(town.sandbox.book.dialled()) >= 40)
            at = await confirm_at_door(town, made)
            with town.store.read() as session:
                begun = session.scalar(select(func.max(Attempt.started_at)))
            await until(lambda: len(town.sandbox.book.dialled()) >= 60)
            await asyncio.sleep(0.5)
            with town.store.read() as session:
                states = set(session.scalars(_states(session, made, family)))
                late = session.scalars(_begun(session, made, family, max(at, begun))).all()
        assert states == {DeliveryState.CONFIRMED}
        assert late == []
        assert [one for one in dialled(town, family) if (one.started_at or at) > at] == []


def _states(session: object, notice_id: uuid.UUID, numbers: list[str]) -> object:
    return select(Delivery.state).where(
        Delivery.notice_id == notice_id, Delivery.recipient_id.in_(_living(session, numbers))
    )


def _begun(session: object, notice_id: uuid.UUID, numbers: list[str], at: datetime) -> object:
    return (
        select(Attempt.ref)
        .where(Attempt.notice_id == notice_id, Attempt.started_at > at)
        .where(Attempt.recipient_id.in_(_living(session, numbers)))
    )


def _living(session: object, numbers: list[str]) -> list[uuid.UUID]:
    found = session.scalars(select(Resident.id).order_by(Resident.id.desc()).limit(len(numbers)))
    return list(found)


def published(town: Town) -> uuid.UUID:
    """Publish an alert to everybody, as an emergency; return the alert's id."""
    with town.store.begin() as session:
        return _publish(session, None, OLD).alert_id


def changed(town: Town, alert_id: uuid.UUID) -> None:
    with town.store.begin() as session:
        _publish(session, alert_id, NEW)


def cancelled(town: Town, alert_id: uuid.UUID) -> None:
    now = datetime.now(UTC)
    with town.store.begin() as session:
        boss = Actor(Door.CLI, identity.add_staff(session, "某人", [Role.PUBLISHER], now).id)
        review.cancel(session, boss, alert.get(session, alert_id), now)


def _publish(session: object, alert_id: uuid.UUID | None, said: str) -> object:
    now = datetime.now(UTC)
    author, boss = (
        Actor(Door.CLI, identity.add_staff(session, "某人", [role], now).id)
        for role in (Role.AUTHOR, Role.PUBLISHER)
    )
    content = Draft(
        "停水",
        {Written.HANS: Text("停水通知", f"{said}。", "请储水。", f"{OVER}。")},
        now + timedelta(hours=6),
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
    )
    if alert_id is None:
        row = review.draft(session, author, content, now)
    else:
        row = review.update(session, author, alert.get(session, alert_id), content, now)
    review.publish(session, boss, row, now, emergency=True, again=True)
    return row


def told(town: Town, text: str) -> list[Message]:
    return [one for one in town.sandbox.book.texts() if text in one.body]


def tried(town: Town) -> set[str]:
    """Return the numbers of which we have any attempt, as the rows say."""
    with town.store.read() as session:
        digests = set(session.scalars(select(Attempt.digest)))
    with town.store.begin() as session:
        return {one for one in town.numbers if outbox.store.digest(session, one) in digests}


async def half_sent(town: Town) -> uuid.UUID:
    """Send an alert until some have it, others are under way, and the rest have had nothing."""
    made = published(town)
    await until(lambda: len(told(town, OLD)) >= len(town.numbers) // 3)
    return made


@pytest.fixture
async def sending(tmp_path: Path) -> AsyncIterator[Town]:
    """A town of mobiles and chats, to which an alert takes some seconds."""
    async with opened(tmp_path) as town:
        town.people(60)
        town.people(60, Kind.CHAT)
        yield town


RATES = {"twilio_sms_rate": "25", "telegram_rate": "25"}


@pytest.mark.slow
async def test_a_cancellation_goes_to_whoever_was_tried_and_to_nobody_else(sending: Town) -> None:
    """T5"""
    async with sending.restarted(**RATES):
        made = await half_sent(sending)
        cancelled(sending, made)
        before = tried(sending)
        await until(lambda: {one.to for one in told(sending, OVER)} == before)
        await asyncio.sleep(0.7)
    assert len(before) < len(sending.numbers)
    assert {one.to for one in told(sending, OLD)} <= before
    assert sorted(one.to for one in told(sending, OVER)) == sorted(before)


@pytest.mark.slow
async def test_an_update_reaches_everybody_and_overtakes_nothing(sending: Town) -> None:
    """T5"""
    async with sending.restarted(**RATES):
        made = await half_sent(sending)
        changed(sending, made)
        before = tried(sending)
        await until(lambda: len({one.to for one in told(sending, NEW)}) == len(sending.numbers))
        await asyncio.sleep(0.5)
    assert {one.to for one in told(sending, OLD)} <= before < set(sending.numbers)
    assert sorted(one.to for one in told(sending, NEW)) == sorted(sending.numbers)
    assert _overtaken(sending) == []


@pytest.mark.slow
@pytest.mark.parametrize("ends", [changed, cancelled], ids=["update", "cancellation"])
async def test_what_is_under_way_at_a_crash_hears_of_the_change_too(
    sending: Town, ends: object
) -> None:
    """T5: whose outcome nobody knows may have it, and is told; the rest of the old is not sent."""
    for fault in (sending.sandbox.faults.twilio, sending.sandbox.faults.telegram):
        fault.lag = 60
    async with sending.process(**RATES):
        made = await half_sent(sending)
    for fault in (sending.sandbox.faults.twilio, sending.sandbox.faults.telegram):
        fault.lag = 0
    unknown = tried(sending)
    # our own commit never came; a receipt may have come first
    assert sending.attempts()[AttemptState.ACCEPTED] == 0
    ends(sending, made)
    wanted = unknown if ends is cancelled else set(sending.numbers)
    async with sending.restarted():
        said = OVER if ends is cancelled else NEW
        await until(lambda: {one.to for one in told(sending, said)} == wanted)
    assert {one.to for one in told(sending, OLD)} <= unknown
    assert _overtaken(sending) == []


def _overtaken(town: Town) -> list[str]:
    """Return who got an older revision after a newer one."""
    found = []
    for number in town.numbers:
        came = [
            one.body
            for one in town.sandbox.book.of(number)
            if one.direction is Direction.OUT and isinstance(one, Message)
        ]
        newer = next((at for at, body in enumerate(came) if OLD not in body), len(came))
        if any(OLD in body for body in came[newer:]):
            found.append(number)
    return found
