"""Limits: how fast the stand-ins let anything through, in clock time."""

from dataclasses import dataclass

from content.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates of the real services; None means unlimited.

    Telegram: about 30 messages a second over all chats, 1 a second in one chat after a short burst,
    20 a minute in a group. Twilio: 1 call a second and 1 SMS segment a second and sender by
    default, requests to the REST API by the account.
    """

    chats_per_second: float | None = 30.0
    one_chat_per_second: float | None = 1.0
    one_chat_burst: int = 5
    group_per_minute: float | None = 20.0
    calls_per_second: float | None = 1.0
    concurrent_calls: int | None = None
    segments_per_second: float | None = 1.0
    requests_per_second: float | None = 100.0


UNLIMITED = Limits(
    chats_per_second=None,
    one_chat_per_second=None,
    group_per_minute=None,
    calls_per_second=None,
    segments_per_second=None,
    requests_per_second=None,
)


class Bucket:
    """A rate in clock time: `rate` units a second, `burst` at once; rate None is unlimited."""

    def __init__(self, clock: Clock, rate: float | None, burst: float = 1.0) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._seen = clock.now()

    def take(self, units: float = 1.0) -> float:
        """Take the units and return 0.0, or take nothing and return the seconds to wait."""
        if self._rate is None:
            return 0.0
        self._refill(self._rate)
        if self._level >= units:
            self._level -= units
            return 0.0
        return (units - self._level) / self._rate

    def reserve(self, units: float = 1.0) -> float:
        """Take the units in any case and return in how many seconds they may be spent."""
        if self._rate is None:
            return 0.0
        self._refill(self._rate)
        self._level -= units
        return max(0.0, -self._level / self._rate)

    def _refill(self, rate: float) -> None:
        now = self._clock.now()
        passed = (now - self._seen).total_seconds()
        self._level = min(self._burst, self._level + passed * rate)
        self._seen = now
