"""Kinship: which open case a question belongs to, however it is worded; pure, in memory."""

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from verification import days, model
from verification.conflicts import NOTE
from verification.features import NAMES, Scored, prepare, score
from verification.index import Candidate, FactView, Index
from verification.postings import Floats
from verification.slots import Polarity, dates_conflict
from verification.text import Text, normalise
from verification.words import script

ALIKE = {"han": 0.75, "latin": 0.5}
"""From this probability a question joins a case by itself."""
NEAR = 0.05
"""From this probability an expert is shown that it may be the same."""
SHOWN, WORDINGS = 3, 8
"""Cases that are compared closely, and wordings that are kept of each."""

_COPIED = 0.6
"""From this likeness two texts that exchange a word speak of two things."""
_OTHERS = 1000
"""So many cases of other words are thought of beside the open ones."""
_TELLS, _UNKNOWN = 7.0, 7.6
"""The weight of a term that one case has, and of one that none has."""
_DAY = re.compile("(?:大?[前后後]|[昨今明])([天日晚夜早])")
_OURS = re.compile(
    "(?:我们?|咱们?|俺们?|本|这)(?:这|那)?(?:个|一)?[栋幢座]?(?:楼|单元|門洞|门洞|單元|樓|家)"
)


@dataclass(frozen=True, slots=True)
class Matter:
    """What is asked in one case: its wordings, each with the time it was asked at.

    `home` is the building of which it speaks as "ours", "" where it does not.
    """

    id: str
    wordings: tuple[tuple[str, datetime], ...]
    home: str = ""


@dataclass(frozen=True, slots=True)
class Kin:
    """The case that a question joins ("" for none), and the ids of those that may be the same."""

    joins: str = ""
    near: tuple[str, ...] = ()
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class _Likeness:
    id: str
    probability: float
    apart: bool


class _Cases(Index):
    """An index that weighs words as if there were many more cases, each of other words.

    In the first few cases how often a word stands tells nothing; in a flood of questions about one
    thing (a virus, a storm) its name tells nothing more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.often: Counter[int] = Counter()
        self.count = 0

    def weight(self, term: int) -> float:
        """Return how much a term tells: most where no more than one case has it."""
        common = max(1, self.often[term])
        return _TELLS * self._rarity(common) / self._rarity(1)

    def weights(self, terms: list[int]) -> Floats:
        """Return how much each term tells."""
        return np.array([self.weight(term) for term in terms], np.float32)

    @property
    def unknown_weight(self) -> float:
        """Return how much a term tells that no case has."""
        return _UNKNOWN

    def _rarity(self, common: int) -> float:
        return math.log(1 + (self.count + _OTHERS - common + 0.5) / (common + 0.5))


class _One(_Cases):
    """One question in the place of a case, its words weighed by the cases there are."""

    def __init__(self, said: str, read: Text, cases: _Cases) -> None:
        super().__init__()
        self.add(FactView(said, said))
        self.count = cases.count
        for term in set(read.terms):
            self.often[self.number(term)] = cases.often[cases.number(term)]


@dataclass(slots=True)
class Pool:
    """The open cases of one community in memory, kept in step by their stamps."""

    zone: ZoneInfo
    _index: _Cases = field(default_factory=_Cases)
    _read: dict[str, tuple[Text, ...]] = field(default_factory=dict)
    _days: dict[str, frozenset[days.Day]] = field(default_factory=dict)
    _stamps: dict[str, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def sync(
        self, stamps: Mapping[str, int], load: Callable[[list[str]], Iterable[Matter]]
    ) -> None:
        """Forget what is not open any more, and `load` what is new or has changed.

        The stamps of all open cases are compared, not the last one: what a transaction that was
        rolled back has left here goes with the next look.
        """
        with self._guard:
            for gone in self._stamps.keys() - stamps.keys():
                self._forget(gone)
            fresh = [one for one, stamp in stamps.items() if self._stamps.get(one) != stamp]
            for matter in load(fresh) if fresh else ():
                self._keep(matter)
            self._stamps = dict(stamps)

    def find(self, words: str, at: datetime, home: str = "") -> Kin:
        """Return the case on the same matter, and those that may be."""
        with self._guard:
            return self._find(words, at, home)

    def _find(self, words: str, at: datetime, home: str) -> Kin:
        said = dated(words, at, self.zone)
        read = normalise(said)
        found = self._index.search(read, SHOWN)
        if not found:
            return Kin()
        when = read.slots.dates | days.relative(words, self._today(at))
        likes = [
            replace(one, apart=True) if self._elsewhere(one.id, home, when) else one
            for one in (self._like(read, said, one, found[0].score) for one in found)
        ]
        likes.sort(key=lambda one: -one.probability)
        joins = next(
            (o.id for o in likes if o.probability >= ALIKE[script(read.folded)] and not o.apart), ""
        )
        near = [one.id for one in likes if one.probability >= NEAR and one.id != joins]
        return Kin(joins, tuple(near), likes[0].probability)

    def _like(self, read: Text, said: str, found: Candidate, best: float) -> _Likeness:
        """Compare a question with a case both ways: the shorter of two texts says the claim."""
        there = score(prepare(read, self._index), found, best, 0.0)
        chance = model.shipped(script(there.form.folded), NAMES).probability(there.vector)
        wordings = self._read[found.fact.id]
        apart = any(_opposed(read, one) for one in wordings) or _conflict(there, read)
        apart = apart or _exchanged(there)
        mirror = _One(said, read, self._index)
        for wording in wordings:
            for back in mirror.search(wording, 1):
                here = score(prepare(wording, mirror), back, back.score, 0.0)
                turned = model.shipped(script(here.form.folded), NAMES).probability(here.vector)
                chance = max(chance, turned)
                # a conflict with any wording counts: in one case nobody says the contrary
                apart = apart or _conflict(here, wording)
        return _Likeness(found.fact.id, chance, apart)

    def _elsewhere(self, case_id: str, home: str, when: frozenset[days.Day]) -> bool:
        """Whether a case speaks of another building, or of other days."""
        known = self._index.get(case_id)
        return known is None or known.area != home or dates_conflict(when, self._days[case_id])

    def _keep(self, matter: Matter) -> None:
        self._forget(matter.id)
        said = tuple(
            dict.fromkeys(dated(words, at, self.zone) for words, at in matter.wordings if words)
        )[:WORDINGS]
        if not said:
            return
        self._index.add(FactView(matter.id, said[0], said[1:], area=matter.home))
        self._read[matter.id] = tuple(map(normalise, said))
        self._days[matter.id] = frozenset().union(
            *(text.slots.dates for text in self._read[matter.id]),
            *(days.relative(words, self._today(at)) for words, at in matter.wordings),
        )
        self._index.often.update(self._terms(matter.id))
        self._index.count += 1

    def _forget(self, case_id: str) -> None:
        if case_id in self._read:
            self._index.often.subtract(self._terms(case_id))
            self._index.count -= 1
            del self._read[case_id], self._days[case_id]
            self._index.remove(case_id)

    def _today(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _terms(self, case_id: str) -> set[int]:
        return {self._index.number(term) for text in self._read[case_id] for term in text.terms}


def dated(words: str, at: datetime, zone: ZoneInfo) -> str:
    """Put the day for 今晚 and 明天: they mean another day in the next morning's question."""
    today = at.astimezone(zone).date()

    def day(match: re.Match[str]) -> str:
        ((_, month, number),) = days.relative(match[0], today)
        return f"{month}月{number}日{match[1] if match[1] in '晚夜早' else ''}"

    return _DAY.sub(day, words)


def ours(words: str) -> bool:
    """Whether a text speaks of "our building", which is another one in each mouth."""
    return _OURS.search(words) is not None


def _exchanged(one: Scored) -> bool:
    """Whether two wordings differ in one word each way: 喝茶预防流感, 泡脚预防流感."""
    copied = one.value("ratio") >= _COPIED
    return copied and bool(one.value("words_bare")) and bool(one.value("words_gone"))


def _conflict(pair: Scored, text: Text) -> bool:
    """Whether something stands against one matter; that one text says more is no conflict."""
    asked = Polarity.ASKED in (text.polarity, pair.form.slots.polarity)
    return any(
        (one.kind != "negation" or not asked) and (one.kind != "subject" or bool(one.theirs))
        for one in pair.conflicts
    )


def _opposed(one: Text, other: Text) -> bool:
    """Whether one short text denies what the other claims.

    One ruling would settle both, but its verdict is read beside the claim: who asked whether
    there is no water stop must not read "false" under a water stop. So they are two cases, and
    the expert, who sees both, may merge them. A question takes no side and joins either.
    """
    sides = {one.polarity, other.polarity}
    short = len(one.folded) <= NOTE and len(other.folded) <= NOTE
    return short and sides == {Polarity.AFFIRMED, Polarity.DENIED}
