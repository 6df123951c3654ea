"""Voice: texts spoken by espeak, once each, and kept as files for the telephone and loudspeakers.

Whoever speaks has a `Voice` on a folder. A text may be part of a notice to one person, so that the
folder is 0700, a file 0600 and named by a keyed hash, and nothing stays longer than a day.
"""

import atexit
import contextlib
import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from content.call import Line, Play
from content.message import Spoken

if TYPE_CHECKING:
    from content.sound import Sound

VOICES = {Spoken.MANDARIN: "sit/cmn", Spoken.CANTONESE: "sit/yue", Spoken.ENGLISH: "gmw/en"}
RATE = 150
"""Words a minute: espeak's Mandarin is followed by old people at this rate."""
KEPT = timedelta(days=1)
"""How long a text stays on the disk after it was spoken."""
ROOM = 256 * 1024 * 1024
"""Bytes that one folder may hold: nine hours of telephone."""
_PEAK = 0.7
"""How loud the loudest moment is: 3 dB below full, so that no gateway cuts it."""
_EACH = 500
"""Files written between two looks at how much there is."""
_FORM = "1"
"""Changes when the same text is to sound different."""

# espeak has one state per process, whatever the number of folders
_lock = threading.Lock()


Recorded = Callable[[str], bytes | None]
"""Returns the WAV of a recording by its id, None where it is gone; asked outside the loop."""


class VoiceError(Exception):
    """A text could not be spoken; the sentence never quotes it."""


class Voice:
    """A folder of spoken texts. `rate` is in words per minute, `key` hides texts in file names.

    Everything here is asked outside the loop: in a thread.
    """

    def __init__(
        self,
        folder: Path | str,
        rate: int = RATE,
        *,
        key: bytes = b"",
        recorded: Recorded | None = None,
        kept: timedelta = KEPT,
        room: int = ROOM,
    ) -> None:
        self.folder = Path(folder)
        self.rate = rate
        self._key = key[:64]
        self._recorded = recorded or unrecorded
        self._kept = kept
        self._room = room
        self._written = 0

    def line(self, line: Line) -> Path:
        """Return a line of a call as `telephone` does: its recording, else its text."""
        if isinstance(line, Play):
            path = self._path(self.called(line))
            if path.is_file():
                return path
            found = self._recorded(line.recording)
            if found is not None:
                from content import sound

                heard = sound.louder(sound.read(found), _PEAK)
                return self._keep(path, sound.telephone(heard))
        return self.telephone(line.language, line.text)

    def called(self, line: Line) -> str:
        """Return the name of a line's file, 32 hex digits."""
        if isinstance(line, Play):
            return self._hash("recording", line.recording)
        return self.name(line.language, line.text)

    def telephone(self, language: Spoken, text: str) -> Path:
        """Return the text as a WAV file for the telephone: 8 kHz, mono, mu-law.

        It is spoken once and then kept; safe from many threads and processes at a time, since a
        file appears whole. Takes some milliseconds for each second of sound: call it in a thread
        from a loop. Raises VoiceError, OSError.
        """
        from content.sound import telephone  # numpy comes with it: not before somebody speaks

        return self._once(self.name(language, text), telephone, language, text)

    def loud(self, language: Spoken, text: str) -> Path:
        """Return the text as a WAV file for a loudspeaker: 16 bits, 22,050 Hz; else `telephone`."""
        from content.sound import wav

        return self._once(self.name(language, text, "loud"), wav, language, text)

    def name(self, language: Spoken, text: str, form: str = "telephone") -> str:
        """Return the name of a text's file, 32 hex digits: who has it cannot read the text."""
        return self._hash(form, VOICES[language], str(self.rate), text)

    def file(self, name: str) -> Path | None:
        """Return what was spoken under this name, where it is still here."""
        path = self._path(name)
        return path if path.is_file() else None

    def seconds(self, path: Path) -> float:
        """Return how long a file takes to hear; raises OSError, SoundError."""
        from content.sound import seconds

        return seconds(path.read_bytes())

    def frames(self, path: Path) -> bytes:
        """Return a telephone file's mu-law bytes, 8,000 a second; raises OSError, SoundError."""
        from content.sound import payload

        return payload(path.read_bytes())

    def tidy(self) -> int:
        """Erase what is too old, then the oldest while there is too much; return how many files."""
        found = sorted(self._files(), reverse=True)
        if not found:
            return 0
        oldest = self._now() - self._kept.total_seconds()
        erased, size = 0, 0
        for written, path, length in found:
            size += length
            if written < oldest or size > self._room:
                path.unlink(missing_ok=True)
                erased += 1
        return erased

    def _once(
        self, name: str, shape: "Callable[[Sound], bytes]", language: Spoken, text: str
    ) -> Path:
        path = self._path(name)
        if path.is_file():
            return path
        return self._keep(path, shape(spoken(language, text, self.rate)))

    def _keep(self, path: Path, body: bytes) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(path, body)
        self._written += 1
        if self._written % _EACH == 0:
            self.tidy()
        return path

    def _hash(self, *asked: str) -> str:
        body = "\0".join((_FORM, *asked)).encode()
        return hashlib.blake2b(body, key=self._key, digest_size=16).hexdigest()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.wav"

    def _files(self) -> Iterator[tuple[float, Path, int]]:
        for path in self.folder.glob("*.wav"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, path, found.st_size

    def _now(self) -> float:
        """Return the time of the disk, which need not be this machine's."""
        with tempfile.TemporaryFile(dir=self.folder) as file:
            return os.fstat(file.fileno()).st_mtime


def write(path: Path, body: bytes) -> None:
    """Write a file that only its owner reads and that appears whole; raises OSError."""
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".part.wav", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def spoken(language: Spoken, text: str, rate: int = RATE) -> "Sound":
    """Return a text as espeak says it, 22,050 samples a second; raises VoiceError."""
    from content import sound

    if not text.strip():
        raise VoiceError("There is nothing to say.")
    body = io.BytesIO()
    with _lock:
        _save(text, VOICES[language], rate, body)
    made = sound.read(body.getvalue())
    if not made.peak:
        raise VoiceError("This text has no sound in this language.")
    return sound.louder(made, _PEAK)


def sound_of(line: Line, recorded: Recorded, rate: int = RATE) -> "Sound":
    """Return a line of a call for a loudspeaker: its recording, else its text as `spoken`."""
    from content import sound

    found = recorded(line.recording) if isinstance(line, Play) else None
    if found is None:
        return spoken(line.language, line.text, rate)
    return sound.louder(sound.read(found), _PEAK)


def unrecorded(recording: str) -> None:
    """Return nothing: there are no recordings here."""
    del recording


def rest() -> None:
    """Wait until nothing is being spoken."""
    with _lock:
        pass


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


def _save(text: str, voice: str, rate: int, file: io.BytesIO) -> None:
    engine, errors = _engine()
    engine.setProperty("voice", voice)
    engine.setProperty("rate", rate)
    # pyttsx3 hands on what it is given, and our driver takes a file in memory as well
    engine.save_to_file(text, file)
    engine.runAndWait()
    if errors:
        first = errors[0]
        errors.clear()
        raise VoiceError("espeak-ng could not speak the text.") from first
