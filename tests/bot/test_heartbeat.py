"""When the heartbeat beats, and what it keeps to itself."""

import pytest
from structlog.testing import capture_logs

from bot.heartbeat import FAILING, SILENT, Heartbeat
from channels.base import SendError
from channels.meter import Meter
from content.reason import Reason
from tests.channels.conftest import Recorder, recorder
from tests.channels.ticks import Ticks

__all__ = ["recorder"]

SECRET = "6f1e-uuid-of-the-check"


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def meter(ticks: Ticks) -> Meter:
    made = Meter(ticks)
    for loop, sender in (("look", ""), ("tend", ""), ("claim", "telegram")):
        made.expect(loop, sender)
    return made


@pytest.fixture
def outside(recorder: Recorder) -> Recorder:
    """Who is told, on another machine."""
    return recorder


async def test_it_beats_while_everything_works(meter: Meter, outside: Recorder) -> None:
    assert await Heartbeat(f"{outside.url}/{SECRET}", meter).beat()
    assert [path for _, path, _ in outside.requests] == [f"/{SECRET}"]


async def test_a_process_that_sends_nothing_does_not_say_that_sending_works(
    outside: Recorder,
) -> None:
    assert not await Heartbeat(outside.url, Meter()).beat()
    assert outside.requests == []


async def test_it_is_silent_when_a_loop_stands_still(
    meter: Meter, ticks: Ticks, outside: Recorder
) -> None:
    ticks.at = SILENT + 1
    assert not await Heartbeat(outside.url, meter).beat()
    assert outside.requests == []


async def test_it_is_silent_while_a_provider_only_fails(
    meter: Meter, ticks: Ticks, outside: Recorder
) -> None:
    heart = Heartbeat(outside.url, meter)
    for ticks.at in (0, FAILING):
        meter.refused("telegram", SendError(Reason.PROVIDER_DOWN))
    assert not await heart.beat()
    meter.taken("telegram")
    assert await heart.beat()


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_an_answer_that_is_no_thanks_is_a_failure(
    meter: Meter, outside: Recorder, status: int
) -> None:
    outside.status = status
    assert not await Heartbeat(outside.url, meter).beat()


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{SECRET}", f"nonsense/{SECRET}", "http://"])
async def test_its_address_is_never_logged(meter: Meter, url: str) -> None:
    with capture_logs() as lines:
        assert not await Heartbeat(url, meter).beat()
    assert [line["event"] for line in lines] == ["heartbeat.failed"]
    assert SECRET not in str(lines)


async def test_it_goes_through_the_proxy_but_not_to_this_machine(
    meter: Meter, outside: Recorder
) -> None:
    await Heartbeat(f"http://hc.example/{SECRET}", meter, outside.url).beat()
    await Heartbeat(f"{outside.url}/near", meter, "http://127.0.0.1:1").beat()
    assert [path for _, path, _ in outside.requests] == [f"/{SECRET}", "/near"]
