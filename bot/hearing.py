"""The half of the house that hears: webhooks, polling, the inbox with its fact base, the rounds."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from bot import prices, rights, rounds, senders
from bot.collector import Collector
from bot.config import Settings
from bot.errors import AppError
from bot.inbox import Inbox
from bot.leases import POLL, REDACT, ROUNDS, Leases
from bot.poller import Poller
from bot.rounds import Rounds
from bot.sounds import Sounds
from bot.turn import House
from bot.watch import Watch
from bot.web import app as web
from bot.web import intake, metrics
from channels.base import Channel, SendError
from channels.telegram import Telegram
from content.clock import Clock
from content.guard import Limits
from content.ladder import Ladders
from content.pace import Sender
from content.store import Store
from verification import joining, shelf, words

log = structlog.get_logger("hearing")

_DAY = 24 * 3600.0
_LATER = 60.0
"""Clock seconds after which one looks again whether the erasing is ours to do."""


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
class Ears:
    """What hearing needs of the house."""

    settings: Settings
    store: Store
    clock: Clock
    channels: Mapping[str, Channel]
    senders: tuple[Sender, ...]
    ladders: Ladders
    leases: Leases
    watch: Watch
    public_url: str
    sounds: Sounds


class Hearing:
    """Takes in what arrives and answers it; any number may share a database."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self.chat = next((one for one in ears.channels.values() if isinstance(one, Telegram)), None)
        self.server = self._server()
        self._inbox: Inbox | None = None
        self._rounds: Rounds | None = None
        self._poller: Poller | None = None
        self._collector: Collector | None = None
        self._stopping = asyncio.Event()

    async def open(self) -> None:
        """Greet the chat and load the fact base."""
        ears = self.ears
        username = await self._greet(self.chat) if self.chat else ""
        # what an update cuts otherwise is stored so, a few at a time, before it is read
        while await ears.store.write(shelf.renew):
            pass
        base = await ears.store.query(shelf.base)
        await ears.store.query(joining.warm)
        # not inside the first transaction that answers somebody
        await asyncio.to_thread(words.warm)
        given = ears.settings
        limits = Limits(given.answers_per_hour, given.chat_answers_per_hour)
        away = timedelta(minutes=given.away_minutes)
        priced = prices.known(given.prices_file)
        texting = senders.texting(given)
        house = House(base, ears.senders, ears.ladders, username, limits, away, priced, texting)
        self._inbox = Inbox(ears.store, ears.clock, ears.channels, house)
        duties = rounds.duties(ears.settings)
        holds = lambda: ears.leases.holds(ROUNDS)  # noqa: E731
        self._rounds = Rounds(ears.store, ears.clock, duties, holds)
        self._collector = Collector(ears.store, ears.clock, ears.channels, holds)
        if self.chat is not None and not ears.settings.telegram_webhook:
            polls = f"{POLL}:{self.chat.name}"
            self._poller = Poller(
                ears.store, ears.clock, self.chat, lambda: ears.leases.holds(polls)
            )

    async def serve(self, listening: socket.socket) -> None:
        """Serve webhooks until `stop`; what arrives before `open` is kept for the inbox."""
        await self.server.serve([listening])

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """Return what else runs side by side until `stop`, once it is open."""
        return [*(one.run() for one in self._parts()), self._redact()]

    def stop(self) -> None:
        """Ask everything to end after what is at hand."""
        self._stopping.set()
        self.server.should_exit = True
        for one in self._parts():
            one.stop()

    def _parts(self) -> list[Inbox | Rounds | Poller | Collector]:
        found = (self._inbox, self._rounds, self._poller, self._collector)
        return [one for one in found if one is not None]

    def _server(self) -> _Server:
        ears = self.ears
        secret = ears.settings.telegram_secret.get_secret_value()
        journal = intake.beside(ears.store, ears.settings.journal_folder)
        hooks = web.Hooks(ears.store, ears.clock, ears.channels, secret, journal, ears.sounds)
        made = web.make(hooks)
        metrics.show(made, ears.watch.metrics, ears.watch.access)
        config = uvicorn.Config(
            made, log_config=None, access_log=False, lifespan="on", server_header=False
        )
        return _Server(config)

    async def _greet(self, chat: Telegram) -> str:
        """Learn our own name, and say whether updates are brought or fetched.

        Calls do not wait for a Telegram that is out of reach: without it the rest still runs.
        """
        settings = self.ears.settings
        try:
            _, username = await chat.me()
            secret = settings.telegram_secret.get_secret_value()
            if settings.telegram_webhook:
                if not secret:
                    raise AppError(
                        "Set LINXUN_TELEGRAM_SECRET, for example to "
                        f"{secrets.token_urlsafe(24)}: the webhook is checked with it."
                    )
                await chat.webhook(f"{self.ears.public_url}/hooks/{chat.name}", secret)
            else:
                await chat.webhook("")
        except SendError as error:
            if not error.permanent and len(self.ears.channels) > 1:
                log.warning("telegram.unreachable", reason=str(error))
                return ""
            raise AppError(
                "Telegram does not answer: check LINXUN_TELEGRAM_TOKEN, the network "
                f"and LINXUN_PROXY ({error})."
            ) from error
        return username

    async def _redact(self) -> None:
        """Erase every day what was kept long enough."""
        store, clock = self.ears.store, self.ears.clock
        while not self._stopping.is_set():
            wait = _LATER
            if self.ears.leases.holds(REDACT):
                wait = _DAY
                try:
                    count = await store.write(lambda session: rights.redact(session, clock.now()))
                    log.info("app.redacted", count=count)
                except SQLAlchemyError:
                    # alerts go on; what could not be erased is tried again the next day
                    log.exception("app.redact_failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), clock.real(wait))
