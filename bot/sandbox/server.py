"""The sandbox: starts and stops all stand-ins on one loopback port, in the running loop."""

import asyncio
import secrets
import socket
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox import guard
from bot.sandbox.book import Book
from bot.sandbox.calls import Calls
from bot.sandbox.chats import BOT_ID, Chats
from bot.sandbox.faults import Faults
from bot.sandbox.limits import Limits
from bot.sandbox.methods import Methods
from bot.sandbox.page import Page
from bot.sandbox.people import People
from bot.sandbox.phones import Phones
from bot.sandbox.receipts import Receipts
from bot.sandbox.residents import Residents
from bot.sandbox.stage import Stage
from bot.sandbox.telegram import Telegram
from bot.sandbox.texts import Texts
from bot.sandbox.twilio import Twilio
from bot.sandbox.updates import Updates
from bot.sandbox.web import Web
from content.clock import Clock

GRACE = 1.0
# reserved for fiction, so that no real subscriber ever has them
NUMBERS = ("+12025550100", "+12025550101", "+12025550102")


class Sandbox:
    """All stand-ins of one run, with credentials that are valid nowhere else.

    Make one with `await Sandbox.start(clock)`, end it with `await sandbox.stop()`.
    """

    def __init__(self, clock: Clock, seed: int, limits: Limits, port: int, public_url: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.telegram_token = f"{BOT_ID}:{secrets.token_urlsafe(26)}"
        self.telegram_base_url = f"{self.url}/bot"
        self.telegram_file_url = f"{self.url}/file/bot"
        self.account_sid = "AC" + secrets.token_hex(16)
        self.auth_token = secrets.token_hex(16)
        self.twilio_url = self.url
        self.numbers = NUMBERS
        self.stage = Stage(clock, seed, limits)
        self.web = Web(self.stage, self.auth_token, public_url)
        self.updates = Updates(self.stage, self.web)
        self.rooms = Chats(self.stage)
        self.chats = People(self.stage, self.updates, self.rooms)
        receipts = Receipts(self.stage, self.web)
        self.texts = Texts(self.stage, self.web, receipts, self.account_sid)
        self.calls = Calls(self.stage, self.web, receipts, self.account_sid)
        self._port = port
        self._server: uvicorn.Server | None = None

    @classmethod
    async def start(
        cls,
        clock: Clock,
        *,
        port: int = 0,
        seed: int = 0,
        limits: Limits | None = None,
        public_url: str = "",
        host: str = "127.0.0.1",
    ) -> "Sandbox":
        """Start serving on loopback.

        port 0 takes a free one; public_url: the committee's public address, for which webhooks are
        signed; set `sandbox.tunnel` to the loopback address they are carried to. Raises ValueError
        for a host beyond loopback, OSError if the port is in use.
        """
        if not guard.is_local(host):
            raise ValueError("The sandbox serves this machine only: its host must be 127.0.0.1.")
        # asyncio turns Nagle's delay of 40 ms off only where the protocol is named
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            raise
        taken = int(listening.getsockname()[1])
        sandbox = cls(clock, seed, limits or Limits(), taken, public_url)
        await sandbox._serve(listening)
        return sandbox

    async def stop(self) -> None:
        """Stop serving and drop everything under way."""
        self.updates.close()
        await self.stage.close()
        if self._server is not None:
            await _end(self._server)
        await self.web.close()

    def settings(self) -> dict[str, str]:
        """Return what a house has to be told to talk to these stand-ins: chat, SMS and calls."""
        return {
            "telegram_token": self.telegram_token,
            "telegram_api_url": self.telegram_base_url,
            "telegram_file_url": self.telegram_file_url,
            "twilio_account_sid": self.account_sid,
            "twilio_auth_token": self.auth_token,
            "twilio_api_url": self.twilio_url,
            "twilio_sms_from": self.numbers[0],
            "twilio_voice_from": self.numbers[1],
        }

    @property
    def phones(self) -> Phones:
        """The virtual phones."""
        return self.stage.phones

    @property
    def book(self) -> Book:
        """Everything the stand-ins saw."""
        return self.stage.book

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        return self.stage.faults

    @property
    def sms_webhook(self) -> str:
        """Where SMS to the committee's numbers are posted."""
        return self.stage.sms_webhook

    @sms_webhook.setter
    def sms_webhook(self, url: str) -> None:
        self.stage.sms_webhook = url

    @property
    def voice_webhook(self) -> str:
        """Where calls to the committee's numbers are posted."""
        return self.stage.voice_webhook

    @voice_webhook.setter
    def voice_webhook(self, url: str) -> None:
        self.stage.voice_webhook = url

    @property
    def voice_status_webhook(self) -> str:
        """Where the end of a call to the committee's numbers is posted."""
        return self.stage.voice_status_webhook

    @voice_status_webhook.setter
    def voice_status_webhook(self, url: str) -> None:
        self.stage.voice_status_webhook = url

    @property
    def tunnel(self) -> str:
        """The loopback address that requests to the public address are carried to."""
        return self.web.tunnel

    @tunnel.setter
    def tunnel(self, url: str) -> None:
        self.web.tunnel = url

    def refuse_live(self, settings: Mapping[str, str | None]) -> None:
        """Raise LiveCredentialsError if settings hold what this sandbox did not issue."""
        guard.refuse_live(
            settings, telegram_token=self.telegram_token, account_sid=self.account_sid
        )

    async def _serve(self, listening: socket.socket) -> None:
        methods = Methods(self.stage, self.rooms, self.updates, Residents(self.stage, self.chats))
        telegram = Telegram(self.stage, self.rooms, methods, self.telegram_token)
        twilio = Twilio(
            self.stage, self.texts, self.calls, self.account_sid, self.auth_token, self.numbers
        )
        page = Page(self.stage, self.chats, self.texts, self.calls, self.numbers)
        app = Starlette(routes=[*telegram.routes(), *twilio.routes(), *page.routes()])
        config = uvicorn.Config(
            _door(app, self._port),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
        )
        config.load()
        # startup alone leaves signals to the process that runs the sandbox
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[listening])


async def _end(server: uvicorn.Server) -> None:
    """Stop listening, let running answers finish for a second, then drop them."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    if running := list(server.server_state.tasks):
        _, late = await asyncio.wait(running, timeout=GRACE)
        for task in late:
            task.cancel()
    await asyncio.sleep(0)


def _door(app: ASGIApp, port: int) -> ASGIApp:
    """Let in only requests for this very server; remember how to break their connection."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not guard.host_allowed(hosts[0].decode("latin-1"), port):
            refusal = PlainTextResponse("This server answers on 127.0.0.1 only.", 421)
            await refusal(scope, receive, send)
            return
        # uvicorn's request cycle, which holds the connection, stands behind its send
        cycle = getattr(send, "__self__")  # noqa: B009 - the type of `send` does not know it
        scope["sandbox.abort"] = cycle.transport.abort
        await app(scope, receive, send)

    return door
