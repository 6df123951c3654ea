"""Lexicon: words that say the same, and things of one kind that are never exchanged."""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from verification import numerals
from verification.tables import anyof, table

_HEAD = 2
"""Characters by which a name is looked up first."""

Place = tuple[int, int]
"""A set of contrasting things, and the member in it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A name found at `start` to `end` of a folded text; `meaning` is its group's first name."""

    start: int
    end: int
    meaning: str


@functools.cache
def synonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    """Give a pattern for the words that are always read as another, and what they are read as."""
    first = {name: group[0] for group in table("synonyms")["groups"] for name in group}
    return re.compile(rf"(?<![0-9a-z])(?:{anyof(first)})(?![a-z])"), first


def _folded(name: str) -> str:
    """Write a name as folding writes it in a text."""
    pattern, first = synonyms()
    name = pattern.sub(lambda match: first[match.group()], name)
    for rule, put in numerals.rules():
        name = rule.sub(put, name)  # type: ignore[call-overload]  # str or function
    return name


@functools.cache
def _meanings() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Names by their first characters, the longest first, each with the first of its group."""
    heads: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for group in table("thesaurus")["groups"]:
        for name in group:
            folded = _folded(name)
            heads[folded[:_HEAD]].setdefault(folded, group[0])
    return {head: _longest(names) for head, names in heads.items()}


def _longest(names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(names.items(), key=lambda pair: (-len(pair[0]), pair)))


@functools.lru_cache(maxsize=8192)
def meanings(folded: str) -> tuple[Span, ...]:
    """Find the words of the thesaurus in a folded text, the longest at each place."""
    return tuple(_find(folded))


def _find(folded: str) -> Iterator[Span]:
    heads, at = _meanings(), 0
    while at < len(folded) - 1:
        for name, meaning in heads.get(folded[at : at + _HEAD], ()):
            if folded.startswith(name, at):
                yield Span(at, at + len(name), meaning)
                at += len(name) - 1
                break
        at += 1


@functools.lru_cache(maxsize=4096)
def told(folded: str) -> frozenset[str]:
    """Give the meanings that a folded text has."""
    return frozenset(span.meaning for span in meanings(folded))


@functools.cache
def _things() -> Mapping[str, tuple[tuple[str, frozenset[Place]], ...]]:
    """Names by their first characters, the longest first, with the sets they stand in."""
    places: defaultdict[str, set[Place]] = defaultdict(set)
    for at, one in enumerate(table("contrasts")["sets"]):
        for member, names in enumerate(one["members"]):
            for name in names:
                places[_folded(name)].add((at, member))
    heads: defaultdict[str, list[tuple[str, frozenset[Place]]]] = defaultdict(list)
    for name in sorted(places, key=lambda name: (-len(name), name)):
        # a name that folding has made one of two members tells them apart no longer
        sets = [at for at, _ in places[name]]
        alone = frozenset(place for place in places[name] if sets.count(place[0]) == 1)
        heads[name[:_HEAD]].append((name, alone))
    return {head: tuple(names) for head, names in heads.items()}


@functools.lru_cache(maxsize=8192)
def things(folded: str) -> Mapping[Place, str]:
    """Find the things that a folded text names, in each set the longest at a place, with names."""
    heads, found, free = _things(), dict[Place, str](), dict[int, int]()
    for at in range(len(folded) - 1):
        for name, places in heads.get(folded[at : at + _HEAD], ()):
            if folded.startswith(name, at) and _whole(folded, at, name):
                for place in places:
                    if free.get(place[0], 0) <= at:
                        found[place] = name
                        free[place[0]] = at + len(name)
    return found


def _whole(folded: str, at: int, name: str) -> bool:
    """Whether a Latin name stands as a word of its own."""
    if not name[0].isascii():
        return True
    around = folded[max(0, at - 1) : at] + folded[at + len(name) : at + len(name) + 1]
    return not any(char.isascii() and char.isalnum() for char in around)


def contrasts(ours: str, whole: str, claims: Iterable[str], wide: str) -> list[tuple[str, str]]:
    """Find things of one kind that stand against each other, as pairs (ours, theirs).

    Ours is nowhere in the fact, theirs nowhere in the text. `ours` are the sentences compared,
    `whole` the text they are from, `claims` the wordings of the fact and `wide` all that it
    says. A kind of which both name the same thing is at peace.
    """
    mine = things(ours)
    theirs: dict[Place, str] = {}
    for claim in claims if mine else ():
        theirs |= things(claim)
    found = []
    for (kind, member), name in mine.items():
        others = [place for place in theirs if place[0] == kind]
        # what a whole fact names is long to find, and hardly ever asked for
        if (
            others
            and not any(place in things(whole) for place in others)
            and (kind, member) not in things(wide)
        ):
            found.append((name, theirs[others[0]]))
    return found
