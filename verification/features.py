"""Features: how a text and one wording of a fact stand to each other, as plain numbers."""

import bisect
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz

from verification import conflicts, cover, lexicon, words
from verification.conflicts import Conflict
from verification.cover import Side
from verification.index import Candidate, Entry, Form, Index
from verification.slots import Polarity, Slots, find, named
from verification.text import Text

NAMES = (
    "shown_ours", "bare_ours", "gap_ours", "gaps_ours", "words_bare", "rare_bare", "nouns_bare",
    "nouns_bare_rare", "nouns_share", "shown_theirs", "bare_theirs", "gap_theirs", "gaps_theirs",
    "words_gone", "rare_gone", "nouns_gone", "nouns_gone_rare", "nouns_kept", "shown_forms",
    "shown_text", "meanings_shared", "meanings_ours", "meanings_theirs", "contrasts", "unit_new",
    "unit_lost", "ratio", "claim_exact", "claim_length", "window_length", "window_share", "bm25",
    "bm25_share", "asked", "debunk", "denied", "denied_more", "denied_less", "number_conflict",
    "number_extra", "number_missing", "number_shared", "date_conflict", "date_extra",
    "date_missing", "date_shared", "place_conflict", "place_extra", "place_missing",
    "place_shared", "moved_extra", "antonym", "bm25_lead",
)  # fmt: skip
"""What the numbers of a vector mean, in order; `ours` is the text, `theirs` the wording."""

SHORT = 60
"""Characters up to which a text is compared as a whole."""

WIDEST = 160
"""Characters of the sentences that are compared with one wording."""

_NEW = 0.08
"""The share of a wording that another sentence must add to be compared with it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A text prepared once for all its candidates; `segments` are runs of units in a sentence."""

    text: Text
    index: Index
    side: Side
    segments: tuple[tuple[int, int], ...]
    held: tuple[frozenset[int], ...]
    """The terms of each segment."""
    terms: frozenset[int]
    sounds: frozenset[int]
    told: frozenset[str]
    weights: cover.Weights
    sentences: tuple[tuple[str, frozenset[int]], ...]
    """The parts of the text between breaks, without hashtags, each with its terms."""


@dataclass(frozen=True, slots=True)
class Fact:
    """All that a fact says, as one side of a comparison."""

    entry: Entry
    terms: frozenset[int]
    sounds: frozenset[int]
    told: frozenset[str]
    claims: tuple[str, ...]
    stated: frozenset[int]
    claimed: frozenset[str]
    numbered: dict[str, cover.Numbered]
    """The wordings that were compared."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One candidate with its best wording, the sentences meant, its vector and conflicts."""

    candidate: Candidate
    form: Form
    window: str
    vector: tuple[float, ...]
    conflicts: tuple[Conflict, ...]

    def value(self, name: str) -> float:
        return self.vector[NAMES.index(name)]


def prepare(text: Text, index: Index) -> Parts:
    """Weigh a text once; candidates are then compared with its sentences."""
    weights = cover.Weights(index)
    numbered = cover.number(cover.cut(text.folded), index)
    segments = tuple(_segments(text.folded, numbered.cut.at))
    return Parts(
        text,
        index,
        cover.weigh(numbered, weights),
        segments,
        tuple(
            frozenset((*numbered.pairs[first:end], *numbered.alone[first:end]))
            for first, end in segments
        ),
        frozenset(numbered.places),
        frozenset(numbered.heard),
        lexicon.told(text.folded),
        weights,
        tuple(_sentences(text.core, index)),
    )


def _segments(folded: str, at: Sequence[int]) -> Iterable[tuple[int, int]]:
    start = 0
    for place, char in enumerate(folded):
        if char == "。" or (char == " " and not folded[place - 1].isascii()):
            end = bisect.bisect_left(at, place)
            if end > start:
                yield start, end
            start = end
    if start < len(at):
        yield start, len(at)


def _sentences(core: str, index: Index) -> Iterable[tuple[str, frozenset[int]]]:
    for part in re.split("[ 。]", core):
        yield part, frozenset(index.number(term) for term, _, _ in words.pairs(part)) - {-1}


def score(parts: Parts, candidate: Candidate, best: float, rest: float | None = None) -> Scored:
    """Compare a text with the best wording of a candidate.

    `best` is the highest BM25 score of all, `rest` that of the facts that are not the same.
    """
    fact = _fact(parts.index, candidate)
    form = max(fact.entry.forms, key=lambda form: _covered(parts, form))
    first, end = _window(parts, form)
    window = _words_of(parts, first, end)
    nearest, likeness = _nearest(window, fact.entry.forms)
    against = lexicon.contrasts(window, parts.text.folded, fact.claims, fact.entry.wide)
    found = _conflicts(parts, fact, (form, nearest), window, likeness, against)
    vector = (
        *_cover(parts, fact, form, first, end),
        *_told(parts, fact, form, window),
        float(len(against)),
        *_strange(_ours(parts, window), form.slots),
        likeness,
        _covered(parts, form),
        math.log1p(len(form.folded)),
        math.log1p(len(window)),
        (end - first) / (parts.side.size or 1),
        math.log1p(candidate.score / parts.index.unknown_weight),
        candidate.score / best if best else 0.0,
        *_slot_numbers(parts, fact, form, window, found),
        0.0 if rest is None else math.log((1 + candidate.score) / (1 + rest)),
    )
    return Scored(candidate, form, window, vector, found)


def _nearest(window: str, forms: Sequence[Form]) -> tuple[Form, float]:
    """Give the wording whose characters are most alike, and how alike they are, 0 to 1."""
    likeness = [fuzz.ratio(window, form.folded) for form in forms]
    best = max(range(len(forms)), key=likeness.__getitem__)
    return forms[best], likeness[best] / 100


def _fact(index: Index, candidate: Candidate) -> Fact:
    entry = index.entry(candidate.fact.id)
    fact: Fact | None = entry.kept.get("fact")
    if fact is None:
        fact = entry.kept["fact"] = _found(index, entry)
    return fact


def _found(index: Index, entry: Entry) -> Fact:
    claims = tuple(form.folded for form in entry.forms)
    stated = frozenset[int]().union(*(form.terms for form in entry.forms))
    terms = entry.truth | stated
    claimed = frozenset[str]().union(*map(lexicon.told, claims))
    told = lexicon.told(entry.wide)
    return Fact(entry, terms, index.sounds(terms), told, claims, stated, claimed, {})


def _side(parts: Parts, fact: Fact, form: Form) -> Side:
    numbered = fact.numbered.get(form.folded)
    if numbered is None:
        numbered = cover.number(cover.cut(form.folded), parts.index)
        fact.numbered[form.folded] = numbered
    return cover.weigh(numbered, parts.weights)


def _weight(parts: Parts, terms: Iterable[int]) -> float:
    return sum(map(parts.weights.__getitem__, terms))


def _covered(parts: Parts, form: Form) -> float:
    """Give the share of a wording's terms that the text has as they stand."""
    total = _weight(parts, form.terms)
    return _weight(parts, form.terms & parts.terms) / total if total else 0.0


def _window(parts: Parts, form: Form) -> tuple[int, int]:
    """Give the run of sentences that holds most of the wording without much else."""
    segments, at = parts.segments, parts.side.cut.at
    if len(segments) <= 1 or len(parts.text.folded) <= SHORT:
        return 0, parts.side.size
    held = [form.terms & terms for terms in parts.held]
    best = max(
        range(len(held)),
        key=lambda i: _weight(parts, held[i]) / (20 + segments[i][1] - segments[i][0]),
    )
    low = high = best
    have = set(held[best])
    enough = _NEW * _weight(parts, form.terms)
    while True:
        sides = [i for i in (low - 1, high + 1) if 0 <= i < len(held)]
        gains = [(_weight(parts, held[i] - have), i) for i in sides]
        gain, side = max(gains, default=(0.0, -1))
        wide = at[segments[max(high, side)][1] - 1] - at[segments[min(low, side)][0]]
        if gain <= enough or wide > WIDEST:
            return segments[low][0], segments[high][1]
        have |= held[side]
        low, high = min(low, side), max(high, side)


def _words_of(parts: Parts, first: int, end: int) -> str:
    """Give the folded words of units `first` to `end`."""
    at, folded = parts.side.cut.at, parts.text.folded
    stop = at[end] if end < len(at) else len(folded)
    return folded[at[first] : stop].rstrip(" 。") if first < end else ""


def _cover(parts: Parts, fact: Fact, form: Form, first: int, end: int) -> list[float]:
    """How much of each side the other shows, unit by unit, by its words or by others' meaning."""
    ours = parts.side
    theirs = _side(parts, fact, form)
    got = cover.shown(ours, fact.terms, fact.sounds, fact.told)
    have = cover.shown(theirs, parts.terms, parts.sounds, parts.told)
    forms = cover.shown(ours, fact.stated, fact.sounds, fact.claimed)
    return [
        *cover.summary(ours, got, first, end), *cover.bare(ours, got, first, end),
        *cover.summary(theirs, have, 0, theirs.size), *cover.bare(theirs, have, 0, theirs.size),
        cover.share(ours, forms, first, end), cover.share(ours, got, 0, ours.size),
    ]  # fmt: skip


def _told(parts: Parts, fact: Fact, form: Form, window: str) -> list[float]:
    """Count the meanings shared, those of the text alone, and those of the wording alone."""
    mine, claimed = parts.told, lexicon.told(form.folded)
    ours = lexicon.told(window) - fact.told
    return [float(len(claimed & mine)), float(len(ours)), float(len(claimed - mine))]


def _strange(ours: Slots, theirs: Slots) -> list[float]:
    """Count the units that only the text has, and those that only the wording has."""
    units = {unit for _, unit in ours.numbers if unit}
    others = {unit for _, unit in theirs.numbers if unit}
    return [float(len(units - others)), float(len(others - units))]


@lru_cache(maxsize=4096)
def _slots(window: str) -> Slots:
    return find(window, "")


def _ours(parts: Parts, window: str) -> Slots:
    return _slots(window) if len(window) < len(parts.text.folded) else parts.text.slots


def _conflicts(
    parts: Parts,
    fact: Fact,
    meant: tuple[Form, Form],
    window: str,
    likeness: float,
    against: Iterable[tuple[str, str]],
) -> tuple[Conflict, ...]:
    """Find what stands against an answer with this fact, the plainest first.

    `meant` are the wording whose terms the text has most of and the one most alike.
    """
    form, nearest = meant
    entry, theirs, wide = fact.entry, form.slots, fact.entry.wide
    ours = _ours(parts, window)
    whole = _related(parts, fact)
    said = _held_as(ours, parts.text.polarity)
    found = [
        conflicts.negation(window, said, form, entry.forms, likeness),
        conflicts.number(ours, theirs, likeness),
        conflicts.date(ours, theirs),
        conflicts.place(whole, named(whole), form.folded, theirs),
        conflicts.antonym(window, " ".join(fact.claims)),
        conflicts.swap(window, nearest.folded, wide, likeness),
    ]
    if len(parts.text.folded) <= SHORT:
        found += [
            conflicts.foreign_place(whole, named(whole), wide),
            conflicts.foreign_date(named(whole), named(wide)) if named(whole).dates else None,
            conflicts.foreign_number(ours, wide),
        ]
        found.append(
            conflicts.moved(ours, theirs, wide) if likeness >= conflicts.HALF_COPY else None
        )
    if len(parts.text.folded) <= conflicts.NOTE:
        said = _held_as(_slots(_closest(parts, form)), parts.text.polarity)
        found.append(conflicts.more_denied(said, entry.forms, likeness))
    found += [
        Conflict("subject", mine, other)
        for mine, other in against
        # 不上班 is no other matter than 放假, nor is 上不上班
        if not any(word in mine for word in ours.denied)
        and not re.search(f"{mine[0]}[不没]{re.escape(mine)}", window)
    ]
    return tuple(conflict for conflict in found if conflict)


def _held_as(slots: Slots, polarity: Polarity) -> Slots:
    return slots if slots.polarity is polarity else replace(slots, polarity=polarity)


def _closest(parts: Parts, form: Form) -> str:
    """Give the one sentence that has most of a wording."""
    return max(parts.sentences, key=lambda one: _weight(parts, one[1] & form.terms))[0]


def _related(parts: Parts, fact: Fact) -> str:
    """Give the sentences of a text that share a term with the fact."""
    return " ".join(part for part, terms in parts.sentences if terms & fact.terms)


def _slot_numbers(
    parts: Parts, fact: Fact, form: Form, window: str, found: tuple[Conflict, ...]
) -> list[float]:
    ours, theirs = _ours(parts, window), form.slots
    kinds = {conflict.kind for conflict in found}
    our_places = ours.places | conflicts.tails(window)
    their_places = theirs.places | conflicts.tails(form.folded)
    our_values, their_values = {v for v, _ in ours.numbers}, {v for v, _ in theirs.numbers}
    explained = conflicts.heard(fact.entry.wide) if our_places else ""
    lost = conflicts.heard(parts.text.folded) if their_places else ""
    return [
        float(parts.text.polarity is Polarity.ASKED), float(parts.text.debunk), float("negation"
        in kinds), float(max(0, len(ours.denied) - len(theirs.denied))), float(max(0,
        len(theirs.denied) - len(ours.denied))), float("number" in kinds), float(len(our_values -
        their_values)), float(len(their_values - our_values)), float(len(our_values &
        their_values)), float("date" in kinds), float(bool(ours.dates) and not theirs.dates),
        float(bool(theirs.dates) and not ours.dates), float(bool(ours.dates and theirs.dates) and
        "date" not in kinds), float("place" in kinds), float(sum(conflicts.heard(p) not in
        explained for p in our_places)), float(sum(conflicts.heard(p) not in lost for p in
        their_places)), float(sum(conflicts.heard(p) in lost for p in their_places)),
        float(len(ours.moved - theirs.moved)), float("antonym" in kinds),
    ]  # fmt: skip
