"""A worker in a process of its own, as `linxun worker` runs it, which also publishes when asked.

    python benchmarks/delivery_worker.py ACCESS '{"port": 1234, "rates": {"chat": 30}}'

The real store, worker and adapters; only the addresses of the providers are loopback's.
"""

import asyncio
import json
import sys
import time
import uuid
from typing import Any

import delivery_town as town
from delivery_child import answer
from delivery_meter import Meter
from delivery_provider import ACCOUNT, NUMBER, SECRET, TOKEN
from sqlalchemy.orm import Session

from bot import logs, loop
from bot.app import App, Part
from bot.config import Settings
from content.alert import Severity
from content.clock import Clock
from content.notice import Notice

_LOOK_SECONDS = 0.01
_LINES = 10_000
"""More calls at once than a second's limit can begin: what is measured is the limit."""
NAMES = {"chat": "telegram", "sms": "twilio_sms", "call": "twilio_voice"}


def settings(access: town.Access, port: int, rates: dict[str, float]) -> Settings:
    """Set up what a committee sets up, with the providers' addresses on loopback."""
    base = f"http://127.0.0.1:{port}"
    given: dict[str, Any] = {
        "database_url": access.url,
        "key_file": access.keys,
        "answer_seconds": 60,
    }
    if "chat" in rates:
        given |= {
            "telegram_token": TOKEN, "telegram_api_url": f"{base}/bot",
            "telegram_file_url": f"{base}/file/bot", "telegram_rate": rates["chat"],
        }  # fmt: skip
    if rates.keys() & {"sms", "call"}:
        given |= {
            "twilio_account_sid": ACCOUNT, "twilio_auth_token": SECRET, "twilio_api_url": base,
            "public_url": "https://linxun.example",
        }  # fmt: skip
    if "sms" in rates:
        given |= {"twilio_sms_from": NUMBER, "twilio_sms_rate": rates["sms"]}
    if "call" in rates:
        given |= {
            "twilio_voice_from": NUMBER, "twilio_voice_rate": rates["call"],
            "twilio_voice_lines": _LINES,
        }  # fmt: skip
    return Settings(_env_file=None, **given)


class House:
    """A house whose only part is the worker, and what it is asked."""

    def __init__(self, access: town.Access, port: int, rates: dict[str, float]) -> None:
        self.access = access
        self.store = access.open()
        self.meter = Meter(self.store)
        given = settings(access, port, rates)
        self.app = App(given, self.store, Clock(), frozenset({Part.WORKER}))

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
        working = asyncio.create_task(self.app.run())
        running = asyncio.get_running_loop()
        answer({"ready": True})
        while not working.done():
            line = await running.run_in_executor(None, sys.stdin.readline)
            if not line:
                break
            asked = json.loads(line)
            answer(await getattr(self, asked.pop("do"))(**asked))
        self.app.ask_to_stop()
        await working
        self.store.close()


def _expanded(session: Session, notice_id: uuid.UUID) -> tuple[str | None, int]:
    found = session.get_one(Notice, (session.info["community_id"], notice_id))
    return found.cursor, found.expanded


async def _run(access: town.Access, options: dict[str, Any]) -> None:
    await House(access, options["port"], options["rates"]).run()


def main() -> None:
    logs.set_up("INFO")
    loop.run(_run(town.Access.load(sys.argv[1]), json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
