"""A worker in a process of its own, as `linxun worker` runs it, which also publishes when asked.

    python benchmarks/delivery_worker.py ACCESS '{"port": 1234, "rates": {"chat": 30}}'

The real store, worker and adapters; only the addresses of the providers are loopback's.
"""

import asyncio
import json
import sys
import time
import uuid
from functools import partial
from typing import Any

import delivery_town as town
from delivery_child import answer
from delivery_meter import Meter
from delivery_provider import ACCOUNT, SECRET, TOKEN
from sqlalchemy.orm import Session

from bot import logs, loop
from channels import registry
from channels.base import Channel
from channels.worker import Worker
from content import ladder
from content.alert import Severity
from content.claim import Sender
from content.clock import Clock
from content.message import Kind
from content.notice import Notice

ANSWER_SECONDS = 60
"""After so long a provider is asked what became of a request: longer than any run waits."""
_LOOK_SECONDS = 0.01
NAMES = {"chat": "telegram", "sms": "twilio_sms", "call": "twilio_voice"}


def channels(port: int, kinds: list[str]) -> dict[str, Channel]:
    """Open the real adapters against the loopback provider."""
    base = f"http://127.0.0.1:{port}"
    twilio = {
        "account_sid": ACCOUNT,
        "auth_token": SECRET,
        "sender_number": "+15550006666",
        "public_url": "https://linxun.example",
        "api_url": base,
    }
    telegram = {
        "token": TOKEN,
        "base_url": f"{base}/bot",
        "base_file_url": f"{base}/file/bot",
    }
    return {
        NAMES[kind]: registry.open(NAMES[kind], telegram if kind == "chat" else twilio)
        for kind in kinds
    }


class House:
    """The worker and what it is asked."""

    def __init__(self, access: town.Access, port: int, rates: dict[str, float]) -> None:
        self.access = access
        self.store = access.open()
        self.meter = Meter(self.store)
        self.channels = channels(port, list(rates))
        senders = [
            Sender(NAMES[kind], Kind(kind), rate, timeout=ANSWER_SECONDS)
            for kind, rate in rates.items()
        ]
        self.worker = Worker(self.store, Clock(), self.channels, senders, ladder.load())

    async def stat(self) -> dict[str, Any]:
        return self.meter.stat()

    async def publish(self, path: str, severity: str, number: int) -> dict[str, Any]:
        """Publish as a person in chat does: inside the running house."""
        now = Clock().now()
        content = town.draft(path, Severity(severity), now, number)
        ready = await self.store.write(lambda session: self._reviewed(session, content))
        begun, now = time.time(), Clock().now()
        made = await self.store.write(lambda session: self._published(session, ready))
        return {"notice": str(made), "begun": begun, "returned": time.time()}

    async def whole(self, notice: str, size: int) -> dict[str, Any]:
        """Wait until every recipient has a row that is committed."""
        wanted = uuid.UUID(notice)
        while True:
            cursor, rows = await self.store.query(lambda session: _expanded(session, wanted))
            if cursor is None and rows >= size:
                return {"at": time.time(), "rows": rows}
            await asyncio.sleep(_LOOK_SECONDS)

    def _reviewed(self, session: Session, content: Any) -> uuid.UUID:
        return town.reviewed(session, self.access, content, Clock().now())

    def _published(self, session: Session, ready: uuid.UUID) -> uuid.UUID:
        return town.publish(session, self.access, ready, Clock().now())

    async def run(self) -> None:
        """Work until the commands end."""
        working = asyncio.create_task(self.worker.run())
        loop = asyncio.get_running_loop()
        answer({"ready": True})
        while not working.done():
            line = await loop.run_in_executor(None, sys.stdin.readline)
            if not line:
                break
            asked = json.loads(line)
            answer(await getattr(self, asked.pop("do"))(**asked))
        self.worker.stop()
        await working
        for channel in self.channels.values():
            await channel.close()
        self.store.close()


def _expanded(session: Session, notice_id: uuid.UUID) -> tuple[str | None, int]:
    found = session.get_one(Notice, (session.info["community_id"], notice_id))
    return found.cursor, found.expanded


async def _run(access: town.Access, options: dict[str, Any]) -> None:
    await House(access, options["port"], options["rates"]).run()


def main() -> None:
    logs.set_up("INFO")
    work = partial(_run, town.Access.load(sys.argv[1]), json.loads(sys.argv[2]))
    loop.run(work())


if __name__ == "__main__":
    main()
