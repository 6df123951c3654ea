"""Faults: what can be made to go wrong at a provider, for crash and failure tests."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from content.clock import Clock


@dataclass(slots=True)
class Fault:
    """What goes wrong at one provider with requests that send or change something.

    latency: real seconds before a request is looked at; lag: real seconds between its acceptance
    and the answer. errors: so many requests get HTTP 500 and nothing happens. drops: so many are
    accepted, and the connection breaks before the answer. suspended: the account says so of itself.
    """

    latency: float = 0.0
    lag: float = 0.0
    errors: int = 0
    drops: int = 0
    suspended: bool = False
    _throttled_until: datetime | None = None

    def throttle(self, clock: Clock, seconds: float) -> None:
        """Answer 429 for `seconds` of clock time."""
        self._throttled_until = clock.now() + timedelta(seconds=seconds)

    def throttled(self, now: datetime) -> float:
        """Return for how many seconds from `now` requests are still answered 429."""
        if self._throttled_until is None:
            return 0.0
        return max(0.0, (self._throttled_until - now).total_seconds())

    def take_error(self) -> bool:
        """Say whether this request fails, and count it."""
        self.errors, failing = max(0, self.errors - 1), self.errors > 0
        return failing

    def take_drop(self) -> bool:
        """Say whether this request's connection breaks after acceptance, and count it."""
        self.drops, dropping = max(0, self.drops - 1), self.drops > 0
        return dropping


@dataclass(slots=True)
class Faults:
    """One Fault per provider; receipts that Twilio shuffles or doubles, as probabilities."""

    telegram: Fault = field(default_factory=Fault)
    twilio: Fault = field(default_factory=Fault)
    shuffled: float = 0.1
    doubled: float = 0.1
