import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from telegram import Bot
from telegram.error import NetworkError, RetryAfter
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from bot.sandbox.guard import LiveCredentialsError, host_allowed, on_loopback
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from content.clock import Clock

LI = "+8613800000001"
Until = Callable[[Callable[[], object]], Awaitable[object]]


@pytest.fixture(autouse=True)
def li(sandbox: Sandbox) -> Phone:
    return sandbox.phones.add(Phone("李明", LI, chat=501))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINXUN_TELEGRAM_TOKEN", "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        ("anything", "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        ("telegram_token", "other"),
        ("TWILIO_ACCOUNT_SID", "AC" + "0" * 32),
        ("sid", "AC" + "0" * 32),
        ("telegram_base_url", "https://api.telegram.org/bot"),
        ("TWILIO_API_URL", "https://api.twilio.com"),
        ("TWILIO_API_URL", "http://127.0.0.1.evil.example"),
    ],
)
async def test_live_credentials_are_refused(sandbox: Sandbox, name: str, value: str) -> None:
    with pytest.raises(LiveCredentialsError, match="sandbox") as refused:
        sandbox.refuse_live({name: value})
    assert value not in str(refused.value)


async def test_the_sandboxs_own_credentials_pass(sandbox: Sandbox) -> None:
    own = {
        "TELEGRAM_TOKEN": sandbox.telegram_token,
        "TELEGRAM_BASE_URL": sandbox.telegram_base_url,
        "TWILIO_ACCOUNT_SID": sandbox.account_sid,
        "TWILIO_AUTH_TOKEN": sandbox.auth_token,
        "TWILIO_URL": sandbox.twilio_url,
        "PROXY": None,
    }
    sandbox.refuse_live(own)
    assert sandbox.account_sid.startswith("AC")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])
async def test_it_serves_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="this machine only") as refused:
        await Sandbox.start(Clock(), host=host)
    assert "127.0.0.1" in str(refused.value)


async def test_a_port_in_use_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use") as refused:
        await Sandbox.start(Clock(), port=int(sandbox.url.rsplit(":", 1)[1]))
    assert refused.value.errno == errno.EADDRINUSE


async def test_a_stopped_sandbox_leaves_its_port() -> None:
    one = await Sandbox.start(Clock())
    await one.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(one.url.rsplit(":", 1)[1]))) != 0


async def test_credentials_are_new_at_each_start(sandbox: Sandbox) -> None:
    other = await Sandbox.start(Clock())
    await other.stop()
    assert other.telegram_token != sandbox.telegram_token
    assert other.account_sid != sandbox.account_sid


@pytest.mark.parametrize("path", ["/phones", "/phones/api/phones", "/botTOKEN/getMe"])
async def test_another_host_name_is_refused(sandbox: Sandbox, path: str) -> None:
    url = sandbox.url + path.replace("TOKEN", sandbox.telegram_token)
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 421


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("127.0.0.1:8123", True),
        ("localhost:8123", True),
        ("[::1]:8123", True),
        ("127.0.0.1:9999", False),
        ("127.0.0.1", False),
        ("127.0.0.1.evil.example:8123", False),
        ("", False),
    ],
)
def test_the_host_header_must_name_this_server(header: str, allowed: bool) -> None:
    assert host_allowed(header, 8123) is allowed


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1/", True),
        ("http://localhost/", True),
        ("http://[::1]:80/x", True),
        ("https://linxun.example/", False),
        ("http://localhost@evil.example/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_loopback_addresses_are_told_from_others(url: str, local: bool) -> None:
    assert on_loopback(url) is local


async def test_a_dropped_connection_comes_after_acceptance(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.faults.telegram.drops = 1
    with pytest.raises(NetworkError):
        await bot.send_message(501, "一")
    await bot.send_message(501, "二")
    assert [entry.body for entry in sandbox.book.texts("501")] == ["一", "二"]


async def test_a_dropped_twilio_connection_leaves_the_call_queued(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.faults.twilio.drops = 1
    fields = {"to": LI, "from_": sandbox.numbers[0], "twiml": "<Response/>"}
    with pytest.raises(aiohttp.ClientError):
        await client.calls.create_async(**fields)
    assert [call.to for call in await client.calls.list_async(to=LI)] == [LI]


async def test_an_error_500_comes_before_acceptance(
    sandbox: Sandbox, bot: Bot, client: Client
) -> None:
    sandbox.faults.telegram.errors = sandbox.faults.twilio.errors = 1
    with pytest.raises(NetworkError):
        await bot.send_message(501, "一")
    with pytest.raises(TwilioRestException) as refused:
        await client.messages.create_async(to=LI, from_=sandbox.numbers[0], body="一")
    assert (refused.value.status, sandbox.book.texts()) == (500, [])


async def test_throttling_lasts_for_its_seconds(sandbox: Sandbox, bot: Bot, client: Client) -> None:
    sandbox.faults.telegram.throttle(sandbox.stage.clock, 60)
    sandbox.faults.twilio.throttle(sandbox.stage.clock, 60)
    with pytest.raises(RetryAfter):
        await bot.send_message(501, "一")
    with pytest.raises(TwilioRestException, match="Too Many"):
        await client.messages.create_async(to=LI, from_=sandbox.numbers[0], body="一")
    await sandbox.stage.clock.sleep(61)
    assert (await bot.send_message(501, "二")).text == "二"


async def test_lag_comes_after_acceptance(sandbox: Sandbox, bot: Bot, until: Until) -> None:
    sandbox.faults.telegram.lag = 0.3
    sending = asyncio.create_task(bot.send_message(501, "一"))
    await until(sandbox.book.texts)
    assert not sending.done()
    await sending


async def test_latency_delays_only_what_sends(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.faults.telegram.latency = 0.3
    sending = asyncio.create_task(bot.send_message(501, "一"))
    await bot.get_me()
    before: list[Any] = sandbox.book.texts()
    await sending
    assert (before, len(sandbox.book.texts())) == ([], 1)
