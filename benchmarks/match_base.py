"""Base: cuts and indexes facts from their texts, and fills a real database with the same facts."""

import os
import time
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from match_texts import Material, multiplied
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from content.base import new_id
from content.keys import Keyring
from content.place import Community
from content.store import Store
from verification import prepared
from verification.fact import Fact, FactState, FactVariant, FactVersion, VariantState
from verification.index import FactView, Index
from verification.text import Text, normalise

_SPACE = uuid.UUID("6c1f9d0e-0000-7000-8000-000000000000")
_NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
_BATCH = 1000
_BREAK = "\x1f"


Cut = list[tuple[bytes, list[str]]]
"""The prepared form of each fact, and the tokens it was cut into."""


@dataclass(slots=True)
class Corpus:
    """What peers index: facts as texts, and as the tokens that ours are cut into, by number."""

    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    tokens: "list[array[int]]" = field(default_factory=list)
    vocabulary: dict[str, int] = field(default_factory=dict)

    def head(self, size: int) -> "Corpus":
        """Give the first facts by themselves."""
        tokens = self.tokens[:size]
        # numbers were given in the order in which the tokens came
        known = 1 + max(max(cut, default=0) for cut in tokens)
        vocabulary = dict(islice(self.vocabulary.items(), known))
        return Corpus(self.ids[:size], self.titles[:size], self.whole[:size], tokens, vocabulary)

    def add(self, fact: FactView, tokens: Iterable[str]) -> None:
        self.ids.append(fact.id)
        self.titles.append(fact.claim)
        self.whole.append("\n".join([fact.claim, *fact.variants, fact.truth]))
        number = self.vocabulary
        self.tokens.append(array("I", [number.setdefault(t, len(number)) for t in tokens]))


def uuid_of(name: str) -> str:
    """Give the id in the database of a fact of the files."""
    return str(uuid.uuid5(_SPACE, name))


class Ground:
    """A growing fact base: in an index, in a real database, and as texts for the peers.

    `door` is how another process opens the database; `seconds` is what cutting and indexing
    the first `timed` facts took, on one core.
    """

    def __init__(self, folder: Path, material: Material) -> None:
        keys = Keyring.generate()
        keys.save(folder / "keys")
        community = uuid.uuid4()
        url = f"sqlite:///{folder}/facts.sqlite3"
        self.door = {"database": url, "keys": str(folder / "keys"), "community": str(community)}
        self.store = Store(url, keys, community)
        self.store.migrate()
        with self.store.begin() as session:
            session.add(Community(community_id=community, name="社区"))
        self.corpus = Corpus()
        self.seconds = 0.0
        self.timed = 0
        self._index = Index()
        self._facts = multiplied(material.facts)

    @property
    def size(self) -> int:
        return len(self.corpus.ids)

    @property
    def build_seconds(self) -> float:
        """Give the seconds for all facts, at the pace of those that were timed."""
        return self.seconds * self.size / self.timed

    def grow(self, size: int, timed: float, until: float) -> None:
        """Add facts up to `size`: for `timed` seconds in all on this core, then on all cores.

        What is not cut when the clock says `until` is left out.
        """
        while self.size < size and self.seconds < timed and self.timed == self.size:
            batch = list(islice(self._facts, min(_BATCH, size - self.size)))
            self._keep(batch, self._cut(batch))
        for batch, cut in _everywhere(islice(self._facts, size - self.size)):
            self._keep(batch, cut)
            if time.perf_counter() > until:
                break

    def _cut(self, batch: Sequence[FactView]) -> Cut:
        cut: Cut = []
        with _noted() as noted:
            for fact in batch:
                start = time.perf_counter()
                stored = prepared.prepare(fact)
                self._index.add(fact, stored)
                self.seconds += time.perf_counter() - start
                cut.append((stored, noted()))
        self.timed += len(batch)
        return cut

    def _keep(self, batch: Sequence[FactView], cut: Cut) -> None:
        for fact, (_, tokens) in zip(batch, cut, strict=True):
            self.corpus.add(fact, tokens)
        with self.store.begin() as session:
            last = session.scalar(select(func.max(Fact.changed))) or 0
            _write(session, batch, [stored for stored, _ in cut], last + 1)


def _batches(facts: Iterator[FactView]) -> Iterator[list[FactView]]:
    while batch := list(islice(facts, _BATCH)):
        yield batch


class _noted:  # noqa: N801 - reads as a verb
    """Note the tokens as they are cut: to cut once more for the peers would double the time."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    def __enter__(self) -> Callable[[], list[str]]:
        def cut(text: str) -> Text:
            read = normalise(text)
            self._heard += read.terms
            return read

        prepared.normalise = cut  # type: ignore[assignment, attr-defined]
        return self._take

    def __exit__(self, *_: object) -> None:
        prepared.normalise = normalise  # type: ignore[attr-defined]

    def _take(self) -> list[str]:
        heard, self._heard = self._heard, []
        return heard


def _everywhere(facts: Iterator[FactView]) -> Iterator[tuple[list[FactView], Cut]]:
    """Cut facts on all cores; only a few batches are ahead."""
    first = list(islice(facts, _BATCH))
    if not first:
        return
    with ProcessPoolExecutor(os.cpu_count(), initializer=_all_cores) as pool:
        waiting = [(first, pool.submit(_cut, first))]
        for batch in _batches(facts):
            waiting.append((batch, pool.submit(_cut, batch)))
            if len(waiting) > 2 * (os.cpu_count() or 1):
                yield _told(*waiting.pop(0))
        for ready in waiting:
            yield _told(*ready)


def _told(
    batch: list[FactView], work: Future[list[tuple[bytes, str]]]
) -> tuple[list[FactView], Cut]:
    return batch, [(stored, said.split(_BREAK)) for stored, said in work.result()]


def _all_cores() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def _cut(batch: Sequence[FactView]) -> list[tuple[bytes, str]]:
    with _noted() as noted:
        return [(prepared.prepare(fact), _BREAK.join(noted())) for fact in batch]


def _write(session: Session, batch: Sequence[FactView], stored: list[bytes], first: int) -> None:
    """Write facts as they are when they have been published, without the acts that lead there."""
    mine = session.info["community_id"]
    made = [uuid.UUID(uuid_of(fact.id)) for fact in batch]
    facts = [
        {
            "community_id": mine, "id": made[at], "code": fact.id, "state": FactState.PUBLISHED,
            "latest": 1, "signed": 1, "published": 1, "changed": first + at,
            "prepared": stored[at], "tokenizer": prepared.version(),
        }
        for at, fact in enumerate(batch)
    ]  # fmt: skip
    versions = [
        {
            "community_id": mine, "fact_id": made[at], "number": 1, "claim": fact.claim,
            "truth": fact.truth, "verdict": fact.verdict, "explanation": "", "source": "来源",
            "expert": "", "area": "", "path": "", "category": "", "made_at": _NOW,
        }
        for at, fact in enumerate(batch)
    ]  # fmt: skip
    variants = [
        {
            "community_id": mine, "id": new_id(), "fact_id": made[at], "text": said,
            "digest": f"{number:032x}", "state": VariantState.ACCEPTED, "made_at": _NOW,
        }
        for at, fact in enumerate(batch)
        for number, said in enumerate(fact.variants)
    ]  # fmt: skip
    session.execute(insert(Fact), facts)
    session.execute(insert(FactVersion), versions)
    if variants:
        session.execute(insert(FactVariant), variants)
