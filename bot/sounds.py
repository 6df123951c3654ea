"""Sounds: what calls play, spoken or recorded, under addresses that are signed and expire."""

import asyncio
import contextlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.config import Settings, Voices
from channels._voice import Recorded, Voice, VoiceError
from channels.base import Channel
from channels.twilio_voice import TwilioVoice
from content import recording
from content.call import Line, Play, Say, Script
from content.clock import Clock
from content.message import Spoken
from content.phrase import table, written
from content.speak import speak
from content.store import Store

log = structlog.get_logger("sounds")

FOLDER = "linxun-voice"
"""Where spoken texts are kept, unless the settings say so."""
VALID = timedelta(hours=1)
"""How long an address can be used at least; no call is as long."""
_REMEMBERED = 2000
"""Lines whose words are remembered until they are fetched."""
_LOOKS, _LOOK = 30, 0.1
"""How often, and after how many real seconds, a sound is looked for that another is making."""
_RECORDED = "recording-"
"""What stands before a recording's id in an address, in place of a call's ref."""
_TIDY = 3600.0
"""Real seconds between two looks for what is too old."""

Find = Callable[[str], Awaitable[Script | None]]
"""Returns the call of a `ref`."""


class SoundsError(Exception):
    """An address is refused; `status` is HTTP's, the sentence says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def folder(settings: Settings) -> Path:
    """Return where spoken texts are kept: as set, else beside SQLite's file or where we run."""
    url = make_url(settings.database_url)
    beside = Path(url.database or "") if url.get_backend_name() == "sqlite" else Path()
    return settings.voice_folder or beside.parent / FOLDER


def recorded(store: Store) -> Recorded:
    """Return what finds a recording of staff by its id, for a thread of its own.

    While the database does not answer there is none: the text is spoken instead.
    """

    def find(name: str) -> bytes | None:
        try:
            with store.read() as session:
                return recording.wav(session, name)
        except SQLAlchemyError as error:
            log.warning("sounds.no_recording", reason=type(error).__name__)
            return None

    return find


class Sounds:
    """The sounds of this process: made beforehand in threads, served under signed addresses.

    A web that shares the database but not the folder makes a sound anew from its call's `ref`.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock, public_url: str) -> None:
        key = store.keyring.derive("voice names")
        self.voice = Voice(
            folder(settings).absolute(), settings.voice_rate, key=key, recorded=recorded(store)
        )
        self._clock = clock
        self._speaks = settings.twilio_voice is Voices.ESPEAK
        # SQLite is one machine; elsewhere a folder that was named is taken to be there for all
        sqlite = make_url(settings.database_url).get_backend_name() == "sqlite"
        self._shared = sqlite or settings.voice_folder is not None
        self._key = store.keyring.derive("sound addresses")
        self._public = public_url.rstrip("/")
        self._made: OrderedDict[str, Future[Path]] = OrderedDict()
        # one speaks at a time; the other fetches recordings meanwhile
        self._threads = ThreadPoolExecutor(2, "sounds")
        self._stopping = asyncio.Event()

    def serve(self, channels: Iterable[Channel]) -> None:
        """Have those channels that fetch sounds play ours."""
        for channel in channels:
            if isinstance(channel, TwilioVoice):
                channel.sounds = self.url

    def url(self, line: Line, ref: str = "") -> str:
        """Return where a line's sound can be fetched for an hour, and begin to make it.

        Empty: the provider's voice is to say it, for so it is set, or we cannot. Safe in threads.
        """
        if isinstance(line, Play):
            ref = f"{_RECORDED}{line.recording}"
        elif not self._speaks or not (ref or self._shared or _fixed(line)):
            return ""
        name = self.voice.called(line)
        if not self._begun(name, line):
            return ""
        # whole hours, so that the provider may keep what it has fetched
        hours = int((self._clock.now() + VALID).timestamp() // VALID.total_seconds()) + 1
        what = f"{ref or '-'}/{name}/{hours:x}"
        return f"{self._public}/sounds/{what}/{self._signature(what)}.wav"

    async def heard(self, line: Line) -> bytes:
        """Return a line as mu-law for a call that we play; raises OSError, VoiceError, SoundError.

        8,000 bytes are a second.
        """
        making = self._threads.submit(lambda: self.voice.frames(self.voice.line(line)))
        return await asyncio.wrap_future(making)

    async def fetch(self, ref: str, name: str, until: str, signature: str, find: Find) -> Path:
        """Return the file of an address; raises SoundsError."""
        what = f"{ref}/{name}/{until}"
        if not hmac.compare_digest(self._signature(what).encode(), signature.encode()):
            raise SoundsError(403, "The signature of this address is wrong.")
        if self._clock.now() >= _end(until):
            raise SoundsError(403, "This address has expired.")
        kept = self.voice.file(name)
        if kept is not None:
            return kept
        try:
            making = self._made.get(name) or await self._again(ref, name, find)
            if making is None:
                return await self._appears(name)
            # who hangs up does not take it from the others
            return await asyncio.shield(asyncio.wrap_future(making))
        except (OSError, VoiceError) as error:
            raise SoundsError(503, "The sound could not be made.") from error

    async def run(self) -> None:
        """Erase what is too old or too much, hourly, until `stop`."""
        while not self._stopping.is_set():
            try:
                await asyncio.to_thread(self.voice.tidy)
            except OSError as error:
                log.warning("sounds.untidy", reason=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TIDY)

    def stop(self) -> None:
        """Ask `run` to end; calls that are under way are still spoken."""
        self._stopping.set()

    def close(self) -> None:
        """Make nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begun(self, name: str, line: Line) -> bool:
        """Have a line made, once; return whether that has not failed."""
        making = self._made.get(name)
        if making is None:
            self._made[name] = self._threads.submit(self.voice.line, line)
            if len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
            return True
        failed = making.done() and (making.cancelled() or making.exception() is not None)
        gone = making.done() and not failed and not making.result().is_file()
        if failed or gone:
            # tried again with the next call
            self._made.pop(name, None)
        return not failed

    async def _again(self, ref: str, name: str, find: Find) -> Future[Path] | None:
        """Make a sound that another process gave the address of; None where nobody tells what."""
        for line in (*_phrases(), *(await _said(ref, find))):
            if self.voice.called(line) == name:
                return self._threads.submit(self.voice.line, line)
        return None

    async def _appears(self, name: str) -> Path:
        """Wait for what another process of this folder is making; raises SoundsError."""
        for _ in range(_LOOKS if self._shared else 0):
            await asyncio.sleep(_LOOK)
            kept = self.voice.file(name)
            if kept is not None:
                return kept
        raise SoundsError(404, "There is no such sound any more.")

    def _signature(self, what: str) -> str:
        return hmac.digest(self._key, what.encode(), "sha256").hex()[:32]


async def _said(ref: str, find: Find) -> Iterable[Line]:
    """Return every line of a call, or the one recording; none for what is said outside of one."""
    if ref.startswith(_RECORDED):
        return (Play(Spoken.MANDARIN, "", ref.removeprefix(_RECORDED)),)
    script = await find(ref) if ref != "-" else None
    return script.lines() if script else ()


def _end(until: str) -> datetime:
    return datetime.fromtimestamp(int(until, 16) * VALID.total_seconds(), UTC)


@cache
def _phrases() -> frozenset[Say]:
    """Return every line of a call that every process knows: the sentences without a value."""
    return frozenset(
        Say(language, speak(text, language))
        for language in Spoken
        for key, text in table(written(language)).items()
        if key.startswith(("call.", "hotline.")) and "{" not in text
    )


def _fixed(line: Say) -> bool:
    return line in _phrases()
