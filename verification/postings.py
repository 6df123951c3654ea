"""Postings: which rows have a term and with what weight, in one packed block and loose ends."""

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from verification.prepared import LEAST, LEVELS, STEP

Ints: TypeAlias = npt.NDArray[np.uint32]
Longs: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

BITS = 10
ROWS = 1 << (32 - BITS)
"""A posting is one 32-bit number: 22 bits of row, 10 bits of weight."""
BATCH = 1 << 13
"""Postings that are weighed at once: what is between stays in the processor's cache."""

_ROW, _LEVEL = np.uint32(BITS), np.uint32(LEVELS - 1)
_WEIGHT: Floats = (LEAST * np.exp(STEP * np.arange(LEVELS))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Run:
    """Postings by slot: each slot once, how many it has, and they themselves in that order."""

    slots: Ints
    counts: Longs
    postings: Ints


class Postings:
    """Postings by slot, the small number that each term has in one index.

    What is loaded at once stands in one block; what comes later is appended to a
    growing array per slot, until `pack` makes one block of both.
    """

    def __init__(self) -> None:
        self._block: Ints = np.empty(0, np.uint32)
        self._starts: Longs = np.zeros(1, np.int64)
        self._loose: dict[int, array[int]] = {}
        self.common = array("i")
        """How many facts have each slot."""

    def add(self, row: int, slots: Sequence[int], weights: Iterable[int]) -> None:
        """Append one row to the postings of its slots."""
        loose, common, high = self._loose, self.common, row << BITS
        common.extend([0] * (1 + max(slots, default=0) - len(common)))
        for slot, weight in zip(slots, weights, strict=True):
            found = loose.get(slot)
            if found is None:
                found = loose[slot] = array("I")
            found.append(high | weight)
            common[slot] += 1

    def scores(self, rows: int, slots: Sequence[int], rarity: Floats, visits: int) -> Floats:
        """Add up the weights of the slots, the rarest first, each times its rarity: a score a row.

        After `visits` postings what is left, the commonest, is not looked at.
        """
        total = np.zeros(rows, np.float32)
        order = np.argsort(-rarity, kind="stable")
        seen = 0
        for pieces, sizes, factors in self._batches(slots, rarity, order.tolist()):
            postings = np.concatenate(pieces)
            weights = _WEIGHT.take(postings & _LEVEL) * np.repeat(
                np.array(factors, np.float32), sizes
            )
            np.add.at(total, postings >> _ROW, weights)
            seen += len(postings)
            if seen > visits:
                break
        return total

    def _batches(
        self, slots: Sequence[int], rarity: Floats, order: list[int]
    ) -> Iterator[tuple[list[Ints], list[int], list[float]]]:
        """Cut the postings of the slots into batches: pieces, their sizes and rarities."""
        at = np.minimum(np.array(slots, np.int64), len(self._starts) - 2)
        packed = len(self._starts) - 1
        starts, ends = self._starts[at].tolist(), self._starts[at + 1].tolist()
        factors = rarity.tolist()
        pieces: list[Ints] = []
        sizes: list[int] = []
        weighed: list[float] = []
        count = 0
        for place in order:
            slot = slots[place]
            if slot < packed and (size := ends[place] - starts[place]):
                pieces.append(self._block[starts[place] : ends[place]])
                sizes.append(size)
                weighed.append(factors[place])
                count += size
            if slot in self._loose:
                loose = np.array(self._loose[slot], np.uint32)
                pieces.append(loose)
                sizes.append(len(loose))
                weighed.append(factors[place])
                count += len(loose)
            if count >= BATCH:
                yield pieces, sizes, weighed
                pieces, sizes, weighed, count = [], [], [], 0
        if count:
            yield pieces, sizes, weighed

    def leave(self, slots: Iterable[int]) -> None:
        """Count a fact out of its slots; its postings stay until the next packing."""
        for slot in slots:
            # two terms may share an id, and then a sound that only one of them has
            self.common[slot] = max(0, self.common[slot] - 1)

    def pack(self, size: int, rows: int, alive: list[int] | None, more: Iterable[Run]) -> None:
        """Bring all postings and `more` runs into one block for `size` slots.

        Only the rows `alive` of the `rows` before stay, numbered anew in their order; None
        for all of them.
        """
        runs = [self._packed(), self._gathered(), *more]
        if alive is not None:
            moved = np.full(rows, ROWS, np.uint32)
            moved[alive] = np.arange(len(alive), dtype=np.uint32)
            runs = [_move(one, moved) for one in runs]
        self._loose = {}
        self._block, self._starts = _merge(size, runs)
        self.common = array("i", np.diff(self._starts).astype(np.int32).tobytes())

    def _packed(self) -> Run:
        counts = np.diff(self._starts)
        return Run(np.arange(len(counts), dtype=np.uint32), counts, self._block)

    def _gathered(self) -> Run:
        slots = sorted(self._loose)
        sizes = [len(self._loose[slot]) for slot in slots]
        every = itertools.chain.from_iterable(self._loose[slot] for slot in slots)
        postings = np.fromiter(every, np.uint32, sum(sizes))
        return Run(np.array(slots, np.uint32), np.array(sizes, np.int64), postings)


def posted(rows: Ints, weights: bytes) -> Ints:
    """Join rows and levels of weight to postings."""
    levels: Ints = np.frombuffer(weights, "<u2").astype(np.uint32)
    return (rows << _ROW) | levels


def _move(run: Run, moved: Ints) -> Run:
    """Give the postings their new rows and drop those of rows that are gone."""
    rows = moved[run.postings >> _ROW]
    alive = rows < ROWS
    kept = np.concatenate([[0], np.cumsum(alive)])
    ends = np.cumsum(run.counts)
    counts = kept[ends] - kept[ends - run.counts]
    postings = (rows[alive] << _ROW) | (run.postings[alive] & _LEVEL)
    return Run(run.slots, counts, postings)


def _merge(size: int, runs: list[Run]) -> tuple[Ints, Longs]:
    """Write runs into one block, emptying the list, so that no two copies stand at once."""
    counts = np.zeros(size, np.int64)
    for one in runs:
        counts[one.slots] += one.counts
    starts = np.concatenate([[0], np.cumsum(counts)])
    block = np.empty(int(starts[-1]), np.uint32)
    free = starts[:-1].copy()
    runs.reverse()
    while runs:
        one = runs.pop()
        first = np.cumsum(one.counts) - one.counts
        # where a posting goes: its slot's next free place, and its place among the slot's own
        to = np.repeat(free[one.slots] - first, one.counts)
        to += np.arange(len(one.postings))
        block[to] = one.postings
        free[one.slots] += one.counts
    return block, starts
