"""Loudspeakers: each announcement as a WAV file in a folder, its text beside it."""

import asyncio
import atexit
import errno
import re
import tempfile
import threading
import wave
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from channels.base import Abilities, BadEventError, Event, Receipt, Request, SendError, State
from content.message import Kind, Message, Spoken
from content.reason import Reason

VOICES = {Spoken.MANDARIN: "sit/cmn", Spoken.CANTONESE: "sit/yue", Spoken.ENGLISH: "gmw/en"}
REF = re.compile(r"[A-Za-z0-9_-]{1,64}")

# espeak has one state per process, whatever the number of folders
_lock = threading.Lock()


class Speaker:
    """A folder that a loudspeaker plays from. `rate` is in words per minute."""

    kind = Kind.SPEAKER
    abilities = Abilities()

    def __init__(self, folder: Path | str, rate: int = 150, *, name: str = "speaker") -> None:
        self.name = name
        self._folder = Path(folder)
        self._rate = rate

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Write `<ref>.txt`, then `<ref>.wav`; raises SendError.

        The sound appears whole and last, so that whoever watches the folder can play it at once.
        """
        del to  # the folder is the loudspeaker
        if message.speech is None or not REF.fullmatch(ref):
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_speech")
        script, language = message.speech.script, message.speech.language
        try:
            await asyncio.to_thread(self._announce, script, language, ref)
        except (OSError, RuntimeError, wave.Error):
            # the cause is left out: it may quote the text
            raise SendError(Reason.PROVIDER_DOWN) from None
        return Receipt(ref, State.SENT)

    async def test(self) -> None:
        """Write a hidden file and take it away again; raises SendError."""
        try:
            await asyncio.to_thread(self._touch)
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "")
            raise SendError(Reason.PROVIDER_DOWN, code=code) from None

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Raise SendError: nobody can be asked whether an announcement was heard."""
        del to, message, since
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True)

    def event_id(self, request: Request) -> str:
        """Raise BadEventError: nothing comes back from a loudspeaker."""
        del request
        raise BadEventError("A loudspeaker reports nothing.")

    def parse(self, request: Request) -> list[Event]:
        """Raise BadEventError: nothing comes back from a loudspeaker."""
        del request
        raise BadEventError("A loudspeaker reports nothing.")

    async def close(self) -> None:
        """Wait until the file that is being written is whole."""
        await asyncio.to_thread(_lock.acquire)
        _lock.release()

    def render(self, text: str, language: Spoken, path: Path) -> float:
        """Write the text as a WAV file and return its length in seconds.

        The file is 16-bit mono at 22,050 Hz and replaces an older one in one step. Raises OSError,
        RuntimeError where espeak-ng refuses.
        """
        partial = path.with_name(f".{path.name}.part")
        with _lock:
            _save(text, VOICES[language], self._rate, partial)
            with wave.open(str(partial), "rb") as file:
                seconds = file.getnframes() / file.getframerate()
            partial.replace(path)
        return seconds

    def _touch(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".test-", dir=self._folder) as file:
            file.write(b"1")

    def _announce(self, script: str, language: Spoken, ref: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{ref}.txt").write_text(script, encoding="utf-8")
        self.render(script, language, self._folder / f"{ref}.wav")


@cache
def _engine() -> tuple[Any, list[Exception]]:
    """Return the one engine of this process and the list that its errors go to."""
    import pyttsx3

    from channels import _espeak

    engine, errors = pyttsx3.init(_espeak.register()), list[Exception]()
    # pyttsx3 swallows what a driver raises and only tells those who listen
    engine.connect("error", lambda exception, name: errors.append(exception))  # noqa: ARG005 - its names
    # pyttsx3 takes its driver down by itself, but not once the interpreter has lost its modules
    atexit.register(_engine.cache_clear)
    return engine, errors


def _save(text: str, voice: str, rate: int, path: Path) -> None:
    engine, errors = _engine()
    engine.setProperty("voice", voice)
    engine.setProperty("rate", rate)
    engine.save_to_file(text, str(path))
    engine.runAndWait()
    if errors:
        first = errors[0]
        errors.clear()
        raise RuntimeError("The announcement could not be spoken.") from first
