"""Figures: how the benchmark sums up what it timed and counted."""

from collections.abc import Sequence

K = 50
"""How many facts a search returns, as the decision asks for them."""


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give a percentile in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def hits(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> str:
    """Mark each question: 1 with a right fact among the first five, 0 without, - has none."""
    return "".join(
        str(int(bool(set(wanted).intersection(ids[:5])))) if wanted else "-"
        for ids, wanted in zip(found, right, strict=False)
    )


def share(marks: str) -> float:
    """Give R@5 of marked questions; those without a right fact do not count."""
    return marks.count("1") / (len(marks) - marks.count("-") or 1)
