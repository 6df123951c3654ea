"""What has arrived is kept once and in order, whatever becomes of the database meanwhile."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
import uvicorn
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from twilio.request_validator import RequestValidator

from bot.web import app as web
from bot.web import intake, reading
from bot.web.intake import Intake, UnkeptError
from channels.base import Channel
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content.clock import Clock
from content.inbound import Inbound, Raw
from content.journal import Journal, JournalError
from content.message import Kind
from content.store import Store
from tests.bot.street import WANG, Street, open_street

PUBLIC, SECRET, TOKEN = "https://linxun.example", "s" * 24, "t" * 32
CALL = "CA" + "0" * 32
AT = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


def raw(number: int) -> Raw:
    return Raw("telegram", str(number), "", AT, {"update_id": number})


@contextmanager
def locked(store: Store) -> Iterator[Callable[[], bool]]:
    """Hold the database as another process would; yields whether it is still held."""
    url = make_url(store.url)
    if url.get_backend_name() == "postgresql":
        with psycopg.connect(url.render_as_string(hide_password=False)) as server:
            server.execute("LOCK TABLE inbound IN EXCLUSIVE MODE")
            yield lambda: not server.closed
            server.rollback()
        return
    with closing(sqlite3.connect(str(url.database), isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield lambda: file.in_transaction
        file.rollback()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def kept(store: Store) -> list[str]:
    with store.read() as session:
        return list(session.scalars(select(Inbound.event_id).order_by(Inbound.id)))


async def until(ready: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def taking(store: Store, folder: Path) -> AsyncIterator[Intake]:
    """An intake, as a process has it for its life."""
    made = Intake(store, intake.beside(store, folder))
    made.start()
    yield made
    await made.stop()


async def test_what_arrives_is_in_the_database_before_its_provider_is_answered(
    file_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PATIENCE", 30)
    async with taking(file_store, folder) as made:
        await asyncio.gather(*(made.keep(raw(number)) for number in range(30)))
        assert kept(file_store) == [str(number) for number in range(30)]
        assert made.shelved == 0


async def test_with_the_database_locked_it_is_on_the_disk_and_comes_back_in_order(
    file_store: Store,
    folder: Path,
) -> None:
    wanted = [str(number) for number in range(40)]
    async with taking(file_store, folder) as made:
        with locked(file_store):
            for number in range(40):
                await made.keep(raw(number))
            assert (kept(file_store), made.shelved) == ([], 40)
        await until(lambda: kept(file_store) == wanted)
        await until(lambda: not made.away and list(folder.iterdir()) == [])


async def test_what_arrives_while_the_journal_is_replayed_comes_after_it(
    file_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_CHUNK", 5)
    async with taking(file_store, folder) as made:
        with locked(file_store):
            for number in range(100):
                await made.keep(raw(number))
        for number in range(100, 200):
            await made.keep(raw(number))
        await until(lambda: len(kept(file_store)) == 200)
        assert kept(file_store) == [str(number) for number in range(200)]


def leave(store: Store, folder: Path, *numbers: int) -> None:
    """Shelve events as a process does that is killed afterwards."""
    left = intake.beside(store, folder)
    assert left is not None
    left.write([raw(number) for number in numbers])
    left.close()


async def test_the_next_process_replays_what_a_killed_one_has_left(
    file_store: Store, folder: Path
) -> None:
    leave(file_store, folder, 1, 2)
    async with taking(file_store, folder) as made:
        await until(lambda: made.replayed == 2)
        assert kept(file_store) == ["1", "2"]


async def test_what_was_kept_before_the_crash_is_not_kept_again(
    file_store: Store, folder: Path
) -> None:
    leave(file_store, folder, 1, 2)
    async with taking(file_store, folder) as made:
        await made.keep(raw(2))
        await until(lambda: made.replayed == 2)
        assert sorted(kept(file_store)) == ["1", "2"]


async def test_while_the_database_is_away_nobody_waits_for_it_again(
    file_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with taking(file_store, folder) as made:
        with locked(file_store):
            await made.keep(raw(1))
            monkeypatch.setattr(intake, "PATIENCE", 3600)
            await asyncio.wait_for(made.keep(raw(2)), 60)
            assert (kept(file_store), made.shelved) == ([], 2)


class Gone(Store):
    """A database that cannot be reached."""

    async def write(self, work: Callable[..., object], **_: object) -> object:  # type: ignore[override]
        raise OperationalError(repr(work), {}, Exception("gone"))


async def test_a_database_that_is_gone_costs_nothing_either(
    file_store: Store, folder: Path
) -> None:
    gone = Gone(file_store.url, file_store.keyring, file_store.community_id)
    async with taking(gone, folder) as made:
        await made.keep(raw(1))
        assert made.shelved == 1
    gone.close()
    async with taking(file_store, folder) as made:
        await until(lambda: made.replayed == 1)
    assert kept(file_store) == ["1"]


class Full(Journal):
    """A journal on a disk that is full."""

    def write(self, records: Sequence[Raw]) -> None:
        raise JournalError(f"No space left for {len(records)}.")


async def test_with_neither_database_nor_disk_the_provider_must_come_again(
    file_store: Store,
    folder: Path,
) -> None:
    community = file_store.community_id
    assert community is not None
    made = Intake(file_store, Full(folder, file_store.keyring, community))
    with locked(file_store), pytest.raises(UnkeptError):
        await made.keep(raw(1))
    await made.stop()
    assert made.refused == 1


async def test_what_waits_for_a_locked_database_is_bounded(
    file_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_MOST", 20)
    monkeypatch.setattr(intake, "PATIENCE", 3600)
    async with taking(file_store, folder) as made:
        with locked(file_store):
            coming = [asyncio.create_task(made.keep(raw(number))) for number in range(50)]
            done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            assert {type(one.exception()) for one in done} == {UnkeptError}
        outcomes = await asyncio.gather(*coming, return_exceptions=True)
        assert outcomes.count(None) == len(kept(file_store)) < 50


class Served:
    """The webhooks behind a real server, as a provider reaches them."""

    def __init__(self, store: Store, client: httpx.AsyncClient) -> None:
        self.store = store
        self.client = client

    async def twilio(self, path: str, **form: str) -> httpx.Response:
        url = path if path.startswith("http") else f"{PUBLIC}/hooks/{path}"
        form = {"CallSid": CALL, "To": WANG, "From": "+12025550100", **form}
        signature = RequestValidator(TOKEN).compute_signature(url, form)
        headers = {
            "X-Twilio-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(form)
        return await self.client.post(url.removeprefix(PUBLIC), content=body, headers=headers)

    async def telegram(self, number: int) -> httpx.Response:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        body = json.dumps({"update_id": number})
        return await self.client.post("/hooks/telegram", content=body, headers=headers)

    def called(self) -> str:
        """Have 王奶奶 called, and return the attempt's ref."""
        community = self.store.community_id
        assert community is not None
        with self.store.begin() as session:
            street: Street = open_street(session, AT, community)
            return street.send(street.publish(), street.wang, Kind.CALL)


@pytest.fixture
async def served(file_store: Store, folder: Path) -> AsyncIterator[Served]:
    with file_store.begin() as session:
        session.connection().exec_driver_sql("DELETE FROM community")
    channels: list[Channel] = [
        Telegram("7:token"),
        TwilioSms("AC" + "0" * 32, TOKEN, "+12025550100", PUBLIC),
        TwilioVoice("AC" + "0" * 32, TOKEN, "+12025550100", PUBLIC),
    ]
    journal = intake.beside(file_store, folder)
    hooks = web.Hooks(file_store, Clock(), {one.name: one for one in channels}, SECRET, journal)
    config = uvicorn.Config(web.make(hooks), port=0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield Served(file_store, client)
    server.should_exit = True
    await serving
    for channel in channels:
        await channel.close()


async def test_a_key_pressed_while_the_database_is_locked_is_answered_at_once_and_kept(
    served: Served,
) -> None:
    """T11: the answer comes within the three seconds that the lock is held."""
    ref = served.called()
    with locked(served.store) as held:
        async with asyncio.timeout(3):
            answer = await served.twilio(f"twilio_voice/key/{ref}/cmn-start.0", Digits="1")
        assert held()
    assert answer.status_code == 200
    assert "记下您收到" in answer.text or "请稍等" in answer.text
    await until(lambda: kept(served.store) == [f"{CALL}:key:cmn-start.0:1"])


@pytest.mark.parametrize("path", ["twilio_sms/inbound", "twilio_sms/status/r", "telegram"])
async def test_every_webhook_is_answered_while_the_database_is_locked(
    served: Served, path: str
) -> None:
    with locked(served.store) as held:
        async with asyncio.timeout(3):
            if path == "telegram":
                answer = await served.telegram(7)
            else:
                sms = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent", "Body": "收到"}
                answer = await served.twilio(path, **sms)
        assert held()
    assert answer.status_code == 200
    await until(lambda: len(kept(served.store)) == 1)


async def test_a_caller_is_asked_for_a_moment_until_the_database_answers(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = served.called()
    with monkeypatch.context() as away:
        away.setattr(reading, "_MOST", 0)
        answer = await served.twilio(f"twilio_voice/key/{ref}/cmn-start.0", Digits="1")
    assert "请稍等" in answer.text
    assert "One moment" in answer.text
    monkeypatch.setattr(reading, "PATIENCE", 30)
    again = await served.twilio(redirected(answer))
    assert "记下您收到" in again.text
    assert kept(served.store) == [f"{CALL}:key:cmn-start.0:1"]


async def test_who_calls_us_meanwhile_is_asked_for_a_moment_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.called()
    with monkeypatch.context() as away:
        away.setattr(reading, "_MOST", 0)
        answer = await served.twilio("twilio_voice/inbound", From=WANG, Direction="inbound")
        answer = await served.twilio(redirected(answer), From=WANG, Direction="inbound")
    monkeypatch.setattr(reading, "PATIENCE", 30)
    again = await served.twilio(redirected(answer), From=WANG, Direction="inbound")
    assert "您有一个通知没有接到" in again.text


async def test_a_call_in_progress_goes_on_from_memory(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = served.called()
    with monkeypatch.context() as patient:
        patient.setattr(reading, "PATIENCE", 30)
        await served.twilio(f"twilio_voice/script/{ref}")
    monkeypatch.setattr(reading, "_MOST", 0)
    answer = await served.twilio(f"twilio_voice/key/{ref}/cmn-start.0", Digits="3")
    assert "马上请人联系您" in answer.text


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ({"SpeechResult": "听说明天停水"}, "我查一查"),
        ({"RecordingSid": f"RE{'0' * 32}", "RecordingDuration": "4"}, "我查一查"),
    ],
)
async def test_what_is_asked_by_phone_while_the_database_is_away_is_kept_and_goes_on(
    served: Served, monkeypatch: pytest.MonkeyPatch, heard: dict[str, str], said: str
) -> None:
    served.called()
    caller = {"From": "+8613800000999", "Direction": "inbound"}
    # asked by voice where words are recognised, else recorded
    monkeypatch.setattr(TwilioVoice, "listens", "RecordingSid" not in heard)
    with monkeypatch.context() as away:
        away.setattr(reading, "_MOST", 0)
        asked = await served.twilio("twilio_voice/hotline/0/cmn-rumor.2", **heard, **caller)
    monkeypatch.setattr(reading, "PATIENCE", 30)
    again = await served.twilio(redirected(asked), **caller)
    assert said in again.text
    assert kept(served.store) == [f"{CALL}:hotline:cmn-rumor.2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [("哎呀快来人，帮帮我", "马上请人打电话给您"), ("今天天气不错", "请按电话上的键")],
)
async def test_who_cries_for_help_while_the_database_is_away_is_told_that_it_was_heard(
    served: Served, monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    served.called()
    caller = {"From": "+8613800000999", "Direction": "inbound"}
    monkeypatch.setattr(TwilioVoice, "listens", True)
    with monkeypatch.context() as away:
        away.setattr(reading, "_MOST", 0)
        cried = await served.twilio(
            "twilio_voice/hotline/0/cmn-menu.2", SpeechResult=words, **caller
        )
        again = await served.twilio(redirected(cried), **caller)
    # what somebody has said stands in no address
    assert "%" not in redirected(again)
    monkeypatch.setattr(reading, "PATIENCE", 30)
    assert said in (await served.twilio(redirected(again), **caller)).text


@pytest.mark.parametrize(
    ("path", "digit", "said"),
    [
        ("script/{}", "", "稍后再打给您"),
        ("key/{}/cmn-start.0/star", "*", "已经记下"),
        ("inbound", "", "幺幺九"),
        ("hotline/0/cmn-menu.1/1", "", "幺幺九"),
        ("hotline/0/cmn-rumor.2/words", "", "查到了马上打电话告诉您"),
    ],
)
async def test_nobody_is_asked_for_a_moment_for_ever(
    served: Served, monkeypatch: pytest.MonkeyPatch, path: str, digit: str, said: str
) -> None:
    ref = served.called()
    monkeypatch.setattr(reading, "_MOST", 0)
    answer = await served.twilio(f"twilio_voice/wait/20/{path.format(ref)}")
    assert said in answer.text
    assert "<Hangup" in answer.text
    assert [one for one in kept(served.store) if digit and not one.endswith(digit)] == []


@pytest.mark.parametrize("path", ["wait/21/inbound", "wait/x/inbound", "wait/1", "wait/1/key"])
async def test_a_wait_that_we_have_not_told_is_refused(served: Served, path: str) -> None:
    assert (await served.twilio(f"twilio_voice/{path}")).status_code in (400, 404)


async def test_health_says_where_what_arrives_is_kept(served: Served) -> None:
    assert (await served.client.get("/healthz")).status_code == 200
    with locked(served.store):
        await served.telegram(7)
        assert (await served.client.get("/healthz")).json() == {"status": "journal"}


def redirected(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return answer.text.partition('method="POST">')[2].partition("<")[0]
