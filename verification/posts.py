"""Posts: what a post in Latin letters carries beside its words: links, names, a signature."""

import re

_LINK = re.compile(r"(?:https?://|pic\.twitter\.com/)[!-~]+")
_NAME = re.compile(r"[@#]\w+")
_SIGNED = re.compile(
    r"[—–-] ?[^\n—–]{1,60}?(\(@\w+\),? ?([a-z]{3,9}) [0-9]{1,2}, ((?:19|20)[0-9]{2})\s*)$",
    re.IGNORECASE,
)
"""The end of a quoted post: — The author (@name) March 4, 2026."""
_JOINT = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Z])"
)
MILLIONS = re.compile(r"(?<=[$£€])([0-9]{1,3}(?:\.[0-9]{1,2})?) ?m(?:ln)?(?![a-z0-9])")
"""Money as $3.6m, which is no length."""
THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
"""The comma in 20,000."""


def plain(text: str) -> str:
    """Give a text of the same length without links and signs; a signature keeps its author.

    A name stays, for @name says who is meant: its sign and low lines become spaces.
    """
    text = _LINK.sub(_blank, text)
    if signed := _SIGNED.search(text):
        at, end = signed.start(), signed.start(1)
        text = f"{text[:at]};{text[at + 1 : end]}{' ' * (len(text) - end)}"
    return _NAME.sub(lambda name: " " + name.group()[1:].replace("_", " "), text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def joints(text: str) -> set[int]:
    """Give the places where a name such as #WaterStop2026 goes on with another word."""
    return {
        name.start() + joint.start()
        for name in _NAME.finditer(text)
        for joint in _JOINT.finditer(name.group())
        if joint.start() > 1
    }


def written(text: str) -> tuple[str, ...]:
    """Give the month and the year in which a signature says that a post was written."""
    signed = _SIGNED.search(text)
    return (signed[2].lower(), signed[3]) if signed else ()
