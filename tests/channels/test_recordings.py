"""Recordings of callers at Twilio: fetching leaves them there, deleting is a step of its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox.server import Sandbox
from channels.base import Forgets, SendError
from channels.twilio_voice import TwilioVoice

SID = "RE" + "0" * 32


@pytest.fixture
async def voice(sandbox: Sandbox) -> AsyncIterator[TwilioVoice]:
    account = (sandbox.account_sid, sandbox.auth_token, sandbox.numbers[0])
    adapter = TwilioVoice(*account, "http://127.0.0.1:1", api_url=sandbox.twilio_url)
    yield adapter
    await adapter.close()


def left(sandbox: Sandbox, takes: float = 0.0) -> None:
    """Let a caller leave a recording of three seconds, which is ready after so many."""
    book = sandbox.book
    book.recordings[SID], book.recording_takes = 3, takes
    book.recorded_at[SID] = sandbox.stage.clock.now()


async def test_fetching_leaves_it_there_and_deleting_twice_is_once(
    voice: TwilioVoice, sandbox: Sandbox
) -> None:
    left(sandbox)
    assert isinstance(voice, Forgets)
    assert await voice.fetch(SID) == await voice.fetch(SID)
    await voice.forget(SID)
    await voice.forget(SID)
    assert sandbox.book.recordings == {}


async def test_one_that_is_not_ready_is_waited_for(voice: TwilioVoice, sandbox: Sandbox) -> None:
    left(sandbox, takes=1e6)
    fetching = asyncio.create_task(voice.fetch(SID))
    await asyncio.sleep(0.05)
    sandbox.book.recording_takes = 0.0
    assert (await fetching).startswith(b"RIFF")


async def test_one_that_never_comes_is_an_error(voice: TwilioVoice, sandbox: Sandbox) -> None:
    left(sandbox, takes=1e6)
    with pytest.raises(SendError):
        await voice.fetch(SID)
    with pytest.raises(SendError):
        await voice.fetch("../Calls")
