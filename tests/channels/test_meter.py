"""What a process counts of its own work."""

from datetime import UTC, datetime

import pytest

from channels.base import SendError
from channels.meter import BUCKETS, Meter, Outcome
from channels.sweep import Swept
from content.reason import Reason
from tests.channels.ticks import Ticks

NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
DOWN = SendError(Reason.PROVIDER_DOWN)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def meter(ticks: Ticks) -> Meter:
    return Meter(ticks)


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (SendError(Reason.BUSY), ("sms", Outcome.FAILED, "busy")),
        (
            SendError(Reason.RATE_LIMITED, retry_after=3),
            ("sms", Outcome.THROTTLED, ""),
        ),
        (SendError(Reason.TIMEOUT, unknown=True), ("sms", Outcome.UNKNOWN, "timeout")),
    ],
)
def test_a_request_that_went_wrong_is_counted_as_what_it_was(
    meter: Meter, error: SendError, counted: tuple[str, Outcome, str]
) -> None:
    meter.refused("sms", error)
    assert meter.attempts == {counted: 1}


def test_a_duration_falls_into_the_first_bound_that_holds_it(meter: Meter) -> None:
    for seconds in (BUCKETS[0], 0.3, 99.0):
        meter.timed("record", seconds)
    counts = meter.timings["record", ""].counts
    assert [at for at, count in enumerate(counts) if count] == [
        0,
        BUCKETS.index(0.5),
        len(BUCKETS),
    ]


def test_what_a_sweep_finds_again_is_counted_once(meter: Meter) -> None:
    for silent in (2, 3, 3, 0, 1):
        meter.swept(Swept(silent=silent))
    assert (meter.findings["silent"], meter.found["silent"]) == (4, 1)


def test_what_a_sweep_settles_is_counted_each_time(meter: Meter) -> None:
    for _ in range(3):
        meter.swept(Swept(expired=2))
    assert meter.findings["expired"] == 6


def test_a_loop_that_does_not_go_round_is_named(meter: Meter, ticks: Ticks) -> None:
    meter.expect("claim", "sms")
    meter.beat("tend", NOW)
    ticks.at = 100
    meter.beat("tend", NOW)
    assert meter.stopped(within=99, failing=60) == ["claim sms"]
    meter.beat("claim", NOW, "sms")
    assert meter.stopped(within=99, failing=60) == []


def test_a_provider_that_only_fails_does_not_work_until_it_takes_one(
    meter: Meter, ticks: Ticks
) -> None:
    meter.refused("sms", DOWN)
    assert meter.stopped(within=180, failing=60) == []
    ticks.at = 60
    meter.refused("sms", DOWN)
    assert meter.stopped(within=180, failing=60) == ["send sms"]
    meter.taken("sms")
    assert meter.stopped(within=180, failing=60) == []


def test_a_provider_that_asks_to_wait_every_time_does_not_work_either(
    meter: Meter, ticks: Ticks
) -> None:
    for ticks.at in (0, 30, 60):
        meter.refused("sms", SendError(Reason.RATE_LIMITED, retry_after=30))
    assert meter.failing(within=180, least=60) == {"sms": 60}
    meter.taken("sms")
    meter.refused("sms", SendError(Reason.RATE_LIMITED, retry_after=30))
    assert meter.failing(within=180, least=60) == {}


def test_a_number_that_does_not_exist_says_nothing_against_the_provider(
    meter: Meter, ticks: Ticks
) -> None:
    for ticks.at in (0, 60):
        meter.refused("sms", SendError(Reason.NUMBER_INVALID, permanent=True))
    assert meter.stopped(within=180, failing=60) == []


def test_who_is_not_tried_any_more_is_not_held_to_be_broken(meter: Meter, ticks: Ticks) -> None:
    for ticks.at in (0, 60, 300):
        if ticks.at < 300:
            meter.refused("sms", DOWN)
    assert meter.stopped(within=180, failing=60) == []
