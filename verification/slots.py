"""Slots: the numbers, dates, places and polarity that a text pins down."""

from dataclasses import dataclass
from enum import StrEnum


class Polarity(StrEnum):
    """How a text holds its claim."""

    AFFIRMED = "affirmed"
    DENIED = "denied"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Slots:
    """What a text pins down; empty sets where it says nothing.

    `dates` are (year, month, day) with 0 for what is not said; `numbers` are
    (value as text, unit or ""); `places` are names as written after folding.
    """

    numbers: frozenset[tuple[str, str]] = frozenset()
    dates: frozenset[tuple[int, int, int]] = frozenset()
    places: frozenset[str] = frozenset()
    polarity: Polarity = Polarity.AFFIRMED
