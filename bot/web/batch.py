"""Batch: what arrives while earlier work is under way is done in one go after it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 500
"""Items in one go."""


class Batch(Generic[T]):
    """Does `work` for one list of items at a time; who puts one in waits for its list."""

    def __init__(self, work: Callable[[list[T]], Awaitable[object]]) -> None:
        self._work = work
        self._waiting: dict[asyncio.Future[None], T] = {}
        self._running: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many items wait; what is under way is one list more."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Say whether nothing waits and nothing is under way."""
        return self._running is None

    async def put(self, item: T) -> None:
        """Return when the work is done for `item`; raises what the work has raised.

        Whoever is cancelled while they wait takes their item back, unless it is under way already.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting[done] = item
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        try:
            await done
        finally:
            self._waiting.pop(done, None)

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken = dict(itertools.islice(self._waiting.items(), _MOST))
                for done in taken:
                    del self._waiting[done]
                (outcome,) = await asyncio.gather(
                    self._work(list(taken.values())), return_exceptions=True
                )
                _settle(taken, outcome)
        finally:
            self._running = None


def _settle(waiting: Iterable[asyncio.Future[None]], outcome: object) -> None:
    for done in waiting:
        if done.done():
            continue
        if isinstance(outcome, BaseException):
            done.set_exception(outcome)
        else:
            done.set_result(None)
