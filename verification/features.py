"""Features: how a text and one wording of a fact stand to each other, as plain numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz

from verification import conflicts, words
from verification.conflicts import Conflict
from verification.index import Candidate, Entry, FactView, Form, Index
from verification.slots import Polarity, Slots, find
from verification.text import Text, settled

NAMES = (
    "claim_covered", "claim_exact", "text_covered", "text_explained", "window_claim",
    "window_covered", "window_explained", "window_share", "rare_claim", "rare_window",
    "claim_missing", "window_missing", "window_missing_most", "ratio", "partial", "substituted",
    "claim_length", "window_length", "text_length", "bm25", "bm25_share", "asked", "debunk",
    "denied", "denied_more", "denied_less", "number_conflict", "number_extra", "number_missing",
    "number_shared", "date_conflict", "date_extra", "date_missing", "date_shared",
    "place_conflict", "place_extra", "place_missing", "place_shared", "moved_extra", "antonym",
    "swapped", "inserted", "chars_covered", "words_foreign", "words_lost", "foreign_rare",
    "foreign_rarest", "lost_rare", "lost_rarest", "words_partly",
)  # fmt: skip
"""What the numbers of a vector mean, in order."""

SHORT = 60
"""Characters up to which a text is compared as a whole."""

WIDEST = 160
"""Characters of the sentences that are compared with one wording."""

SOUND = 0.85
"""What a pair counts that only sounds like the fact's."""


@dataclass(frozen=True, slots=True)
class Term:
    """A pair of a text: its number and its sound's in the index (-1 unknown), place and weight."""

    number: int
    heard: int
    at: int
    weight: float


@dataclass(frozen=True, slots=True)
class Parts:
    """A text prepared once for all its candidates, cut into sentences."""

    text: Text
    terms: tuple[Term, ...]
    segments: tuple[tuple[int, int], ...]
    numbers: frozenset[int]
    sounds: frozenset[int]
    index: Index


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
    terms = []
    for term, heard, at in words.pairs(text.folded):
        number = index.number(term)
        weight = index.weight(number) if number >= 0 else index.unknown_weight
        terms.append(Term(number, index.number(heard) if heard else -1, at, weight))
    numbers = frozenset(term.number for term in terms)
    sounds = frozenset(term.heard for term in terms) - {-1}
    return Parts(text, tuple(terms), tuple(_segments(text.folded)), numbers, sounds, index)


def _segments(folded: str) -> Iterable[tuple[int, int]]:
    start = 0
    for at, char in enumerate(folded):
        if char == "。" or (char == " " and not folded[at - 1].isascii()):
            if at > start:
                yield start, at
            start = at + 1
    if start < len(folded):
        yield start, len(folded)


def score(parts: Parts, candidate: Candidate, best: float) -> Scored:
    """Compare a text with the best wording of a candidate; `best` is the highest BM25 score."""
    entry = parts.index.entry(candidate.fact.id)
    form = max(entry.forms, key=lambda form: _claim(parts, form)[0])
    start, end = _window(parts, form)
    window = parts.text.folded[start:end]
    found = _conflicts(window, form, parts, entry)
    vector = (
        *_coverage(parts, entry, form, start, end),
        *_likeness(parts, form, window),
        *_bm25(candidate, best),
        *_slot_numbers(parts, entry, form, window, found),
        *_word_numbers(parts, entry, form, window),
    )
    return Scored(candidate, form, window, vector, found)


def _hits(
    form: Form, numbers: frozenset[int], sounds: frozenset[int], index: Index
) -> dict[int, float]:
    """Give the pairs of a wording that a text has (1), or that only sound alike (less)."""
    same = form.terms & numbers
    hits = dict.fromkeys(same, 1.0)
    for term in form.terms - same:
        if index.sound(term) in sounds:
            hits[term] = SOUND
    return hits


def _share(hits: dict[int, float], form: Form, index: Index) -> float:
    total = sum(map(index.weight, form.terms))
    return sum(index.weight(term) * part for term, part in hits.items()) / total if total else 0.0


def _claim(parts: Parts, form: Form) -> tuple[float, dict[int, float]]:
    hits = _hits(form, parts.numbers, parts.sounds, parts.index)
    return _share(hits, form, parts.index), hits


def _window(parts: Parts, form: Form) -> tuple[int, int]:
    """Give the run of sentences that holds most of the wording without much else."""
    if len(parts.segments) <= 1 or len(parts.text.folded) <= SHORT:
        return 0, len(parts.text.folded)
    held = [_held(parts, form, start, end) for start, end in parts.segments]
    weight = parts.index.weight
    best = max(
        range(len(held)),
        key=lambda i: (
            sum(map(weight, held[i])) / (20 + parts.segments[i][1] - parts.segments[i][0])
        ),
    )
    first = last = best
    have = set(held[best])
    enough = 0.08 * sum(map(weight, form.terms))
    while True:
        sides = [i for i in (first - 1, last + 1) if 0 <= i < len(held)]
        gains = [(sum(map(weight, held[i] - have)), i) for i in sides]
        gain, side = max(gains, default=(0.0, -1))
        if (
            gain <= enough
            or parts.segments[max(last, side)][1] - parts.segments[min(first, side)][0] > WIDEST
        ):
            return parts.segments[first][0], parts.segments[last][1]
        have |= held[side]
        first, last = min(first, side), max(last, side)


def _held(parts: Parts, form: Form, start: int, end: int) -> set[int]:
    return {
        term.number for term in parts.terms if start <= term.at < end and term.number in form.terms
    }


def _coverage(parts: Parts, entry: Entry, form: Form, start: int, end: int) -> list[float]:
    """How much of the wording the text holds, and how much of the text the fact explains."""
    index = parts.index
    inside = [term for term in parts.terms if start <= term.at < end]
    claim, hits = _claim(parts, form)
    exact = sum(index.weight(term) for term, part in hits.items() if part == 1.0) / (
        sum(map(index.weight, form.terms)) or 1.0
    )
    near = _hits(
        form, frozenset(t.number for t in inside), frozenset(t.heard for t in inside), index
    )
    heard = {index.sound(term) for term in form.terms} - {-1}
    wide = entry.truth.union(*(other.terms for other in entry.forms))
    rare = sorted(form.terms, key=index.weight, reverse=True)[:4]
    weights = sorted(inside, key=lambda term: -term.weight)
    missing = [t for t in inside if t.number not in wide and t.heard not in heard]
    top = index.unknown_weight
    return [
        claim, exact, _part(parts.terms, form.terms, heard), _part(parts.terms, wide, heard),
        _share(near, form, index), _part(inside, form.terms, heard), _part(inside, wide, heard),
        len(inside) / (len(parts.terms) or 1), sum(near.get(term, 0.0) for term in rare) /
        (len(rare) or 1), _part(weights[:4], wide, heard), sum(index.weight(term) for term in
        form.terms if term not in near) / top, sum(t.weight for t in missing) / top, max((t.weight
        for t in missing), default=0.0) / top,
    ]  # fmt: skip


def _part(terms: Iterable[Term], held: frozenset[int], heard: set[int]) -> float:
    total = found = 0.0
    for term in terms:
        total += term.weight
        found += term.weight * (
            1.0 if term.number in held else SOUND if term.heard in heard else 0.0
        )
    return found / total if total else 0.0


def _likeness(parts: Parts, form: Form, window: str) -> list[float]:
    swaps, _ = conflicts.edits(window, form.folded)
    return [
        fuzz.ratio(window, form.folded) / 100,
        fuzz.partial_ratio(parts.text.folded, form.folded) / 100
        if len(form.folded) <= len(parts.text.folded)
        else 0.0,
        float(len(swaps)),
        math.log1p(len(form.folded)),
        math.log1p(len(window)),
        math.log1p(len(parts.text.folded)),
    ]


def _bm25(candidate: Candidate, best: float) -> list[float]:
    return [math.log1p(candidate.score), candidate.score / best if best else 0.0]


@lru_cache(maxsize=4096)
def _slots(window: str) -> Slots:
    return find(window, "")


def _conflicts(window: str, form: Form, parts: Parts, entry: Entry) -> tuple[Conflict, ...]:
    ours = _slots(window) if len(window) < len(parts.text.folded) else parts.text.slots
    theirs = form.slots
    wide = everything(entry.fact)
    whole = parts.text.folded
    found = [
        conflicts.negation(window, replace(ours, polarity=parts.text.polarity), form, entry.forms),
        conflicts.number(ours, theirs),
        conflicts.date(ours, theirs),
        conflicts.place(whole, parts.text.slots, form.folded, theirs),
        conflicts.antonym(window, " ".join(other.folded for other in entry.forms)),
        conflicts.moved(ours, theirs, wide),
        conflicts.swap(window, form.folded, wide, fuzz.ratio(window, form.folded) / 100),
    ]
    if len(whole) <= SHORT:
        said = _slots(wide)
        found += [
            conflicts.foreign_place(whole, ours, wide),
            conflicts.foreign_date(_slots(whole), said),
            conflicts.foreign_number(ours, wide),
        ]
    if len(whole) <= conflicts.NOTE:
        found.append(conflicts.more_denied(parts.text.slots, entry.forms))
    return tuple(conflict for conflict in found if conflict)


def _slot_numbers(
    parts: Parts, entry: Entry, form: Form, window: str, found: tuple[Conflict, ...]
) -> list[float]:
    ours = _slots(window) if len(window) < len(parts.text.folded) else parts.text.slots
    theirs = form.slots
    kinds = {conflict.kind for conflict in found}
    our_places = ours.places | conflicts.tails(window)
    their_places = theirs.places | conflicts.tails(form.folded)
    our_values, their_values = {v for v, _ in ours.numbers}, {v for v, _ in theirs.numbers}
    explained = conflicts.heard(" ".join([entry.fact.truth, *(f.folded for f in entry.forms)]))
    lost = conflicts.heard(parts.text.folded)
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


@lru_cache(maxsize=4096)
def everything(fact: FactView) -> str:
    """All that a fact says, folded."""
    return settled("\n".join([fact.claim, *fact.variants, fact.truth]))


@lru_cache(maxsize=4096)
def _words(folded: str) -> tuple[str, ...]:
    return words.content(words.cut(folded))


def _word_numbers(parts: Parts, entry: Entry, form: Form, window: str) -> list[float]:
    """Give what was exchanged or put in, and the words that the other side has no character of."""
    wide = everything(entry.fact)
    lost = parts.text.folded
    ours, theirs = _words(window), _words(form.folded)
    chars = [char for word in ours for char in word]
    swaps, puts = conflicts.edits(window, form.folded)
    foreign = [word for word in ours if not any(char in wide for char in word)]
    missed = [word for word in theirs if not any(char in lost for char in word)]
    return [
        float(sum(mine not in wide for mine, _ in swaps)), float(sum(len(put) for put in puts if
        put not in wide)), sum(char in wide for char in chars) / (len(chars) or 1),
        float(len(foreign)), float(len(missed)), sum(map(words.rarity, foreign)),
        max(map(words.rarity, foreign), default=0.0), sum(map(words.rarity, missed)),
        max(map(words.rarity, missed), default=0.0), float(sum(len(word) > 1 and word not in wide
        and word not in foreign for word in ours)),
    ]  # fmt: skip
