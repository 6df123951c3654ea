"""Judgement: what the desk makes of a text, without doing anything; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from verification import days, gate, letter, match, reason, text
from verification.gate import Emergency, Intent
from verification.index import Candidate, FactView, Index, key
from verification.match import Decision, Outcome
from verification.slots import Polarity

_MOST = 0.5
"""The share of a letter that its one answer must explain, or the other points are told too."""
_CLAIMS = 20
"""Claims of one letter that are looked at."""

_SURE = 0.95
"""From this probability a claim is answered that was cut out of a letter."""

Points = tuple[tuple[str, Decision], ...]
"""The claims of a letter, in order, each with its decision."""
Revise = Callable[[str, Decision], Decision]
"""What was learned, put over the decision on a claim."""


class Course(StrEnum):
    """What is to be said about one claim."""

    ANSWER = "answer"
    AS_OF = "as_of"
    """The fact that would answer is past its day: it is told as such, and a case is opened."""
    ASK = "ask"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The intent, the emergency if any, the decision; `parts` are the points of a letter.

    A letter has parts only where at least two things are said in it, and one of them is answered.
    """

    intent: Intent
    decision: Decision
    emergency: Emergency | None = None
    parts: Points = ()


def as_it_is(claim: str, decision: Decision) -> Decision:
    """Return a decision as it is: nothing was learned."""
    del claim
    return decision


def judge(
    index: Index,
    matter: str,
    now: datetime,
    zone: ZoneInfo,
    area: str | None = None,
    revise: Revise = as_it_is,
) -> Judgement:
    """Decide on a text: what `desk.hear` acts on and `linxun ask` shows.

    `revise` puts what was learned over the decision on the whole and on each claim.
    """

    def decide(claim: str) -> Decision:
        return revise(claim, match.decide(claim, index, now=now, zone=zone, area=area))

    whole = _nearby(decide(matter), area)
    claims = letter.claims(matter)[:_CLAIMS]
    points: Points = ()
    if claims != [matter.strip()]:
        points = _distinct(tuple((claim, _alone(_nearby(decide(claim), area))) for claim in claims))
    whole, points = _together(whole, points)
    return Judgement(gate.intent(matter), whole, gate.emergency(matter), points)


def course(decision: Decision) -> Course:
    """Return what is to be said; a fact past its day is told as of that day where all else fits."""
    sure = decision.probability >= match.DEFAULT.answer
    if sure and decision.veto == "validity" and decision.candidates:
        return Course.AS_OF
    return Course(decision.outcome)


def aside(judged: Judgement) -> Intent | None:
    """Return what a text is that no fact answers and that is no rumor either: talk, a request."""
    told = judged.emergency is not None or judged.decision.outcome is Outcome.ANSWER
    return None if told or judged.intent not in _ASIDE else judged.intent


_ASIDE = (Intent.CHIT_CHAT, Intent.ABUSE, Intent.SERVICE_REQUEST)


def elsewhere(area: str, asker: str | None) -> bool:
    """Return whether a fact for `area` is known not to be about where the asker is.

    Who is only known by a wider place (the community) may well be in the narrower one.
    """
    if not area or asker is None:
        return False
    inner, outer = area.rstrip("/") + "/", asker.rstrip("/") + "/"
    return not (outer.startswith(inner) or inner.startswith(outer))


def digest_of(matter: str, now: datetime, zone: ZoneInfo) -> str:
    """Return what a text says without its noise: equal for texts that ask about the same.

    A denial and a claim are not the same, nor is 今晚 on two days.
    """
    folded = text.normalise(matter, now=now, zone=zone)
    denied = "not" if folded.polarity is Polarity.DENIED else ""
    meant = folded.slots.dates | days.relative(matter, now.astimezone(zone).date())
    return "|".join((key(folded.folded) or matter, denied, repr(sorted(meant))))


def explain(judged: Judgement) -> dict[str, Any]:
    """Return a judgement as plain values: for the record, for staff and for programs."""
    return {
        "intent": str(judged.intent),
        "emergency": judged.emergency.kind if judged.emergency else "",
        "hearsay": bool(judged.emergency and judged.emergency.hearsay),
        **_plain(judged.decision),
        "parts": [{"text": claim, **_plain(part)} for claim, part in judged.parts],
    }


def _nearby(decision: Decision, area: str | None) -> Decision:
    """Offer no fact known to be about another place than the asker's, and no claim twice."""
    here = [one for one in decision.candidates if not elsewhere(one.fact.area, area)]
    offered = tuple(
        one
        for at, one in enumerate(here)
        if not any(_same(one.fact, before.fact) for before in here[:at])
    )
    if offered == decision.candidates:
        return decision
    outcome = decision.outcome if offered else Outcome.CASE
    return replace(decision, outcome=outcome, candidates=offered)


def _same(one: FactView, other: FactView) -> bool:
    """Return whether two publishers judge one claim in the same words."""
    return other.id in one.linked and one.claim == other.claim


def _alone(part: Decision) -> Decision:
    """Answer a sentence without its letter only where that is surer than a text must be."""
    if part.outcome is Outcome.ANSWER and part.probability < _SURE:
        return replace(part, outcome=Outcome.ASK)
    return part


def _together(whole: Decision, points: Points) -> tuple[Decision, Points]:
    """Return a letter's decision, and its points where they say more than the whole."""
    told = {part.candidates[0].fact.id for _, part in points if _answered(part)}
    if _answered(whole):
        rest = bool(told) and whole.signals.get("shown_text", 1.0) < _MOST
        return whole, points if len(told) > 1 or (rest and len(points) > 1) else ()
    if told and len(points) == 1:
        return points[0][1], ()
    return (whole, points) if told else (_asked(whole, [part for _, part in points]), ())


def _distinct(points: Points) -> Points:
    """Leave out what is about a fact that another point is answered with."""
    told: set[str] = set()
    kept = []
    answered = {part.candidates[0].fact.id for _, part in points if _answered(part)}
    for claim, part in points:
        about = _about(part)
        if about & told or (about & answered and not _answered(part) and not part.veto):
            continue
        if _answered(part):
            told |= about
        kept.append((claim, part))
    return tuple(kept)


def _about(part: Decision) -> frozenset[str]:
    """Return the fact that a point is likeliest about, with those that judge the same claim."""
    if not part.candidates:
        return frozenset()
    fact = part.candidates[0].fact
    return fact.linked | {fact.id}


def _answered(part: Decision) -> bool:
    return course(part) in (Course.ANSWER, Course.AS_OF)


def _asked(whole: Decision, parts: Sequence[Decision]) -> Decision:
    """Prefer a question back about the claims of a letter to no answer at all."""
    asks = sorted(
        (part for part in parts if part.outcome is Outcome.ASK), key=lambda part: -part.probability
    )
    if whole.outcome is not Outcome.CASE or not asks:
        return whole
    each: list[Candidate] = [part.candidates[0] for part in asks]
    each += asks[0].candidates
    offered = {candidate.fact.id: candidate for candidate in reversed(each)}
    first = [one.fact.id for one in each]
    shown = tuple(offered[name] for name in dict.fromkeys(first))[: match.OFFERED]
    return replace(asks[0], candidates=shown)


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": str(decision.outcome),
        "course": str(course(decision)),
        "why": reason.line(decision, course(decision)),
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
