"""Nobody answers: called again, then the second number, the contact, the door; and called back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.sandbox.book import Call
from bot.sandbox.phones import MACHINE, NO_ANSWER, ONLY_LISTENS, PRESSES_1, Behaviour, OnCall, Phone
from content import people, store, visit
from content.alert import Severity
from content.delivery import Attempt, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Address, Contact, OwnerKind, Resident, Told
from content.reason import Reason
from tests.bot.house import Town, lived_in
from tests.bot.street import WANG
from tests.content import outbox

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECOND, SON, HUSBAND = "+8657188880002", "+8613800000099", "+8613800000098"
AGAIN = timedelta(minutes=2)
"""The built-in ladder's wait after a call, for an Extreme alert."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("reaching")
    async with lived_in(folder, scale=120.0, twilio_voice_hourly=1000) as made:
        made.with_session(lambda session: _move_in(session, made))
        for name, number in (("王奶奶", SECOND), ("王强", SON), ("王爷爷", HUSBAND)):
            made.sandbox.phones.add(Phone(name, number, behaviour=Behaviour(calls=(NO_ANSWER,))))
        yield made


def _move_in(session: Session, town: Town) -> None:
    """Give 王奶奶 a second number, and her son a telephone in place of his chat."""
    now, wang = town.app.clock.now(), town.street.wang
    own = (OwnerKind.RESIDENT, wang.id, Kind.CALL)
    people.add_address(session, *own, SECOND, now, rank=1)
    son = session.scalars(select(Contact.id).where(Contact.resident_id == wang.id)).one()
    chat = session.scalars(select(Address).where(Address.owner_id == son)).one()
    session.delete(chat)
    people.add_address(session, OwnerKind.CONTACT, son, Kind.CALL, SON, now)


async def publish(
    town: Town, told: Told = Told.AFTER, severity: Severity = Severity.EXTREME, **does: OnCall
) -> Notice:
    """Publish an alert; `does` says what is done at each telephone, else nobody answers."""
    numbers = {"home": WANG, "second": SECOND, "son": SON, "husband": HUSBAND}
    for name, number in numbers.items():
        phone = town.sandbox.phones.by_number(number)
        assert phone is not None
        phone.calls = 0
        phone.behaviour = Behaviour(calls=(does.get(name, NO_ANSWER),))
    # what other tests have left rings nobody any more
    town.with_session(
        lambda session: session.execute(update(Notice).values(state=NoticeState.CANCELLED))
    )
    await town.until(lambda: not _under_way(town))
    del town.sandbox.book.calls[:]

    def made(session: Session) -> Notice:
        session.execute(update(Delivery).values(state=DeliveryState.CANCELLED, kind=None))
        session.execute(update(Contact).values(told=told))
        if severity is Severity.EXTREME:
            return town.street.publish(town.storm)
        return outbox.tell(session, town.app.clock.now(), severity)

    return town.with_session(made)


def _under_way(town: Town) -> bool:
    with town.store.read() as session:
        return bool(session.scalars(select(Attempt.id).where(Attempt.closed_at.is_(None))).first())


async def ends(
    town: Town, notice: Notice, state: DeliveryState, who: Resident | None = None
) -> Delivery:
    """Wait until the delivery has come to this state."""

    def there() -> Delivery | None:
        with town.store.read() as session:
            key = (notice.community_id, notice.id, (who or town.street.wang).id)
            row = session.get_one(Delivery, key)
            return row if row.state is state else None

    return await town.until(there)


def dialled(town: Town, *numbers: str) -> list[Call]:
    return [one for one in town.sandbox.book.dialled() if one.to in (numbers or (one.to,))]


def said(call: Call) -> str:
    return "\n".join(one.text for one in call.script)


async def test_nobody_answers_and_one_step_follows_the_other_to_the_door(town: Town) -> None:
    notice = await publish(town, son=ONLY_LISTENS)
    row = await ends(town, notice, DeliveryState.DOOR)
    calls = dialled(town, WANG, SECOND, SON)
    assert [one.to for one in calls] == [WANG, WANG, SECOND, SON]
    for before, after in pairwise(calls):
        assert after.created_at - before.created_at >= AGAIN
    assert "您是王奶奶的紧急联系人" in said(calls[3])
    assert row.reason is Reason.LADDER_EXHAUSTED
    with town.store.read() as session:
        cards = {one.name: one for one in visit.cards(session, notice.id)}
    assert [one.kind for one in cards["王奶奶"].tried] == [Kind.CALL] * 4


async def test_a_machine_hears_the_message_and_a_number_and_confirms_nothing(town: Town) -> None:
    notice = await publish(town, home=MACHINE)
    (first, again, *_) = await town.until(
        lambda: found if len(found := dialled(town, WANG)) > 1 else None
    )
    assert "今晚八点起有大暴雨" in said(first)
    # nobody is on duty: it is the number that calls
    assert "听到后请回电" in said(first)
    # the wait begins when the machine has heard it all
    assert again.created_at - first.ended_at >= AGAIN
    with town.store.read() as session:
        row = session.get_one(Delivery, (notice.community_id, notice.id, town.street.wang.id))
    assert (row.state, row.confirmed_at) == (DeliveryState.OPEN, None)


async def test_who_calls_back_hears_the_alert_and_can_confirm_it(town: Town) -> None:
    notice = await publish(town)
    await town.until(lambda: [one for one in dialled(town, WANG) if one.ended_at])
    phone = town.sandbox.phones.by_number(WANG)
    assert phone is not None
    call = town.sandbox.calls.dials(phone, town.sandbox.numbers[1], PRESSES_1)
    row = await ends(town, notice, DeliveryState.CONFIRMED)
    assert row.reason is Reason.CONFIRMED_CALL_BACK
    assert "暴雨红色预警" in said(call)


async def test_a_contact_who_calls_back_passes_it_on(town: Town) -> None:
    notice = await publish(town, told=Told.WITH, severity=Severity.SEVERE)
    await town.until(lambda: [one for one in dialled(town, SON) if one.ended_at])
    phone = town.sandbox.phones.by_number(SON)
    assert phone is not None
    call = town.sandbox.calls.dials(phone, town.sandbox.numbers[1], PRESSES_1)
    await ends(town, notice, DeliveryState.PASSED_ON)
    assert "您是王奶奶的紧急联系人" in said(call)


async def test_a_contact_is_told_at_the_same_time_where_they_wish_it(town: Town) -> None:
    notice = await publish(town, told=Told.WITH, severity=Severity.SEVERE, son=PRESSES_1)
    await ends(town, notice, DeliveryState.PASSED_ON)
    (mother, son) = (dialled(town, one)[0] for one in (WANG, SON))
    assert abs(son.created_at - mother.created_at) < timedelta(seconds=60)
    assert "我们也在通知王奶奶本人" in said(son)


async def test_a_couple_with_one_landline_is_called_once_and_both_are_named(town: Town) -> None:
    husband = _husband(town, WANG)
    notice = await publish(town, home=PRESSES_1)
    for who in (town.street.wang, husband):
        await ends(town, notice, DeliveryState.CONFIRMED, who)
    (call,) = dialled(town, WANG)
    assert "这个电话是打给王奶奶和王爷爷的" in said(call)
    with town.store.read() as session:
        told = session.scalars(select(Attempt).where(Attempt.notice_id == notice.id)).all()
    assert len({one.recipient_id for one in told if one.kind is Kind.CALL}) == 2


async def test_two_phones_of_one_home_do_not_ring_in_the_same_minute(town: Town) -> None:
    _husband(town, HUSBAND)
    await publish(town, severity=Severity.SEVERE)
    (first, second) = await town.until(
        lambda: (
            [one.created_at for one in (home[0], his[0])]
            if (home := dialled(town, WANG)) and (his := dialled(town, HUSBAND))
            else None
        )
    )
    assert abs(second - first) >= timedelta(seconds=60)


def _husband(town: Town, number: str) -> Resident:
    """Let 王爷爷 move in, or change his number."""

    def move(session: Session) -> Resident:
        here, now = store.community(session), town.app.clock.now()
        wang = town.street.wang
        known = session.scalars(select(Resident).where(Resident.number == "9")).first()
        if known is None:
            known = Resident(
                community_id=here,
                number="9",
                name="王爷爷",
                place_id=wang.place_id,
                joined_at=now,
                needs=wang.needs,
            )
            session.add(known)
            session.flush()
        for old in session.scalars(select(Address).where(Address.owner_id == known.id)):
            session.delete(old)
        session.flush()
        people.add_address(session, OwnerKind.RESIDENT, known.id, Kind.CALL, number, now)
        return known

    return town.with_session(move)
