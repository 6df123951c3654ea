"""Calls out, from the outbox to the key: every way in which somebody may answer their phone."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.sandbox.book import Call
from bot.sandbox.phones import (
    BUSY,
    HANGS_UP,
    MACHINE,
    NO_ANSWER,
    ONLY_LISTENS,
    PRESSES_1,
    PRESSES_3,
    REPEATS_THEN_1,
    WRONG_KEY_THEN_1,
    Behaviour,
    OnCall,
)
from content import duty, identity, people
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.draft import Draft, Text
from content.message import Kind, Written
from content.notice import Notice, NoticeState
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.house import Town, lived_in
from tests.bot.street import WANG

pytestmark = pytest.mark.asyncio(loop_scope="module")
DUTY = "+8613800000078"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("calls")
    free = {"twilio_speech": True, "twilio_voice_hourly": 1000}
    async with lived_in(folder, scale=60.0, **free) as made:
        made.with_session(lambda session: _on_duty(session, made))
        yield made


def _on_duty(session: Session, town: Town) -> None:
    now = town.app.clock.now()
    worker = identity.add_staff(session, "值班", [Role.GRID_WORKER], now)
    people.add_address(session, OwnerKind.STAFF, worker.id, Kind.CALL, DUTY, now)
    duty.begin(session, worker.id, now, None, now)


async def calls_back(town: Town, *keys: str) -> Call:
    """Let 王奶奶 call the committee and press these keys; return the call when it is over."""
    phone = town.sandbox.phones.by_number(WANG)
    assert phone is not None
    doing = OnCall(keys=keys, hangs_up=True)
    call = town.sandbox.calls.dials(phone, town.sandbox.numbers[1], doing)
    await town.until(lambda: call.ended_at)
    assert [one for one in town.sandbox.book.notes if "twilio_voice" in one.where] == []
    return call


async def called(town: Town, does: OnCall, *, english: bool = False) -> tuple[Notice, Call]:
    """Publish an alert to somebody who does this with the call; return when the call is over."""
    phone = town.sandbox.phones.by_number(WANG)
    assert phone is not None
    town.with_session(_end)
    await town.until(lambda: not _under_way(town))
    phone.behaviour, phone.calls = Behaviour(calls=(does, NO_ANSWER)), 0
    before = len(town.sandbox.book.calls)
    notice = town.with_session(lambda _: town.street.publish(_alert(town, english=english)))

    def over() -> Call | None:
        mine = [one for one in town.sandbox.book.calls[before:] if one.to == WANG]
        return next((one for one in mine if one.ended_at), None)

    call = await town.until(over)
    assert [one for one in town.sandbox.book.notes if "twilio_voice" in one.where] == []
    return notice, call


def _end(session: Session) -> None:
    """Let nobody be rung any more for what other tests have left."""
    session.execute(update(Notice).values(state=NoticeState.CANCELLED))
    session.execute(update(Delivery).values(state=DeliveryState.CANCELLED, kind=None))


def _under_way(town: Town) -> bool:
    with town.store.read() as session:
        return (
            session.scalars(select(Attempt.id).where(Attempt.closed_at.is_(None))).first()
            is not None
        )


def _alert(town: Town, *, english: bool) -> Draft:
    storm = town.storm
    if not english:
        return storm
    told = Text(
        "Red rainstorm warning", "Heavy rain from 8 tonight.", "Stay at home.", "It is over."
    )
    return replace(storm, texts={**storm.texts, Written.ENGLISH: told})


def said(call: Call) -> str:
    return "\n".join(one.text for one in call.script)


async def ends(town: Town, notice: Notice, *states: DeliveryState) -> Delivery:
    """Wait until the delivery to the one who was called is in one of these states."""

    def there() -> Delivery | None:
        with town.store.read() as session:
            key = (notice.community_id, notice.id, town.street.wang.id)
            row = session.get(Delivery, key)
            return row if row is not None and row.state in states else None

    return await town.until(there)


async def tried(town: Town, notice: Notice) -> Attempt:
    """Wait until the first try at the one who was called is closed."""

    def closed() -> Attempt | None:
        with town.store.read() as session:
            query = select(Attempt).where(
                Attempt.notice_id == notice.id,
                Attempt.recipient_id == town.street.wang.id,
                Attempt.closed_at.is_not(None),
            )
            return session.scalars(query.order_by(Attempt.id)).first()

    return await town.until(closed)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (PRESSES_1, Reason.CONFIRMED_KEY),
        (PRESSES_3, Reason.CONFIRMED_KEY),
        (REPEATS_THEN_1, Reason.CONFIRMED_KEY),
        (WRONG_KEY_THEN_1, Reason.CONFIRMED_KEY),
        (OnCall(keys=("", "1")), Reason.CONFIRMED_KEY),
    ],
    ids=["1", "3", "2-1", "wrong-1", "silence-1"],
)
async def test_a_key_confirms_however_it_comes_to_it(
    town: Town, does: OnCall, reason: Reason
) -> None:
    notice, _ = await called(town, does)
    row = await ends(town, notice, DeliveryState.CONFIRMED)
    assert (row.reason, row.needs_help) == (reason, does is PRESSES_3)


@pytest.mark.parametrize(
    "does",
    [ONLY_LISTENS, HANGS_UP, MACHINE, OnCall(keys=(), speech=("收到了收到了",) * 9)],
    ids=["listens", "hangs-up", "machine", "says-so"],
)
async def test_what_is_no_key_is_recorded_and_confirms_nothing(town: Town, does: OnCall) -> None:
    notice, _ = await called(town, does)
    attempt = await tried(town, notice)
    row = await ends(town, notice, DeliveryState.OPEN, DeliveryState.DOOR)
    assert attempt.state is AttemptState.COMPLETED
    assert attempt.machine is (does is MACHINE)
    assert row.confirmed_at is None


async def test_who_speaks_is_asked_for_a_key(town: Town) -> None:
    _, call = await called(town, OnCall(keys=(), speech=("收到了",)))
    assert "请按电话上的键" in said(call)


async def test_a_cry_for_help_in_words_opens_a_task_and_confirms_nothing(town: Town) -> None:
    notice, call = await called(town, OnCall(keys=(), speech=("救命啊我摔倒了",)))
    assert "马上请人联系您" in said(call)
    await town.until(lambda: "打来热线求助" in "".join(notes(town)))
    assert (await ends(town, notice, DeliveryState.OPEN, DeliveryState.DOOR)).confirmed_at is None


async def test_who_says_that_no_help_is_needed_gets_none(town: Town) -> None:
    before = len(notes(town))
    _, call = await called(town, OnCall(keys=(), speech=("我不需要帮助",)))
    assert "请按电话上的键" in said(call)
    assert len(notes(town)) == before


async def test_key_0_connects_to_the_duty_phone_and_confirms_nothing(town: Town) -> None:
    before = len(notes(town))
    notice, call = await called(town, OnCall(keys=("0",)))
    assert [one.text for one in call.script if one.verb == "Dial"] == [DUTY]
    assert (await ends(town, notice, DeliveryState.OPEN)).confirmed_at is None
    assert len(notes(town)) == before


async def test_key_9_tells_it_in_the_other_language_which_can_confirm_it(town: Town) -> None:
    notice, call = await called(town, OnCall(keys=("9", "1")), english=True)
    assert said(call).index("请待在家里") < said(call).index("Stay at home.")
    await ends(town, notice, DeliveryState.CONFIRMED)


@pytest.mark.parametrize(
    ("does", "reason"), [(BUSY, Reason.BUSY), (NO_ANSWER, Reason.NO_ANSWER)], ids=["busy", "rings"]
)
async def test_who_is_not_reached_is_tried_again(town: Town, does: OnCall, reason: Reason) -> None:
    notice, _ = await called(town, does)
    attempt = await tried(town, notice)
    assert (attempt.state, attempt.reason) == (AttemptState.FAILED, reason)
    assert (await ends(town, notice, DeliveryState.OPEN)).confirmed_at is None


async def test_who_wanted_a_person_and_reached_nobody_is_called_back(town: Town) -> None:
    town.sandbox.stage.book.unreachable.add(DUTY)
    _, call = await called(town, OnCall(keys=("0",)))
    town.sandbox.stage.book.unreachable.discard(DUTY)
    assert "没有人接" in said(call)
    assert "回电" in await town.until(
        lambda: next((one for one in notes(town) if "没有接通" in one), "")
    )


def notes(town: Town) -> list[str]:
    """Return what the calls for help say."""
    with town.store.read() as session:
        found = session.scalars(select(Task).where(Task.kind == TaskKind.HELP)).all()
        return [one.note for one in found]


async def two_missed(town: Town) -> tuple[Notice, Notice]:
    """Let 王奶奶 miss the call about a storm, and then the one about the gas."""
    storm, _ = await called(town, NO_ANSWER)
    texts = {Written.HANS: Text("今天停煤气", "检修管道。", "请关好阀门。", "煤气已经恢复。")}
    gas = town.with_session(lambda _: town.street.publish(replace(town.storm, texts=texts)))
    await tried(town, gas)
    return storm, gas


async def test_who_has_missed_several_hears_each_with_its_own_key(town: Town) -> None:
    notices = await two_missed(town)
    heard = said(await calls_back(town, "1", "1"))
    assert "您好，这里是幸福里社区。您有两个通知没有接到" in heard
    assert heard.index("今天停煤气") < heard.index("请听下一个通知") < heard.index("暴雨")
    # nobody is told goodbye before the end
    assert "再见" not in heard[: heard.index("听最新通知请按一")]
    assert heard.index("暴雨") < heard.index("听最新通知请按一")
    for notice in notices:
        row = await ends(town, notice, DeliveryState.CONFIRMED)
        assert row.reason is Reason.CONFIRMED_CALL_BACK


async def test_who_presses_nothing_hears_the_next_one_all_the_same(town: Town) -> None:
    notices = await two_missed(town)
    heard = said(await calls_back(town, "", "", "", ""))
    assert heard.index("今天停煤气") < heard.index("请听下一个通知") < heard.index("暴雨")
    assert heard.strip().endswith("您随时可以回拨这个电话。再见。")
    for notice in notices:
        assert (
            await ends(town, notice, DeliveryState.OPEN, DeliveryState.DOOR)
        ).confirmed_at is None


async def test_who_asks_for_help_is_led_to_nothing_else(town: Town) -> None:
    storm, gas = await two_missed(town)
    heard = said(await calls_back(town, "3"))
    assert "暴雨" not in heard
    assert (await ends(town, gas, DeliveryState.CONFIRMED)).needs_help
    assert (await ends(town, storm, DeliveryState.OPEN, DeliveryState.DOOR)).confirmed_at is None
