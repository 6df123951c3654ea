"""Real calls on loopback to SIPp and baresip, which nobody here wrote: what they hear and press."""

import asyncio
import wave
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from channels.base import State
from channels.sip_voice import SipVoice
from content.message import Message
from content.reason import Reason
from tests.channels import baresip, sipp
from tests.channels.sipp import (
    challenged,
    hang_up,
    hum,
    hung_up,
    invited,
    pick_up,
    press,
    remembered,
    say,
    transferred,
    wait,
)
from tests.channels.test_sip_voice import PHONE, REF, House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sipp.USABLE, reason=sipp.REASON),
]
ASKED = wait(1500)
"""Until everything has been said once."""
ANSWERED = wait(2500)
"""Until what follows a key has been said, and the next one is asked for."""
GONE = [State.RINGING, State.ANSWERED, State.COMPLETED]


@asynccontextmanager
async def house(port: int, **given: Any) -> AsyncIterator[House]:
    """Give a house whose sentences take a fifth of a second each."""
    made = House(None)  # type: ignore[arg-type]
    brisk = {"pause": 0.1, "ring": 3, "ports": (26300, 26399), "lines": 30, "grace": 0}
    made.voice = SipVoice(f"127.0.0.1:{port}", made.keep, made.sound, **brisk | given)
    try:
        yield made
    finally:
        await made.voice.close()


async def call(folder: Path, message: Message, *steps: str, **given: Any) -> House:
    """Call SIPp, which takes these steps; fails where it saw anything else."""
    async with sipp.sipp(folder, steps) as there, house(there.port, **given) as ours:
        await ours.voice.send(PHONE, message, REF)
        await ours.over(60)
        assert await there.ended(), there.log.read_text("utf-8", "replace")[-2000:]
        return ours


def answering(*then: str) -> Sequence[str]:
    return (invited(), say(180), wait(200), pick_up(), *then)


@pytest.mark.parametrize("key", ["1", "3"])
async def test_key_1_confirms_and_key_3_asks_for_help(
    tmp_path: Path, message: Message, key: str
) -> None:
    ours = await call(tmp_path, message, *answering(ASKED, press(key), hung_up()))
    assert (ours.keys, ours.states) == ([key], GONE)


async def test_key_2_repeats_until_another_one(tmp_path: Path, message: Message) -> None:
    steps = answering(ASKED, press("2"), ANSWERED, press("1"), hung_up())
    ours = await call(tmp_path, message, *steps)
    assert (ours.keys, ours.states) == (["2", "1"], GONE)


async def test_a_wrong_key_is_followed_by_a_right_one(tmp_path: Path, message: Message) -> None:
    steps = answering(ASKED, press("7"), ANSWERED, press("1"), hung_up())
    ours = await call(tmp_path, message, *steps)
    assert (ours.keys, ours.states) == (["7", "1"], GONE)


async def test_who_presses_nothing_is_asked_again_and_let_go(
    tmp_path: Path, message: Message
) -> None:
    ours = await call(tmp_path, message, *answering(hum(), hung_up()))
    assert (ours.keys, ours.states) == ([], GONE)
    assert ours.raw[-1].data["how"] == "finished"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (486, Reason.BUSY),
        (600, Reason.BUSY),
        (480, Reason.NO_ANSWER),
        (404, Reason.NUMBER_INVALID),
        (484, Reason.NUMBER_INVALID),
        (603, Reason.DECLINED),
    ],
)
async def test_a_call_that_is_refused(
    tmp_path: Path, message: Message, code: int, reason: Reason
) -> None:
    steps = (invited(), say(180), wait(100), say(code), sipp.acknowledged())
    ours = await call(tmp_path, message, *steps)
    assert (ours.events[-1].state, ours.events[-1].reason) == (State.FAILED, reason)


async def test_nobody_answers(tmp_path: Path, message: Message) -> None:
    steps = (invited(), say(180), sipp.cancelled())
    ours = await call(tmp_path, message, *steps, ring=1)
    assert (ours.events[-1].state, ours.events[-1].reason) == (State.FAILED, Reason.NO_ANSWER)


async def test_hanging_up_in_the_middle(tmp_path: Path, message: Message) -> None:
    steps = (remembered(), say(180), pick_up(), wait(300), hang_up())
    ours = await call(tmp_path, message, *steps)
    assert (ours.keys, ours.states) == ([], GONE)
    assert ours.raw[-1].data["how"] == "hung_up"


async def test_sound_that_never_comes(tmp_path: Path, message: Message) -> None:
    ours = await call(tmp_path, message, *answering(hung_up()))
    assert (ours.events[-1].state, ours.events[-1].reason) == (State.FAILED, Reason.UNDELIVERED)


async def test_a_trunk_that_asks_for_the_password(tmp_path: Path, message: Message) -> None:
    steps = (challenged("us", "secret"), say(180), pick_up(), ASKED, press("1"), hung_up())
    ours = await call(tmp_path, message, *steps, user="us", password="secret")
    assert (ours.keys, ours.states) == (["1"], GONE)


@pytest.mark.parametrize(("code", "how"), [(200, "handed_on"), (486, "finished")])
async def test_key_0_is_put_through_to_the_duty_phone(
    tmp_path: Path, message: Message, code: int, how: str
) -> None:
    speech = replace(message.speech, person="+8657188001234", connecting="请稍等。")
    steps = (remembered(), say(180), pick_up(), ASKED, press("0"), transferred(code), hung_up())
    asked = replace(message, speech=speech)
    ours = await call(tmp_path, asked, *steps, transfers=True)
    assert (ours.keys, ours.raw[-1].data["how"]) == (["0"], how)


async def test_twenty_calls_one_after_another_lose_no_key(tmp_path: Path, message: Message) -> None:
    steps = answering(ASKED, press("1"), hung_up())
    async with sipp.sipp(tmp_path, steps, 20) as there, house(there.port, lines=1) as ours:
        for number in range(20):
            await ours.voice.send(PHONE, message, f"r{number}")
            await ours.over()
        assert await there.ended()
    assert Counter(one.ref for one in ours.events if one.key == "1") == dict.fromkeys(
        (f"r{number}" for number in range(20)), 1
    )


async def test_five_calls_at_once_lose_no_key(tmp_path: Path, message: Message) -> None:
    steps = answering(ASKED, press("3"), hung_up())
    refs = [f"r{number}" for number in range(5)]
    async with sipp.sipp(tmp_path, steps, 5) as there, house(there.port, lines=5) as ours:
        await asyncio.gather(*(ours.voice.send(PHONE, message, ref) for ref in refs))
        await ours.over()
        assert await there.ended()
    assert Counter(one.ref for one in ours.events if one.key == "3") == dict.fromkeys(refs, 1)


@pytest.mark.skipif(baresip.PROGRAM is None, reason=baresip.REASON)
@pytest.mark.parametrize("key", ["1", "2", "3", "7"])
async def test_a_soft_phone_presses_a_key(tmp_path: Path, message: Message, key: str) -> None:
    async with baresip.baresip(tmp_path, PHONE) as phone, house(phone.port) as ours:
        await ours.voice.send(PHONE, message, REF)
        await phone.until("CALL_ESTABLISHED")
        await asyncio.sleep(1.5)
        await phone.press(key)
        if key in ("2", "7"):
            await asyncio.sleep(2.5)
            await phone.press("1")
        await ours.over(60)
    assert ours.keys == ([key, "1"] if key in ("2", "7") else [key])
    assert ours.states[-2:] == GONE[-2:]


@pytest.mark.skipif(baresip.PROGRAM is None, reason=baresip.REASON)
async def test_a_soft_phone_hangs_up_in_the_middle(tmp_path: Path, message: Message) -> None:
    async with baresip.baresip(tmp_path, PHONE) as phone, house(phone.port) as ours:
        await ours.voice.send(PHONE, message, REF)
        await phone.until("CALL_ESTABLISHED")
        await phone.hang_up()
        await ours.over()
    assert ours.raw[-1].data["how"] == "hung_up"


@pytest.mark.skipif(baresip.PROGRAM is None, reason=baresip.REASON)
async def test_a_soft_phone_hears_every_sentence(tmp_path: Path, message: Message) -> None:
    """Five tones with pauses between: the opening, two sentences, and both once more."""
    async with baresip.baresip(tmp_path, PHONE) as phone, house(phone.port, pause=0.4) as ours:
        await ours.voice.send(PHONE, message, REF)
        await phone.until("CALL_ESTABLISHED")
        await asyncio.sleep(3.2)
        await phone.hang_up()
        await ours.over()
        await phone.until("CALL_CLOSED")
        assert _tones(phone.heard) == 6


@pytest.mark.skipif(baresip.PROGRAM is None, reason=baresip.REASON)
async def test_a_machine_hears_at_the_end_whom_to_call_back(
    tmp_path: Path, message: Message
) -> None:
    """SIP does not tell a machine from a person: who never presses a key is told in the end."""
    async with baresip.baresip(tmp_path, PHONE) as phone, house(phone.port) as ours:
        ours.long = message.speech.machine
        await ours.voice.send(PHONE, message, REF)
        await ours.over(60)
        await phone.until("CALL_CLOSED")
        assert _loud(phone.heard)[-50:].sum() > 40
    assert (ours.keys, ours.states[-1]) == ([], State.COMPLETED)


def _tones(path: Path) -> int:
    """Count the stretches of sound in a recording."""
    loud = _loud(path)
    return int(np.count_nonzero(loud[1:] & ~loud[:-1]) + loud[0])


def _loud(path: Path) -> Any:
    """Say of each 20 ms of a recording whether there is sound."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        each = file.getframerate() // 50
    level = np.abs(samples[: len(samples) // each * each].reshape(-1, each)).max(axis=1)
    return level > 500
