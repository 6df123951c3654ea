"""Updates: what people did, queued for the bot, fetched by polling or posted to its webhook."""

import asyncio
import json
from collections import deque
from typing import Any

from bot.sandbox.fields import Refusal, Values
from bot.sandbox.stage import Stage
from bot.sandbox.web import Web

# Telegram leaves these out unless they are asked for
ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
MAX_BATCH = 100
MAX_WAIT = 50
RETRY_AFTER = 5.0


class Updates:
    """The queue of one bot: an update stays until a higher offset is asked for or a 200 came."""

    def __init__(self, stage: Stage, web: Web) -> None:
        self._stage = stage
        self._web = web
        self._queue: deque[Values] = deque()
        self._next_id = 100_001
        self._allowed: frozenset[str] | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self.webhook = ""
        self.secret = ""
        self.last_error = ""
        self._posting = False

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, kind: str, body: Values) -> None:
        """Queue one update, unless the bot did not ask for this kind."""
        if self._allowed is None and kind in ON_REQUEST:
            return
        if self._allowed is not None and kind not in self._allowed:
            return
        self._queue.append({"update_id": self._next_id, kind: body})
        self._next_id += 1
        self._wake(going_on=True)
        if self.webhook and not self._posting:
            self._posting = True
            self._stage.spawn(self._post())

    async def poll(self, values: Values) -> list[Values]:
        """Answer getUpdates; raises Refusal 409 beside a webhook or when another poller comes."""
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._wake(going_on=False)
        self.allow(values.get("allowed_updates"))
        self._confirm(values.get("offset", 0))
        if not self._queue:
            await self._wait(min(values.get("timeout", 0), MAX_WAIT))
        limit = min(max(values.get("limit", MAX_BATCH), 1), MAX_BATCH)
        return list(self._queue)[:limit]

    def allow(self, kinds: list[str] | None) -> None:
        """Remember which kinds of updates are wanted; None keeps what was said before."""
        if kinds is not None:
            self._allowed = frozenset(kinds) if kinds else None

    def set_webhook(self, url: str, secret: str) -> None:
        """Post updates to this URL from now on, or stop doing so if it is empty."""
        self._wake(going_on=False)
        self.webhook, self.secret, self.last_error = url, secret, ""
        if url and self._queue and not self._posting:
            self._posting = True
            self._stage.spawn(self._post())

    def close(self) -> None:
        """Let a poller that waits go home with what there is."""
        self._wake(going_on=True)

    def drop(self) -> None:
        """Forget everything that waits."""
        self._queue.clear()

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._queue) > -offset:
                self._queue.popleft()
        while self._queue and self._queue[0]["update_id"] < offset:
            self._queue.popleft()

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake_one, waiter, True)
        try:
            if not await waiter:
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
        finally:
            timer.cancel()
            if self._waiter is waiter:
                self._waiter = None

    def _wake(self, *, going_on: bool) -> None:
        if self._waiter is not None:
            self._wake_one(self._waiter, going_on)

    @staticmethod
    def _wake_one(waiter: "asyncio.Future[bool]", going_on: bool) -> None:
        if not waiter.done():
            waiter.set_result(going_on)

    async def _post(self) -> None:
        while self.webhook and self._queue:
            update = self._queue[0]
            answer = await self._web.send(
                self.webhook,
                json.dumps(update, ensure_ascii=False).encode(),
                {
                    "Content-Type": "application/json",
                    "X-Telegram-Bot-Api-Secret-Token": self.secret,
                },
            )
            if answer.ok:
                self._take(update)
            else:
                self.last_error = f"Wrong response from the webhook: {answer.status}"
                await self._stage.clock.sleep(RETRY_AFTER)
        self._posting = False

    def _take(self, update: Values) -> None:
        if self._queue and self._queue[0] is update:
            self._queue.popleft()

    def info(self) -> dict[str, Any]:
        """Return what getWebhookInfo says."""
        facts: dict[str, Any] = {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue),
        }
        if self.last_error:
            facts["last_error_message"] = self.last_error
            facts["last_error_date"] = int(self._stage.clock.now().timestamp())
        return facts
