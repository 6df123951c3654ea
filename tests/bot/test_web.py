"""The webhooks: what is not signed is refused, what is signed is kept before it is answered."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select, text
from twilio.request_validator import RequestValidator

from bot.web import app as web
from bot.web import intake, reading
from channels.base import Channel
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content import duty, identity, people
from content.base import Base
from content.clock import Clock
from content.inbound import Inbound
from content.message import Kind
from content.people import OwnerKind
from content.staff import Role
from content.store import Store
from tests import databases
from tests.bot.street import WANG, Street, open_street

PUBLIC = "https://linxun.example"
SECRET, TOKEN = "s" * 24, "t" * 32
CALL, SMS = "CA" + "0" * 32, "SM" + "0" * 32
UPDATE = {
    "update_id": 7,
    "message": {
        "message_id": 1,
        "date": 0,
        "text": "停水吗",
        "chat": {"id": 1002, "type": "private"},
        "from": {"id": 1002, "is_bot": False, "first_name": "李"},
    },
}


@dataclass
class Door:
    """The web as a provider meets it."""

    client: httpx.AsyncClient
    store: Store

    async def telegram(self, body: bytes | None = None, secret: str = SECRET) -> httpx.Response:
        body = json.dumps(UPDATE).encode() if body is None else body
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        return await self.client.post("/hooks/telegram", content=body, headers=headers)

    async def twilio(
        self, path: str, form: dict[str, str], *, signed: bool = True, body: bytes | None = None
    ) -> httpx.Response:
        url = f"{PUBLIC}/hooks/{path}"
        signature = RequestValidator(TOKEN).compute_signature(url, form) if signed else "x" * 28
        headers = {
            "X-Twilio-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        content = urlencode(form).encode() if body is None else body
        return await self.client.post(f"/hooks/{path}", content=content, headers=headers)

    def kept(self) -> int:
        with self.store.read() as session:
            return session.scalar(select(func.count()).select_from(Inbound)) or 0


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One WAL file for the module; each test finds it without a row."""
    path = tmp_path_factory.mktemp("web") / "linxun.sqlite3"
    opened = databases.opened(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
async def door(emptied: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    # nothing here is about time: a slow machine changes nothing
    monkeypatch.setattr(intake, "PATIENCE", 30)
    monkeypatch.setattr(reading, "PATIENCE", 30)
    with emptied.begin() as session:
        for table in Base.metadata.sorted_tables:
            session.execute(table.delete())
    channels: list[Channel] = [
        Telegram("7:token"),
        TwilioSms("AC" + "0" * 32, TOKEN, "+12025550100", PUBLIC),
        TwilioVoice("AC" + "0" * 32, TOKEN, "+12025550100", PUBLIC),
    ]
    hooks = web.Hooks(emptied, Clock(), {one.name: one for one in channels}, SECRET)
    transport = httpx.ASGITransport(web.make(hooks), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield Door(client, emptied)
    for channel in channels:
        await channel.close()


async def test_health_says_that_the_database_answers(door: Door) -> None:
    assert (await door.client.get("/healthz")).json() == {"status": "ok"}


async def test_an_update_with_the_secret_is_kept_once(door: Door) -> None:
    first, again = await door.telegram(), await door.telegram()
    assert (first.status_code, again.status_code) == (200, 200)
    assert door.kept() == 1


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", "密"])
async def test_an_update_without_the_secret_is_refused(door: Door, secret: str) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret.encode()} if secret else {}
    answer = await door.client.post("/hooks/telegram", content=b"{}", headers=headers)
    assert (answer.status_code, door.kept()) == (403, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b'"x"',
        b"{" * 5000,
        b"[" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"update_id": "7"}',
        b'{"update_id": true}',
        b'{"update_id": NaN}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b"{}",
    ],
    ids=range(13),
)
async def test_what_is_no_update_is_refused_and_kept_nowhere(door: Door, body: bytes) -> None:
    assert ((await door.telegram(body)).status_code, door.kept()) == (400, 0)


async def test_half_a_character_in_an_update_is_no_crash(door: Door) -> None:
    body = json.dumps(UPDATE).replace("\\u505c", "\\ud800").encode()
    assert ((await door.telegram(body)).status_code, door.kept()) == (200, 1)


@pytest.mark.parametrize("path", ["/hooks/telegram", "/hooks/twilio_sms/inbound"])
async def test_a_body_beyond_the_limit_is_refused(door: Door, path: str) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    answer = await door.client.post(path, content=b"x" * (web.LARGEST + 1), headers=headers)
    assert (answer.status_code, door.kept()) == (413, 0)


async def test_an_sms_that_twilio_signed_is_kept_once(door: Door) -> None:
    form = {"MessageSid": SMS, "From": "+8613800000002", "Body": "收到", "NumMedia": "0"}
    for _ in range(2):
        answer = await door.twilio("twilio_sms/inbound", form)
        assert (answer.status_code, answer.text) == (200, "<Response/>")
    assert door.kept() == 1


@pytest.mark.parametrize(
    "path", ["twilio_sms/inbound", "twilio_sms/status/r", "twilio_voice/key/r/cmn-start.0"]
)
async def test_what_twilio_has_not_signed_is_refused(door: Door, path: str) -> None:
    answer = await door.twilio(path, {"MessageSid": SMS}, signed=False)
    assert (answer.status_code, door.kept()) == (403, 0)


async def test_a_signature_is_for_one_address_only(door: Door) -> None:
    form = {"MessageSid": SMS, "MessageStatus": "delivered"}
    url = f"{PUBLIC}/hooks/twilio_sms/status/one"
    headers = {
        "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    other = "/hooks/twilio_sms/status/two"
    answer = await door.client.post(other, content=urlencode(form), headers=headers)
    assert (answer.status_code, door.kept()) == (403, 0)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("twilio_sms/inbound", {"MessageSid": "x", "From": "+1"}),
        ("twilio_sms/elsewhere", {"MessageSid": SMS}),
        ("twilio_sms/status/a b", {"MessageSid": SMS}),
        ("twilio_voice/status/r", {"CallSid": "CA"}),
        ("twilio_voice/inbound", {"CallSid": ""}),
    ],
)
async def test_what_twilio_does_not_send_is_refused(
    door: Door, path: str, form: dict[str, str]
) -> None:
    answer = await door.twilio(path, form)
    assert (answer.status_code, door.kept()) == (400, 0)


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=%ff", b"&".join([b"a=1"] * 300)])
async def test_a_form_that_is_none_is_refused(door: Door, body: bytes) -> None:
    answer = await door.twilio("twilio_sms/inbound", {}, body=body)
    assert (answer.status_code, door.kept()) == (400, 0)


@pytest.mark.parametrize(
    "path", ["script/ffff", "key/ffff/cmn-start.0", "script/", "script/../../etc"]
)
async def test_a_call_that_nobody_has_made_is_not_found(door: Door, path: str) -> None:
    answer = await door.twilio(f"twilio_voice/{path}", {"CallSid": CALL})
    assert answer.status_code in (404, 400, 403)
    assert door.kept() == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hooks/telegram"),
        ("POST", "/hooks/nothing"),
        ("POST", "/hooks/nothing/inbound"),
        ("POST", "/hooks/telegram/inbound"),
        ("POST", "/hooks/twilio_sms"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/"),
        ("GET", "/healthz/../hooks"),
    ],
)
async def test_there_is_nothing_else_to_find(door: Door, method: str, path: str) -> None:
    assert (await door.client.request(method, path)).status_code in (404, 405)


def peopled(door: Door, now: datetime) -> Street:
    """Let the neighbours move in, with 王奶奶 called and not yet confirmed."""
    community_id = door.store.community_id
    assert community_id is not None
    with door.store.begin() as session:
        return open_street(session, now, community_id)


async def test_who_calls_back_hears_the_notice_that_waits_for_them(
    door: Door, now: datetime
) -> None:
    street = peopled(door, now)
    with door.store.begin() as session:
        street.session = session
        ref = street.send(street.publish(), street.wang, Kind.CALL)
    form = {"CallSid": CALL, "From": WANG, "To": "+12025550100", "Direction": "inbound"}
    answer = await door.twilio("twilio_voice/inbound", form)
    assert "您有一个通知没有接到" in answer.text
    assert f"{PUBLIC}/hooks/twilio_voice/key/{ref}/cmn-start.0" in answer.text
    key = await door.twilio(f"twilio_voice/key/{ref}/cmn-start.0", {**form, "Digits": "1"})
    assert "已经记下了" in key.text
    assert door.kept() == 2


@pytest.mark.parametrize("number", [WANG, "+8613899999999", "anonymous", ""])
async def test_a_caller_for_whom_nothing_waits_can_talk_to_who_is_on_duty(
    door: Door, now: datetime, number: str
) -> None:
    peopled(door, now)
    with door.store.begin() as session:
        boss = identity.add_staff(session, "值班", [Role.GRID_WORKER], now)
        people.add_address(session, OwnerKind.STAFF, boss.id, Kind.CALL, "+8613800000088", now)
        duty.begin(session, boss.id, now, None, now)
    form = {"CallSid": CALL, "From": number, "Direction": "inbound"}
    answer = await door.twilio("twilio_voice/inbound", form)
    assert answer.status_code == 200
    if "找工作人员请按零" not in answer.text:
        assert "楼号" in answer.text
        answer = await door.twilio("twilio_voice/hotline/0/cmn-building.0", {**form, "Digits": ""})
    assert "找工作人员请按零" in answer.text
    person = await door.twilio("twilio_voice/hotline/0/cmn-menu.1", {**form, "Digits": "0"})
    assert "+8613800000088</Dial>" in person.text


async def test_the_script_of_somebody_erased_is_not_found(door: Door, now: datetime) -> None:
    street = peopled(door, now)
    with door.store.begin() as session:
        street.session = session
        ref = street.send(street.publish(), street.wang, Kind.CALL)
        session.execute(text("DELETE FROM address"))
    answer = await door.twilio(f"twilio_voice/script/{ref}", {"CallSid": CALL})
    assert answer.status_code == 404
