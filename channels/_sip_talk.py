"""A talk: the script of a call played to somebody who has picked up, and the keys they press."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from channels._sip_call import Call
from channels._sip_media import RATE, Media
from channels._voice import VoiceError
from content import call as flow
from content import phrase
from content.call import At, Heard, Line, Script, Step
from content.plain import dialled
from content.sound import SoundError
from content.speak import speak

Sound = Callable[[Line], Awaitable[bytes]]
"""Gives the mu-law bytes of a line, 8,000 a second."""
CONNECTED = 40.0
"""Seconds that a transfer may take."""
_LONGEST_NUMBER = 20
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are held, in real seconds."""

    ring: float = 40.0
    """How long a phone rings: an old person takes a while to reach it."""
    pause: float = 0.8
    """The silence after each sentence."""
    longest: float = 195.0
    """A whole call: a little less than the sweep waits until it gives a call up."""
    after: float = 30.0
    """What is left for keys in any case beside saying everything three times, however long."""


class How(StrEnum):
    """How a talk came to its end."""

    FINISHED = "finished"
    HUNG_UP = "hung_up"
    """By who was called, before it was over."""
    HANDED_ON = "handed_on"
    """To a person."""
    NO_SOUND = "no_sound"
    """Nothing at all came back: neither sound nor a key."""
    TOO_LONG = "too_long"


async def sounds(script: Script, sound: Sound) -> dict[Line, bytes]:
    """Return all that a script can say; raises VoiceError, OSError."""
    steps = script.steps.values()
    lines = {line: None for step in steps for line in (*step.say, *step.ask, *_instead(step))}
    try:
        return {line: await sound(line) for line in lines}
    except SoundError as error:
        raise VoiceError("What is kept of it is no sound.") from error


class Talk:
    """Plays a script to one call."""

    def __init__(
        self,
        call: Call,
        media: Media,
        script: Script,
        said: Mapping[Line, bytes],
        pressed: Callable[[str, At], None],
        kept: Callable[[], Awaitable[None]],
        person: Callable[[str], str],
        pause: float,
    ) -> None:
        self._call = call
        self._media = media
        self._script = script
        self._said = said
        self._pressed = pressed
        """Is told of a key."""
        self._kept = kept
        """Returns when all it was told of is kept."""
        self._person = person
        """Gives the address of a number that a call is transferred to; empty: it cannot be."""
        self._silence = b"\xff" * int(pause * RATE)

    @property
    def needs(self) -> float:
        """Return the seconds in which everything is said three times."""
        first = self._script.steps[self._script.start]
        twice = sum(len(self._said[line] + self._silence) for line in (*first.say, *first.ask))
        return 1.5 * twice / RATE

    async def run(self, longest: float) -> How:
        """Play until the script ends, the other side hangs up, or `longest` seconds are over."""
        playing = asyncio.create_task(self._play())
        over = asyncio.create_task(self._call.gone.wait())
        try:
            await asyncio.wait({playing, over}, timeout=longest, return_when="FIRST_COMPLETED")
            if playing.done():
                return playing.result()
            return How.HUNG_UP if over.done() else How.TOO_LONG
        finally:
            await _ended(playing, over)

    async def _play(self) -> How:
        at = flow.begin(self._script)
        while True:
            step = self._script.steps[at.step]
            for line in step.say:
                await self._say(line)
            if step.forward and await self._forward(step):
                return How.HANDED_ON
            if not step.asks and not step.then:
                return How.FINISHED
            key = await self._asked(step, at) if step.asks else ""
            if step.asks and not key and not self._media.packets:
                return How.NO_SOUND
            # nobody has said a word twice: a machine, or somebody who is to call back as well
            machine = step.asks and not key and at.turn > 0
            at = flow.after(self._script, at, Heard(key, machine=machine))

    async def _asked(self, step: Step, at: At) -> str:
        """Ask, and return the key or number that was pressed; empty: none."""
        keys, found = self._media.keys, ""
        # what was pressed while nothing was asked confirms nothing
        while not keys.empty():
            keys.get_nowait()
        asking = asyncio.create_task(self._ask(step))
        pressed = asyncio.create_task(keys.get())
        try:
            await asyncio.wait({asking, pressed}, return_when="FIRST_COMPLETED")
            if step.number and pressed.done():
                found = await self._number(pressed.result())
        finally:
            await _ended(asking, pressed)
            # who presses a key and hangs up in the same moment has pressed it
            if not step.number and (not pressed.cancelled() or not keys.empty()):
                found = keys.get_nowait() if pressed.cancelled() else pressed.result()
            if found:
                self._pressed(found, at)
        if found:
            await self._kept()
        return found

    async def _ask(self, step: Step) -> None:
        for line in step.ask:
            await self._say(line)
        await asyncio.sleep(step.seconds)

    async def _number(self, first: str) -> str:
        """Return the digits up to #, or up to a pause."""
        found = first
        with suppress(TimeoutError):
            while not found.endswith("#") and len(found) < _LONGEST_NUMBER:
                async with asyncio.timeout(flow.KEY):
                    found += await self._media.keys.get()
        return found.rstrip("#")

    async def _say(self, line: Line) -> None:
        await self._media.play(self._said[line] + self._silence)

    async def _forward(self, step: Step) -> bool:
        """Connect the caller to a person; False where that fails, and they have been told how."""
        uri = self._person(step.forward)
        if uri and await self._transferred(uri):
            return True
        for line in _instead(step):
            await self._say(line)
        return False

    async def _transferred(self, uri: str) -> bool:
        """Have the trunk transfer the call, and return whether somebody has it."""
        told: asyncio.Queue[int] = asyncio.Queue()
        self._call.on_transfer = told.put_nowait
        if await self._call.transfer(uri) != _ACCEPTED:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECTED):
                while (code := await told.get()) < 200:  # noqa: PLR2004 - it is still ringing
                    pass
                return code < 300  # noqa: PLR2004 - any success
        return False


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """End tasks, unless they are done."""
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _instead(step: Step) -> tuple[Line, ...]:
    """Return what is said to who cannot be connected: the number, slowly, twice."""
    if not step.forward:
        return ()
    sentence = phrase.say("alert.phone", step.language, phone=dialled(step.forward))
    return flow.lines(step.language, *(speak(sentence, step.language),) * 2)
