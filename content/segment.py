"""Segment: how many parts an SMS takes on the air, and where one may be cut.

GSM 03.38: 160 characters of the 7-bit alphabet (153 a part when there are several), characters of
its extension table count twice; any other character makes the whole text UCS-2: 70 code units
(67 a part). A surrogate pair, or an escape and its character, never straddles two parts.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from content import breaks


class Encoding(StrEnum):
    """How the text goes over the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"

    @property
    def single(self) -> int:
        """Return how many units one SMS holds."""
        return 160 if self is Encoding.GSM7 else 70

    @property
    def part(self) -> int:
        """Return how many units each part of a longer SMS holds."""
        return 153 if self is Encoding.GSM7 else 67


@dataclass(frozen=True, slots=True)
class Size:
    """What a text takes: its encoding, units (septets or 16-bit units) and segments."""

    encoding: Encoding
    units: int
    segments: int


BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
_OPEN = " \n，,、：:（(【《“「"
"""What never stands before the ellipsis."""
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\t", " "),
        **dict.fromkeys("•·", "-"),
        "…": "...",
        "×": "x",
        "\u200b": "",
        "\ufeff": "",
    }
)
_DEGREES = re.compile(r"\s?(?:°C|℃)")
_TEXTS = 256
"""Texts that are measured once: a whole audience gets the same few."""


def encoding(text: str) -> Encoding:
    """Return the encoding that the whole text needs."""
    plain = all(char in BASIC or char in EXTENDED for char in text)
    return Encoding.GSM7 if plain else Encoding.UCS2


@lru_cache(_TEXTS)
def measure(text: str) -> Size:
    """Return what `text` takes; an empty text takes one segment."""
    code = encoding(text)
    widths = [_width(char, code) for char in text]
    units = sum(widths)
    if units <= code.single:
        return Size(code, units, 1)
    return Size(code, units, _parts(widths, code.part))


def cheapened(text: str) -> str:
    """Return a text with plain signs for ’, “, – and the like, where that makes it GSM-7.

    One such sign, which word processors put in, more than doubles what an English SMS costs.
    """
    plain = _DEGREES.sub(" degrees", text).translate(_PLAIN)
    return plain if encoding(plain) is Encoding.GSM7 else text


def cut(text: str, segments: int, after: str = "") -> str:
    """Return the longest beginning of `text` that fits into `segments` together with `after`.

    It ends after a sentence where one ends in its last half, else after a clause in its last
    quarter, else between two words, with an ellipsis. No Chinese or English word, number, date or
    home is cut in two unless it alone is too long, and no emoji ever.
    """
    if measure(text + after).segments <= segments:
        return text
    mark = _mark(text)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle] + mark + after).segments <= segments:
            low = middle
        else:
            high = middle - 1
    return shorten(text, low)


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of `text` (and an ellipsis), cut as `cut` does."""
    if len(text) <= length:
        return text
    if done := breaks.sentence(text, length, length // 2):
        return text[:done].rstrip()
    end = breaks.clause(text, length, length * 3 // 4)
    end = end or breaks.before(text, length) or breaks.apart(text, length)
    return text[:end].rstrip(_OPEN) + _mark(text)


def _mark(text: str) -> str:
    return "..." if encoding(text) is Encoding.GSM7 else "…"


def _width(char: str, code: Encoding) -> int:
    if code is Encoding.GSM7:
        return 2 if char in EXTENDED else 1
    return len(char.encode("utf-16-le")) // 2


def _parts(widths: list[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
