"""Spend: what the first contacts of an alert take by kind and language, in what providers bill."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from channels import airtime
from content import compose, segment
from content.message import Kind, Message, Spoken, Written
from content.profile import Profile
from content.segment import Size

_BILLED = (Kind.CHAT, Kind.SMS, Kind.CALL)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Spend:
    """First contacts that are alike: so many messages or calls, with so many units for each.

    each: chat messages (1), SMS segments, or begun minutes of a call that is taken and heard out.
    """

    kind: Kind
    language: Written
    count: int
    each: int
    size: Size | None = None
    """What the SMS takes."""

    @property
    def units(self) -> int:
        """Return the units of all of them; calls that nobody takes cost less."""
        return self.count * self.each


def of(
    message: Callable[[Kind, Written, Spoken], Message], made: Mapping[Kind, Counter[Profile]]
) -> tuple[Spend, ...]:
    """Return what so many first contacts take, by kind, then language, the dearest last."""
    found: Counter[tuple[Kind, Written, int, Size | None]] = Counter()
    for kind in _BILLED:
        for who, many in made.get(kind, Counter[Profile]()).items():
            told = message(kind, who.written, who.spoken)
            size = segment.measure(told.sms) if kind is Kind.SMS else None
            language = compose.language(kind, who.written, who.spoken)
            found[kind, language, _units(kind, told, size), size] += many
    return tuple(sorted(_spends(found), key=_order))


def _spends(found: Counter[tuple[Kind, Written, int, Size | None]]) -> Iterator[Spend]:
    for (kind, language, each, size), many in found.items():
        yield Spend(kind, language, many, each, size)


def _order(one: Spend) -> tuple[int, str, int]:
    return _BILLED.index(one.kind), one.language, one.each


def _units(kind: Kind, told: Message, size: Size | None) -> int:
    if kind is Kind.CALL:
        seconds = airtime.answered(told.speech) if told.speech else 0
        return max(1, math.ceil(seconds / _MINUTE))
    return size.segments if size else 1
