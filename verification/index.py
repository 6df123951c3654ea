"""Index: the official facts in memory, found by words and character bigrams."""

import contextlib
import ctypes
import functools
import itertools
import math
import struct
from collections.abc import Callable, Iterable

import numpy as np

from verification import prepared
from verification.postings import Floats, Longs, Postings, Run, posted
from verification.prepared import Prepared
from verification.text import Text
from verification.view import (
    Candidate,
    Entry,
    FactView,
    Form,
    Mark,
    Texts,
    Verdict,
    key,
    lazy,
    mark,
    wordings,
)
from verification.vocabulary import Vocabulary

__all__ = ["Candidate", "Entry", "FactView", "Form", "Index", "Verdict", "key", "wordings"]

SOUND_WEIGHT = 0.3
PHRASE_WEIGHT = 0.2
MEANING_WEIGHT = 0.7
LETTERS_WEIGHT = 0.3
VISITS = 20_000
"""Postings that one search looks at; the commonest terms beyond it would find nothing more."""
UNPACKED = 2000
"""Facts that are kept as they are compared: unpacked they take ten times the room."""
VIEWED = 4000
"""Facts whose view is kept for the next search."""
SPARE = 1000
"""Changes that are free before the first packing."""
_CHUNK, _FEW = 4096, 100
"""Facts that are loaded at once; how many fewer are added one by one."""
_FLOOR = 0.01


class Index:
    """An incremental index: what is added or removed counts for the very next search.

    A fact is held as packed bytes and unpacked when it is compared. The row of a removed
    fact stays, without a score, until as many facts have come or gone as were packed last;
    then everything is packed anew, so that each change bears a fixed share of that.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._held: list[bytes] = []
        self._marks: list[Mark] = []
        self._shared: dict[Mark, Mark] = {}
        self._exact: dict[int, str | tuple[str, ...]] = {}
        self._entries: dict[int, Entry] = {}
        self._views: dict[int, FactView] = {}
        self._words = Vocabulary()
        self._postings = Postings()
        self._dead: list[int] = []
        self._packed = 0
        self._changes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, fact_id: str) -> bool:
        return fact_id in self._rows

    def get(self, fact_id: str) -> FactView | None:
        row = self._rows.get(fact_id)
        return None if row is None else self._view(row)

    def entry(self, fact_id: str) -> Entry:
        """Give the indexed fact; KeyError if it is not there."""
        row = self._rows[fact_id]
        found = self._entries.get(row)
        return self._unpack(row) if found is None else found

    def add(self, fact: FactView, stored: bytes | None = None) -> None:
        """Add a fact, or replace the one of the same id; `stored` is its prepared form."""
        self._add(fact.id, mark(fact), stored or prepared.prepare(fact))

    def _add(self, fact_id: str, mark: Mark, stored: bytes) -> None:
        self.remove(fact_id)
        cut = prepared.read(stored)
        numbers = self._words.enter(cut.terms)
        self._words.hear(cut, numbers)
        self._postings.add(len(self._ids), numbers.tolist(), cut.levels())
        self._hold(fact_id, mark, cut, numbers.tobytes())
        self._changed()

    def load(self, facts: Iterable[tuple[str, Mark, bytes]]) -> None:
        """Add or replace facts with their prepared forms: many in one go, a few one by one."""
        waiting = iter(facts)
        chunk = list(itertools.islice(waiting, _CHUNK))
        if len(chunk) < min(_CHUNK, max(_FEW, len(self) // 10)):
            for fact_id, mark, stored in chunk:
                self._add(fact_id, mark, stored)
            return
        runs: list[Run] = []
        while chunk:
            for fact_id, _, _ in chunk:
                self._drop(fact_id)
            runs.append(self._load(chunk))
            chunk = list(itertools.islice(waiting, _CHUNK))
        self._pack(runs)
        _give_back()

    def remove(self, fact_id: str) -> None:
        """Forget a fact; unknown ids are no error."""
        if self._drop(fact_id):
            self._changed()

    def _drop(self, fact_id: str) -> bool:
        row = self._rows.pop(fact_id, None)
        if row is None:
            return False
        pairs, whole = prepared.numbers(self._held[row])
        sounds = {self._words.sound(pair) for pair in pairs} - {-1}
        self._postings.leave({*pairs, *whole, *sounds})
        self._forget_exact(fact_id, {form.folded for form in self._unpack(row).forms})
        del self._entries[row]
        self._views.pop(row, None)
        self._held[row] = b""
        self._dead.append(row)
        return True

    def exact(self, text: Text) -> set[str]:
        """Facts with a wording that is the same text after folding."""
        found = self._exact.get(prepared.exact_id(text.folded)) if text.folded else None
        ids = found if isinstance(found, tuple) else (found,) if found else ()
        wanted = key(text.folded)
        return {
            fact_id
            for fact_id in ids
            if any(key(form.folded) == wanted for form in self.entry(fact_id).forms)
        }

    def number(self, term: str) -> int:
        """Give the number of a term, -1 if no fact ever had it."""
        return self._words.number(term)

    def sounds(self, terms: Iterable[int]) -> frozenset[int]:
        """Give the numbers of the sounds that known pairs have."""
        return self._words.sounds(terms)

    def weight(self, term: int) -> float:
        """How much a term tells: its inverse document frequency."""
        common = self._postings.common[term]
        return math.log(1 + (len(self._rows) - common + 0.5) / (common + 0.5))

    def weights(self, terms: list[int]) -> Floats:
        """Give the weights of many terms at once."""
        common = np.frombuffer(self._postings.common, np.int32)[terms]
        rarity = np.log1p((len(self._rows) - common + 0.5) / (common + 0.5))
        return rarity.astype(np.float32)

    @property
    def unknown_weight(self) -> float:
        """The weight of a term that no fact has."""
        return math.log(1 + (len(self._rows) + 0.5) / 0.5)

    def search(self, text: Text, k: int = 50) -> list[Candidate]:
        """Give the `k` nearest facts by BM25, best first."""
        number = self._words.number
        known = [(n, term) for term in dict.fromkeys(text.terms) if (n := number(term)) >= 0]
        if not known:
            return []
        numbers = [n for n, _ in known]
        shares = [_share(term) for _, term in known]
        rarity = self.weights(numbers) * np.array(shares, np.float32)
        scores = self._postings.scores(len(self._ids), numbers, rarity, VISITS)
        if self._dead:
            scores[self._dead] = 0
        best = _top(scores, k)
        found = zip(best.tolist(), scores[best].tolist(), strict=True)
        return [Candidate(self._view(row), score) for row, score in found]

    def _view(self, row: int) -> FactView:
        view = self._views.get(row)
        if view is None:
            view = self._show(row, functools.partial(prepared.texts, self._held[row]))
        return view

    def _show(self, row: int, texts: Callable[[], Texts]) -> FactView:
        if len(self._views) >= VIEWED:
            self._views.clear()
        view = self._views[row] = lazy(self._ids[row], self._marks[row], texts)
        return view

    def _unpack(self, row: int) -> Entry:
        said = prepared.unpack(self._held[row])
        texts = said.texts
        if len(self._entries) >= UNPACKED:
            # one by one: to forget them all at once would hold up one question
            del self._entries[next(iter(self._entries))]
        fact = self._show(row, lambda: texts)
        made = self._entries[row] = Entry(fact, row, said.forms, said.truth, said.wide)
        return made

    def _hold(self, fact_id: str, mark: Mark, cut: Prepared, numbers: bytes) -> None:
        """Keep a fact in the next row."""
        self._rows[fact_id] = len(self._ids)
        self._ids.append(fact_id)
        self._held.append(prepared.hold(cut, numbers))
        self._marks.append(self._shared.setdefault(mark, mark))
        for digest in set(struct.unpack(f"<{cut.forms}Q", cut.exact)):
            there = self._exact.get(digest)
            both = (*there, fact_id) if isinstance(there, tuple) else (there, fact_id)
            self._exact[digest] = fact_id if there is None else both  # type: ignore[assignment]

    def _forget_exact(self, fact_id: str, folded: set[str]) -> None:
        for digest in map(prepared.exact_id, folded):
            there = self._exact.pop(digest, ())
            left = tuple(one for one in there if one != fact_id) if isinstance(there, tuple) else ()
            if left:
                self._exact[digest] = left

    def _load(self, chunk: list[tuple[str, Mark, bytes]]) -> Run:
        cuts = [prepared.read(stored) for _, _, stored in chunk]
        first = len(self._ids)
        numbers, ordered = self._words.sort(b"".join(cut.terms for cut in cuts))
        packed, at = numbers.tobytes(), 0
        for (fact_id, shared, _), cut in zip(chunk, cuts, strict=True):
            end = at + cut.count
            self._words.hear(cut, numbers[at:end])
            self._hold(fact_id, shared, cut, packed[4 * at : 4 * end])
            at = end
        rows = np.arange(first, first + len(cuts), dtype=np.uint32)
        each = np.repeat(rows, [cut.count for cut in cuts])
        postings = posted(each, b"".join(cut.weights for cut in cuts))
        return Run(ordered.numbers, ordered.counts, postings[ordered.order])

    def _changed(self) -> None:
        self._changes += 1
        if self._changes > self._packed + SPARE:
            self._pack()

    def _pack(self, runs: Iterable[Run] = ()) -> None:
        """Bring everything into one block, without the rows of facts that are gone."""
        alive = list(self._rows.values()) if self._dead else None
        self._postings.pack(len(self._words), len(self._ids), alive, runs)
        if alive is not None:
            self._ids = [self._ids[row] for row in alive]
            self._held = [self._held[row] for row in alive]
            self._marks = [self._marks[row] for row in alive]
            self._rows = {fact_id: row for row, fact_id in enumerate(self._ids)}
            self._entries.clear()
            self._views.clear()
            self._dead = []
        self._packed, self._changes = len(self._rows), 0


def _give_back() -> None:
    """Return freed memory to the machine: loading leaves gaps of a fifth of the process."""
    # only glibc keeps such gaps, and only glibc has the function
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _share(term: str) -> float:
    if term[0] == "~":
        return SOUND_WEIGHT
    if term.startswith("=#"):
        return LETTERS_WEIGHT
    if term.startswith("=@"):
        return MEANING_WEIGHT
    return PHRASE_WEIGHT if " " in term else 1.0


def _top(scores: Floats, k: int) -> Longs:
    """Give the rows of the `k` highest scores above 0, best first."""
    least = float(scores.max(initial=0.0)) / 2
    # a partition of all rows is slow where most have no score: the bar is lowered instead
    while least > 0 and np.count_nonzero(scores > least) < k:
        least = least * 0.7 if least > _FLOOR else 0.0
    found = np.flatnonzero(scores > least)
    order = np.argsort(-scores[found], kind="stable")[:k]
    return found[order]
