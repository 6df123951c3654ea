"""What one process counts of its own work: plain numbers, whoever may show them."""

import bisect
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from channels.base import SendError
from channels.sweep import Swept
from content.delivery import AttemptState
from content.reason import Reason

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the durations that are counted together, in real seconds."""
_EVENTS = frozenset({"expired", "unrouted", "short", "zombie"})
"""What a sweep settles at once, and so never finds twice; the rest may stand for a while."""
_DOWN = frozenset(
    {
        Reason.PROVIDER_DOWN,
        Reason.PROVIDER_REFUSED,
        Reason.CREDENTIALS,
        Reason.TIMEOUT,
        Reason.OUTCOME_UNKNOWN,
    }
)
"""Failures that say more about the provider than about the number that was tried."""


class Outcome(StrEnum):
    """How a request to a provider ended."""

    TAKEN = "taken"
    FAILED = "failed"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Timing:
    """How long something took, many times: how often up to each bound, and in all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Beat:
    """When a loop last went round without an error; `at` None: never since it was expected."""

    at: datetime | None
    tick: float
    """Real seconds of `Meter.ticks`."""


@dataclass(slots=True)
class Failing:
    """Since when a provider has taken nothing it was given, in real seconds of `Meter.ticks`."""

    since: float
    last: float


class Meter:
    """Counts for one event loop, in its thread; nothing here waits, asks or raises.

    Names are those of senders and loops, never a number, a name or a text.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self.ticks = ticks
        self.attempts: Counter[tuple[str, Outcome, str]] = Counter()
        """By sender, outcome and reason, if one."""
        self.settlements: Counter[tuple[str, AttemptState]] = Counter()
        """What became of attempts whose request had no clear end, by sender and state."""
        self.timings: dict[tuple[str, str], Timing] = {}
        """By what was timed (`claim`, `send`, `record`) and the sender, if one."""
        self.beats: dict[tuple[str, str], Beat] = {}
        """By loop and sender, if it has one."""
        self.claimed: Counter[str] = Counter()
        self.found: dict[str, int] = {}
        """What the last sweep found."""
        self.findings: Counter[str] = Counter()
        """What all sweeps found, each thing once."""
        self.expanded = 0
        self.last_taken: dict[str, float] = {}
        """By sender: when a provider last took something, in real seconds of `ticks`."""
        self._failing: dict[str, Failing] = {}

    def taken(self, sender: str) -> None:
        """Count that a provider took a message."""
        self.last_taken[sender] = self.ticks()
        self._ended(sender, Outcome.TAKEN)

    def refused(self, sender: str, error: SendError) -> None:
        """Count a request that failed, was asked to wait, or whose end nobody can tell."""
        if error.retry_after is not None:
            self._ended(sender, Outcome.THROTTLED)
        elif error.unknown:
            self._ended(sender, Outcome.UNKNOWN, error.reason)
        else:
            self._ended(sender, Outcome.FAILED, error.reason)

    def settled(self, sender: str, state: AttemptState) -> None:
        """Count what became of an attempt past its deadline."""
        self.settlements[sender, state] += 1

    def claim(self, sender: str, rows: int, seconds: float) -> None:
        """Count what one claim took, and how long it was about it (real seconds)."""
        self.claimed[sender] += rows
        self.timed("claim", seconds, sender)

    def timed(self, what: str, seconds: float, sender: str = "") -> None:
        """Count a duration, in real seconds."""
        self.timings.setdefault((what, sender), Timing()).add(seconds)

    def expect(self, loop: str, sender: str = "") -> None:
        """Say that this loop is meant to go round from now on."""
        self.beats.setdefault((loop, sender), Beat(None, self.ticks()))

    def beat(self, loop: str, now: datetime, sender: str = "") -> None:
        """Note that a loop went round without an error, idle or not."""
        self.beats[loop, sender] = Beat(now, self.ticks())

    def grown(self, rows: int) -> None:
        """Count rows that an expansion has made."""
        self.expanded += rows

    def swept(self, found: Swept) -> None:
        """Count what a sweep found; what it had found before and still finds counts once."""
        for name, count in asdict(found).items():
            before = 0 if name in _EVENTS else self.found.get(name, 0)
            self.findings[name] += max(0, count - before)
            self.found[name] = count

    @property
    def sends(self) -> bool:
        """Say whether this process is one that claims and sends."""
        return any(loop == "claim" for loop, _ in self.beats)

    def stopped(self, within: float, failing: float) -> list[str]:
        """Return the loops silent for `within` real seconds and the senders failing for `failing`.

        Empty: everything works.
        """
        now = self.ticks()
        found = [
            f"{loop} {sender}".strip()
            for (loop, sender), beat in self.beats.items()
            if now - beat.tick > within
        ]
        return found + [f"send {sender}" for sender in self.failing(within, failing)]

    def failing(self, within: float, least: float) -> dict[str, float]:
        """Return the senders whose provider fails or asks to wait every time, and for how long (s).

        For `least` seconds at least, and the last time within `within`: who is not tried any more
        is not held to be broken.
        """
        now = self.ticks()
        return {
            sender: one.last - one.since
            for sender, one in self._failing.items()
            if one.last - one.since >= least and now - one.last <= within
        }

    def _ended(self, sender: str, outcome: Outcome, reason: Reason | None = None) -> None:
        self.attempts[sender, outcome, reason.value if reason else ""] += 1
        # who is asked to wait every time gets nothing out either
        if reason not in _DOWN and outcome is not Outcome.THROTTLED:
            self._failing.pop(sender, None)
            return
        now = self.ticks()
        self._failing.setdefault(sender, Failing(now, now)).last = now
