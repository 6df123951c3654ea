"""Text: fold, cut and describe what somebody wrote, keeping the way back to the original."""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from verification import lexicon, numerals, posts, words
from verification.slots import Polarity, Slots, find
from verification.tables import phrases, table

TOKENIZER_VERSION = 3
LONGEST = 4000
"""Characters of one text that are compared; what follows is kept but not looked at."""

_STOP = re.compile(r"[。!?;…\n\r]+")
_OTHER = re.compile(
    r"[^\w。%:./~+-]+|(?<![0-9])[.:/](?![0-9])|(?<![0-9])[.:/]|[.:/](?![0-9])|[~+_-]+"
)
_SIGNS = re.compile(r"[^\w。?%:./~+'’\-、,]+")
"""Emoji, brackets and other signs; what ends a sentence, and what stands in numbers, stays."""
_TAG = re.compile(r"#[^#\n]{1,40}#")
_CORE = 8
"""Han characters that must be left of a text without its hashtags."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in the form that is compared.

    `folded` is the comparable form; `offsets[i]` is the index in `original` of
    `folded[i]`; `words` are content words in order; `terms` are what the index
    keeps (words, character bigrams and their sounds); `stripped` are the chain
    phrases that were taken out; `debunk` says that the text calls something a rumor;
    `core` is `folded` without hashtags, which speak of other matters too.
    """

    original: str
    folded: str
    offsets: tuple[int, ...]
    words: tuple[str, ...]
    terms: tuple[str, ...]
    slots: Slots
    stripped: tuple[str, ...] = ()
    debunk: bool = False
    core: str = ""

    @property
    def polarity(self) -> Polarity:
        return self.slots.polarity

    def span(self, start: int, end: int) -> str:
        """Give the original words behind `folded[start:end]`."""
        if start >= end or start >= len(self.offsets):
            return ""
        return self.original[
            self.offsets[start] : self.offsets[min(end, len(self.offsets)) - 1] + 1
        ]


class _Tape:
    """A text under rewriting that remembers where each character came from."""

    __slots__ = ("at", "chars")

    def __init__(self, chars: str, at: list[int]) -> None:
        self.chars, self.at = chars, at

    def sub(self, pattern: re.Pattern[str], put: str | Callable[[re.Match[str]], str]) -> list[str]:
        """Replace every match; what was there is returned."""
        if pattern.search(self.chars) is None:
            return []
        out: list[str] = []
        at: list[int] = []
        gone, last = [], 0
        for match in pattern.finditer(self.chars):
            start, end = match.span()
            new = _put(match, put)
            out += [self.chars[last:start], new]
            at += self.at[last:start]
            at += _stretch(self.at[start:end], len(new))
            gone.append(match.group())
            last = end
        self.chars = "".join([*out, self.chars[last:]])
        self.at = at + self.at[last:]
        return gone


def _put(match: re.Match[str], put: str | Callable[[re.Match[str]], str]) -> str:
    if not isinstance(put, str):
        return put(match)
    # a template is parsed anew for every match: a plain string need not be
    return match.expand(put) if "\\" in put else put


def _stretch(at: list[int], length: int) -> list[int]:
    if not at or not length:
        return []
    return [at[min(i, len(at) - 1)] for i in range(length)]


@functools.lru_cache(maxsize=20_000)
def _fold_char(char: str) -> str:
    if unicodedata.category(char) in _UNSEEN or char in _VARIANTS:
        return ""
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", bare).lower()


@functools.cache
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def _simplify(chars: str) -> str:
    simple: str = _simplifier().convert(chars)
    if len(simple) == len(chars):
        return simple
    return "".join(_simplifier().convert(char)[:1] or char for char in chars)


def _load(text: str) -> _Tape:
    chars, at = _loaded(text)
    return _Tape(chars, list(at))


@functools.lru_cache(maxsize=64)
def _loaded(text: str) -> tuple[str, list[int]]:
    chars: list[str] = []
    at: list[int] = []
    text, joints = text[:LONGEST], set[int]()
    if words.script(text) == "latin":
        text, joints = posts.plain(text), posts.joints(text)
    for place, char in enumerate(text):
        if place in joints or (
            place and char.isascii() and char.isupper() and text[place - 1].islower()
        ):
            chars.append(" ")  # a hashtag such as #WaterStop is two words
            at.append(place)
        for piece in _fold_char(char):
            chars.append(piece)
            at.append(place)
    # one sign may fold to many characters, and a capital brings a space
    return _simplify("".join(chars[:LONGEST])), at[:LONGEST]


_UNSEEN = frozenset({"Cf", "Cs"})
"""Categories of characters that nobody sees: zero-width signs, halves of characters."""
_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_SPACED = re.compile("(?:[㐀-鿿] ){4}")
_SPACE = re.compile("(?<=[㐀-鿿]) (?=[㐀-鿿])")
"""A text with a space behind each character, as some write it against filters."""
_NOT = re.compile("n['’]t(?![a-z])")
"""The denial in isn't, won't and mustn't."""


@functools.cache
def _noise() -> re.Pattern[str]:
    return re.compile("|".join(table("chain")["patterns"]))


@functools.cache
def _endings() -> re.Pattern[str]:
    return re.compile("|".join(table("chain")["endings"]))


def fold(text: str) -> str:
    """Fold a text as it was spoken: simplified, lower case, without links; nothing else goes."""
    tape = _load(text)
    tape.sub(_noise(), " ")
    tape.sub(_STOP, lambda match: "?" if "?" in match.group() else "。")
    return tape.chars


def _fold(text: str) -> tuple[_Tape, str, tuple[str, ...]]:
    """Give the tape, the text as it was before chain phrases went, and those phrases."""
    tape = _load(text)
    if words.script(text) == "latin":
        tape.sub(posts.MILLIONS, r"\1 million")
        tape.sub(posts.THOUSANDS, "")
    tape.sub(_noise(), " ")
    tape.sub(_STOP, lambda match: "?" if "?" in match.group() else "。")
    tape.sub(_NOT, " not")
    if _SPACED.search(tape.chars):
        tape.sub(_SPACE, "")
    spoken = tape.chars
    stripped = tape.sub(phrases("chain", "forward", "hearsay", "question", "filler"), " ")
    tape.sub(_SIGNS, " ")
    tape.sub(_endings(), " ")
    if is_debunk(spoken):
        stripped += tape.sub(phrases("chain", "debunk"), " ")
    pattern, first = lexicon.synonyms()
    tape.sub(pattern, lambda match: first[match.group()])
    for rule, put in numerals.rules():
        tape.sub(rule, put)  # type: ignore[arg-type]  # str or function, as re.sub takes them
    tape.sub(re.compile(r"\?"), "。")
    tape.sub(_OTHER, " ")
    tape.sub(_endings(), " ")
    tape.sub(re.compile(r"[ 。]*。[ 。]*"), "。")
    tape.sub(
        re.compile(r" {2,}|^[ 。]+|[ 。]+$"),
        lambda match: " " if match.start() and match.end() < len(match.string) else "",
    )
    return tape, spoken, tuple(stripped)


def settled(text: str) -> str:
    """Give the folded form of a text without the rest of what `normalise` finds."""
    return _fold(text)[0].chars


def normalise(text: str, *, now: datetime | None = None, zone: ZoneInfo | None = None) -> Text:
    """Fold `text`; relative days (今晚, 明天) are resolved when `now` and `zone` are given."""
    tape, spoken, stripped = _fold(text)
    cuts = words.cut(tape.chars)
    today = now.astimezone(zone).date() if now and zone else None
    return Text(
        original=text,
        folded=tape.chars,
        offsets=tuple(tape.at),
        words=words.content(cuts),
        terms=(*words.terms(tape.chars, cuts), *_written(text)),
        slots=find(tape.chars, spoken, today=today),
        stripped=stripped,
        debunk=is_debunk(spoken),
        core=_core(text, tape.chars),
    )


def _written(text: str) -> Iterable[str]:
    """Give the month and year of a signature: they help to find a fact, but claim nothing."""
    return map(words.stem, posts.written(text)) if words.script(text) == "latin" else ()


def _core(text: str, folded: str) -> str:
    if text.count("#") < 2:  # noqa: PLR2004 -- a tag has two
        return folded
    bare = settled(_TAG.sub(" ", text))
    return bare if words.han_count(bare) >= _CORE else folded


def is_debunk(spoken: str) -> bool:
    """Whether a text calls its matter untrue without asking."""
    found = phrases("chain", "debunk").search(spoken)
    if found is None:
        return False
    after = spoken[found.end() : found.end() + 4]
    before = spoken[max(0, found.start() - 2) : found.start()]
    return not re.match(r"[吗么呢?]|了?吗", after) and not before.endswith(("是不", "不", "求"))
