"""The composition root: from settings to a running house, and back to a stopped one."""

import asyncio
import socket
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from bot import loop, senders
from bot.config import Settings
from bot.errors import AppError
from bot.leases import POLL, REDACT, ROUNDS, SWEEP, Leases
from bot.reports import Reports
from bot.sounds import Sounds, recorded
from bot.watch import Watch
from channels.base import Channel
from channels.worker import Worker
from content import ladder, loudspeaker
from content.clock import Clock
from content.message import Kind
from content.store import Store

if TYPE_CHECKING:
    from bot.hearing import Hearing

log = structlog.get_logger("app")


class Part(StrEnum):
    """A half of the house; each may run in as many processes as one likes."""

    WORKER = "worker"
    """Deliveries and sweeps."""
    WEB = "web"
    """Webhooks, chat, the inbox with its fact base, and the rounds."""


class App:
    """A house that runs: worker, inbox, rounds, web and chat in one loop, or a half of it."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, parts: frozenset[Part] | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.parts = frozenset(Part) if parts is None else parts
        self.ladders = ladder.load(settings.ladders_file)
        hears = Part.WEB in self.parts
        self.listening = _listen(settings.host, settings.port) if hears else None
        self.port = int(self.listening.getsockname()[1]) if self.listening else settings.port
        self.public_url = settings.public_url or f"http://127.0.0.1:{self.port}"
        self.sounds = Sounds(settings, store, clock, self.public_url)
        self.reports = Reports(settings, store, clock)
        try:
            self.channels: dict[str, Channel] = senders.channels(
                settings, self.public_url, self._ours()
            )
        except BaseException:
            self._deaf()
            raise
        self.senders = senders.limits(settings, self.channels, clock)
        self.watch = Watch(settings, store, clock, self.channels, self.senders, self.ladders)
        self.leases = Leases(store, clock, _duties(self.parts, self.channels))
        self._worker: Worker | None = None
        self._hearing: Hearing | None = None
        self._running: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start everything; returns when webhooks are served and people can write."""
        speaks = any(one.kind is Kind.SPEAKER for one in self.senders)
        # of several machines another one may have the loudspeaker
        if speaks or self.parts == frozenset(Part):
            await self.store.write(
                lambda session: loudspeaker.use(session, self.clock.now(), on=speaks)
            )
        try:
            if self.listening is not None:
                await self._hear(self.listening)
            await self.leases.renew()
        except BaseException:
            await self.stop()
            raise
        work = [self.leases.run(), self.watch.run(), self.sounds.run()]
        if Part.WORKER in self.parts:
            self._worker = self._made()
            work.append(self._worker.run())
        if self._hearing is not None:
            work += self._hearing.work()
        self._running += [asyncio.create_task(one) for one in work]
        log.info(
            "app.started",
            parts=sorted(self.parts),
            port=self.port if self.listening else None,
            senders=[one.name for one in self.senders],
        )

    async def run(self) -> None:
        """Run until `stop`, or until a part breaks down."""
        await self.start()
        loop.settle()
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
        """Finish what is in flight, record it, give duties back, and close every connection."""
        for part in (self._hearing, self._worker, self.watch, self.leases, self.sounds):
            if part is not None:
                part.stop()
        self._stopping.set()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
            await self.leases.drop()
            self._running = []
        self._worker = self._hearing = None
        for channel in self.channels.values():
            await channel.close()
        await self.reports.stop()
        self._deaf()

    @property
    def worker(self) -> Worker:
        """Return the running worker."""
        if self._worker is None:
            raise AppError("The worker is not running.")
        return self._worker

    def _ours(self) -> senders.Ours:
        """Return what calls that we play ourselves say, and where what happens in them is kept."""
        return senders.Ours(
            lambda name, request: self.reports.keep(self.channels[name], request),
            self.sounds.heard,
            recorded(self.store),
        )

    def _made(self) -> Worker:
        return Worker(
            self.store,
            self.clock,
            self.channels,
            self.senders,
            self.ladders,
            self.watch.meter,
            holds=lambda: self.leases.holds(SWEEP),
            times=self.watch.times,
        )

    async def _hear(self, listening: socket.socket) -> None:
        """Serve webhooks, and then load what answering takes."""
        # the fact base takes memory and seconds: who only delivers does without
        from bot.hearing import Ears, Hearing

        ears = Ears(
            self.settings,
            self.store,
            self.clock,
            self.channels,
            self.senders,
            self.ladders,
            self.leases,
            self.watch,
            self.public_url,
            self.sounds,
        )
        self._hearing = Hearing(ears)
        serving = asyncio.create_task(self._hearing.serve(listening))
        self._running.append(serving)
        ready = asyncio.create_task(self._hearing.server.ready.wait())
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if serving.done():
            serving.result()
        await self._hearing.open()

    def _deaf(self) -> None:
        if self.listening is not None:
            self.listening.close()


def _duties(parts: frozenset[Part], channels: Mapping[str, Channel]) -> list[str]:
    """Return the leases of what must be done once by all processes that could."""
    found = [SWEEP] if Part.WORKER in parts else []
    if Part.WEB in parts:
        polled = [name for name, one in channels.items() if one.kind is Kind.CHAT]
        found += [ROUNDS, REDACT, *(f"{POLL}:{name}" for name in polled)]
    return found


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
