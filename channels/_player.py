"""Player: a sound file played by a program of the machine, where it has a sound device."""

import asyncio
import contextlib
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

KNOWN = ("aplay -q", "pw-play", "paplay", "afplay")
"""What is tried in turn: plain ALSA needs no session, the others one of a desktop; the last is
macOS's. Each ends with an error where there is no device."""
AUTO, NONE = "auto", "none"
_SPARE = 20.0
"""Seconds that playing may take longer than the sound."""


class PlayerError(Exception):
    """The program that is to play is not there; the sentence says which."""


class Player:
    """Plays WAV files, one at a time. `program` is `auto`, `none`, or a command with options."""

    def __init__(self, program: str = AUTO) -> None:
        self._program = program
        self._turn = asyncio.Lock()

    async def play(self, path: Path, seconds: float) -> bool:
        """Play a file to its end; False where no program could. Raises PlayerError."""
        async with self._turn:
            for command in self.commands():
                if await _run([*command, str(path)], seconds + _SPARE):
                    return True
        return False

    def commands(self) -> Iterator[list[str]]:
        """Return the programs that are here, as commands; raises PlayerError for a set one."""
        if self._program == NONE:
            return
        for line in KNOWN if self._program == AUTO else (self._program,):
            command = shlex.split(line)
            found = shutil.which(command[0])
            if found:
                yield [found, *command[1:]]
            elif self._program != AUTO:
                raise PlayerError(
                    f"没有{command[0]}这个程序，请改LINXUN_SPEAKER_PLAYER。 "
                    f"There is no program {command[0]}: change LINXUN_SPEAKER_PLAYER."
                )


async def _run(command: list[str], seconds: float) -> bool:
    try:
        running = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(seconds):
            return await running.wait() == 0
    except TimeoutError:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            if running.returncode is None:
                running.kill()
                await running.wait()
