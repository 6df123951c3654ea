"""Cover: which units of a text a fact explains, and which of a claim a text holds."""

import functools
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from verification import lexicon, words
from verification.index import Index
from verification.tables import stopwords

SOUND = 0.85
"""What a unit counts that only sounds like the other side's."""
MEANING = 0.9
"""What a unit counts that says the same by another word."""
_PARTICLE = 0.3
"""The share of its weight that a character keeps which carries no matter by itself."""
_NONE = -2
"""The number where there is no term; -1 is a term that no fact has."""


@dataclass(frozen=True, slots=True)
class Word:
    """A content word: its first unit, how many it has, how rare it is, whether it names a thing."""

    first: int
    count: int
    rarity: float
    noun: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A folded text in units: characters, numbers, stems, each with its place.

    `pairs[i]` is (term, sound) of units i and i + 1, None where they do not touch; `alone[i]`
    is the term of a number or stem, else None; `meanings` are (first unit, end, meaning).
    """

    units: tuple[str, ...]
    at: tuple[int, ...]
    pairs: tuple[tuple[str, str] | None, ...]
    alone: tuple[str | None, ...]
    meanings: tuple[tuple[int, int, str], ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A cut text with the numbers that an index gives its terms, and the weight of each unit."""

    cut: Cut
    pairs: tuple[int, ...]
    sounds: tuple[int, ...]
    alone: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def size(self) -> int:
        return len(self.weights)


@functools.lru_cache(maxsize=4096)
def cut(folded: str) -> Cut:
    """Cut a folded text; what is common to all facts it is compared with."""
    parts = words.units(folded)
    stop = stopwords()
    place = {at: number for number, (_, at) in enumerate(parts)}
    joined = {place[at]: (term, heard) for term, heard, at in words.pairs(folded) if _two(term)}
    return Cut(
        tuple(part for part, _ in parts),
        tuple(at for _, at in parts),
        tuple(joined.get(number) for number in range(len(parts))),
        tuple(None if words.is_han(part[0]) or part in stop else part for part, _ in parts),
        tuple(_meanings(folded, place)),
        tuple(_words(folded, place)),
    )


def _two(term: str) -> bool:
    """Whether a term is a pair and not a number or stem by itself."""
    return " " in term or (len(term) > 1 and (words.is_han(term[0]) or words.is_han(term[-1])))


def _meanings(folded: str, place: dict[int, int]) -> Iterable[tuple[int, int, str]]:
    for span in lexicon.meanings(folded):
        inside = [place[at] for at in range(span.start, span.end) if at in place]
        if inside:
            yield inside[0], inside[-1] + 1, span.meaning


def _words(folded: str, place: dict[int, int]) -> Iterable[Word]:
    stop = stopwords()
    for word, at in words.cut(folded):
        if word not in stop and at in place:
            count = len(word) if words.is_han(word[0]) else 1
            yield Word(place[at], count, words.rarity(word), not words.light(word))


def weigh(text: Cut, index: Index, known: dict[int, float]) -> Side:
    """Give the terms of a text their numbers and its units their weights.

    Weights are shares of the weight of a term that no fact has; `known` keeps them.
    """
    number = index.number
    pairs = tuple(_NONE if pair is None else number(pair[0]) for pair in text.pairs)
    sounds = tuple(
        number(pair[1]) if pair is not None and pair[1] else _NONE for pair in text.pairs
    )
    alone = tuple(_NONE if term is None else number(term) for term in text.alone)
    top = index.unknown_weight
    known[-1] = 1.0
    for term in {*pairs, *alone} - known.keys() - {_NONE}:
        known[term] = index.weight(term) / top
    stop = stopwords()
    weights = []
    before = _NONE
    for unit, pair, single in zip(text.units, pairs, alone, strict=True):
        told = [known[term] for term in (before, pair, single) if term != _NONE]
        weight = sum(told) / len(told) if told else 0.5
        weights.append(weight * (_PARTICLE if unit in stop else 1.0))
        before = pair
    return Side(text, pairs, sounds, alone, tuple(weights))


def shown(
    side: Side, terms: AbstractSet[int], sounds: AbstractSet[int], told: AbstractSet[str]
) -> list[float]:
    """Say how far each unit is explained by the other side's terms, sounds or meanings, 0 to 1."""
    size = side.size
    got = [0.0] * (size + 1)
    for at, (pair, heard, alone) in enumerate(
        zip(side.pairs, side.sounds, side.alone, strict=True)
    ):
        if pair in terms:
            got[at] = got[at + 1] = 1.0
        elif heard in sounds:
            got[at] = max(got[at], SOUND)
            got[at + 1] = SOUND
        if alone in terms:
            got[at] = 1.0
    for start, stop, meaning in side.cut.meanings:
        if meaning in told:
            for at in range(start, stop):
                got[at] = max(got[at], MEANING)
    return got[:size]


def summary(side: Side, got: Sequence[float], first: int, end: int) -> list[float]:
    """Give of units `first` to `end` the share explained, the weight that is not, the heaviest gap.

    A gap is a run of units of which nothing is explained; last comes how many there are.
    """
    total = held = gap = worst = 0.0
    gaps = 0
    for at in range(first, end):
        weight, part = side.weights[at], got[at]
        total += weight
        held += weight * part
        if part:
            gap = 0.0
        else:
            gaps += gap == 0.0
            gap += weight
            worst = max(worst, gap)
    return [held / total if total else 0.0, total - held, worst, float(gaps)]


def bare(side: Side, got: Sequence[float], first: int, end: int) -> list[float]:
    """Count the content words of which hardly anything is explained, and how rare they are.

    Then the same of names alone, and the share of the names (by rarity) that is explained.
    """
    count = nouns = 0
    rare = rare_nouns = named = 0.0
    for word in side.cut.words:
        if not first <= word.first < end:
            continue
        parts = got[word.first : word.first + word.count]
        lost = sum(map(bool, parts)) * 2 <= len(parts)
        named += word.rarity * word.noun
        if lost:
            count, rare = count + 1, rare + word.rarity
            nouns, rare_nouns = nouns + word.noun, rare_nouns + word.rarity * word.noun
    share = 1 - rare_nouns / named if named else 1.0
    return [float(count), rare, float(nouns), rare_nouns, share]


@functools.lru_cache(maxsize=4096)
def told(folded: str) -> frozenset[str]:
    """Give the meanings that a folded text has."""
    return frozenset(span.meaning for span in lexicon.meanings(folded))
