"""Reason: why the desk decided as it did, as one line that staff can read."""

from content.message import Written
from content.phrase import known, say
from content.segment import shorten
from verification.index import Candidate
from verification.match import Decision

_LONGEST = 40
"""Characters of a claim that a line shows."""
_UNITS = {"号楼": "building", "元": "money", "%": "share", "级": "strength", "号线": "line"}


def line(decision: Decision, course: str, language: Written = Written.HANS) -> str:
    """Return the course taken, the nearest facts, what weighed most, and the words that differ."""
    if not decision.ranked:
        return say(f"why.{course}", language) + say("why.nothing", language)
    first, *others = decision.ranked
    told = [say(f"why.{course}", language), _fact("why.nearest", first, language)]
    told += [_signals(decision, language), _against(decision, language)]
    if others and course != "answer":
        told.append(_fact("why.next", others[0], language))
    return "".join(told)


def _fact(key: str, found: Candidate, language: Written) -> str:
    chance = f"{found.probability:.2f}"
    return say(key, language, claim=shorten(found.fact.claim, _LONGEST), chance=chance)


def _signals(decision: Decision, language: Written) -> str:
    """Return the signals that weighed most, by their plain names where they have one."""
    signals = decision.signals
    if not signals:
        return ""
    parts = [
        say("why.signal", language, name=_name(name, language), value=f"{value:.2f}")
        for name, value in signals.items()
    ]
    return say("why.signals", language, signals=say("why.and", language).join(parts))


def _name(signal: str, language: Written) -> str:
    key = f"signal.{signal}"
    return say(key, language) if known(key) else signal


def _against(decision: Decision, language: Written) -> str:
    """Return what stood against an answer, with the words on both sides."""
    if not decision.veto:
        unsure = decision.outcome != "answer"
        debunk = say("why.debunk", language) if decision.debunk else ""
        return say("why.unsure", language) if unsure else debunk
    ours, theirs = decision.differing[0] if decision.differing else ("", "")
    if decision.veto == "rival":
        theirs = _claim(decision, theirs)
    if decision.veto == "intent":
        ours = say(f"why.wants_{ours}", language)
    key = f"why.but_{_kind(decision.veto, ours)}"
    nothing = say("why.no_word", language)
    return say(
        key if known(key) else "why.but_other",
        language,
        kind=decision.veto,
        ours=ours or nothing,
        theirs=theirs or nothing,
    )


def _kind(veto: str, ours: str) -> str:
    """Return the kind of a conflict; a number is named by its unit: 13号楼 is another building."""
    if veto != "number":
        return veto
    return next((name for unit, name in _UNITS.items() if ours.endswith(unit)), veto)


def _claim(decision: Decision, fact_id: str) -> str:
    """Return the claim of a fact that was ranked, else its id."""
    found = (one.fact.claim for one in decision.ranked if one.fact.id == fact_id)
    return shorten(next(found, fact_id), _LONGEST)
