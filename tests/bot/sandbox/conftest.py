"""A sandbox on a fast clock, the real client libraries, and the committee's own web server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from telegram import Bot
from telegram.request import HTTPXRequest
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.sandbox.limits import UNLIMITED
from bot.sandbox.server import Sandbox
from content.clock import Clock

SCALE = 500.0
TWILIO = "https://api.twilio.com"


class LoopbackTwilio(AsyncTwilioHttpClient):
    """Twilio's own client, led to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return await super().request(method, url.replace(TWILIO, self.url), *args, **kwargs)


class Committee:
    """The committee's own web server: keeps what is posted, answers what a test says."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[str, dict[str, str], str]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.answers: dict[str, Any] = {}
        self.types: dict[str, str] = {}
        self.status = 200

    async def hear(self, request: web.Request) -> web.Response:
        self.raw.append((dict(request.headers), await request.read()))
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.posts.append((str(request.url), form, request.headers.get("X-Twilio-Signature", "")))
        answer = self.answers.get(request.path, "<Response/>")
        answer = answer(form) if callable(answer) else answer
        body = answer if isinstance(answer, bytes) else answer.encode()
        kind = self.types.get(request.path, "text/xml")
        return web.Response(body=body, content_type=kind, status=self.status)

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
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    committee.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield committee
    await runner.cleanup()


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    bot = Bot(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
        # no certificates are read for a server on loopback, which saves 30 ms a test
        request=HTTPXRequest(connection_pool_size=8, httpx_kwargs={"verify": False}),
        get_updates_request=HTTPXRequest(httpx_kwargs={"verify": False}),
    )
    async with bot:
        yield bot


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    http = LoopbackTwilio(sandbox.twilio_url)
    yield Client(sandbox.account_sid, sandbox.auth_token, http_client=http)
    await http.close()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[object]]:
    async def wait(ready: Callable[[], object]) -> object:
        end = time.monotonic() + 5
        while not (found := ready()):
            if time.monotonic() > end:
                raise TimeoutError("what the test waits for did not happen in 5 s")
            await asyncio.sleep(0.003)
        return found

    return wait
