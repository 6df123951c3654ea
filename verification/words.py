"""Words: cut folded text into words, bigrams and sounds; jieba and pypinyin load on first use."""

import contextlib
import functools
import itertools
import logging
import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from verification import lexicon
from verification.tables import stopwords

_UNIT = re.compile(r"[0-9]+(?:\.[0-9]+)?|[a-z]+(?:'[a-z]+)?|[㐀-鿿𠀀-𯿿]|[^\W_]")
_HAN = re.compile(r"[㐀-鿿𠀀-𯿿]+")
_PLAIN = re.compile(r"[\u4e00-\u9fd5]+")
"""What jieba's dictionary has; other characters it sets apart."""
_ENDINGS = (
    ("ies", "y", 2), ("sses", "ss", 2), ("ing", "", 3), ("edly", "", 3), ("ed", "", 3),
    ("ly", "", 3), ("es", "e", 3),
)  # fmt: skip
"""English endings, what stands for them, and how many letters must be left."""
_GRAM = 4
_LIGHT = re.compile("(?!vn|an|ns|nr|nt|nz)[vdupcryeoilqmxa]")
"""jieba's tags of words that name nothing."""
_DAILY = 0.35
_DOUBLED = re.compile(r"([b-df-hj-np-rt-vxz])\1$")


def is_han(char: str) -> bool:
    return "㐀" <= char <= "鿿" or "𠀀" <= char <= "𯿿"


def han_count(text: str) -> int:
    return sum(map(is_han, text))


def script(text: str) -> str:
    """Name the script of a text: han if it has a Han character, else latin."""
    return "han" if any(map(is_han, text)) else "latin"


@functools.cache
def _jieba() -> Any:
    import jieba

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linxun"
    # a service without a home of its own reads the dictionary anew at each start
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    jieba.setLogLevel(logging.CRITICAL)
    jieba.dt.tmp_dir = str(cache)
    jieba.initialize()
    return jieba


@functools.lru_cache(maxsize=20_000)
def sound(char: str) -> str:
    """Give the toneless pinyin of one Han character, with often confused pairs merged."""
    from pypinyin import lazy_pinyin

    plain = lazy_pinyin(char)[0]
    for heard, written in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        plain = plain.replace(heard, written)
    return re.sub("ng$", "n", plain)


def warm() -> None:
    """Load the dictionaries now: the first question would wait seconds for them."""
    _tagged()
    sound("水")


def known(word: str) -> bool:
    """Whether a word is in the dictionary; 折迁, typed for 拆迁, is not."""
    return not is_han(word[0]) or bool(_jieba().dt.FREQ.get(word))


@functools.cache
def _tagged() -> tuple[frozenset[str], frozenset[str]]:
    """Read jieba's dictionary for the words that name nothing and the nouns of one character."""
    light: set[str] = set()
    things: set[str] = set()
    with _jieba().dt.get_dict_file() as lines:
        for line in lines:
            word, _, tag = line.decode().split()
            if _LIGHT.match(tag):
                light.add(word)
            elif len(word) == 1 and tag == "n":
                things.add(word)
    return frozenset(light), frozenset(things)


def thing(char: str) -> bool:
    """Whether a single character is a noun that people use every day: 茶, 菜, 鱼."""
    return char in _tagged()[1] and rarity(char) <= _DAILY


def light(word: str) -> bool:
    """Whether a word is a verb, an adverb or a phrase, which people exchange freely; no noun."""
    return word in _tagged()[0]


def rarity(word: str) -> float:
    """How seldom a word is in general Chinese, from 0 (everyday) to 1 (unknown)."""
    known = _jieba().dt
    often = known.FREQ.get(word) or 1
    return min(1.0, max(0.0, (math.log(known.total / often) - 7) / 9))


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Give a plain English stem: plural, -ed, -ing and -ly off words that stay long enough."""
    base = word.removesuffix("'s").replace("'", "")
    for ending, rest, left in _ENDINGS:
        if base.endswith(ending) and len(base) - len(ending) >= left:
            base = base[: -len(ending)] + rest
            break
    else:
        if base.endswith("s") and not base.endswith("ss") and len(base) > 3:  # noqa: PLR2004 -- as, is, us
            base = base[:-1]
    base = _DOUBLED.sub(r"\1", base)
    return base.removesuffix("e") if len(base) > 4 else base  # noqa: PLR2004 -- the, one, use


@functools.lru_cache(maxsize=4096)
def units(folded: str) -> tuple[tuple[str, int], ...]:
    """Give the smallest parts with a meaning and their place: Han characters, numbers, stems."""
    found = []
    for match in _UNIT.finditer(folded):
        part = match.group()
        found.append(
            (stem(part) if part[0].isascii() and part[0].isalpha() else part, match.start())
        )
    return tuple(found)


@functools.lru_cache(maxsize=20_000)
def _cut_run(run: str) -> tuple[str, ...]:
    """Cut a run of Han characters: a text, its sentences and its tags have the same runs."""
    if not _PLAIN.fullmatch(run):
        return tuple(_jieba().lcut(run, HMM=False))
    route, at, found = _route(run), 0, []
    while at < len(run):
        found.append(run[at : route[at]])
        at = route[at]
    return tuple(found)


def _route(run: str) -> list[int]:
    """Give for each place where the likeliest word ends, as jieba does, in one pass over it."""
    often, size = _jieba().dt.FREQ, len(run)
    total = math.log(_jieba().dt.total)
    least = math.log(1) - total
    chances, ends = [0.0] * (size + 1), [0] * size
    for start in range(size - 1, -1, -1):
        best, to, end = -math.inf, start + 1, start + 1
        while end <= size and (count := often.get(run[start:end])) is not None:
            if count and (chance := math.log(count) - total + chances[end]) >= best:
                best, to = chance, end
            end += 1
        chances[start] = least + chances[start + 1] if best == -math.inf else best
        ends[start] = to
    return ends


@functools.lru_cache(maxsize=4096)
def cut(folded: str) -> tuple[tuple[str, int], ...]:
    """Give the words of `folded` in order with their place, stop words left in."""
    found: list[tuple[str, int]] = []
    for match in _UNIT.finditer(_HAN.sub(lambda run: " " * len(run.group()), folded)):
        part = match.group()
        found.append((stem(part) if part[0].isalpha() and part.isascii() else part, match.start()))
    for run in _HAN.finditer(folded):
        at = run.start()
        for word in _cut_run(run.group()):
            found.append((word, at))
            at += len(word)
    return tuple(sorted(found, key=lambda pair: pair[1]))


def content(cuts: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Give the words that carry a text's matter."""
    stop = stopwords()
    return tuple(word for word, _ in cuts if word not in stop)


@functools.lru_cache(maxsize=4096)
def pairs(folded: str) -> tuple[tuple[str, str, int], ...]:
    """Stems, numbers and neighbouring pairs: (term, its sound or "", place in `folded`)."""
    stop = stopwords()
    parts = units(folded)
    found = [(part, "", at) for part, at in parts if not is_han(part[0]) and part not in stop]
    for (left, at), (right, then) in itertools.pairwise(parts):
        if is_han(left) and is_han(right):
            if then - at == 1:
                found.append((left + right, f"~{sound(left)} {sound(right)}", at))
        elif is_han(left) or is_han(right):
            if then - at == len(left):
                found.append((left + right, "", at))
        elif left not in stop and right not in stop:
            found.append((f"{left} {right}", "", at))
    return tuple(found)


def terms(folded: str, cuts: Iterable[tuple[str, int]]) -> list[str]:
    """Give what the index keeps: stems, numbers, pairs, sounds, long words, meanings, letters."""
    found = [part for term, heard, _ in pairs(folded) for part in (term, heard) if part]
    found += [f"={word}" for word, _ in cuts if len(word) > 2 and is_han(word[0])]  # noqa: PLR2004 -- pairs are above
    found += [f"=@{span.meaning}" for span in lexicon.meanings(folded)]
    return found if any(map(is_han, folded)) else found + list(_grams(folded))


def _grams(folded: str) -> Iterator[str]:
    """Give the letters of stems four by four, for a stem misses Clintonian and misspellings."""
    stop = stopwords()
    for unit, _ in units(folded):
        if unit[0].isalpha() and unit not in stop:
            word = f"<{unit}>"
            yield from (f"=#{word[at : at + _GRAM]}" for at in range(len(word) - _GRAM + 1))
