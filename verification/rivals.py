"""Rivals: whether another, different fact could be meant just as well."""

from collections.abc import Sequence

from verification import slots
from verification.conflicts import Conflict
from verification.index import Candidate, Entry, FactView, Index
from verification.text import Text

SAME = 0.5
"""Share of common pairs from which two wordings are taken as one claim."""


def exact(read: Text, index: Index, fact: FactView) -> Conflict | None:
    """Another fact with the very same wording and another verdict."""
    for other_id in index.exact(read) - {fact.id}:
        other = index.get(other_id)
        if other and other.verdict is not fact.verdict:
            return Conflict("rival", fact.id, other.id)
    return None


def near(ranked: Sequence[Candidate], index: Index, margin: float) -> Conflict | None:
    """The next different fact, if it follows closer than `margin`."""
    best = ranked[0]
    for other in ranked[1:]:
        if best.probability - other.probability >= margin:
            return None
        if not alike(index.entry(best.fact.id), index.entry(other.fact.id)):
            return Conflict("rival", best.fact.id, other.fact.id)
    return None


def alike(one: Entry, other: Entry) -> bool:
    """Whether two facts say the same of the same claim, as two publishers do."""
    if one.fact.verdict is not other.fact.verdict:
        return False
    left, right = one.forms[0], other.forms[0]
    union = len(left.terms | right.terms)
    near_enough = union > 0 and len(left.terms & right.terms) / union >= SAME
    return (
        near_enough
        and not slots.dates_conflict(left.slots.dates, right.slots.dates)
        and not slots.number_conflicts(left.slots.numbers, right.slots.numbers)
    )
