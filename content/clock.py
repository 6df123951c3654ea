"""Time: one clock for a whole process, real or scaled."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time and sleeps in it.

    A scaled clock runs `scale` times as fast as the wall clock from `start` on, so that a drill of
    two hours takes half a minute. Rules never read it: they take `now` as an argument. Network
    timeouts stay in real seconds.
    """

    def __init__(self, scale: float = 1.0, start: datetime | None = None) -> None:
        self.scale = scale
        self._began = time.monotonic()
        self._start = start or datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self.scale)

    def pace(self, scale: float) -> None:
        """Run at another speed from now on; the time goes on from where it is."""
        self._start, self._began = self.now(), time.monotonic()
        self.scale = scale

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of this clock's time."""
        await asyncio.sleep(self.real(seconds))

    def real(self, seconds: float) -> float:
        """Return how many wall-clock seconds `seconds` of this clock take."""
        return seconds / self.scale
