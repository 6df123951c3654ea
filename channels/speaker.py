"""Loudspeakers: each announcement as a WAV file in a folder, its text beside it."""

import asyncio
import errno
import re
import tempfile
from datetime import datetime
from pathlib import Path

from channels import _voice
from channels.base import Abilities, BadEventError, Event, Receipt, Request, SendError, State
from content.message import Kind, Message, Spoken
from content.reason import Reason

REF = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
        except (OSError, _voice.VoiceError):
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
        """Wait until what is being spoken is whole."""
        await asyncio.to_thread(_voice.rest)

    def render(self, text: str, language: Spoken, path: Path) -> float:
        """Write the text as a WAV file and return its length in seconds.

        The file is 16-bit mono at 22,050 Hz and replaces an older one in one step. Raises OSError,
        VoiceError where espeak-ng refuses.
        """
        partial = path.with_name(f".{path.name}.part")
        made = _voice.spoken(language, text, self._rate)
        partial.write_bytes(_voice.wav(made))
        partial.replace(path)
        return made.seconds

    def _touch(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".test-", dir=self._folder) as file:
            file.write(b"1")

    def _announce(self, script: str, language: Spoken, ref: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{ref}.txt").write_text(script, encoding="utf-8")
        self.render(script, language, self._folder / f"{ref}.wav")
