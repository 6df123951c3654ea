"""Contradictions: what a new fact would stand beside, and which of it says otherwise; pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from verification import match
from verification.index import Candidate, FactView, Index, Verdict

SAME, REVERSED = 0.75, 0.5
"""Probabilities from which two facts are taken to speak of the same matter; the second where one
denies what the other says, which makes it less likely that one is meant by the other."""

_DENIED = frozenset({"negation", "antonym"})
_APART = frozenset({"date", "place", "number", *_DENIED})
"""Conflicts that make two claims of one: of another day, another place, or the opposite."""
_NAMES = ("号楼", "号线")
"""Units that name a place: two buildings do not contradict each other."""


@dataclass(frozen=True, slots=True)
class Near:
    """A published fact on the same matter; `words` differ: in the new one / in this one."""

    fact: FactView
    probability: float
    contradicts: bool
    words: str = ""


def near(index: Index, new: FactView, today: date) -> tuple[Near, ...]:
    """Return the facts on the matter of a new one, contradictions first, then the likeliest.

    Two facts contradict each other where the same claim gets another verdict, where a claim and
    its opposite get the same, or where both are true with other figures. Facts whose time is over
    and facts for another area are left out.
    """
    found: dict[str, Near] = {}
    for wording in (new.claim, *new.variants):
        for other in match.decide(wording, index).ranked:
            if not _comparable(new, other, today):
                continue
            known = found.get(other.fact.id)
            if known is None or known.probability < other.probability:
                found[other.fact.id] = _near(new, other)
    return tuple(sorted(found.values(), key=lambda one: (not one.contradicts, -one.probability)))


def against(nearby: Collection[Near], settled: Collection[str]) -> tuple[Near, ...]:
    """Return the contradictions among `nearby` that no link has settled."""
    return tuple(one for one in nearby if one.contradicts and one.fact.id not in settled)


def _near(new: FactView, other: Candidate) -> Near:
    kind, _, words = other.conflict.partition(": ")
    return Near(other.fact, other.probability, opposed(new, other.fact, kind, words), words)


def _comparable(new: FactView, other: Candidate, today: date) -> bool:
    fact = other.fact
    over = fact.valid_until is not None and fact.valid_until < today
    denied = other.conflict.partition(":")[0] in _DENIED
    return (
        fact.id != new.id
        and other.probability >= (REVERSED if denied else SAME)
        and not over
        and _overlap(new.area, fact.area)
    )


def _overlap(one: str, other: str) -> bool:
    """Whether two areas share ground; "" is everywhere."""
    inner, outer = sorted((one.rstrip("/") + "/", other.rstrip("/") + "/"), key=len, reverse=True)
    return outer == "/" or inner.startswith(outer)


def opposed(new: FactView, old: FactView, kind: str, words: str) -> bool:
    """Return whether two facts on one matter contradict each other, by what differs in words."""
    if new.verdict is not old.verdict:
        return kind not in _APART
    ours, _, theirs = (part.strip(" –") for part in words.partition(" / "))
    if not (ours and theirs) or ours.endswith(_NAMES):
        return False
    if new.verdict is Verdict.TRUE:
        return kind in {"number", *_DENIED}
    return new.verdict is Verdict.FALSE and kind in _DENIED
