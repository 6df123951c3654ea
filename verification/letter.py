"""Letter: a long text cut into what it claims; greetings and calls to pass it on are no claims."""

import functools
import re

from verification.tables import table
from verification.text import fold, is_debunk, settled
from verification.words import han_count

LONG = 80
"""Characters up to which a text without numbered points is one claim."""
_SHORT = 12
_DEBUNK = "辟谣："
"""What is put before each point of a list whose heading calls all of them rumors."""
_LATIN_WORDS = 2


def claims(text: str) -> list[str]:
    """Cut a long letter into its claims, in order; a short text is one claim.

    A claim is a numbered point, or one or more whole sentences of the original. A sentence that
    goes on from the one before it (但是…, 取消了) stays with it, and a point with the heading that
    calls it a rumor: a denial must not lose its claim.
    """
    whole = text.strip()
    heading, points = _points(whole)
    if points:
        found = [part for part in (*_sentences(heading), *points) if _says(part)]
        frame = _DEBUNK if is_debunk(fold(heading)) else ""
        return [frame + _bare(part) for part in found] or [whole]
    if len(whole) <= LONG:
        return [whole] if whole else []
    found = _joined([part for part in _sentences(whole) if _says(part)])
    return [_bare(part) for part in found] or [whole]


def _points(text: str) -> tuple[str, list[str]]:
    """Give what stands before the numbered points, and those; nothing where there are none."""
    starts = [found.start() for found in _pattern("point").finditer(text)]
    if len(starts) < 2:  # noqa: PLR2004 -- one number alone counts nothing
        return "", []
    points = [
        text[at:end].strip() for at, end in zip(starts, [*starts[1:], len(text)], strict=True)
    ]
    *sure, last = points
    return text[: starts[0]], [*sure, _tail(last)]


def _tail(point: str) -> str:
    """Give the last point without the greetings that end the letter."""
    kept = _sentences(point)
    while len(kept) > 1 and not _says(kept[-1]):
        kept.pop()
    return "".join(kept)


def _sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=[。！？!?;；\n])|(?<=[a-z]\.)\s", text)
    return [part.strip() for part in parts if part.strip()]


def _joined(parts: list[str]) -> list[str]:
    """Put short sentences, and those that only go on, to the one before."""
    found: list[str] = []
    for part in parts:
        near = found and (len(found[-1]) < _SHORT or len(part) < _SHORT or _goes_on(part))
        if near:
            found[-1] += part
        else:
            found.append(part)
    return found


def _bare(part: str) -> str:
    """Give a claim without its number and without whom it greets."""
    said = _pattern("point").sub("", part, count=1).strip()
    greeting, colon, rest = said.partition("：")
    return rest.strip() if colon and rest.strip() and not _says(greeting + colon) else said


def _goes_on(part: str) -> bool:
    return _pattern("onward").match(fold(part).lstrip()) is not None


def _says(part: str) -> bool:
    """Whether a part claims anything at all."""
    said = settled(_pattern("point").sub("", part, count=1))
    if han_count(said) < table("letter")["least"] and len(said.split()) <= _LATIN_WORDS:
        return False
    plain = _pattern("point").sub("", fold(part), count=1).strip(" 。!?,，、…~")
    return _aside().match(plain) is None


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(table("letter")[name])


@functools.cache
def _aside() -> re.Pattern[str]:
    return re.compile("|".join(table("letter")["aside"]))
