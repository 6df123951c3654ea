"""Match: score candidate facts for a text and decide ANSWER, ASK or CASE."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from verification import days, gate, lexicon, model, rivals, slots
from verification.conflicts import TELLING, Conflict, heard
from verification.features import NAMES, Scored, prepare, score
from verification.index import Candidate, FactView, Index, Verdict
from verification.text import Text, normalise, settled
from verification.words import cut, han_count, light, rarity, script

Reranker = Callable[[Text, Sequence[Candidate]], Sequence[Candidate]]

RETRIEVED, RANKED, OFFERED = 50, 10, 3
WEIGHED = {"han": 8, "latin": 16}
"""Candidates that are compared in full; English words are fewer and looser."""
_TIE = 0.02
_WHOLE = 0.8
"""The share of a claim that makes a greeting a question about it."""
SIGNALS = ("shown_theirs", "shown_text", "nouns_share")
"""How much of the claim the text holds, of the text the fact explains, and of its names."""


class Outcome(StrEnum):
    """What the desk does with a text."""

    ANSWER = "answer"
    ASK = "ask"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from 0 to 1 at which the desk answers or asks.

    `latin` stands for `answer` in texts without Han characters, whose model is
    another and less sure of itself. `margin` is by how much an answer must lead
    the next different fact; under `short` Han characters only a fully covered
    text is answered.
    """

    answer: float = 0.87
    latin: float = 0.9
    ask: float = 0.02
    margin: float = 0.2
    short: int = 16


DEFAULT = Thresholds()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one text, and why.

    `candidates` is what may be shown: one for ANSWER, one to three for ASK, none
    for CASE. `ranked` holds up to ten for staff and measurement. `veto` is the
    kind of conflict that stopped an answer ("" if none) and `differing` the
    words behind it, (in the text, in the fact). `debunk`: the text is itself a
    forwarded debunk that agrees with the fact. `signals` are the features of the
    first candidate that say most to staff.
    """

    outcome: Outcome
    candidates: tuple[Candidate, ...]
    ranked: tuple[Candidate, ...]
    probability: float
    why: str
    veto: str = ""
    differing: tuple[tuple[str, str], ...] = ()
    debunk: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)


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
    """Decide on one claim.

    `area` is the asker's place path, None when unknown; `now` and `zone`
    resolve 今晚 and the like and end facts past their day. A reranker reorders the
    candidates and may change their probability; the vetoes stand behind it.
    """
    read = text if isinstance(text, Text) else normalise(text, now=now, zone=zone)
    scored = weigh(read, index)
    if reranker and scored:
        scored = _reranked(read, scored, reranker)
    return conclude(read, scored, index, now=now, zone=zone, area=area, thresholds=thresholds)


def weigh(read: Text, index: Index) -> list[Scored]:
    """Give the facts that may be meant with their probability, the likeliest first."""
    scored = compared(read, index)
    return ranked(scored, _chances(scored, index.exact(read))) if scored else []


def compared(read: Text, index: Index) -> list[Scored]:
    """Compare a text with the facts nearest to it, best retrieved first."""
    found = index.search(read, RETRIEVED)
    exact = index.exact(read)
    known = {candidate.fact.id for candidate in found}
    found += [
        Candidate(fact, 0.0) for fact in map(index.get, sorted(exact - known)) if fact is not None
    ]
    if not found:
        return []
    first = [candidate for candidate in found if candidate.fact.id in exact]
    first += [candidate for candidate in found if candidate.fact.id not in exact][
        : WEIGHED[script(read.folded)]
    ]
    parts = prepare(read, index)
    best = max(candidate.score for candidate in found)
    return [score(parts, candidate, best, _next(candidate, found)) for candidate in first]


def _next(candidate: Candidate, found: Sequence[Candidate]) -> float:
    """Give the highest score of another fact that the editor has not linked to this one."""
    same = candidate.fact.linked | {candidate.fact.id}
    return max((other.score for other in found if other.fact.id not in same), default=0.0)


def _chances(scored: Sequence[Scored], exact: set[str]) -> list[float]:
    """Give the probability of each candidate; a wording as it stands is certain."""
    chances = [0.0] * len(scored)
    for name in ("han", "latin"):
        places = [at for at, one in enumerate(scored) if script(one.form.folded) == name]
        if places:
            told = model.shipped(name, NAMES).probabilities([scored[at].vector for at in places])
            for at, chance in zip(places, told, strict=True):
                chances[at] = chance
    return [
        1.0 if one.candidate.fact.id in exact else chance
        for one, chance in zip(scored, chances, strict=True)
    ]


def ranked(scored: Sequence[Scored], chances: Sequence[float]) -> list[Scored]:
    """Give candidates these probabilities, and bring the likeliest to the front."""
    found = [
        replace(
            one,
            candidate=replace(
                one.candidate,
                probability=chance,
                conflict=str(one.conflicts[0]) if one.conflicts and chance < 1 else "",
            ),
        )
        for one, chance in zip(scored, chances, strict=True)
    ]
    best = max((one.candidate.score for one in found), default=0.0) or 1.0
    # where nothing is likely, the order of the search tells more than small chances
    return sorted(
        found,
        key=lambda one: -(one.candidate.probability + _TIE * one.candidate.score / best),
    )


def _reranked(read: Text, scored: list[Scored], reranker: Reranker) -> list[Scored]:
    by_id = {one.candidate.fact.id: one for one in scored}
    found = reranker(read, [one.candidate for one in scored])
    return [replace(by_id[one.fact.id], candidate=one) for one in found] or scored


def conclude(
    read: Text,
    scored: Sequence[Scored],
    index: Index,
    *,
    now: datetime | None = None,
    zone: ZoneInfo | None = None,
    area: str | None = None,
    thresholds: Thresholds = DEFAULT,
) -> Decision:
    """Decide on a text whose candidates are weighed and in order, as `decide` does."""
    if not scored:
        return Decision(Outcome.CASE, (), (), 0.0, "case: no fact shares a word with the text")
    every = tuple(one.candidate for one in scored)
    veto = _veto(read, scored[0], every, index, thresholds, now, zone, area)
    decision = _conclude(read, every[:RANKED], veto, thresholds)
    return replace(decision, signals={name: scored[0].value(name) for name in SIGNALS})


def _veto(
    read: Text,
    top: Scored,
    ranked: Sequence[Candidate],
    index: Index,
    thresholds: Thresholds,
    now: datetime | None,
    zone: ZoneInfo | None,
    area: str | None,
) -> Conflict | None:
    """Give the first reason not to answer with the best candidate, or None."""
    fact = top.candidate.fact
    against = _debunked(read, fact)
    if fact.id in index.exact(read):
        against = against or rivals.exact(read, index, fact)
    else:
        against = (
            against
            or next(iter(top.conflicts), None)
            or _no_rumor(read, top)
            or rivals.near(ranked, index, thresholds.margin)
            or _short(read, top, index, thresholds)
        )
    # last, so that they are named only where nothing else stands against the answer
    return (
        against
        or _another_day(read, fact, now, zone)
        or _elsewhere(fact, area)
        or _stale(fact, now, zone)
    )


def _another_day(
    read: Text, fact: FactView, now: datetime | None, zone: ZoneInfo | None
) -> Conflict | None:
    """Stop a fact about another day: 明天 in a claim is counted from the fact's own date."""
    if now is None:
        return None
    today = now.astimezone(zone).date()
    ours = read.slots.dates | days.relative(read.original, today)
    theirs = _own_days(fact.claim, fact.date)
    if not slots.dates_conflict(ours, theirs):
        return None
    return Conflict("date", days.spelled(ours), days.spelled(theirs))


@functools.lru_cache(maxsize=4096)
def _own_days(claim: str, said: date | None) -> frozenset[days.Day]:
    written = slots.find(settled(claim), "").dates
    return written | days.relative(claim, said) if said else written


def _stale(fact: FactView, now: datetime | None, zone: ZoneInfo | None) -> Conflict | None:
    if fact.valid_until and now and now.astimezone(zone).date() > fact.valid_until:
        return Conflict("validity", "", fact.valid_until.isoformat())
    return None


def _elsewhere(fact: FactView, area: str | None) -> Conflict | None:
    """Stop a fact for one area, unless the asker is known to be in it."""
    inside = area is not None and (
        area == fact.area or area.startswith(fact.area.rstrip("/") + "/")
    )
    return None if inside or not fact.area else Conflict("area", area or "", fact.area)


def _debunked(read: Text, fact: FactView) -> Conflict | None:
    """Stop a text that calls a rumor what is not false."""
    if read.debunk and fact.verdict is not Verdict.FALSE:
        return Conflict("debunk", "谣言", fact.verdict.value)
    return None


def _no_rumor(read: Text, top: Scored) -> Conflict | None:
    """Stop what is no rumor; a claim between greetings is one."""
    wanted = gate.intent(read.original)
    if wanted is gate.Intent.CHIT_CHAT and top.value("shown_theirs") >= _WHOLE:
        return None
    if wanted in {gate.Intent.CHIT_CHAT, gate.Intent.SERVICE_REQUEST, gate.Intent.ABUSE}:
        return Conflict("intent", wanted.value, "")
    return None


def _short(read: Text, top: Scored, index: Index, thresholds: Thresholds) -> Conflict | None:
    """Stop a short text that names what the fact does not name, nor anything of its meaning."""
    if han_count(read.folded) >= thresholds.short or (
        not han_count(read.folded) and len(read.words) >= thresholds.short // 2
    ):
        return None
    wide = index.entry(top.candidate.fact.id).wide
    said, meant = heard(wide), lexicon.told(wide)
    told = [span for span in lexicon.meanings(read.folded) if span.meaning in meant]
    missing = [
        word
        for word, at in cut(read.folded)
        if word in read.words
        and len(word) > 1
        and rarity(word) >= TELLING
        and heard(word) not in said
        and not light(word)
        and not any(span.start <= at < span.end for span in told)
    ]
    return Conflict("short", " ".join(missing), "") if missing else None


def _conclude(
    read: Text, ranked: tuple[Candidate, ...], veto: Conflict | None, thresholds: Thresholds
) -> Decision:
    best = ranked[0]
    chance = best.probability
    least = thresholds.answer if script(read.folded) == "han" else thresholds.latin
    if chance >= least and veto is None:
        agrees = read.debunk and best.fact.verdict is Verdict.FALSE
        return Decision(
            Outcome.ANSWER, (best,), ranked, chance, _why("answer", ranked, None), debunk=agrees
        )
    offered = tuple(
        candidate for candidate in ranked[:OFFERED] if candidate.probability >= thresholds.ask
    )
    outcome = Outcome.ASK if offered else Outcome.CASE
    differing = ((veto.ours, veto.theirs),) if veto else ()
    return Decision(
        outcome,
        offered,
        ranked,
        chance,
        _why(outcome.value, ranked, veto),
        veto.kind if veto else "",
        differing,
    )


def _why(outcome: str, ranked: Sequence[Candidate], veto: Conflict | None) -> str:
    """One line for staff: the outcome, the veto with its words, the candidates."""
    stopped = f" (veto {veto})" if veto else ""
    shown = "; ".join(
        f"{c.fact.id} p={c.probability:.2f} bm25={c.score:.1f}"
        + (f" [{c.conflict}]" if c.conflict else "")
        for c in ranked[:OFFERED]
    )
    return f"{outcome}{stopped}: {shown}"
