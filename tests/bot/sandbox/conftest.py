import asyncio
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web
from telegram import Bot
from telegram.request import HTTPXRequest
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.sandbox.limits import UNLIMITED
from bot.sandbox.server import Sandbox
from content.clock import Clock

SCALE = 500.0
TWILIO = "https://api.twilio.com"


class LoopbackTwilio(TwilioHttpClient):
    def __init__(self, url: str) -> None:
        super().__init__(timeout=5)
        self.url = url

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace(TWILIO, self.url), *args, **kwargs)


class LoopbackTwilioAsync(AsyncTwilioHttpClient):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        # twilio's own session has no timeout, and its `timeout=` is deprecated in aiohttp
        self.session = aiohttp.ClientSession()

    async def request(self, method, url, *args, **kwargs):
        return await super().request(method, url.replace(TWILIO, self.url), *args, **kwargs)


class Committee:
    """The committee's own web server: keeps what is posted, answers what a test says."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[str, dict[str, str], str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, tuple[str, str | bytes]] = {}
        self.status = 200

    async def hear(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.posts.append((str(request.url), form, request.headers.get("X-Twilio-Signature", "")))
        self.headers.append(dict(request.headers))
        kind, body = self.answers.get(request.path, ("text/xml", "<Response/>"))
        if callable(body):
            body = body(form)
        data = body if isinstance(body, bytes) else body.encode()
        return web.Response(body=data, content_type=kind, status=self.status)

    def to(self, path: str) -> list[dict[str, str]]:
        return [form for url, form, _ in self.posts if url.split("?")[0].endswith(path)]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = await Sandbox.start(Clock(SCALE), limits=UNLIMITED)
    sandbox.faults.shuffled = sandbox.faults.doubled = 0.0
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def committee() -> AsyncIterator[Committee]:
    committee = Committee()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", committee.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    committee.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield committee
    await runner.cleanup()


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    bot = Bot(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
        request=HTTPXRequest(connection_pool_size=8),
    )
    async with bot:
        yield bot


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    http = LoopbackTwilioAsync(sandbox.twilio_url)
    yield Client(sandbox.account_sid, sandbox.auth_token, http_client=http)
    await http.close()


@pytest.fixture
def validator(sandbox: Sandbox) -> RequestValidator:
    return RequestValidator(sandbox.auth_token)


@pytest.fixture
def until() -> Callable:
    async def wait(ready: Callable[[], object], seconds: float = 5.0) -> object:
        end = time.monotonic() + seconds
        while not (found := ready()):
            assert time.monotonic() < end, "it did not happen in time"
            await asyncio.sleep(0.005)
        return found

    return wait
