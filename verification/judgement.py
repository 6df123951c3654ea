"""Judgement: what the desk makes of a text, without doing anything; pure."""

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from verification import gate, letter, match, text
from verification.gate import Emergency, Intent
from verification.index import Index, key
from verification.match import Decision, Outcome
from verification.slots import Polarity

_CLAIMS = 20
"""Claims of one letter that are looked at."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The intent, the emergency if any, the decision; `parts` are the claims of a letter.

    A letter has parts only where at least one of them is answered and the whole is not.
    """

    intent: Intent
    decision: Decision
    emergency: Emergency | None = None
    parts: tuple[tuple[str, Decision], ...] = ()


def judge(
    index: Index, matter: str, now: datetime, zone: ZoneInfo, area: str | None = None
) -> Judgement:
    """Decide on a text: what `desk.hear` acts on and `linxun ask` shows."""
    decide = functools.partial(match.decide, index=index, now=now, zone=zone, area=area)
    whole = decide(matter)
    parts: tuple[tuple[str, Decision], ...] = ()
    if whole.outcome is not Outcome.ANSWER:
        claims = letter.claims(matter)[:_CLAIMS]
        parts = tuple((claim, decide(claim)) for claim in claims) if len(claims) > 1 else ()
    if not any(part.outcome is Outcome.ANSWER for _, part in parts):
        whole, parts = _better(whole, parts), ()
    return Judgement(gate.intent(matter), whole, gate.emergency(matter), parts)


def digest_of(matter: str, now: datetime, zone: ZoneInfo) -> str:
    """Return what a text says without its noise: equal for texts that ask about the same.

    A denial and a claim are not the same, nor is 今晚 on two days.
    """
    folded = text.normalise(matter, now=now, zone=zone)
    denied = "not" if folded.polarity is Polarity.DENIED else ""
    return "|".join((key(folded.folded) or matter, denied, repr(sorted(folded.slots.dates))))


def explain(judged: Judgement) -> dict[str, Any]:
    """Return a judgement as plain values: for the record, for staff and for programs."""
    return {
        "intent": str(judged.intent),
        "emergency": judged.emergency.kind if judged.emergency else "",
        "hearsay": bool(judged.emergency and judged.emergency.hearsay),
        **_plain(judged.decision),
        "parts": [{"text": claim, **_plain(part)} for claim, part in judged.parts],
    }


def _better(whole: Decision, parts: tuple[tuple[str, Decision], ...]) -> Decision:
    """Prefer a question back about one claim to no answer to the letter."""
    asks = [part for _, part in parts if part.outcome is Outcome.ASK]
    if whole.outcome is Outcome.CASE and asks:
        return max(asks, key=lambda part: part.probability)
    return whole


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": str(decision.outcome),
        "why": decision.why,
        "probability": round(decision.probability, 4),
        "veto": decision.veto,
        "differing": [list(pair) for pair in decision.differing],
        "debunk": decision.debunk,
        "shown": [found.fact.id for found in decision.candidates],
        "candidates": [
            {
                "fact_id": found.fact.id,
                "claim": found.fact.claim,
                "score": round(found.score, 3),
                "probability": round(found.probability, 4),
                "conflict": found.conflict,
            }
            for found in decision.ranked[:5]
        ],
    }
