"""Calling the committee: the menu, a rumor asked by phone, help, a person, the call back."""

import base64
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.sandbox.book import Call
from bot.sandbox.phones import OnCall, Phone
from content import duty, identity, people
from content.alert import Status
from content.delivery import Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeKind
from content.people import OwnerKind
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.house import Town, lived_in
from tests.bot.street import WANG, WATER
from verification import settlement
from verification.case import Case, File, Heard, State

pytestmark = pytest.mark.asyncio(loop_scope="module")
RUMOR = WATER.variants[0]
DUTY = "+8613800000077"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with lived_in(tmp_path_factory.mktemp("hotline"), scale=20.0, twilio_speech=True) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deaf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The same where speech is not recognised."""
    async with lived_in(tmp_path_factory.mktemp("deaf"), scale=20.0) as made:
        yield made


async def dials(town: Town, number: str, *keys: str, speech: tuple[str, ...] = ()) -> Call:
    """Let a number call the committee, and return the call when it has ended."""
    if town.sandbox.phones.by_number(number) is None:
        town.sandbox.phones.add(Phone("某人", number))
    phone = town.sandbox.phones.by_number(number)
    assert phone is not None
    doing = OnCall(keys=keys, speech=speech, hangs_up=True)
    call = town.sandbox.calls.dials(phone, town.sandbox.numbers[1], doing)
    await town.until(lambda: call.ended_at)
    assert [one for one in town.sandbox.book.notes if "twilio_voice" in one.where] == []
    return call


def said(call: Call) -> str:
    return "\n".join(one.text for one in call.script)


async def test_who_is_known_comes_to_the_menu_and_hears_the_alerts_of_their_place(
    town: Town,
) -> None:
    heard = said(await dials(town, WANG, "1"))
    assert "几号楼" not in heard
    assert "听最新通知请按一" in heard
    assert "现在没有通知" in heard


async def test_key_0_connects_to_the_duty_phone_while_somebody_is_on_duty(town: Town) -> None:
    assert "找工作人员请按零" not in said(await dials(town, WANG))

    town.with_session(lambda s: on_duty(s, town))
    call = await dials(town, WANG, "0")
    assert [one.text for one in call.script if one.verb == "Dial"] == [DUTY]


async def test_a_stranger_names_a_building_and_one_that_is_not_there_is_told_so(
    town: Town,
) -> None:
    heard = said(await dials(town, "+8613800000301", "3#", "1"))
    assert heard.index("几号楼") < heard.index("听最新通知请按一")
    assert "没有找到这个楼号" in said(await dials(town, "+8613800000302", "99#"))


async def test_a_rumor_that_is_spoken_is_answered_in_the_same_call_truth_first(
    town: Town,
) -> None:
    number = "+8613800000303"
    call = await dials(town, number, "#", "2", "", "1", speech=("", "", RUMOR))
    heard = said(call)
    assert WATER.truth.rstrip("。") in heard
    assert heard.index("我查一查") < heard.index(WATER.truth.rstrip("。"))
    done = [DeliveryState.DONE]
    await town.until(lambda: town.with_session(lambda s: _direct(s, number)) == done)
    assert [one for one in town.sandbox.book.calls if one.to == number] == []


async def test_what_is_not_known_becomes_a_case_and_its_asker_is_called_back(town: Town) -> None:
    number = "+8613800000304"
    heard = said(await dials(town, number, "#", "2", speech=("", "", "后山的水库明天要炸掉")))
    assert "正在请" in heard
    assert "有结果一定告诉您" in heard
    assert town.with_session(lambda s: len(_cases(s, number))) == 1


async def test_who_is_asked_which_one_is_meant_chooses_by_a_key_and_hears_it(town: Town) -> None:
    vague, number = "自来水厂怎么了", "+8613800000308"
    heard = said(await dials(town, number, "#", "2", "", "1", speech=("", "", vague)))
    assert heard.index("我们想确认您问的是哪一条") < heard.index("都不是请按零")
    assert heard.index("都不是请按零") < heard.index(WATER.truth.rstrip("。"))


async def test_who_means_none_of_them_has_a_case(town: Town) -> None:
    vague, number = "自来水厂怎么了", "+8613800000309"
    heard = said(await dials(town, number, "#", "2", "", "0", speech=("", "", vague)))
    assert "有结果一定告诉您" in heard
    (asked,) = town.with_session(lambda s: _cases(s, number))
    assert asked.state is State.WAITING
    # they have heard so: no call tells it again
    done = [DeliveryState.DONE]
    await town.until(
        lambda: town.with_session(lambda s: _direct(s, number, NoticeKind.CASE)) == done
    )
    assert [one for one in town.sandbox.book.calls if one.to == number] == []


async def test_a_case_that_is_settled_is_told_to_its_asker_by_a_call(town: Town) -> None:
    number, truth = "+8613800000310", "水库没有危险，没有人要炸它。"
    await dials(town, number, "#", "2", speech=("", "", "听说后山水库要炸"))
    before = len(town.sandbox.book.calls)

    def settle(session: Session) -> None:
        (asked,) = _cases(session, number)
        now, staff = town.app.clock.now(), town.street.staff
        matter = session.get_one(Case, (asked.community_id, asked.case_id))
        ruling = replace(WATER, claim="后山水库要炸", truth=truth, date=now.date(), variants=())
        done = settlement.settle(session, matter, staff[Role.EXPERT], ruling, now)
        settlement.publish(session, done.fact, staff[Role.PUBLISHER], now)

    town.with_session(settle)

    def back() -> Call | None:
        rest = town.sandbox.book.calls[before:]
        return next((one for one in rest if one.to == number and truth[:-1] in said(one)), None)

    assert await town.until(back)


async def test_who_hangs_up_before_the_answer_is_called_with_it(town: Town) -> None:
    number = "+8613800000305"
    town.sandbox.phones.add(Phone("某人", number))
    phone = town.sandbox.phones.by_number(number)
    assert phone is not None
    doing = OnCall(keys=("#", "2"), speech=("", "", RUMOR))
    call = town.sandbox.calls.dials(phone, town.sandbox.numbers[1], doing)
    await town.until(lambda: "我查一查" in said(call))
    live = town.sandbox.calls.on(phone)
    if live is not None:
        live.line.hang_up()
    back = await town.until(
        lambda: next((one for one in town.sandbox.book.calls if one.to == number), None)
    )
    await town.until(lambda: WATER.truth.rstrip("。") in said(back))


@pytest.mark.parametrize("number", [WANG, "+8613800000306"])
async def test_key_3_opens_a_task_with_the_number_to_call_back(town: Town, number: str) -> None:
    keys = ("3",) if number == WANG else ("#", "3")
    heard = said(await dials(town, number, *keys))
    assert "马上请人打电话给您" in heard

    national = number.removeprefix("+86")
    await town.until(lambda: any(national in one.replace(" ", "") for one in notes(town)))


@pytest.mark.parametrize("keys", [("3*", "1"), ("101501",), ("*",)])
async def test_whatever_is_pressed_for_a_building_leads_to_the_menu(
    town: Town, keys: tuple[str, ...]
) -> None:
    heard = said(await dials(town, "+8613800000311", *keys))
    assert "听最新通知请按一" in heard


async def test_a_cry_at_the_menu_opens_the_task_that_was_promised(town: Town) -> None:
    number = "+8613800000312"
    heard = said(await dials(town, number, "#", speech=("", "哎呀我摔倒了，帮帮我")))
    assert "马上请人打电话给您" in heard
    await town.until(lambda: any("138 0000 0312" in one for one in notes(town)))


async def test_who_spoke_to_nobody_at_the_duty_phone_is_called_back(town: Town) -> None:
    town.with_session(lambda s: on_duty(s, town))
    town.sandbox.book.unreachable.add(DUTY)
    number = "+8613800000313"
    heard = said(await dials(town, number, "#", "0"))
    town.sandbox.book.unreachable.discard(DUTY)
    assert "没有人接" in heard
    await town.until(lambda: any("138 0000 0313" in one for one in notes(town)))


async def test_after_an_answer_the_menu_is_offered_without_blame(town: Town) -> None:
    number = "+8613800000314"
    call = await dials(town, number, "#", "2", "", "1", speech=("", "", RUMOR))
    heard = said(call)
    assert heard.index("好的。") < heard.index("还有别的事，请不要挂电话")
    assert "没有听到您按键" not in heard


async def test_an_answer_offers_help_too(town: Town) -> None:
    number = "+8613800000315"
    heard = said(await dials(town, number, "#", "2", "", "3", speech=("", "", RUMOR)))
    assert "马上请人打电话给您" in heard
    await town.until(lambda: any("138 0000 0315" in one for one in notes(town)))


async def test_a_key_that_was_not_offered_among_facts_keeps_the_question(town: Town) -> None:
    number, vague = "+8613800000316", "自来水厂怎么了"
    heard = said(await dials(town, number, "#", "2", "", "7", "1", speech=("", "", vague)))
    assert "这个键没有用" in heard
    assert WATER.truth.rstrip("。") in heard


async def test_who_goes_on_in_english_is_answered_in_it(town: Town) -> None:
    number = "+8613800000317"
    speech = ("", "", "", RUMOR)
    heard = said(await dials(town, number, "#", "9", "2", "", "1", speech=speech))
    assert "Please say what you have heard" in heard
    assert "If there is anything else" in heard


async def test_a_hidden_number_hears_the_alerts_and_nothing_that_needs_a_call_back(
    town: Town,
) -> None:
    heard = said(await dials(town, "anonymous", "2"))
    assert "问听到的消息" not in heard
    assert "这个键没有用" in heard


async def test_whoever_presses_wrong_keys_twice_comes_to_a_person(town: Town) -> None:
    town.with_session(lambda s: on_duty(s, town))
    call = await dials(town, WANG, "7", "7")
    assert said(call).count("这个键没有用") == 1
    assert [one.text for one in call.script if one.verb == "Dial"] == [DUTY]


async def test_who_hesitates_after_a_wrong_key_is_asked_once_more(town: Town) -> None:
    heard = said(await dials(town, WANG, "*", "", "1"))
    assert heard.index("这个键没有用") < heard.index("没有听到您按键") < heard.index("现在没有通知")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("我住三号楼二单元", "听最新通知请按一"),
        ("九十九栋", "没有找到这个楼号"),
        ("哎呀快来人，帮帮我", "马上请人打电话给您"),
        ("什么", "听最新通知请按一"),
    ],
)
async def test_a_building_may_be_said_and_a_cry_is_heard_there_too(
    town: Town, words: str, answer: str
) -> None:
    heard = said(await dials(town, "+8613800000320", speech=(words,)))
    assert "请说您住几号楼" in heard
    assert answer in heard
    assert ("没有找到" in heard) == ("没有找到" in answer)


async def test_an_exercise_is_not_read_out_to_who_calls(town: Town) -> None:
    drill = replace(town.storm, status=Status.EXERCISE)
    town.with_session(lambda _: town.street.publish(drill))
    assert "暴雨" not in said(await dials(town, "+8613800000318", "#", "1"))


async def test_without_recognition_a_question_is_recorded_and_is_a_case_with_its_sound(
    deaf: Town,
) -> None:
    number = "+8613800000307"
    heard = said(await dials(deaf, number, "#", "2"))
    assert "嘀的一声" in heard
    assert "正在请" in heard

    def sounds() -> list[str]:
        with deaf.store.read() as session:
            return [one.data for one in session.scalars(select(File)).all() if one.data]

    (sound,) = await deaf.until(sounds)
    assert base64.b64decode(sound).startswith(b"RIFF")
    await deaf.until(lambda: deaf.sandbox.book.recordings == {})


async def test_who_hangs_up_when_they_have_said_it_has_asked_all_the_same(deaf: Town) -> None:
    number = "+8613800000319"
    phone = Phone("某人", number)
    deaf.sandbox.phones.add(phone)
    doing = OnCall(keys=("#", "2"))
    call = deaf.sandbox.calls.dials(phone, deaf.sandbox.numbers[1], doing)
    await deaf.until(lambda: [one for one in call.script if one.verb == "Record"])
    live = deaf.sandbox.calls.on(phone)
    assert live is not None
    live.line.hang_up()
    await deaf.until(lambda: deaf.with_session(lambda s: _cases(s, number)))


async def test_a_recording_that_is_ready_only_later_is_fetched_then(deaf: Town) -> None:
    number = "+8613800000311"
    deaf.sandbox.book.recording_takes = 200.0
    await dials(deaf, number, "#", "2")

    def sounds() -> list[str | None]:
        with deaf.store.read() as session:
            mine = {one.id for one in _cases(session, number)}
            found = session.scalars(select(File)).all()
            return [one.data for one in found if one.question_id in mine]

    await deaf.until(lambda: sounds() == [None])
    deaf.sandbox.book.recording_takes = 0.0
    (sound,) = await deaf.until(lambda: [one for one in sounds() if one])
    assert base64.b64decode(sound).startswith(b"RIFF")
    await deaf.until(lambda: deaf.sandbox.book.recordings == {})


def _direct(
    session: Session, number: str, kind: NoticeKind = NoticeKind.ANSWER
) -> list[DeliveryState]:
    """Return how it stands with the answers to a number."""
    mine: list[uuid.UUID] = [one for *_, one in people.owners(session, Kind.CALL, number)]
    query = (
        select(Delivery.state)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(Delivery.recipient_id.in_(mine), Notice.kind == kind)
    )
    return list(session.scalars(query))


def _cases(session: Session, number: str) -> list[Heard]:
    mine = [one for *_, one in people.owners(session, Kind.CALL, number)]
    return list(session.scalars(select(Heard).where(Heard.address_id.in_(mine))))


def notes(town: Town) -> list[str]:
    """Return what the calls for help say."""
    with town.store.read() as session:
        found = session.scalars(select(Task).where(Task.kind == TaskKind.HELP)).all()
        return [one.note for one in found]


def on_duty(session: Session, town: Town) -> None:
    """Put somebody on duty who has a phone."""
    now = town.app.clock.now()
    worker = identity.add_staff(session, "值班", [Role.GRID_WORKER], now)
    people.add_address(session, OwnerKind.STAFF, worker.id, Kind.CALL, DUTY, now)
    duty.begin(session, worker.id, now, None, now)
