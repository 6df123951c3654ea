"""Line: one leg of a call, where keys are pressed, words are spoken and somebody hangs up."""

import asyncio
from collections import deque
from collections.abc import Callable

from bot.sandbox.stage import Stage


class HungUpError(Exception):
    """The call is over: the person or the committee has hung up."""


class Line:
    """The person's end of a call.

    Keys count only while a question is open, as with a provider's Gather. `on_question` is called
    with the length of its prompt in clock seconds, and what it expects.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._keys: deque[str] = deque()
        self._speech = ""
        self._waiter: asyncio.Future[None] | None = None
        self.open = False
        self.ended = False
        self.answered: bool | None = None
        self.on_question: Callable[[float, str], None] = _listen

    def answer(self) -> None:
        """Pick up."""
        if self.answered is None:
            self.answered = True
            self._wake()

    def decline(self) -> None:
        """Refuse a ringing call."""
        if self.answered is None:
            self.answered = False
            self._wake()

    def press(self, key: str) -> bool:
        """Press one key; returns whether a question was open to hear it."""
        if self.open:
            self._keys.append(key)
            self._wake()
        return self.open

    def speak(self, text: str) -> None:
        """Say something; heard only while a question is open."""
        if self.open:
            self._speech = text
            self._wake()

    def hang_up(self) -> None:
        """End the call from either side."""
        self.ended = True
        self._wake()

    def ask(self, seconds: float, expects: str) -> None:
        """Open a question whose prompt takes so many clock seconds."""
        self._keys.clear()
        self._speech = ""
        self.open = True
        self.on_question(seconds, expects)

    def close(self) -> None:
        """Close the question; later keys are lost."""
        self.open = False

    async def ring(self, seconds: float) -> bool | None:
        """Ring; returns True if picked up, False if declined, None if nobody did either."""
        await self._wait(seconds, lambda: self.answered is not None)
        return self.answered

    async def pause(self, seconds: float) -> None:
        """Let clock seconds pass; raises HungUpError when the call ends before."""
        await self._wait(seconds, lambda: False)

    async def key(self, seconds: float) -> str:
        """Return the next key, or "" after so many clock seconds or when something was said."""
        await self._wait(seconds, lambda: bool(self._keys or self._speech))
        return self._keys.popleft() if self._keys else ""

    @property
    def speech(self) -> str:
        """What was said since the question was opened."""
        return self._speech

    async def _wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._stage.clock.real(seconds)
        while not self.ended and not enough() and loop.time() < end:
            waiter = self._waiter = loop.create_future()
            timer = loop.call_at(end, self._wake)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self.ended:
            raise HungUpError

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _listen(_seconds: float, _expects: str) -> None:
    """Do nothing but listen, as an answering machine does."""
