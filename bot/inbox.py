"""The one door for everything that arrives: kept first, then handled once, then answered."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from bot import acts, aloud
from bot.commands import ask, preview, progress, status
from bot.dispatch import dispatch
from bot.turn import (
    Acknowledge,
    Effect,
    Follow,
    Foresee,
    Glance,
    Hear,
    House,
    Rewrite,
    Say,
    Show,
    Turn,
)
from channels._voice import VoiceError
from channels.base import (
    BadEventError,
    Channel,
    Event,
    EventKind,
    Fetches,
    Forgets,
    Request,
    SendError,
)
from channels.telegram import Telegram
from content import inbound, outcome, outcome_bulk
from content.clock import Clock
from content.inbound import Inbound, Raw
from content.store import Store
from verification import leftover
from verification.case import Attachment

log = structlog.get_logger("inbox")

_IDLE = 1.0
_BATCH = 25
"""Events handled in one transaction at most."""
_LONG = 0.05
"""Seconds in a transaction beyond which fewer are handled in the next: alerts come between."""
_PAUSES = 5
"""How often one reply waits for the provider's limit before it is given up."""
_LONGEST_PAUSE = 60.0
_LARGEST = 5 * 1024 * 1024
"""Bytes of an attachment that are fetched and kept; a larger one stays with the provider."""
_PATIENCE = 5.0
"""Real seconds that what has arrived waits for its attachment; a slower one stays there too."""
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 5.0
"""Real seconds to rest after an error; longer each time."""
_REPLIES = 500
"""Replies under way; nothing more is handled while so many have not been given."""


@dataclass(slots=True)
class Arrived:
    """One kept event, read by its channel; `files` are what came with each of its events."""

    number: int
    sender: str
    events: list[Event]
    files: list[Attachment | None] = field(default_factory=list)

    def without(self, kind: EventKind) -> "Arrived":
        """Return the same without the events of a kind."""
        both = zip(self.events, self.files, strict=True)
        left = [(event, file) for event, file in both if event.kind is not kind]
        events, files = [event for event, _ in left], [file for _, file in left]
        return replace(self, events=events, files=files)


class Inbox:
    """Handles what `content.inbound` has kept, in order, each event in one transaction."""

    def __init__(
        self, store: Store, clock: Clock, channels: Mapping[str, Channel], house: House
    ) -> None:
        self.store = store
        self.clock = clock
        self.channels = channels
        self.house = house
        self.batch = _BATCH
        """Events handled in one transaction: receipts many, questions as few as they take long."""
        self._stopping = asyncio.Event()
        self._following: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Handle events until `stop`; while the database is away, wait for it and go on."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                await self._next()
                pause = _FIRST_PAUSE
                continue
            except (OperationalError, InterfaceError) as error:
                log.warning("inbox.database_away", reason=type(error).__name__)
            except Exception:
                # nothing is lost: what was not handled is still kept
                log.exception("inbox.step_failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LAST_PAUSE)
        for task in self._following:
            task.cancel()

    async def _next(self) -> None:
        """Handle what waits, or wait for something to come."""
        if len(self._following) >= _REPLIES:
            await asyncio.wait(self._following, timeout=_IDLE, return_when="FIRST_COMPLETED")
            return
        mark = self.store.mark()
        waiting = await self.store.query(
            lambda session: inbound.open_ids(session, self.clock.now(), self.batch)
        )
        if waiting:
            self._say(await self.handle(waiting))
        else:
            await self.store.changed(_IDLE, mark)

    def stop(self) -> None:
        """Ask `run` to end after the event at hand."""
        self._stopping.set()

    async def handle(self, numbers: Sequence[int]) -> list[Effect]:
        """Handle kept events in one transaction; return what is to be said.

        Each has a savepoint of its own: one that fails is counted and tried again later. Where the
        database itself fails nothing is counted, unless it takes the blame: then it was the event.
        """
        arrived = await self.store.query(lambda session: self._read(session, numbers))
        # side by side: one slow file must not hold up somebody else's cry for help
        await asyncio.gather(*(self._attach(one) for one in arrived))
        try:
            return await self.store.write(lambda session: self._take(session, arrived))
        except OperationalError as error:
            log.warning("inbox.batch_failed", count=len(arrived), reason=type(error).__name__)
        except Exception:
            # one of them is to blame: each gets a savepoint of its own
            log.exception("inbox.batch_failed", count=len(arrived))
        begun: list[Arrived] = []
        try:
            return await self.store.write(lambda session: self._singly(session, arrived, begun))
        except OperationalError as error:
            if not begun:
                raise
            name = type(error).__name__
        return await self.store.write(lambda session: self._blame(session, begun[-1], name))

    def _take(self, session: Session, arrived: Sequence[Arrived]) -> list[Effect]:
        began = time.monotonic()
        mine = inbound.take(session, [one.number for one in arrived], self.clock.now())
        own = [one for one in arrived if one.number in mine]
        # in whatever order receipts are written, they end the same
        told = [
            acts.report(self._turn(session, one.sender, event))
            for one in own
            for event in one.events
            if event.kind is EventKind.RECEIPT
        ]
        outcome_bulk.receipts(session, told)
        rest = [one.without(EventKind.RECEIPT) for one in own]
        outcome.prefetch(session, {e.ref for one in rest for e in one.events if e.ref})
        effects = [effect for one in rest for effect in self._one(session, one)]
        slow = time.monotonic() - began > _LONG
        self.batch = max(1, len(arrived) // 2) if slow else min(_BATCH, self.batch * 2)
        return effects

    def _singly(
        self, session: Session, arrived: Sequence[Arrived], begun: list[Arrived]
    ) -> list[Effect]:
        """Handle events one by one; `begun` tells the caller how far that came."""
        effects: list[Effect] = []
        mine = inbound.take(session, [one.number for one in arrived], self.clock.now())
        for one in arrived:
            if one.number not in mine:
                continue
            begun.append(one)
            try:
                with session.begin_nested():
                    effects += self._one(session, one)
            except OperationalError:
                raise
            except Exception as error:
                log.exception("inbox.failed", inbound=one.number)
                effects += self._failed(session, one, type(error).__name__)
        return effects

    def _blame(self, session: Session, one: Arrived, error: str) -> list[Effect]:
        if not inbound.take(session, [one.number], self.clock.now()):
            return []
        return self._failed(session, one, error)

    def _failed(self, session: Session, one: Arrived, error: str) -> list[Effect]:
        """Count a failure; after the last one a text becomes a case in the same transaction."""
        if not inbound.failed(session, one.number, error):
            return []
        try:
            with session.begin_nested():
                return self._rescue(session, one)
        except OperationalError:
            raise
        except Exception:
            log.exception("inbox.rescue_failed", inbound=one.number)
            return []

    def _one(self, session: Session, one: Arrived) -> list[Effect]:
        effects: list[Effect] = []
        for event, file in zip(one.events, one.files, strict=True):
            turn = self._turn(session, one.sender, event)
            effects += dispatch(turn, file)
            if file is not None:
                leftover.keep(session, file, turn.now)
        return effects

    def _read(self, session: Session, numbers: Sequence[int]) -> list[Arrived]:
        rows = inbound.some(session, numbers)
        return [self._parse(number, rows.get(number)) for number in numbers]

    def _parse(self, number: int, row: Inbound | None) -> Arrived:
        channel = self.channels.get(row.sender) if row else None
        if row is None or row.data is None or channel is None:
            log.warning("inbox.no_channel", inbound=number)
            return Arrived(number, "", [])
        try:
            return Arrived(number, row.sender, channel.parse(Request(row.path, row.data)))
        except BadEventError as error:
            log.warning("inbox.unreadable", inbound=number, sender=row.sender, error=str(error))
            return Arrived(number, row.sender, [])

    def _turn(self, session: Session, sender: str, event: Event) -> Turn:
        kind = self.channels[sender].kind
        return Turn(session, self.clock.now(), self.house, event, sender, kind)

    def _rescue(self, session: Session, one: Arrived) -> list[Effect]:
        """Make a case of a text that could not be handled."""
        return [
            effect
            for event in one.events
            if event.kind is EventKind.TEXT and not event.group
            for effect in ask.take(self._turn(session, one.sender, event))
        ]

    async def _attach(self, one: Arrived) -> None:
        one.files = [await self._fetch(one.sender, event) for event in one.events]

    async def _fetch(self, sender: str, event: Event) -> Attachment | None:
        """Fetch a photo or voice note before the transaction; it may stay with the provider."""
        media = event.media
        if media is None:
            return None
        came = Attachment(kind=media.mime, reference=media.file_id)
        channel = self.channels[sender]
        if isinstance(channel, Forgets):
            came = replace(came, sender=sender)
        if not isinstance(channel, Fetches) or media.size > _LARGEST:
            return came
        with contextlib.suppress(SendError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                return replace(came, data=await channel.fetch(media.file_id))
        return came

    def _say(self, effects: Sequence[Effect]) -> None:
        """Say what is said at once: in order within a chat, side by side between chats."""
        chats: dict[str, list[Effect]] = {}
        for effect in effects:
            chats.setdefault(getattr(effect, "chat", ""), []).append(effect)
        for several in chats.values():
            self._follow(self._in_order(several))

    async def _in_order(self, effects: Sequence[Effect], pauses: int = _PAUSES) -> None:
        for done, effect in enumerate(effects):
            try:
                await self._perform(effect)
                pauses = _PAUSES
            except SendError as error:
                if error.retry_after is not None and pauses:
                    # the others' replies do not wait for one chat's limit
                    self._follow(self._later(effects[done:], error.retry_after, pauses - 1))
                    return
                # a protocol reply is lost with its connection; whoever waits for it asks again
                log.warning("inbox.reply_failed", reason=str(error))

    async def _later(self, effects: Sequence[Effect], seconds: float, pauses: int) -> None:
        await asyncio.sleep(min(seconds, _LONGEST_PAUSE))
        await self._in_order(effects, pauses)

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _perform(self, effect: Effect) -> None:
        chat = next((one for one in self.channels.values() if isinstance(one, Telegram)), None)
        if chat is None:
            return
        match effect:
            case Say():
                await chat.reply(effect.chat, effect.text, effect.buttons)
            case Rewrite():
                shown = (effect.text, effect.buttons, effect.ref)
                await chat.edit(effect.chat, effect.message_id, *shown)
            case Show():
                await chat.show(effect.chat, effect.kind, effect.reference)
            case Acknowledge():
                if effect.callback_id:
                    await chat.acknowledge(effect.callback_id, effect.text)
            case _:
                await self._reckon(chat, effect)

    async def _reckon(self, chat: Telegram, effect: Foresee | Glance | Follow | Hear) -> None:
        """Say what takes a look into the database first, or some work."""
        match effect:
            case Foresee():
                foretell = functools.partial(preview.foretell, house=self.house, effect=effect)
                said = await self.store.query(foretell)
                await chat.reply(said.chat, said.text, said.buttons)
            case Glance():
                now = self.clock.now()
                text = await self.store.query(lambda s: status.glance(s, effect, now))
                await chat.reply(effect.chat, text)
            case Follow():
                self._follow(progress.follow(self.store, self.clock, chat, effect))
            case Hear():
                await self._hear(chat, effect)

    async def _hear(self, chat: Telegram, effect: Hear) -> None:
        try:
            seconds, body = await asyncio.to_thread(aloud.message, effect.lines, self.store)
        except (OSError, VoiceError) as error:
            log.warning("inbox.unspoken", reason=type(error).__name__)
            return
        await chat.voice(effect.chat, body, seconds, effect.caption)


def raw(channel: Channel, request: Request, clock: Clock) -> Raw:
    """Return what a provider has brought as it is kept; raises BadEventError."""
    event_id = channel.event_id(request)
    return Raw(channel.name, event_id, request.path, clock.now(), dict(request.data))


def keep(session: Session, channel: Channel, request: Request, clock: Clock) -> bool:
    """Keep a raw event before anything is done about it; False when it came before."""
    return bool(inbound.keep_all(session, [raw(channel, request, clock)]))


def keep_all(session: Session, channel: Channel, requests: Sequence[Request], clock: Clock) -> int:
    """Keep a batch of raw events in one transaction; what cannot be read is logged and left."""
    raws = []
    for request in requests:
        try:
            raws.append(raw(channel, request, clock))
        except BadEventError as error:
            log.warning("inbox.refused", sender=channel.name, error=str(error))
    return inbound.keep_all(session, raws)
