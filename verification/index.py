"""Index: the official facts in memory, found by words and character bigrams."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Verdict(StrEnum):
    """What an official fact says of its claim."""

    FALSE = "false"
    TRUE = "true"
    PARTLY = "partly"
    DEPENDS = "depends"
    UNCONFIRMED = "unconfirmed"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FactView:
    """A signed fact as the index and the decision see it.

    `area` is a place path or name, "" for everywhere; `valid_until` is the last
    day on which the fact holds, None for good; `truth` is a full sentence.
    """

    id: str
    claim: str
    variants: tuple[str, ...] = ()
    truth: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    valid_until: date | None = None
    area: str = ""
    date: date | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact that may be meant; `score` orders candidates of one search, `probability` is 0 to 1."""

    fact: FactView
    score: float
    probability: float = 0.0
    conflict: str = ""


class Index:
    """An incremental index: what is added or removed counts for the very next search."""

    def __init__(self) -> None:
        self._facts: dict[str, FactView] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def __contains__(self, fact_id: str) -> bool:
        return fact_id in self._facts

    def add(self, fact: FactView) -> None:
        """Add a fact, or replace the one of the same id."""
        self._facts[fact.id] = fact

    def remove(self, fact_id: str) -> None:
        """Forget a fact; unknown ids are no error."""
        self._facts.pop(fact_id, None)

    def get(self, fact_id: str) -> FactView | None:
        return self._facts.get(fact_id)
