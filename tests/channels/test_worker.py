"""The whole engine on a fast clock: the house, the stand-ins, and people who behave."""

import asyncio
import contextlib
import io
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select

from bot import logs
from bot.app import App
from bot.config import Settings
from bot.sandbox import phones
from bot.sandbox.book import Call
from bot.sandbox.book import Kind as Form
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import Behaviour, Phone, PhoneKind
from bot.sandbox.server import Sandbox
from content import identity, phrase, place, review
from content.alert import Severity, Status, Urgency
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.draft import Draft, Text
from content.event import Actor, Door
from content.inbound import Inbound
from content.message import Written
from content.notice import Notice
from content.people import Audience, Need, Resident
from content.reason import Reason
from content.staff import Role
from content.store import Store
from tests.content import outbox
from tests.databases import Databases, founded

SCALE = 240.0
STORY = 100.0
"""Slower: a receipt that comes later than the ladder waits means a second call."""
NAMES = {
    "taps": "欧阳收到",
    "helps": "欧阳求助",
    "replies": "欧阳回一",
    "presses": "欧阳按键",
    "repeats": "欧阳重听",
    "machine": "欧阳录音",
    "listens": "欧阳光听",
    "absent": "欧阳不在",
    "promised": "欧阳有子",
    "unreachable": "欧阳空号",
    "drilled": "司徒演练",
}
SON = "+8613911112222"
TEXT = "今晚有特大暴雨，地下室请勿停车。"


@dataclass
class House:
    """A house and its stand-ins in one loop."""

    folder: Path
    store: Store
    clock: Clock
    sandbox: Sandbox
    app: App
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def live(self, name: str, behaviour: Behaviour, **who: Any) -> uuid.UUID:
        """Somebody moves in with one phone: `chat`, `mobile` or `landlines`."""
        landline = (who.get("landlines") or [""])[0]
        number, chat = who.get("mobile", "") or landline, who.get("chat", "")
        self.sandbox.phones.add(
            Phone(
                name,
                number,
                int(chat) if chat else None,
                PhoneKind.LANDLINE if landline else PhoneKind.MOBILE,
                behaviour,
            )
        )
        with self.store.begin() as session:
            self.people[name] = outbox.resident(session, self.clock.now(), name, **who)
        self.numbers[name] = number or chat
        return self.people[name]

    def tell(self, severity: Severity = Severity.EXTREME, **other: Any) -> uuid.UUID:
        with self.store.begin() as session:
            made = outbox.tell(session, self.clock.now(), severity, **other)
            for text in outbox.notice.texts(session, made.id).values():
                text["description"] = TEXT
            return made.id

    def row(self, notice_id: uuid.UUID, name: str) -> Delivery:
        with self.store.read() as session:
            key = (self.store.community_id, notice_id, self.people[name])
            return session.get_one(Delivery, key)

    def open(self, notice_id: uuid.UUID) -> int:
        with self.store.read() as session:
            query = select(func.count()).where(
                Delivery.notice_id == notice_id, Delivery.state == DeliveryState.OPEN
            )
            return session.scalar(query) or 0

    def attempts(self) -> list[Attempt]:
        with self.store.read() as session:
            return outbox.attempts(session)


@asynccontextmanager
async def opened(
    databases: Databases, folder: Path, scale: float = SCALE, answer: int = 15
) -> AsyncIterator[House]:
    with databases.url(folder) as url:
        async with _opened(url, folder, scale, answer) as house:
            yield house


@asynccontextmanager
async def _opened(url: str, folder: Path, scale: float, answer: int) -> AsyncIterator[House]:
    clock = Clock(scale)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    store = founded(url)
    settings = Settings.model_validate(
        {
            **sandbox.settings(),
            "database_url": store.url,
            "port": 0,
            "answer_seconds": answer,
            "telegram_rate": 1000,
            "twilio_sms_rate": 100,
            "twilio_voice_rate": 100,
            "twilio_voice_lines": 100,
        }
    )
    app = App(settings, store, clock)
    sandbox.stage.sms_webhook = f"{app.public_url}/hooks/twilio_sms/inbound"
    await app.start()
    try:
        yield House(folder, store, clock, sandbox, app)
    finally:
        await app.stop()
        await sandbox.stop()
        store.close()


async def until(ready: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110 - what is waited for stands in the database
            await asyncio.sleep(0.01)


@dataclass
class Played:
    """What is left of one alert and one drill, told to everybody who can be told."""

    ends: dict[str, tuple[DeliveryState, Reason | None]]
    drilled: dict[str, DeliveryState]
    calls: dict[str, int]
    drill: list[str]
    alert: list[str]
    lines: str
    dump: str
    raw: bytes
    secrets: list[str]


def _behave(**what: object) -> Behaviour:
    return Behaviour(**what, spread=0.0)


def _settle(house: House) -> None:
    """People of every kind, each in a home of their own; one lives in another building."""
    old = {"needs": [Need.ELDERLY]}
    for at, (name, call) in enumerate(
        {
            "presses": (phones.PRESSES_1,),
            "repeats": (phones.REPEATS_THEN_1,),
            "machine": (phones.MACHINE,),
            "listens": (phones.ONLY_LISTENS,),
            "absent": (phones.NO_ANSWER,),
            "promised": (phones.NO_ANSWER,),
            "unreachable": (phones.NO_SUCH_NUMBER,),
        }.items()
    ):
        number = f"+862188880{at:03}"
        house.live(
            NAMES[name], _behave(calls=call), room=f"3-1-{at + 1}01", landlines=[number], **old
        )
    taps, helps = _behave(chats=(phones.TAPS_RECEIVED,)), _behave(chats=(phones.TAPS_HELP,))
    house.live(NAMES["taps"], taps, room="4-1-101", chat="700000001")
    house.live(NAMES["helps"], helps, room="4-1-201", chat="700000002")
    replies = _behave(texts=(phones.REPLIES_1,))
    house.live(NAMES["replies"], replies, room="4-1-301", mobile="+8613988887777")
    house.sandbox.phones.add(Phone("儿子", SON, behaviour=_behave(calls=(phones.PRESSES_1,))))
    with house.store.begin() as session:
        outbox.contact(session, house.people[NAMES["promised"]], SON, house.clock.now())


async def _play(databases: Databases, folder: Path) -> Played:
    async with opened(databases, folder, scale=STORY) as house:
        _settle(house)
        alert = house.tell(Severity.SEVERE)
        await until(lambda: not house.open(alert))
        before = len(house.sandbox.book.texts()), len(house.sandbox.book.dialled())
        for at, who in enumerate(
            (
                {"chat": "700000009"},
                {"mobile": "+8613988880009"},
                {"landlines": ["+862188889999"], "needs": [Need.ELDERLY]},
            )
        ):
            house.live(
                f"{NAMES['drilled']}{at}",
                _behave(chats=(phones.TAPS_RECEIVED,), texts=(phones.REPLIES_1,)),
                room=f"9-1-{at + 1}01",
                **who,
            )
        drill = _drill(house)
        await until(lambda: not house.open(drill))
        await until(lambda: all(one.closed_at for one in house.attempts()))
        return _read(house, alert, drill, before)


def _drill(house: House) -> uuid.UUID:
    """Publish a drill for one building, as an emergency: author and publisher."""
    now = house.clock.now()
    text = Text("暴雨红色预警", TEXT, "请待在家里。", "暴雨已经过去。")
    content = Draft(
        "暴雨",
        {Written.HANS: text},
        now + timedelta(hours=6),
        audience=Audience(places=("/9/",)),
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
        status=Status.EXERCISE,
    )
    with house.store.begin() as session:
        author, publisher = (
            Actor(Door.CLI, identity.add_staff(session, "某人", [role], now).id)
            for role in (Role.AUTHOR, Role.PUBLISHER)
        )
        row = review.draft(session, author, content, now)
        return review.publish(session, publisher, row, now, emergency=True).id


def _opening(call: Call) -> str:
    return next((one.text for one in call.script if one.text), "")


def _read(house: House, alert: uuid.UUID, drill: uuid.UUID, before: tuple[int, int]) -> Played:
    book = house.sandbox.book
    labels = {name: label for label, name in NAMES.items()}
    with house.store.read() as session:
        rows = session.scalars(select(Delivery)).all()
        names = dict(session.execute(select(Resident.id, Resident.name)).all())
    said = [one.body for one in book.texts()], [_opening(call) for call in book.dialled()]
    new = said[0][before[0] :], [text for text in said[1][before[1] :] if text]
    return Played(
        {
            labels[names[row.recipient_id]]: (row.state, row.reason)
            for row in rows
            if row.notice_id == alert
        },
        {names[row.recipient_id]: row.state for row in rows if row.notice_id == drill},
        {
            label: len(book.dialled(house.numbers[name]))
            for label, name in NAMES.items()
            if name in house.numbers
        },
        [*new[0], *new[1]],
        [*said[0], *said[1]],
        "",
        _dump(house, "event", "attempt", "receipt", "delivery", "notice", "pace", "task"),
        _raw(house),
        [*NAMES.values(), *(number for number in house.numbers.values()), SON, TEXT],
    )


def _dump(house: House, *tables: str) -> str:
    with house.store.read() as session:
        run = session.connection().exec_driver_sql
        rows = (row for table in tables for row in run(f"SELECT * FROM {table}"))  # noqa: S608 - our own names
        return "\n".join(str(tuple(row)) for row in rows)


def _raw(house: House) -> bytes:
    """What is kept, as it is kept: the file, or on a server every table of people and messages."""
    files = sorted(house.folder.glob("linxun.sqlite3*"))
    if files:
        return b"".join(one.read_bytes() for one in files)
    return _dump(
        house, *("community", "resident", "contact", "address", "staff", "inbound")
    ).encode()


@pytest.fixture(scope="module")
def played(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Played:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    with contextlib.redirect_stderr(lines):
        logs.set_up("DEBUG")
        result = asyncio.run(_play(databases, tmp_path_factory.mktemp("house")))
    logging.getLogger().removeHandler(handler)
    structlog.reset_defaults()
    result.lines = lines.getvalue()
    return result


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("taps", Reason.CONFIRMED_BUTTON),
        ("helps", Reason.CONFIRMED_BUTTON),
        ("replies", Reason.CONFIRMED_REPLY),
        ("presses", Reason.CONFIRMED_KEY),
        ("repeats", Reason.CONFIRMED_KEY),
    ],
)
def test_a_human_act_confirms(played: Played, who: str, reason: Reason) -> None:
    assert played.ends[who] == (DeliveryState.CONFIRMED, reason)


@pytest.mark.parametrize("who", ["machine", "listens", "absent"])
def test_a_call_without_a_key_goes_on_to_the_door(played: Played, who: str) -> None:
    """T1: `completed` and `machine_start` confirm nothing."""
    assert played.ends[who] == (DeliveryState.DOOR, Reason.LADDER_EXHAUSTED)
    assert played.calls[who] == outbox.LADDERS.tries_of(outbox.ladder.Rung.CALL)


def test_who_pressed_a_key_is_not_called_again(played: Played) -> None:
    assert (played.calls["presses"], played.calls["repeats"]) == (1, 1)


def test_a_number_that_does_not_exist_is_called_once(played: Played) -> None:
    assert played.calls["unreachable"] == 1
    assert played.ends["unreachable"][0] is DeliveryState.DOOR


def test_a_contact_passes_it_on(played: Played) -> None:
    assert played.ends["promised"] == (DeliveryState.PASSED_ON, Reason.PASSED_ON)


def test_only_the_audience_of_a_drill_gets_it(played: Played) -> None:
    """T6"""
    assert len(played.drilled) == 3
    assert all(name.startswith(NAMES["drilled"]) for name in played.drilled)


def test_every_text_of_a_drill_begins_with_the_drill_word(played: Played) -> None:
    """T6"""
    words = (phrase.say("mark.exercise", Written.HANS), phrase.say("status.exercise", Written.HANS))
    assert len(played.drill) >= 3
    assert [text for text in played.drill if not text.startswith(words)] == []
    assert not any(text.startswith(words) for text in played.alert if text not in played.drill)


def test_no_log_line_holds_a_name_a_number_or_a_text(played: Played) -> None:
    found = [
        one for one in played.secrets if one in played.lines or one.lstrip("+") in played.lines
    ]
    assert "delivery.sent" in played.lines
    assert found == []


def test_no_event_attempt_or_receipt_holds_a_name_a_number_or_a_text(played: Played) -> None:
    found = [one for one in played.secrets if one in played.dump or one.lstrip("+") in played.dump]
    assert "delivery.confirmed" in played.dump
    assert found == []


def test_the_database_file_holds_no_name_and_no_number_in_the_clear(played: Played) -> None:
    # the text of an alert is public; names and numbers are not
    found = [one for one in played.secrets if one != TEXT and one.encode() in played.raw]
    assert "幸福里社区".encode() in played.raw
    assert found == []


async def test_a_provider_that_asks_for_a_pause_loses_nobody(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path, scale=1.0) as house:
        taps = phones.OnChat("收到", after=0.1)
        house.live("甲", Behaviour(chats=(taps,)), chat="700000001")
        made = house.tell()

        def asked() -> bool:
            """Whether it has asked for a pause, which it does as long as nobody has heard it."""
            house.sandbox.faults.telegram.throttle(house.clock, 1)
            return any(one.reason is Reason.RATE_LIMITED for one in house.attempts())

        await until(asked)
        await until(lambda: not house.open(made))
        tried = [one.reason for one in house.attempts()]
        end = house.row(made, "甲")
    assert end.reason is Reason.CONFIRMED_BUTTON
    assert (set(tried[:-1]), end.rung) == ({Reason.RATE_LIMITED}, 0)


async def test_a_provider_that_fails_for_a_moment_is_asked_again(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path) as house:
        house.live("甲", Behaviour(texts=(phones.REPLIES_1,)), mobile="+8613800000001")
        house.sandbox.faults.twilio.errors = 2
        made = house.tell()
        await until(lambda: not house.open(made))
        seen = len(house.sandbox.book.texts("+8613800000001"))
        states = [one.state for one in house.attempts()]
    assert seen == 1
    assert states[:2] == [AttemptState.FAILED] * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("severity", "times", "scale"),
    # two rounds of asking must fit into the two minutes of the urgent ladder's first step
    [(Severity.EXTREME, 2, SCALE / 6), (Severity.MODERATE, 1, 5 * SCALE)],
    ids=["urgent", "mild"],
)
async def test_a_chat_whose_answer_was_lost_is_repeated_only_where_it_is_urgent(
    databases: Databases, tmp_path: Path, severity: Severity, times: int, scale: float
) -> None:
    async with opened(databases, tmp_path, scale=scale, answer=1) as house:
        house.live("甲", Behaviour(chats=(phones.READS_ONLY,)), chat="700000001")
        house.sandbox.faults.telegram.drops = 1
        made = house.tell(severity)
        await until(lambda: not house.open(made))
        seen = len(house.sandbox.book.texts("700000001", Form.CHAT))
    assert seen == times


async def test_an_sms_whose_answer_was_lost_is_not_repeated(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path, answer=1) as house:
        house.live("甲", Behaviour(texts=(phones.REPLIES_1,)), mobile="+8613800000001")
        house.sandbox.faults.twilio.drops = 1
        made = house.tell()
        await until(lambda: not house.open(made))
        seen = len(house.sandbox.book.texts("+8613800000001"))
        reason = house.row(made, "甲").reason
    assert (seen, reason) == (1, Reason.CONFIRMED_REPLY)


async def test_what_is_still_under_way_is_not_taken_for_lost(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path, answer=1) as house:
        house.live("甲", Behaviour(texts=(phones.REPLIES_1,)), mobile="+8613800000001")
        house.sandbox.faults.twilio.latency = 1.6
        made = house.tell()
        await until(lambda: not house.open(made))
        seen = len(house.sandbox.book.texts("+8613800000001"))
    assert seen == 1


async def test_a_house_that_stops_records_what_is_in_flight(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path, scale=1.0) as house:
        for at in range(5):
            house.live(str(at), Behaviour(), room=f"3-1-{at + 1}01", mobile=f"+861380000000{at}")
        house.sandbox.faults.twilio.lag = 0.3
        house.tell()
        await until(lambda: len(house.sandbox.book.texts()) == 5)
        house.app.worker.stop()
        await until(lambda: all(one.accepted_at for one in house.attempts()), 5)
        await house.app.stop()
        states = {one.state for one in house.attempts()}
    assert AttemptState.ATTEMPTING not in states


@pytest.mark.slow
async def test_shuffled_and_doubled_receipts_end_the_same(
    databases: Databases, tmp_path: Path
) -> None:
    """T3 through the whole house."""
    async with opened(databases, tmp_path) as house:
        house.sandbox.faults.shuffled = house.sandbox.faults.doubled = 0.7
        for at in range(12):
            quiet = Behaviour(texts=(phones.NEVER_REPLIES,), calls=(phones.NO_ANSWER,))
            house.live(str(at), quiet, room=f"3-1-{at + 1}01", mobile=f"+86138000000{at:02}")
        made = house.tell()
        await until(lambda: not house.open(made))
        sms = {one.state for one in house.attempts() if one.kind == "sms"}
        with house.store.read() as session:
            broken = session.scalar(select(func.count()).where(Inbound.error != ""))
            live = session.scalars(select(Notice.state)).one()
    assert sms == {AttemptState.DELIVERED}
    assert (broken, live) == (0, "live")
    assert place.read("3-1-101").room == "101"
