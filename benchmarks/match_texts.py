"""Texts for the benchmark: real facts, multiplied by exchanged words, and real questions.

A copy of a fact is its text with other numbers, days, buildings and places, and with one to three
of the claim's content words exchanged for words of equal length from other claims; what is
exchanged in the claim is exchanged in its variants and its explanation too. Fact `n` is the same
at every size and in every run.
"""

import functools
import itertools
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verification import words
from verification.evaluate import read_facts, read_qrels, read_rows
from verification.index import FactView, Verdict
from verification.letter import claims
from verification.tables import anyof, table

SEED = 20_260
SETS = ("zh_covid", "zh_community")
LONGEST = 200
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A claim of up to 200 characters; `right` are the ids of its facts, none for a negative."""

    text: str
    right: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Material:
    """What is measured with: real facts (asked ones first), claims, and whole letters."""

    facts: tuple[FactView, ...]
    questions: tuple[Question, ...]
    letters: tuple[str, ...]


def read(folder: Path) -> Material:
    """Read the evaluation sets of a folder; OSError where they are not there."""
    facts: list[FactView] = []
    questions: list[Question] = []
    letters: list[str] = []
    for name in SETS:
        facts += read_facts([folder / name / "facts.jsonl"])
        right = read_qrels(folder / name / "dev" / "qrels.tsv")
        rows = read_rows(folder / name / "dev" / "queries.jsonl")
        rows += read_rows(folder / name / "dev" / "negatives.jsonl")
        for row in rows:
            if len(row["text"]) <= LONGEST:
                questions.append(Question(row["text"], right.get(row["id"], frozenset())))
            else:
                letters.append(row["text"])
    questions += [Question(claim[:LONGEST]) for letter in letters for claim in claims(letter)]
    return _shuffled(facts, questions, letters)


def demo(path: Path) -> Material:
    """Read the product's own facts instead; each of their variants is asked for and taken out."""
    rows = read_rows(path)
    facts = [
        FactView(row["id"], row["claim"], (), row["truth"], Verdict(row["verdict"])) for row in rows
    ]
    questions = [Question(said, frozenset([row["id"]])) for row in rows for said in row["variants"]]
    points = [f"{at % 9 + 1}、{fact.claim}。" for at, fact in enumerate(facts)]
    letters = ["".join(points[at : at + 9]) for at in range(0, len(points), 9)]
    return _shuffled(facts, questions, letters)


def _shuffled(
    facts: Sequence[FactView], questions: list[Question], letters: Sequence[str]
) -> Material:
    chance = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    asked = frozenset[str]().union(*(question.right for question in questions))
    first = [fact for fact in facts if fact.id in asked]
    rest = [fact for fact in facts if fact.id not in asked]
    chance.shuffle(rest)
    chance.shuffle(questions)
    return Material((*first, *rest), tuple(questions), tuple(letters))


def multiplied(facts: Sequence[FactView]) -> Iterator[FactView]:
    """Give facts without end: the real ones, then changed copies."""
    pool = _pool(facts)
    for number in itertools.count():
        turn, place = divmod(number, len(facts))
        yield _copy(facts[place], turn, number, pool) if turn else facts[place]


def _pool(facts: Sequence[FactView]) -> dict[int, list[str]]:
    """Give the content words of all claims by their length."""
    found: dict[int, set[str]] = defaultdict(set)
    for fact in facts:
        for word in _content(fact.claim):
            found[len(word)].add(word)
    return {length: sorted(group) for length, group in found.items()}


@functools.cache
def _content(claim: str) -> tuple[str, ...]:
    cuts = words.content(words.cut(claim))
    return tuple(dict.fromkeys(word for word in cuts if len(word) > 1 and words.is_han(word[0])))


@functools.cache
def _places() -> tuple[re.Pattern[str], tuple[str, ...]]:
    names = table("places")
    known = sorted({*names["provinces"], *names["cities"]})
    return re.compile(anyof(known)), tuple(known)


def _copy(fact: FactView, turn: int, number: int, pool: dict[int, list[str]]) -> FactView:
    chance = random.Random(SEED + number)  # noqa: S311 - repeatable on purpose
    pattern, names = _places()
    swaps = {name: chance.choice(names) for name in pattern.findall(fact.claim)}
    swaps |= {figure: _other(figure, chance) for figure in _NUMBER.findall(fact.claim)}
    content = [word for word in _content(fact.claim) if word not in swaps]
    for word in chance.sample(content, min(len(content), chance.randint(1, 3))):
        swaps[word] = chance.choice(pool[len(word)])
    swaps.pop("", None)
    if not swaps:
        return replace(fact, id=f"{fact.id}+{turn}", claim=f"{fact.claim}{number}")
    both = re.compile(anyof(swaps))

    def put(said: str) -> str:
        return both.sub(lambda match: swaps[match.group()], said)

    return replace(
        fact,
        id=f"{fact.id}+{turn}",
        claim=put(fact.claim),
        variants=tuple(map(put, fact.variants)),
        truth=put(fact.truth),
    )


def _other(figure: str, chance: random.Random) -> str:
    """Give another number of the same length; days and months stay days and months."""
    if len(figure) == 1:
        return str(chance.randint(1, 9))
    if len(figure) == 2:
        return str(chance.randint(10, 28))
    return str(chance.randint(10 ** (len(figure) - 1), 10 ** len(figure) - 1))
