"""The stand-ins on loopback, a committee's web server that answers them, and one message."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from bot.sandbox.limits import UNLIMITED
from bot.sandbox.server import Sandbox
from channels.base import Channel, Event, Request
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content.call import script
from content.clock import Clock
from content.message import Action, Button, Message, Speech, Spoken, Written
from tests.channels.callee import Callee, called

SCALE = 500.0
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass
class Committee:
    """Answers webhooks as the house does: check the signature, read the event, give TwiML."""

    message: Message
    adapters: dict[str, TwilioSms | TwilioVoice] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    url: str = ""

    async def hear(self, request: web.Request) -> web.Response:
        adapter = self.adapters[request.match_info["name"]]
        path, form = request.match_info["path"], dict(await request.post())
        if not adapter.valid(path, form, request.headers.get("X-Twilio-Signature", "")):
            self.refused.append(path)
            return web.Response(status=403)
        event = Request(path, form)
        if not path.startswith("script/"):
            self.ids.append(adapter.event_id(event))
            self.events += adapter.parse(event)
        if path.startswith(("script/", "key/")):
            return web.Response(
                text=adapter.twiml(script(self.message.speech), event),
                content_type="application/xml",
            )
        return web.Response(text="<Response/>", content_type="text/xml")


@dataclass
class Recorder:
    """A server that writes down each request and answers what a test says."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def hear(self, request: web.Request) -> web.Response:
        form = parse_qs(await request.text(), strict_parsing=False)
        self.requests.append((request.method, request.path_qs, form))
        return web.Response(
            status=self.status,
            text=self.body,
            headers=self.headers,
            content_type="application/json",
        )


@pytest.fixture
def message() -> Message:
    return Message(
        Written.HANS,
        chat="【红色】暴雨红色预警：请待在家里。",
        sms="【社区】暴雨红色预警：请待在家里。收到回1。",
        speech=Speech(
            Spoken.MANDARIN,
            opening="您好，这里是幸福里社区。",
            sentences=("暴雨红色预警。", "请待在家里。"),
            prompt="听明白请按1，重听请按2，需要帮助请按3。",
            answers={"1": "谢谢，再见。", "3": "马上有人来帮您。"},
            no_key="没有听到您按键。",
            wrong_key="这个键没有用。",
            machine="我们没能和您说上话。",
            no_words="请按电话上的键回答，说的话不算。",
            goodbye="您随时可以回拨这个电话。再见。",
        ),
        buttons=((Button("收到", Action.RECEIVED), Button("需要帮助", Action.HELP)),),
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    started = await Sandbox.start(Clock(SCALE), limits=UNLIMITED)
    started.faults.shuffled = started.faults.doubled = 0.0
    yield started
    await started.stop()


@pytest.fixture
async def adapters(sandbox: Sandbox) -> AsyncIterator[dict[str, Channel]]:
    """SMS and chat at the stand-ins; their receipts go to nobody."""
    sms = TwilioSms(
        sandbox.account_sid,
        sandbox.auth_token,
        sandbox.numbers[0],
        "http://127.0.0.1:9",
        api_url=sandbox.twilio_url,
    )
    chat = Telegram(
        sandbox.telegram_token,
        base_url=sandbox.telegram_base_url,
        base_file_url=sandbox.telegram_file_url,
    )
    yield {"twilio_sms": sms, "telegram": chat}
    await sms.close()
    await chat.close()


@pytest.fixture
async def committee(message: Message) -> AsyncIterator[Committee]:
    heard = Committee(message)
    async with serving("/hooks/{name}/{path:.+}", heard.hear) as heard.url:
        yield heard


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    heard = Recorder()
    async with serving("/{path:.*}", heard.hear) as heard.url:
        yield heard


@pytest.fixture
async def callee() -> AsyncIterator[Callee]:
    """Somebody whose phone rings, and who does not pick up."""
    async with called() as there:
        yield there


@asynccontextmanager
async def serving(path: str, handler: Handler) -> AsyncIterator[str]:
    """Serve one path on a free port of loopback and give its address."""
    app = web.Application()
    app.router.add_route("*", path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
