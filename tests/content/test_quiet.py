"""Quiet hours by the wall clock: over midnight, in gaps and folds of summer time, in any zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import ladder, quiet
from content.alert import Severity
from content.message import Kind
from content.quiet import Quiet

CALLS = frozenset({Kind.CALL})
SHANGHAI, BERLIN, NEW_YORK = map(ZoneInfo, ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))


def _hours(start: str, end: str, severity: Severity = Severity.SEVERE) -> Quiet:
    return Quiet(time.fromisoformat(start), time.fromisoformat(end), CALLS, severity)


def _until(
    hours: tuple[Quiet, ...], now: str, zone: ZoneInfo, severity: Severity = Severity.MINOR
) -> str | None:
    """When a call may be made that is due at `now` of the wall clock; fold=1 is written `b`."""
    at = datetime.fromisoformat(now.removesuffix("b")).replace(tzinfo=zone, fold=now.endswith("b"))
    found = quiet.until(hours, Kind.CALL, severity, at.astimezone(UTC), zone)
    return found.astimezone(zone).strftime("%m-%d %H:%M%z") if found else None


NIGHT = (_hours("22:00", "07:00"),)
NOON = (_hours("12:00", "14:00"),)


@pytest.mark.parametrize(
    ("hours", "now", "zone", "ends"),
    [
        (NIGHT, "2026-07-20 21:59:59", SHANGHAI, None),
        (NIGHT, "2026-07-20 22:00:00", SHANGHAI, "07-21 07:00+0800"),
        (NIGHT, "2026-07-21 00:00:00", SHANGHAI, "07-21 07:00+0800"),
        (NIGHT, "2026-07-21 06:59:59", SHANGHAI, "07-21 07:00+0800"),
        (NIGHT, "2026-07-21 07:00:00", SHANGHAI, None),
        (NOON, "2026-07-20 13:00:00", SHANGHAI, "07-20 14:00+0800"),
        (NOON, "2026-07-20 14:00:00", SHANGHAI, None),
        (NIGHT, "2026-12-31 23:30:00", SHANGHAI, "01-01 07:00+0800"),
        # the night that is an hour shorter, and the one that is an hour longer
        (NIGHT, "2026-03-28 23:00:00", BERLIN, "03-29 07:00+0200"),
        (NIGHT, "2026-10-24 23:00:00", BERLIN, "10-25 07:00+0100"),
        (NIGHT, "2026-03-07 23:00:00", NEW_YORK, "03-08 07:00-0400"),
        (NIGHT, "2026-10-31 23:00:00", NEW_YORK, "11-01 07:00-0500"),
        # 02:30 does not exist: the hours end, or begin, when the clock jumps
        ((_hours("22:00", "02:30"),), "2026-03-29 01:59:59", BERLIN, "03-29 03:00+0200"),
        ((_hours("22:00", "02:30"),), "2026-03-29 03:00:00", BERLIN, None),
        ((_hours("02:30", "07:00"),), "2026-03-29 01:59:59", BERLIN, None),
        ((_hours("02:30", "07:00"),), "2026-03-29 03:00:00", BERLIN, "03-29 07:00+0200"),
        ((_hours("22:00", "02:30"),), "2026-03-08 01:59:59", NEW_YORK, "03-08 03:00-0400"),
        # 02:30 comes twice: nobody is called in between
        ((_hours("22:00", "02:30"),), "2026-10-25 02:10:00", BERLIN, "10-25 02:30+0100"),
        ((_hours("22:00", "02:30"),), "2026-10-25 02:45:00", BERLIN, "10-25 02:30+0100"),
        ((_hours("22:00", "02:30"),), "2026-10-25 02:29:59b", BERLIN, "10-25 02:30+0100"),
        ((_hours("22:00", "02:30"),), "2026-10-25 02:30:00b", BERLIN, None),
        ((_hours("01:30", "07:00"),), "2026-11-01 01:45:00", NEW_YORK, "11-01 07:00-0500"),
        ((_hours("01:30", "07:00"),), "2026-11-01 01:15:00b", NEW_YORK, "11-01 07:00-0500"),
        # hours that follow each other, or overlap, add up
        ((*NIGHT, _hours("07:00", "08:30")), "2026-07-20 23:00:00", SHANGHAI, "07-21 08:30+0800"),
        ((*NIGHT, _hours("06:00", "08:00")), "2026-07-20 23:00:00", SHANGHAI, "07-21 08:00+0800"),
        ((*NIGHT, *NOON), "2026-07-20 23:00:00", SHANGHAI, "07-21 07:00+0800"),
    ],
)  # fmt: skip
def test_quiet_hours_go_by_the_wall_clock(
    hours: tuple[Quiet, ...], now: str, zone: ZoneInfo, ends: str | None
) -> None:
    assert _until(hours, now, zone) == ends


@pytest.mark.parametrize(
    ("kind", "severity", "waits"),
    [
        (Kind.CALL, Severity.EXTREME, False),
        (Kind.CALL, Severity.SEVERE, False),
        (Kind.CALL, Severity.MODERATE, True),
        (Kind.CALL, Severity.MINOR, True),
        (Kind.CALL, Severity.UNKNOWN, True),
        (Kind.SMS, Severity.MINOR, False),
        (Kind.DOOR, Severity.MINOR, False),
    ],
)
def test_severity_overrides_and_other_kinds_do_not_wait(
    kind: Kind, severity: Severity, waits: bool
) -> None:
    now = datetime(2026, 7, 20, 15, 0, tzinfo=UTC)
    assert bool(quiet.until(NIGHT, kind, severity, now, SHANGHAI)) is waits


@pytest.mark.parametrize(
    ("hour", "kind", "told"),
    [
        (12, Kind.CALL, None),
        (22, Kind.CALL, Severity.SEVERE),
        (22, Kind.SPEAKER, Severity.SEVERE),
        (22, Kind.CHAT, None),
        (23, Kind.CHAT, Severity.MODERATE),
        (23, Kind.SMS, Severity.MODERATE),
        (23, Kind.DOOR, None),
    ],
)
def test_the_built_in_nights_say_how_loud_it_may_be(
    hour: int, kind: Kind, told: Severity | None
) -> None:
    now = datetime(2026, 7, 20, hour, 0, tzinfo=SHANGHAI).astimezone(UTC)
    assert ladder.load().loudest(kind, now, SHANGHAI) is told


def test_of_two_rules_the_stricter_holds() -> None:
    both = (_hours("22:00", "07:00", Severity.MODERATE), _hours("00:00", "05:00", Severity.EXTREME))
    now = datetime(2026, 7, 20, 17, 0, tzinfo=UTC)
    assert quiet.loudest(both, Kind.CALL, now, SHANGHAI) is Severity.EXTREME


ZONES = [
    *map(ZoneInfo, ("Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")),
    BERLIN,
    NEW_YORK,
]
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
INSTANTS = st.integers(1_322_697_600, 1_893_456_000).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)


@given(CLOCKS, CLOCKS, INSTANTS, st.sampled_from(ZONES))
def test_what_waits_may_be_told_when_it_has_waited(
    start: time, end: time, now: datetime, zone: ZoneInfo
) -> None:
    """And not before; it waits a day and the clock's jump at most."""
    hours = (Quiet(start, end, CALLS, Severity.SEVERE),) if start != end else ()
    ends = quiet.until(hours, Kind.CALL, Severity.MINOR, now, zone)
    assert (ends is None) == (quiet.loudest(hours, Kind.CALL, now, zone) is None)
    if ends is not None:
        assert timedelta(0) < ends - now <= timedelta(days=2, hours=1)
        assert quiet.until(hours, Kind.CALL, Severity.MINOR, ends, zone) is None
        early = ends - timedelta(seconds=1)
        assert quiet.until(hours, Kind.CALL, Severity.MINOR, max(early, now), zone) == ends


@given(CLOCKS, CLOCKS, INSTANTS)
def test_without_summer_time_the_wall_clock_decides_alone(
    start: time, end: time, now: datetime
) -> None:
    hours = (Quiet(start, end, CALLS, Severity.SEVERE),)
    wall = now.astimezone(SHANGHAI).time()
    inside = start <= wall < end if start < end else wall >= start or wall < end
    if start != end:
        assert bool(quiet.until(hours, Kind.CALL, Severity.MINOR, now, SHANGHAI)) is inside
