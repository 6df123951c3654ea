"""Figures: how the benchmark sums up what it timed and counted."""

from collections.abc import Sequence

K = 50
"""How many facts a search returns, as the decision asks for them."""


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give a percentile in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def r_at_5(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> float:
    """Give the share of questions with a right fact among the first five; others do not count."""
    asked = [(ids, set(wanted)) for ids, wanted in zip(found, right, strict=False) if wanted]
    return sum(bool(wanted.intersection(ids[:5])) for ids, wanted in asked) / (len(asked) or 1)
