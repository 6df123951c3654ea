"""View: what the index and the decision see of a fact and of the candidates of a search."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from verification.slots import Slots
from verification.words import han_count

RESTATED = 400
"""Characters up to which an English truth is a wording of its claim."""

Texts = tuple[str, tuple[str, ...], str]
"""The claim, its variants and the truth of one fact."""


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
    day on which the fact holds, None for good; `truth` is a full sentence; `linked`
    are the ids of other publishers' facts on the same claim, which are no rivals.
    A view that comes out of an index reads its texts when they are first asked for.
    """

    id: str
    claim: str
    variants: tuple[str, ...] = ()
    truth: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    valid_until: dt.date | None = None
    area: str = ""
    date: dt.date | None = None
    linked: frozenset[str] = frozenset()
    _texts: Callable[[], Texts] | None = field(default=None, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.id)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Read the texts: only who asks for one that was left out comes here."""
            if name not in ("claim", "variants", "truth"):
                raise AttributeError(name)
            texts = dict(zip(("claim", "variants", "truth"), self._texts(), strict=True))
            for key_, value in texts.items():
                object.__setattr__(self, key_, value)
            return texts[name]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a fact carries beside its texts; most facts share theirs with others."""

    verdict: Verdict = Verdict.UNKNOWN
    valid_until: dt.date | None = None
    area: str = ""
    date: dt.date | None = None
    linked: frozenset[str] = frozenset()


def mark(fact: FactView) -> Mark:
    return Mark(fact.verdict, fact.valid_until, fact.area, fact.date, fact.linked)


def lazy(fact_id: str, mark: Mark, texts: Callable[[], Texts]) -> FactView:
    """Give the view of a fact whose texts are read by `texts` when they are asked for."""
    made = object.__new__(FactView)
    put = object.__setattr__
    put(made, "id", fact_id)
    put(made, "verdict", mark.verdict)
    put(made, "valid_until", mark.valid_until)
    put(made, "area", mark.area)
    put(made, "date", mark.date)
    put(made, "linked", mark.linked)
    put(made, "_texts", texts)
    return made


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact that may be meant.

    `score` orders the candidates of one search, `probability` is 0 to 1, and
    `conflict` names what stands against an answer ("" if nothing).
    """

    fact: FactView
    score: float
    probability: float = 0.0
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One wording of a claim (the claim itself or an accepted variant) with its numbered pairs."""

    folded: str
    terms: frozenset[int]
    slots: Slots


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact in the index: its wordings, the pairs of its truth, and folded all that it says."""

    fact: FactView
    row: int
    forms: tuple[Form, ...]
    truth: frozenset[int]
    wide: str
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What comparing has found out about it and needs again, while it stays unpacked."""


def wordings(fact: FactView) -> list[str]:
    """Give the ways in which a claim is put: as it stands, its variants, and a short English truth.

    An English headline (Did the mayor…?) says little, and the sentence behind it
    puts the claim again; a Chinese truth is a correction, with other numbers and days.
    """
    found = [fact.claim, *fact.variants]
    if 0 < len(fact.truth) <= RESTATED and not han_count(fact.truth):
        found += [fact.truth, f"{fact.claim}. {fact.truth}"]
    return found


def key(folded: str) -> str:
    """Give a folded text without its breaks: two texts with one key are the same text."""
    return folded.replace(" ", "").replace("。", "")
