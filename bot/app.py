"""The composition root: from settings to a running house, and back to a stopped one."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from bot import inbox, rights, rounds, senders
from bot.config import Settings
from bot.errors import AppError
from bot.inbox import Inbox
from bot.rounds import Rounds
from bot.turn import House
from bot.watch import Watch
from bot.web import app as web
from bot.web import intake, metrics
from channels.base import Channel, Request, SendError
from channels.telegram import Telegram
from channels.worker import Worker
from content import ladder, loudspeaker
from content.clock import Clock
from content.message import Kind
from content.store import Store
from verification import joining, shelf

log = structlog.get_logger("app")

_POLL_SECONDS = 25
_PAUSE = 3.0
_DAY = 24 * 3600.0


class _Server(uvicorn.Server):
    """A server that says when it serves, and leaves signals to the process that started it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class _Parts:
    worker: Worker
    inbox: Inbox
    rounds: Rounds
    server: _Server
    poll: Telegram | None


class App:
    """A house that runs: worker, inbox, rounds, web and chat in one loop."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.ladders = ladder.load(settings.ladders_file)
        self.listening = _listen(settings.host, settings.port)
        self.port = int(self.listening.getsockname()[1])
        self.public_url = settings.public_url or f"http://127.0.0.1:{self.port}"
        try:
            self.channels: dict[str, Channel] = senders.channels(settings, self.public_url)
        except BaseException:
            self.listening.close()
            raise
        self.senders = senders.limits(settings, self.channels, clock)
        self.watch = Watch(settings, store, clock, self.channels, self.senders, self.ladders)
        self._parts: _Parts | None = None
        self._running: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start everything; returns when webhooks are served and people can write."""
        chat = next((one for one in self.channels.values() if isinstance(one, Telegram)), None)
        username = await self._greet(chat) if chat else ""
        speaks = any(one.kind is Kind.SPEAKER for one in self.senders)
        await self.store.write(
            lambda session: loudspeaker.use(session, self.clock.now(), on=speaks)
        )
        # what an update cuts otherwise is stored so, a few at a time, before it is read
        while await self.store.write(shelf.renew):
            pass
        base = await self.store.query(shelf.base)
        await self.store.query(joining.warm)
        house = House(base, self.senders, self.ladders, username)
        self._parts = _Parts(
            Worker(
                self.store,
                self.clock,
                self.channels,
                self.senders,
                self.ladders,
                self.watch.meter,
            ),
            Inbox(self.store, self.clock, self.channels, house),
            Rounds(self.store, self.clock, rounds.duties(self.settings)),
            self._server(),
            None if self.settings.telegram_webhook else chat,
        )
        await self._begin(self._parts)

    async def run(self) -> None:
        """Run until `stop`, or until a part breaks down."""
        await self.start()
        stop = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait({stop, *self._running}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await self.stop()
        for task in done - {stop}:
            task.result()

    def ask_to_stop(self) -> None:
        """Let `run` end; safe to call from a signal handler."""
        self._stopping.set()

    async def stop(self) -> None:
        """Finish what is in flight, record it, and close every connection."""
        parts = self._parts
        if parts is not None:
            parts.server.should_exit = True
            parts.inbox.stop()
            parts.worker.stop()
            parts.rounds.stop()
            self.watch.stop()
            self._stopping.set()
            await asyncio.gather(*self._running, return_exceptions=True)
            self._parts = None
        for channel in self.channels.values():
            await channel.close()
        self.listening.close()

    @property
    def worker(self) -> Worker:
        """Return the running worker."""
        if self._parts is None:
            raise AppError("The house is not running.")
        return self._parts.worker

    async def _begin(self, parts: _Parts) -> None:
        work = [
            parts.worker.run(),
            parts.inbox.run(),
            parts.rounds.run(),
            self.watch.run(),
            parts.server.serve([self.listening]),
            self._redact(),
        ]
        if parts.poll is not None:
            work.append(self._poll(parts.poll))
        self._running = [asyncio.create_task(one) for one in work]
        await parts.server.ready.wait()
        log.info("app.started", port=self.port, senders=[one.name for one in self.senders])

    def _server(self) -> _Server:
        secret = self.settings.telegram_secret.get_secret_value()
        journal = intake.beside(self.store, self.settings.journal_folder)
        hooks = web.Hooks(self.store, self.clock, self.channels, secret, journal)
        made = web.make(hooks)
        metrics.show(made, self.watch.metrics, self.watch.access)
        config = uvicorn.Config(
            made, log_config=None, access_log=False, lifespan="on", server_header=False
        )
        return _Server(config)

    async def _greet(self, chat: Telegram) -> str:
        """Learn our own name, and say whether updates are brought or fetched.

        Calls do not wait for a Telegram that is out of reach: without it the rest still runs.
        """
        try:
            _, username = await chat.me()
            secret = self.settings.telegram_secret.get_secret_value()
            if self.settings.telegram_webhook:
                if not secret:
                    raise AppError(
                        "Set LINXUN_TELEGRAM_SECRET, for example to "
                        f"{secrets.token_urlsafe(24)}: the webhook is checked with it."
                    )
                await chat.webhook(f"{self.public_url}/hooks/{chat.name}", secret)
            else:
                await chat.webhook("")
        except SendError as error:
            if not error.permanent and len(self.channels) > 1:
                log.warning("telegram.unreachable", reason=str(error))
                return ""
            raise AppError(
                "Telegram does not answer: check LINXUN_TELEGRAM_TOKEN, the network "
                f"and LINXUN_PROXY ({error})."
            ) from error
        return username

    async def _redact(self) -> None:
        """Erase every day what was kept long enough."""
        while not self._stopping.is_set():
            try:
                count = await self.store.write(
                    lambda session: rights.redact(session, self.clock.now())
                )
                log.info("app.redacted", count=count)
            except SQLAlchemyError:
                # alerts go on; what could not be erased is tried again the next day
                log.exception("app.redact_failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.clock.real(_DAY))

    async def _poll(self, chat: Telegram) -> None:
        """Fetch updates; the next offset is sent only after the batch is committed."""
        offset: int | None = None
        while not self._stopping.is_set():
            try:
                updates = await self._until_stop(chat, offset)
                if updates:
                    await self._commit(chat, updates)
                    offset = max(_number(one) for one in updates) + 1
            except (SendError, SQLAlchemyError) as error:
                # what is not committed is not acknowledged: Telegram brings it again
                log.warning("poll.failed", reason=type(error).__name__)
                await asyncio.sleep(_PAUSE)

    async def _commit(self, chat: Telegram, updates: list[dict[str, object]]) -> None:
        requests = [Request("", update) for update in updates]
        await self.store.write(lambda session: inbox.keep_all(session, chat, requests, self.clock))

    async def _until_stop(self, chat: Telegram, offset: int | None) -> list[dict[str, object]]:
        """Wait for updates, but not longer than the house runs."""
        fetch = asyncio.create_task(chat.updates(offset, _POLL_SECONDS))
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({fetch, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if fetch.done():
            return fetch.result()
        fetch.cancel()
        with contextlib.suppress(asyncio.CancelledError, SendError):
            await fetch
        return []


def _number(update: dict[str, object]) -> int:
    number = update.get("update_id")
    return number if isinstance(number, int) else 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise AppError(
            f"Port {port} on {host} is taken or not allowed: set LINXUN_PORT to another one."
        ) from error
    return listening
