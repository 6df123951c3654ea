"""Vocabulary: the small numbers that the terms of one index have, and the sounds of its pairs."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from verification import prepared
from verification.postings import Ints, Longs
from verification.prepared import Prepared

REMEMBERED = 50_000
"""Terms whose number is found by their writing; the others are hashed first."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """An order that brings equal terms together: which they are, by number, and how many each."""

    order: Longs
    numbers: Ints
    counts: Longs


class _Numbers(dict[int, int]):
    """The number of every term id: the next free one for an id that is new."""

    def __missing__(self, term: int) -> int:
        number = self[term] = len(self)
        return number


class Vocabulary:
    """Numbers for the terms of the facts; a number once given stays."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._sounds = array("i")
        self._written: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, term: str) -> int:
        """Give the number of a term, -1 if no fact ever had it."""
        found = self._written.get(term)
        if found is None:
            if len(self._written) >= REMEMBERED:
                self._written.clear()
            found = self._written[term] = self._numbers.get(prepared.term_id(term), -1)
        return found

    def sound(self, number: int) -> int:
        """Give the number of the sound of a pair, -1 where it has none."""
        return self._sounds[number] if number >= 0 else -1

    def sounds(self, numbers: Iterable[int]) -> frozenset[int]:
        """Give the numbers of the sounds of pairs that are known."""
        return frozenset(map(self._sounds.__getitem__, numbers)) - {-1}

    def enter(self, terms: bytes) -> Ints:
        """Give the numbers of terms by their ids, new ones to those that are new."""
        return self._given(np.frombuffer(terms, "<u4"))

    def sort(self, terms: bytes) -> tuple[Ints, Sorted]:
        """Do the same for very many terms, each of which is looked up once; also sort them."""
        ids = np.frombuffer(terms, "<u4")
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=~ordered[:1]))
        counts = np.diff(starts, append=len(ids))
        different = self._given(ordered[starts])
        numbers = np.empty(len(ids), np.uint32)
        numbers[order] = np.repeat(different, counts)
        return numbers, Sorted(order, different, counts)

    def _given(self, ids: Ints) -> Ints:
        found = np.fromiter(map(self._numbers.__getitem__, ids.tolist()), np.uint32, len(ids))
        new = len(self._numbers) - len(self._sounds)
        self._sounds.extend([-1] * new)
        if new:
            self._written.clear()
        return found

    def hear(self, cut: Prepared, numbers: Ints) -> None:
        """Note the sounds of the pairs of one fact, whose terms have these numbers."""
        heard = np.frombuffer(cut.heard, "<u2")
        has = heard != prepared.MUTE
        pairs = numbers[: cut.plain][has]
        sounds = numbers[cut.plain + cut.whole :][heard[has]]
        np.frombuffer(self._sounds, np.int32)[pairs] = sounds
