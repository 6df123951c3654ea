"""Lexicon: which characters are one Chinese word; jieba's dictionary is looked up where it lies.

Loading the dictionary takes a second and 90 MB, which a worker has no use for. Its lines stand in
the order of their bytes, so that a word is found by halving.
"""

import importlib.util
import math
import mmap
from functools import cache, lru_cache
from pathlib import Path

_LONGEST = 12
"""Characters of a word; a few names are longer."""
_ALL = math.log(60_101_967)
"""How often all words together were counted: what jieba calls its total."""


def cuts(run: str) -> list[int]:
    """Return where the words of a run of Chinese characters end, as jieba cuts it without guessing.

    run: simplified characters only; a character that no word holds is a word of its own.
    """
    size = len(run)
    chances, ends = [0.0] * (size + 1), [0] * size
    for start in range(size - 1, -1, -1):
        chances[start], ends[start] = max(
            (_chance(run[start:end], single=end == start + 1) + chances[end], end)
            for end in range(start + 1, min(size, start + _LONGEST) + 1)
        )
    found, at = [], 0
    while at < size:
        at = ends[at]
        found.append(at)
    return found


def _chance(word: str, *, single: bool) -> float:
    count = often(word)
    return math.log(count) - _ALL if count else -_ALL if single else -math.inf


@lru_cache(20_000)
def often(word: str) -> int:
    """Return how often a word in Chinese characters was counted; 0: it is not there."""
    (lines, low), wanted = _lines(), word.encode()
    high = len(lines)
    while low < high:
        start = lines.rfind(b"\n", 0, (low + high) // 2) + 1
        end = lines.find(b"\n", start)
        found, _, rest = lines[start : end if end >= 0 else len(lines)].partition(b" ")
        if found == wanted:
            return int(rest.partition(b" ")[0])
        if found < wanted:
            low = (end if end >= 0 else len(lines)) + 1
        else:
            high = start
    return 0


@cache
def _lines() -> tuple[mmap.mmap, int]:
    """Return the dictionary, and where its Chinese words begin: the few before have no order."""
    spec = importlib.util.find_spec("jieba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jieba")
    with Path(spec.origin).with_name("dict.txt").open("rb") as file:
        lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return lines, lines.find("\n一 ".encode()) + 1
