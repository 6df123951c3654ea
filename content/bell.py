"""Waking who waits for a commit: at once in this process, soon across processes."""

import asyncio
import threading
import time
from contextlib import suppress


class Bell:
    """Rings at each commit of this process; a subclass looks or listens for those of others.

    Any number of tasks, of whichever loop, wait for it.
    """

    look_seconds: float | None = None
    """Real seconds between two looks for commits of other processes; None: nobody needs to look."""

    def __init__(self) -> None:
        self.count = 0
        """How often it has rung."""
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._guard = threading.Lock()

    def ring(self) -> None:
        """Say that this process has committed something."""
        self.wake()

    def wake(self) -> None:
        """Wake everyone who waits in this process."""
        with self._guard:
            self.count += 1
            for loop, happened in self._waiting:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(happened.set)

    async def wait(self, seconds: float, since: int | None = None) -> None:
        """Return at the next commit, at once if one came after the mark, or after `seconds`."""
        happened = asyncio.Event()
        entry = (asyncio.get_running_loop(), happened)
        with self._guard:
            if since not in (None, self.count):
                return
            self._waiting.add(entry)
        try:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0 and not happened.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, self.look_seconds or left)):
                        await happened.wait()
                if self.moved():
                    # only who looks first sees it: it tells the others
                    self.wake()
                    return
        finally:
            with self._guard:
                self._waiting.discard(entry)

    def moved(self) -> bool:
        """Say whether another process has committed since the last look."""
        return False

    def close(self) -> None:
        """Tell what is still to be told, and give back what it holds."""
