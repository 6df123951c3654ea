"""Index: the official facts in memory, found by words and character bigrams."""

import datetime as dt
import itertools
import math
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from verification.slots import Slots
from verification.tables import phrases
from verification.text import Text, normalise
from verification.words import han_count

K1, B = 1.2, 0.6
RESTATED = 400
TRUTH_WEIGHT = 0.35
SOUND_WEIGHT = 0.3
PHRASE_WEIGHT = 0.2
VISITS = 40_000
"""Postings that one search looks at; terms beyond it only add to facts already found."""


class Verdict(StrEnum):
    """What an official fact says of its claim."""

    FALSE = "false"
    TRUE = "true"
    PARTLY = "partly"
    DEPENDS = "depends"
    UNCONFIRMED = "unconfirmed"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FactView:
    """A signed fact as the index and the decision see it.

    `area` is a place path or name, "" for everywhere; `valid_until` is the last
    day on which the fact holds, None for good; `truth` is a full sentence; `linked`
    are the ids of other publishers' facts on the same claim, which are no rivals.
    """

    id: str
    claim: str
    variants: tuple[str, ...] = ()
    truth: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    valid_until: dt.date | None = None
    area: str = ""
    date: dt.date | None = None
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact that may be meant.

    `score` orders the candidates of one search, `probability` is 0 to 1, and
    `conflict` names what stands against an answer ("" if nothing).
    """

    fact: FactView
    score: float
    probability: float = 0.0
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One wording of a claim (the claim itself or an accepted variant) with its numbered pairs."""

    folded: str
    terms: frozenset[int]
    slots: Slots


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact in the index with its wordings; `row` is its place in the postings."""

    fact: FactView
    row: int
    forms: tuple[Form, ...]
    truth: frozenset[int]
    posted: frozenset[int]


class Index:
    """An incremental index: what is added or removed counts for the very next search."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._rows: list[str | None] = []
        self._ids: dict[str, int] = {}
        self._postings: list[tuple[array[int], array[float]]] = []
        self._common: list[int] = []
        self._sounds: dict[int, int] = {}
        self._exact: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, fact_id: str) -> bool:
        return fact_id in self._entries

    def get(self, fact_id: str) -> FactView | None:
        entry = self._entries.get(fact_id)
        return entry.fact if entry else None

    def entry(self, fact_id: str) -> Entry:
        """Give the indexed fact; KeyError if it is not there."""
        return self._entries[fact_id]

    def add(self, fact: FactView) -> None:
        """Add a fact, or replace the one of the same id."""
        self.remove(fact.id)
        texts = [normalise(wording) for wording in wordings(fact)]
        truth = normalise(phrases("stopwords", "templates").sub(" ", fact.truth))
        posted = frozenset(self._enter(term) for text in (*texts, truth) for term in text.terms)
        self._hear((*texts, truth))
        forms = tuple(Form(t.folded, self._plain(t.terms), t.slots) for t in texts)
        entry = Entry(fact, len(self._rows), forms, self._plain(truth.terms), posted)
        self._entries[fact.id] = entry
        self._rows.append(fact.id)
        self._post(entry.row, texts, truth)
        for form in forms:
            self._exact.setdefault(key(form.folded), set()).add(fact.id)

    def remove(self, fact_id: str) -> None:
        """Forget a fact; unknown ids are no error."""
        entry = self._entries.pop(fact_id, None)
        if entry is None:
            return
        self._rows[entry.row] = None
        for term in entry.posted:
            self._common[term] -= 1
        for form in entry.forms:
            self._exact[key(form.folded)].discard(fact_id)
        if len(self._rows) > 2 * len(self._entries) + 1000:
            self._compact()

    def exact(self, text: Text) -> set[str]:
        """Facts with a wording that is the same text after folding."""
        return self._exact.get(key(text.folded), set()) if text.folded else set()

    def number(self, term: str) -> int:
        """Give the number of a term, -1 if no fact ever had it."""
        return self._ids.get(term, -1)

    def sound(self, term: int) -> int:
        """Give the number of the sound of a pair, -1 where it has none."""
        return self._sounds.get(term, -1)

    def weight(self, term: int) -> float:
        """How much a term tells: its inverse document frequency."""
        common = self._common[term]
        return math.log(1 + (len(self._entries) - common + 0.5) / (common + 0.5))

    @property
    def unknown_weight(self) -> float:
        """The weight of a term that no fact has."""
        return math.log(1 + (len(self._entries) + 0.5) / 0.5)

    def search(self, text: Text, k: int = 50) -> list[Candidate]:
        """Give the `k` nearest facts by BM25, best first."""
        scores = self._accumulate(text)
        best = sorted(scores, key=lambda row: -scores[row])[:k]
        names = [(self._rows[row], scores[row]) for row in best]
        return [Candidate(self._entries[name].fact, score) for name, score in names if name]

    def _accumulate(self, text: Text) -> dict[int, float]:
        weighed = sorted(
            (
                (self.weight(self._ids[term]) * self._share(term), self._ids[term])
                for term in set(text.terms)
                if term in self._ids
            ),
            reverse=True,
        )
        scores: dict[int, float] = {}
        alive = self._rows
        visits = 0
        for weight, term in weighed:
            rows, parts = self._postings[term]
            visits += len(rows)
            if visits > VISITS and scores:
                break
            for row, part in zip(rows, parts, strict=True):
                if alive[row] is not None:
                    scores[row] = scores.get(row, 0.0) + weight * part
        return scores

    @staticmethod
    def _share(term: str) -> float:
        if term[0] == "~":
            return SOUND_WEIGHT
        return PHRASE_WEIGHT if " " in term else 1.0

    def _enter(self, term: str) -> int:
        number = self._ids.setdefault(term, len(self._ids))
        if number == len(self._postings):
            self._postings.append((array("I"), array("f")))
            self._common.append(0)
        return number

    def _hear(self, texts: Iterable[Text]) -> None:
        """Note the sound of every pair; a sound stands right behind its pair."""
        for text in texts:
            for pair, heard in itertools.pairwise(text.terms):
                if heard[0] == "~":
                    self._sounds[self._ids[pair]] = self._ids[heard]

    def _plain(self, terms: Iterable[str]) -> frozenset[int]:
        return frozenset(self._ids[term] for term in terms if term[0] not in "~=")

    def _post(self, row: int, texts: list[Text], truth: Text) -> None:
        """Write the postings of one fact; a term's best wording counts, and the truth a little."""
        parts: dict[int, float] = {}
        for share, usual, text in [(1.0, 20, t) for t in texts] + [(TRUTH_WEIGHT, 150, truth)]:
            counts = Counter(text.terms)
            length = 1 - B + B * len(text.terms) / (3 * usual)
            for term, count in counts.items():
                number = self._ids[term]
                part = share * count * (K1 + 1) / (count + K1 * length)
                parts[number] = (
                    max(parts.get(number, 0.0), part)
                    if share == 1.0
                    else parts.get(number, 0.0) + part
                )
        for number, part in parts.items():
            rows, weights = self._postings[number]
            rows.append(row)
            weights.append(part)
            self._common[number] += 1

    def _compact(self) -> None:
        """Drop the rows of removed facts, when they are more than the living."""
        facts = [entry.fact for entry in self._entries.values()]
        self.__init__()  # type: ignore[misc]  # an empty index is exactly what is meant
        for fact in facts:
            self.add(fact)


def wordings(fact: FactView) -> list[str]:
    """Give the ways in which a claim is put: as it stands, its variants, and a short English truth.

    An English headline (Did the mayor…?) says little, and the sentence behind it
    puts the claim again; a Chinese truth is a correction, with other numbers and days.
    """
    found = [fact.claim, *fact.variants]
    if 0 < len(fact.truth) <= RESTATED and not han_count(fact.truth):
        found += [fact.truth, f"{fact.claim}. {fact.truth}"]
    return found


def key(folded: str) -> str:
    """Give a folded text without its breaks: two texts with one key are the same text."""
    return folded.replace(" ", "").replace("。", "")
