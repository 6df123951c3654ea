"""Match: score candidate facts for a text and decide ANSWER, ASK or CASE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from verification.index import Candidate, Index
from verification.text import Text

Reranker = Callable[[Text, Sequence[Candidate]], Sequence[Candidate]]


class Outcome(StrEnum):
    """What the desk does with a text."""

    ANSWER = "answer"
    ASK = "ask"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from 0 to 1 at which the desk answers or asks."""

    answer: float = 0.9
    ask: float = 0.1


DEFAULT = Thresholds()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one text, and why.

    `candidates` is what may be shown: one for ANSWER, one to three for ASK, none
    for CASE. `ranked` holds up to ten for staff and measurement. `veto` is the
    kind of conflict that stopped an answer ("" if none) and `differing` the
    words behind it, (in the text, in the fact). `debunk`: the text is itself a
    forwarded debunk that agrees with the fact.
    """

    outcome: Outcome
    candidates: tuple[Candidate, ...]
    ranked: tuple[Candidate, ...]
    probability: float
    why: str
    veto: str = ""
    differing: tuple[tuple[str, str], ...] = ()
    debunk: bool = False


def decide(
    text: str | Text,
    index: Index,
    *,
    now: datetime | None = None,
    zone: ZoneInfo | None = None,
    area: str | None = None,
    thresholds: Thresholds = DEFAULT,
    reranker: Reranker | None = None,
) -> Decision:
    """Decide on one claim. `area` is the asker's place path, None when unknown."""
    del text, index, now, zone, area, thresholds, reranker
    return Decision(Outcome.CASE, (), (), 0.0, "no fact is near")
