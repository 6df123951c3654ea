"""Cover: which units of a text a fact explains, and which of a claim a text holds."""

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
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
_NONE, _HALF = -2, -3
"""The number where there is no term, and of half a weight; -1 is a term that no fact has."""


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
class Numbered:
    """A cut text with the numbers that an index gives its terms.

    `places` and `heard` say which units a term or a sound explains; `shares` say of which terms
    a unit's weight is made, by how many they are divided, and how much of that counts.
    """

    cut: Cut
    pairs: tuple[int, ...]
    alone: tuple[int, ...]
    places: Mapping[int, tuple[int, ...]]
    heard: Mapping[int, tuple[int, ...]]
    shares: tuple[tuple[int, int, int, int, float], ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A numbered text with the weight of each unit."""

    numbered: Numbered
    weights: tuple[float, ...]

    @property
    def cut(self) -> Cut:
        return self.numbered.cut

    @property
    def size(self) -> int:
        return len(self.weights)


class Weights(dict[int, float]):
    """The weights of terms, as shares of the weight of a term that no fact has."""

    __slots__ = ("_index", "_top")

    def __init__(self, index: Index) -> None:
        super().__init__({-1: 1.0, _NONE: 0.0, _HALF: 0.5})
        self._index, self._top = index, index.unknown_weight

    def __missing__(self, term: int) -> float:
        weight = self[term] = self._index.weight(term) / self._top
        return weight


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


def number(text: Cut, index: Index) -> Numbered:
    """Give the terms of a text their numbers."""
    number = index.number
    pairs = tuple([_NONE if pair is None else number(pair[0]) for pair in text.pairs])
    sounds = [number(pair[1]) if pair is not None and pair[1] else _NONE for pair in text.pairs]
    alone = tuple([_NONE if term is None else number(term) for term in text.alone])
    places: dict[int, tuple[int, ...]] = {}
    heard: dict[int, tuple[int, ...]] = {}
    for at, (pair, sound, single) in enumerate(zip(pairs, sounds, alone, strict=True)):
        if pair >= 0:
            places[pair] = (*places.get(pair, ()), at, at + 1)
        if sound >= 0:
            heard[sound] = (*heard.get(sound, ()), at, at + 1)
        if single >= 0:
            places[single] = (*places.get(single, ()), at)
    return Numbered(text, pairs, alone, places, heard, tuple(_shares(text.units, pairs, alone)))


def _shares(
    units: Iterable[str], pairs: Sequence[int], alone: Sequence[int]
) -> Iterable[tuple[int, int, int, int, float]]:
    """Weigh a unit as the pairs on both sides of it and itself, a particle less."""
    stop = stopwords()
    for unit, before, pair, single in zip(units, (_NONE, *pairs), pairs, alone, strict=False):
        count = 3 - (before, pair, single).count(_NONE)
        part = _PARTICLE if unit in stop else 1.0
        yield (before, pair, single, count, part) if count else (_HALF, _NONE, _NONE, 1, part)


def weigh(text: Numbered, known: Weights) -> Side:
    """Give the units of a text their weights."""
    return Side(
        text,
        tuple(
            [
                (known[before] + known[pair] + known[single]) / count * part
                for before, pair, single, count, part in text.shares
            ]
        ),
    )


def shown(
    side: Side, terms: AbstractSet[int], sounds: AbstractSet[int], told: AbstractSet[str]
) -> list[float]:
    """Say how far each unit is explained by the other side's terms, sounds or meanings, 0 to 1."""
    text, size = side.numbered, side.size
    got = [0.0] * (size + 1)
    for sound in text.heard.keys() & sounds:
        for at in text.heard[sound]:
            got[at] = SOUND
    for start, stop, meaning in text.cut.meanings:
        if meaning in told:
            got[start:stop] = [MEANING] * (stop - start)
    for term in text.places.keys() & terms:
        for at in text.places[term]:
            got[at] = 1.0
    return got[:size]


def share(side: Side, got: Sequence[float], first: int, end: int) -> float:
    """Give of units `first` to `end` the share explained."""
    weights = side.weights[first:end]
    total = sum(weights)
    return sum(map(operator.mul, weights, got[first:end])) / total if total else 0.0


def summary(side: Side, got: Sequence[float], first: int, end: int) -> list[float]:
    """Give of units `first` to `end` the share explained, the weight that is not, the heaviest gap.

    A gap is a run of units of which nothing is explained; last comes how many there are.
    """
    weights, parts = side.weights[first:end], got[first:end]
    total, held = sum(weights), sum(map(operator.mul, weights, parts))
    gap = worst = 0.0
    gaps = 0
    for weight, part in zip(weights, parts, strict=True):
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
        if word.noun:
            named += word.rarity
        parts = got[word.first : word.first + word.count]
        # at least half of it is not
        if parts.count(0.0) * 2 >= len(parts):
            count, rare = count + 1, rare + word.rarity
            if word.noun:
                nouns, rare_nouns = nouns + 1, rare_nouns + word.rarity
    share = 1 - rare_nouns / named if named else 1.0
    return [float(count), rare, float(nouns), rare_nouns, share]
