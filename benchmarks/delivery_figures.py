"""Figures: how the benchmark sums up arrivals, waits and costs."""

import bisect
import math
from collections.abc import Sequence

SECOND, TEN = 1.0, 10.0
_SLACK = 1e-3
"""Seconds by which two clocks, or two roundings of one, may differ."""


def rate(at: Sequence[float]) -> float:
    """Give how many came in a second, between the first and the last."""
    if len(at) < 2:
        return 0.0
    return (len(at) - 1) / max(max(at) - min(at), 1e-9)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which this share lies, itself among the values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return math.nan
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def most(at: Sequence[float], seconds: float) -> int:
    """Give how many fell into one window of so many seconds, at most."""
    ordered = sorted(at)
    return max(
        (bisect.bisect_left(ordered, one + seconds - _SLACK) - number)
        for number, one in enumerate(ordered)
    ) if ordered else 0  # fmt: skip


def exceeded(at: Sequence[float], limit: float) -> int:
    """Count the seconds in which a window begins that holds more than the limit allows.

    Allowed are `limit` + 1 in any second, and 10 x `limit` + 1 in any ten.
    """
    ordered = sorted(at)
    beyond = set()
    for number, one in enumerate(ordered):
        for seconds in (SECOND, TEN):
            there = bisect.bisect_left(ordered, one + seconds - _SLACK) - number
            if there > limit * seconds + 1:
                beyond.add(int(one))
    return len(beyond)


def per_second(at: Sequence[float]) -> list[int]:
    """Count the arrivals of each second, from the first on."""
    if not at:
        return []
    first = min(at)
    counts = [0] * (int(max(at) - first) + 1)
    for one in at:
        counts[int(one - first)] += 1
    return counts
