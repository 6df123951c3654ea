"""Receipts: status callbacks, in order by default, shuffled and doubled on purpose."""

import asyncio
from collections.abc import Mapping

from bot.sandbox.stage import Stage
from bot.sandbox.web import Web

LATE = (1.0, 20.0)


class Receipts:
    """Posts callbacks without retries, as Twilio does; failures are written in the book."""

    def __init__(self, stage: Stage, web: Web) -> None:
        self._stage = stage
        self._web = web
        self._chance = stage.rng("receipts")
        self._last: dict[str, asyncio.Event] = {}

    def post(self, url: str, sid: str, params: Mapping[str, str], method: str = "POST") -> None:
        """Post one callback after the earlier ones of the same sid, or late, or twice."""
        if not url:
            return
        faults = self._stage.faults
        late = self._chance.random() < faults.shuffled
        doubled = self._chance.random() < faults.doubled
        if late:
            self._stage.spawn(self._post_late(url, params, method, self._chance.uniform(*LATE)))
        else:
            before, done = self._last.get(sid), asyncio.Event()
            self._last[sid] = done
            self._stage.spawn(self._post_next(url, sid, params, method, before, done))
        if doubled:
            self._stage.spawn(self._post_late(url, params, method, self._chance.uniform(*LATE)))

    async def _post_next(
        self,
        url: str,
        sid: str,
        params: Mapping[str, str],
        method: str,
        before: asyncio.Event | None,
        done: asyncio.Event,
    ) -> None:
        if before is not None:
            await before.wait()
        try:
            await self._web.call(url, params, method)
        finally:
            done.set()
            if self._last.get(sid) is done:
                del self._last[sid]

    async def _post_late(
        self, url: str, params: Mapping[str, str], method: str, seconds: float
    ) -> None:
        await self._stage.clock.sleep(seconds)
        await self._web.call(url, params, method)
