"""Rivals: whether another, different fact could be meant just as well."""

from collections.abc import Sequence

from verification import slots
from verification.conflicts import Conflict
from verification.index import Candidate, Entry, FactView, Index
from verification.text import Text


def exact(read: Text, index: Index, fact: FactView) -> Conflict | None:
    """Another fact with the very same wording and another verdict."""
    for other_id in index.exact(read) - {fact.id} - fact.linked:
        other = index.get(other_id)
        if other and other.verdict is not fact.verdict:
            return Conflict("rival", fact.id, other.id)
    return None


def near(ranked: Sequence[Candidate], index: Index, margin: float) -> Conflict | None:
    """Find the next fact that follows closer than `margin` and would be another answer.

    A fact against which something stands by itself, or that is linked, is no rival.
    """
    best = ranked[0]
    for other in ranked[1:]:
        if best.probability - other.probability >= margin:
            return None
        if other.conflict or other.fact.id in best.fact.linked:
            continue
        if opposed(index.entry(best.fact.id), index.entry(other.fact.id)):
            return Conflict("rival", best.fact.id, other.fact.id)
    return None


def opposed(one: Entry, other: Entry) -> bool:
    """Whether two facts would answer differently: another verdict, date, number or place."""
    left, right = one.forms[0], other.forms[0]
    return (
        one.fact.verdict is not other.fact.verdict
        or slots.dates_conflict(left.slots.dates, right.slots.dates)
        or bool(slots.number_conflicts(left.slots.numbers, right.slots.numbers))
        or bool(
            left.slots.places and right.slots.places and not left.slots.places & right.slots.places
        )
    )
