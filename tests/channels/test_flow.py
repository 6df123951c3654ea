"""When the last of a queue starts: by the rate, by the lines, and what would be better."""

from dataclasses import replace

import pytest

from channels import flow
from channels.flow import Batch, Limit, Line
from content.message import Kind
from content.pace import HEADROOM, Sender


def _line(rate: float, lines: int | None, *batches: Batch, busy: int = 0) -> Line:
    return Line(Sender("a", Kind.CALL, rate * 1 / HEADROOM, lines), batches, 0.5, busy)


def _calls(count: int, held: float = 75.0) -> Batch:
    return Batch(count, 1, held, held)


@pytest.mark.parametrize(
    ("line", "seconds", "limit"),
    [
        (_line(2.0, None), 0.0, Limit.RATE),
        (_line(2.0, None, _calls(1)), 0.0, Limit.RATE),
        (_line(2.0, None, _calls(11)), 5.0, Limit.RATE),
        (_line(1.0, 3, _calls(3)), 2.0, Limit.RATE),
        (_line(1.0, 3, _calls(4)), 75.0, Limit.LINES),
        (_line(1.0, 3, _calls(9)), 152.0, Limit.LINES),
        (_line(0.001, 3, _calls(3)), 2_000.0, Limit.RATE),
        (_line(1.0, 1, Batch(4, 1, 40.0, 80.0)), 160.0, Limit.LINES),
        (_line(1.0, 3, _calls(3), busy=3), 39.5, Limit.LINES),
        # three segments each
        (_line(1.0, None, Batch(5, 3)), 12.0, Limit.RATE),
        (_line(1.0, None, Batch(5, 3), Batch(2, 1)), 16.0, Limit.RATE),
    ],
)  # fmt: skip
def test_the_slower_of_pace_and_lines_decides(line: Line, seconds: float, limit: Limit) -> None:
    end = flow.end(line)
    assert (end.seconds, end.limit) == (pytest.approx(seconds, abs=0.01), limit)


@pytest.mark.parametrize(
    ("calls", "apart", "seconds"),
    [
        # the other number of the one home waits a minute
        (2, (1,), 60.0),
        (20, (1,), 69.0),
        # meanwhile the others ring
        (200, (1,), 199.0),
        (200, (100,), 199.0),
        # a third one waits for the second, which rings when every home has rung
        (200, (80, 10), 246.0),
    ],
)
def test_the_numbers_of_a_home_ring_a_minute_apart(
    calls: int, apart: tuple[int, ...], seconds: float
) -> None:
    line = replace(_line(1.0, None, _calls(calls)), apart=apart)
    end = flow.end(line)
    assert (end.seconds, end.limit) == (pytest.approx(seconds), Limit.RATE)


def test_what_starts_too_late_is_counted_without_what_goes_before_it() -> None:
    line = _line(1.0, 1, _calls(4, 10.0), _calls(4, 10.0))
    assert [flow.end(line, until, ahead=4).late for until in (1e9, 60.0, 45.0, 0.0)] == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("line", "lines", "rate"),
    [
        (_line(1.0, 3, _calls(60)), None, None),
        (_line(1.0, 3, _calls(600)), 24, None),
        (_line(1.0, 3, _calls(3600)), 144, 3.0),
        (_line(1.0, None, _calls(9000)), None, 6.0),
        (_line(0.1, None, _calls(900)), None, 0.6),
    ],
)
def test_what_is_advised_ends_within_the_target(
    line: Line, lines: int | None, rate: float | None
) -> None:
    better = flow.better(line)
    given = (better.lines, better.rate) if better else (None, None)
    assert given == (lines, rate)
    assert better is None or better.seconds <= flow.TARGET * 1.05
