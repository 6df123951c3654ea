"""Loudspeakers: a tone, the announcement, again; played here, or left in a folder with its text."""

import asyncio
import errno
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from channels import _voice
from channels._player import AUTO, Player, PlayerError
from channels._voice import Recorded
from channels.base import Abilities, BadEventError, Event, Receipt, Request, SendError, State
from content import call
from content.message import Kind, Message, Speech, Spoken
from content.reason import Reason

if TYPE_CHECKING:
    from content.sound import Sound

REF = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEPT = timedelta(days=30)
"""How long an announcement stays in the folder."""
LONGEST = 300.0
"""Seconds after which it is not repeated any more."""
_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How an announcement is made: its tone, how often it is said, decibels below full level."""

    tone: str
    times: int
    below: float


MANNERS = {
    "Extreme": Manner("siren", 4, 0),
    "Severe": Manner("calls", 3, 3),
    "Moderate": Manner("gong", 2, 8),
    "Minor": Manner("bell", 1, 12),
}
PLAIN = Manner("gong", 2, 8)
"""For drills and tests, which frighten nobody, for the end of an alert, and what is not graded."""


class Speaker:
    """A sound device, or a folder that a loudspeaker plays from.

    rate: words per minute. player: `auto` (what the machine has), `none` (the folder only), or a
    command that plays a WAV file. recorded: returns the recordings that messages name.
    """

    kind = Kind.SPEAKER
    abilities = Abilities()

    def __init__(
        self,
        folder: Path | str,
        rate: int = _voice.RATE,
        *,
        player: str = AUTO,
        recorded: Recorded = _voice.unrecorded,
        name: str = "speaker",
    ) -> None:
        self.name = name
        self._folder = Path(folder)
        self._rate = rate
        self._player = Player(player)
        self._recorded = recorded

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Play the announcement to its end, or leave it in the folder; raises SendError.

        In the folder `<ref>.txt` comes first; `<ref>.wav` appears whole and last, so that whoever
        watches it can play it at once. What was played here is not left there as well.
        """
        del to  # the folder is the loudspeaker
        if message.speech is None or not REF.fullmatch(ref):
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_speech")
        try:
            made = await asyncio.to_thread(self.announcement, message)
            played = await self._play(made, ref)
            if not played:
                await asyncio.to_thread(self._leave, message.speech, made, ref)
        except (OSError, _voice.VoiceError, PlayerError):
            # the cause is left out: it may quote the text
            raise SendError(Reason.PROVIDER_DOWN) from None
        return Receipt(ref, State.COMPLETED if played else State.SENT)

    def announcement(self, message: Message) -> "Sound":
        """Return all that is to be heard, 22,050 samples a second; raises VoiceError, OSError.

        Tone and words as often as the severity asks for, then once in each other language; raises
        VoiceError, OSError, ValueError where nothing is said.
        """
        from content import sound  # numpy comes with it

        if message.speech is None:
            raise ValueError("There is nothing to announce.")
        manner = MANNERS.get(message.severity, PLAIN)
        words = self._words(message.speech)
        tone = _tone(manner.tone, words.rate)
        one = sound.joined(tone, words, sound.silence(_PAUSE, words.rate))
        times = max(1, min(manner.times, int(LONGEST / one.seconds)))
        parts = [one] * times + [self._words(other) for other in message.speech.others]
        return sound.softer(sound.louder(sound.joined(*parts), 1.0), manner.below)

    def render(self, text: str, language: Spoken, path: Path) -> float:
        """Write the text as a WAV file and return its length in seconds.

        The file is 16-bit mono at 22,050 Hz and replaces an older one in one step. Raises OSError,
        VoiceError where espeak-ng refuses.
        """
        made = _voice.spoken(language, text, self._rate)
        _write(path, made)
        return made.seconds

    async def test(self) -> None:
        """Look for the player, write a hidden file and take it away again; raises SendError."""
        try:
            list(self._player.commands())
            await asyncio.to_thread(self._touch)
        except PlayerError:
            raise SendError(Reason.PROVIDER_DOWN, code="no_player") from None
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
        """Wait until what is being spoken is whole."""
        await asyncio.to_thread(_voice.rest)

    def _words(self, speech: Speech) -> "Sound":
        from content import sound  # numpy comes with it

        opening = call.lines(speech.language, speech.opening)
        message = call.told(speech)
        if not speech.recording:
            # in one piece, as people speak: espeak pauses between sentences by itself
            return _voice.spoken(speech.language, speech.script, self._rate)
        return sound.joined(
            *(_voice.sound_of(line, self._recorded, self._rate) for line in (*opening, *message))
        )

    async def _play(self, made: "Sound", ref: str) -> bool:
        """Play a sound from a file that only we read; False where there is no device."""
        from content import sound  # numpy comes with it

        if next(self._player.commands(), None) is None:
            return False
        with tempfile.NamedTemporaryFile(prefix=f"linxun-{ref}-", suffix=".wav") as file:
            await asyncio.to_thread(Path(file.name).write_bytes, sound.wav(made))
            return await self._player.play(Path(file.name), made.seconds)

    def _leave(self, speech: Speech, made: "Sound", ref: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        words = "\n\n".join(one.script for one in (speech, *speech.others))
        (self._folder / f"{ref}.txt").write_text(words, encoding="utf-8")
        _write(self._folder / f"{ref}.wav", made)

    def _touch(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".test-", dir=self._folder) as file:
            file.write(b"1")
            file.flush()
            self._erase(Path(file.name).stat().st_mtime - KEPT.total_seconds())

    def _erase(self, before: float) -> None:
        """Erase announcements that are too old."""
        for path in self._folder.glob("*"):
            if path.suffix in (".wav", ".txt") and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


def _tone(name: str, rate: int) -> "Sound":
    """Return what is heard before the words."""
    from content import sound  # numpy comes with it

    if name == "siren":
        made = sound.siren(500, 1100, 3, rate)
    elif name == "calls":
        made = sound.chime((784, 988, 1175) * 2, 0.45, rate)
    else:
        made = sound.chime((659, 523) if name == "gong" else (659,), 1.2, rate)
    return sound.joined(sound.softer(made, 3), sound.silence(0.5, rate))


def _write(path: Path, made: "Sound") -> None:
    """Write a file that whoever plays it can read, and that appears whole."""
    from content import sound  # numpy comes with it

    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(sound.wav(made))
    partial.replace(path)
