"""Flow: when the last of a queue starts, at a sender's rate and on its lines. Pure."""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from channels import airtime
from content import segment
from content.due import APART
from content.message import Kind, Message
from content.pace import Sender

TARGET = 1800.0
"""Seconds within which everybody should have been told once: what a better limit aims at."""
_SLACK = 1.02
"""A limit binds where it makes the last one start so much later."""


class Limit(StrEnum):
    """What a queue waits for."""

    RATE = "rate"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Batch:
    """So many starts that are alike, in the order of the queue."""

    count: int
    units: int = 1
    """What each takes of the rate: 1, or its SMS segments."""
    unanswered: float = 0.0
    """Seconds for which a call that nobody takes holds its line."""
    answered: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """The queue of one sender; `busy` starts are under way, `share` of all calls are answered.

    apart: how many are the second number of their home, the third, ...: each starts a minute
    after the one before it, and when all of those have started.
    """

    sender: Sender
    batches: tuple[Batch, ...]
    share: float = 0.0
    busy: int = 0
    apart: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Return how many starts there are."""
        return sum(one.count for one in self.batches)

    @property
    def units(self) -> int:
        """Return what they take of the rate."""
        return sum(one.count * one.units for one in self.batches)

    @property
    def holding(self) -> float:
        """Return how long a call holds its line, in the mean; in seconds."""
        held = sum(one.count * self._held(one) for one in self.batches)
        return held / self.count if self.count else 0.0

    def starts(self) -> Iterator[float]:
        """Return when each of them starts, in seconds from when the first may."""
        lines = self.sender.lines
        free = [0.0] * max(0, (lines or 0) - self.busy)
        # of what is under way half its time is over
        busy = [self.holding / 2] * min(self.busy, lines or 0)
        waiting = [*free, *busy]
        heapq.heapify(waiting)
        may, owed, homes = 0.0, 0.0, _Homes(self.count, self.apart)
        for one in self.batches:
            pace = self.sender.seconds(one.units)
            for _ in range(one.count):
                at = homes.start(max(may, waiting[0]) if waiting else may)
                may = at + pace
                if waiting:
                    owed += self.share
                    held = one.answered if owed >= 1 else one.unanswered
                    owed -= owed >= 1
                    heapq.heapreplace(waiting, at + held)
                yield at

    def by_rate(self) -> float:
        """Return when the last of them would start if only the rate were a limit."""
        if self.apart:
            return max(replace(self, sender=replace(self.sender, lines=None)).starts(), default=0.0)
        last = next((one.units for one in reversed(self.batches) if one.count), 0)
        return self.sender.seconds(max(0, self.units - last))

    def _held(self, one: Batch) -> float:
        return self.share * one.answered + (1 - self.share) * one.unanswered


class _Homes:
    """When the numbers of a home may ring; whose homes they are is not known: they are spread."""

    def __init__(self, count: int, apart: Sequence[int]) -> None:
        self._left = [count - sum(apart), *apart]
        """How many are the first number of their home, the second, ..."""
        self._before: list[float] = []
        self._begun: list[float] = []

    def start(self, at: float) -> float:
        """Return when the next one starts, which might start at `at`."""
        if len(self._begun) >= self._left[0] and len(self._left) > 1:
            del self._left[0]
            self._before, self._begun = self._begun, []
        if self._before:
            nth = (2 * len(self._begun) + 1) * len(self._before) // (2 * self._left[0])
            at = max(at, self._before[min(nth, len(self._before) - 1)] + APART.total_seconds())
        self._begun.append(at)
        return at


@dataclass(frozen=True, slots=True)
class End:
    """How a queue ends: when its last starts, for what it waits, how many start too late."""

    seconds: float
    limit: Limit
    late: int


@dataclass(frozen=True, slots=True)
class Better:
    """What would start the last within the target; None: as it is. `seconds` until it does."""

    lines: int | None
    rate: float | None
    seconds: float


def end(line: Line, until: float = math.inf, ahead: int = 0) -> End:
    """Play a queue to its end; of the first `ahead`, which are others', none counts as too late."""
    last, late = line.by_rate(), 0
    limit = Limit.RATE
    if line.sender.lines is None and last < until:
        return End(last, limit, late)
    for number, at in enumerate(line.starts()):
        last = at
        late += number >= ahead and at >= until
    if last > line.by_rate() * _SLACK + 1:
        limit = Limit.LINES
    return End(last, limit, late)


def better(line: Line, target: float = TARGET) -> Better | None:
    """Return the least lines and rate with which the last starts within the target; None: it does.

    Of lines L and calls of h seconds, the last of n starts after about (n - L) h / L seconds.
    """
    if end(line).seconds <= target:
        return None
    sender = line.sender
    rate = _round(max(sender.rate, sender.rate * line.by_rate() / target), sender.rate)
    lines = sender.lines
    if lines is not None:
        lines = max(lines, math.ceil(line.count * line.holding / (target + line.holding)))
    wished = replace(line, sender=replace(sender, rate=rate, lines=lines))
    return Better(
        lines if lines != sender.lines else None,
        rate if rate != sender.rate else None,
        end(wished).seconds,
    )


def batch(sender: Sender, message: Message, count: int) -> Batch:
    """Return so many of a message, with what each takes of its sender."""
    units = segment.measure(message.sms).segments if sender.segments else 1
    speech = message.speech if sender.kind is Kind.CALL else None
    held = airtime.answered(speech) if speech else airtime.RING
    return Batch(count, units, airtime.RING, held)


def total(batches: Sequence[Batch]) -> int:
    """Return how many starts there are in all."""
    return sum(one.count for one in batches)


def _round(rate: float, now: float) -> float:
    """Return a rate that can be said: whole from 1 on, else in tenths; never less than `rate`."""
    if rate == now:
        return now
    return float(math.ceil(rate)) if rate >= 1 else math.ceil(rate * 10) / 10
