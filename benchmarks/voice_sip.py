"""Calls by SIP to SIPp on loopback: how long until somebody is spoken to, and which keys arrive."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from channels._voice import Voice
from channels.base import EventKind, Request, State
from channels.sip_voice import SipVoice
from content.call import Line
from content.message import Message, Speech, Spoken, Written

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.channels import sipp

ONE_BY_ONE, AT_ONCE = 20, 5
DELAY = 200
"""Milliseconds that who is called takes to pick up."""
MESSAGE = Message(
    Written.HANS,
    chat="停水",
    sms="停水",
    speech=Speech(
        Spoken.MANDARIN,
        opening="喂。",
        sentences=("停水。",),
        prompt="收到请按幺。",
        answers={"1": "谢谢。", "3": "马上来。"},
        no_key="没有听到。",
        wrong_key="没有这个键。",
        machine="请回电。",
        goodbye="再见。",
    ),
)
_LISTENS = 1800
"""Milliseconds until a key is pressed: everything has been said once."""
_PAUSE = 0.1
_LONGEST = 120.0


@dataclass(frozen=True, slots=True)
class Figures:
    """How long it took until each was spoken to (ms, less their own delay), and their keys."""

    setups: Sequence[float] = field(repr=False)
    confirmed: Sequence[float] = field(repr=False)
    """Seconds from the first ring until the key was kept."""
    pressed: int
    received: int
    in_order: bool
    """Whether SIPp saw every call go the way of its scenario."""


class _Desk:
    """Keeps what the calls report, with the instant it came."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.rung: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.keys: dict[str, tuple[str, float]] = {}
        self.voice: SipVoice | None = None

    async def keep(self, request: Request) -> None:
        now = time.perf_counter()
        for event in self.voice.parse(request) if self.voice else ():
            if event.kind is EventKind.KEY:
                self.keys[event.ref] = event.key, now
            elif event.state is State.RINGING:
                self.rung[event.ref] = now
            elif event.state is State.ANSWERED:
                self.answered[event.ref] = now


async def measure(folder: Path, rounds: int) -> Figures:
    """Call twenty people one after the other and five at once, so many times over."""
    desk, spoken = _Desk(), Voice(folder / "voice")

    async def sound(line: Line) -> bytes:
        return await asyncio.to_thread(lambda: spoken.frames(spoken.line(line)))

    calls = rounds * (ONE_BY_ONE + AT_ONCE)
    steps = (
        *(sipp.invited(), sipp.say(180), sipp.wait(DELAY), sipp.pick_up(), sipp.wait(_LISTENS)),
        *(sipp.press("1"), sipp.hung_up()),
    )
    async with sipp.sipp(folder, steps, calls, media=28000) as there:
        desk.voice = SipVoice(
            f"127.0.0.1:{there.port}",
            desk.keep,
            sound,
            ports=(28400, 28499),
            lines=AT_ONCE,
            pause=_PAUSE,
        )
        for number in range(rounds):
            for at in range(ONE_BY_ONE):
                await _call(desk, [f"{number}-one-{at}"])
            await _call(desk, [f"{number}-many-{at}" for at in range(AT_ONCE)])
        await desk.voice.close()
        in_order = await there.ended(30)
    setups = [1000 * (desk.answered[ref] - desk.began[ref]) - DELAY for ref in desk.answered]
    confirmed = [at - desk.rung[ref] for ref, (_, at) in desk.keys.items()]
    received = sum(key == "1" for key, _ in desk.keys.values())
    return Figures(setups, confirmed, calls, received, in_order)


async def _call(desk: _Desk, refs: Sequence[str]) -> None:
    """Call one number for each of these, at once; return when all calls are over."""
    voice = desk.voice
    if voice is None:
        return
    for ref in refs:
        desk.began[ref] = time.perf_counter()
    await asyncio.gather(*(voice.send("+8657187654321", MESSAGE, ref) for ref in refs))
    async with asyncio.timeout(_LONGEST):
        await voice.idle()
