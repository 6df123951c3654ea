"""The one door for everything that arrives: kept first, then handled once, then answered."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.orm import Session

from bot import acts
from bot.commands import ask, errands, progress, resident, review, words
from bot.turn import Acknowledge, Effect, Follow, HangUp, House, Say, Turn
from channels.base import BadEventError, Channel, Event, EventKind, Request, SendError
from channels.telegram import Telegram
from channels.twilio_voice import TwilioVoice
from content import inbound
from content.clock import Clock
from content.message import Action, Kind
from content.store import Store
from verification.case import Attachment

log = structlog.get_logger("inbox")

_IDLE = 1.0
_LARGEST = 5 * 1024 * 1024
"""Bytes of an attachment that are fetched and kept; a larger one stays with the provider."""


class Inbox:
    """Handles what `content.inbound` has kept, in order, each event in one transaction."""

    def __init__(
        self, store: Store, clock: Clock, channels: Mapping[str, Channel], house: House
    ) -> None:
        self.store = store
        self.clock = clock
        self.channels = channels
        self.house = house
        self._stopping = asyncio.Event()
        self._following: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Handle events until `stop`."""
        while not self._stopping.is_set():
            waiting = await self.store.query(inbound.open_ids)
            for number in waiting:
                await self.handle(number)
            if not waiting:
                await self.store.changed(_IDLE)
        for task in self._following:
            task.cancel()

    def stop(self) -> None:
        """Ask `run` to end after the event at hand."""
        self._stopping.set()

    async def handle(self, number: int) -> None:
        """Handle one kept event; an error is counted and the event tried again later."""
        try:
            effects = await self._take(number)
        except Exception as error:
            log.exception("inbox.failed", inbound=number)
            kind = type(error).__name__
            last = await self.store.write(
                lambda session: inbound.failed(session, number, kind, self.clock.now())
            )
            effects = await self._rescue(number) if last else []
        for effect in effects:
            await self._do(effect)

    async def _take(self, number: int) -> list[Effect]:
        found = await self.store.query(lambda session: self._read(session, number))
        if found is None:
            return []
        sender, events = found
        files = [await self._fetch(sender, event) for event in events]

        def work(session: Session) -> list[Effect]:
            if not inbound.done(session, number, self.clock.now()):
                return []
            return [
                effect
                for event, file in zip(events, files, strict=True)
                for effect in self.dispatch(self._turn(session, sender, event), file)
            ]

        return await self.store.write(work)

    def _read(self, session: Session, number: int) -> tuple[str, list[Event]] | None:
        row = inbound.get(session, number)
        channel = self.channels.get(row.sender) if row else None
        if row is None or row.data is None or channel is None:
            return None
        try:
            return row.sender, channel.parse(Request(row.path, row.data))
        except BadEventError as error:
            log.warning("inbox.unreadable", inbound=number, sender=row.sender, error=str(error))
            return row.sender, []

    def _turn(self, session: Session, sender: str, event: Event) -> Turn:
        kind = self.channels[sender].kind
        return Turn(session, self.clock.now(), self.house, event, sender, kind)

    def dispatch(self, turn: Turn, file: Attachment | None) -> list[Effect]:
        """Return what is to be said at once after an event has been handled."""
        match turn.event.kind:
            case EventKind.RECEIPT:
                return acts.receipt(turn)
            case EventKind.KEY:
                return acts.key(turn)
            case EventKind.BUTTON:
                return _button(turn)
            case EventKind.BLOCKED:
                return acts.blocked(turn)
            case EventKind.MEDIA:
                return ask.media(turn, file)
            case EventKind.TEXT:
                return _text(turn)
            case EventKind.JOINED:
                return resident.group_hello(turn)

    async def _rescue(self, number: int) -> list[Effect]:
        """Let no question end in silence: what cannot be handled becomes a case."""
        found = await self.store.query(lambda session: self._read(session, number))
        if found is None:
            return []
        sender, events = found
        texts = [event for event in events if event.kind is EventKind.TEXT and not event.group]

        def work(session: Session) -> list[Effect]:
            return [
                effect for event in texts for effect in ask.take(self._turn(session, sender, event))
            ]

        with contextlib.suppress(Exception):
            return await self.store.write(work)
        return []

    async def _fetch(self, sender: str, event: Event) -> Attachment | None:
        """Fetch a photo or voice note before the transaction; it may stay with the provider."""
        media = event.media
        if media is None:
            return None
        came = Attachment(kind=media.mime, reference=media.file_id)
        channel = self.channels[sender]
        if not isinstance(channel, Telegram) or media.size > _LARGEST:
            return came
        with contextlib.suppress(SendError):
            return replace(came, data=await channel.fetch(media.file_id))
        return came

    async def _do(self, effect: Effect) -> None:
        """Say what is said at once; it is lost with the connection, and asked again if need be."""
        try:
            await self._perform(effect)
        except SendError as error:
            log.warning("inbox.reply_failed", reason=str(error))

    async def _perform(self, effect: Effect) -> None:
        chat = next((one for one in self.channels.values() if isinstance(one, Telegram)), None)
        match effect:
            case Say() if chat is not None:
                await chat.reply(effect.chat, effect.text, effect.buttons)
            case Acknowledge() if chat is not None and effect.callback_id:
                await chat.acknowledge(effect.callback_id, effect.text)
            case HangUp():
                voice = self.channels.get(effect.sender)
                if isinstance(voice, TwilioVoice):
                    await voice.cancel(effect.provider_id)
            case Follow() if chat is not None:
                task = asyncio.create_task(progress.follow(self.store, self.clock, chat, effect))
                self._following.add(task)
                task.add_done_callback(self._following.discard)


def _button(turn: Turn) -> list[Effect]:
    action, _, rest = turn.event.key.partition(":")
    ref, _, value = rest.partition(":")
    match action:
        case Action.RECEIVED | Action.HELP:
            return acts.button(turn, Action(action), ref)
        case Action.CHOOSE | Action.NONE_OF_THESE:
            return ask.choose(turn, ref, value if action == Action.CHOOSE else "none")
        case Action.STAFF:
            return review.press(turn, value)
        case Action.JOIN | Action.FORGET:
            return resident.press(turn, action, value)
        case Action.TASK:
            return errands.press(turn, ref, value)
    return [Acknowledge(turn.event.callback_id)]


def _text(turn: Turn) -> list[Effect]:
    text = turn.event.text.strip()
    if turn.event.group:
        return ask.group(turn)
    if turn.kind is Kind.CHAT and text.startswith("/"):
        return words.command(turn, text)
    if turn.kind is Kind.CHAT and (awaited := words.awaited(turn, text)) is not None:
        return awaited
    short = acts.reply(turn, text)
    return ask.question(turn) if short is None else short


def keep(session: Session, channel: Channel, request: Request, clock: Clock) -> bool:
    """Keep a raw event before anything is done about it; False when it came before."""
    event_id = channel.event_id(request)
    data = dict(request.data)
    return inbound.keep(session, channel.name, event_id, request.path, data, clock.now())


def keep_all(session: Session, channel: Channel, requests: Sequence[Request], clock: Clock) -> int:
    """Keep a batch of raw events in one transaction; what cannot be read is logged and left."""
    kept = 0
    for request in requests:
        try:
            kept += keep(session, channel, request, clock)
        except BadEventError as error:
            log.warning("inbox.refused", sender=channel.name, error=str(error))
    return kept
