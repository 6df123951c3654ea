"""Kill the house at its worst moments over thousands of deliveries, and count; see README.md.

    python benchmarks/crash.py [--deliveries N] [--seed N] [--quick] [--database sqlite|postgresql]

Exits with 1 where somebody was lost, told twice beyond the bound, or not heard.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import crash_books
from crash_books import Books
from crash_database import database
from crash_house import ANSWER, Child, House, environment, free_port, locked
from crash_provider import Provider, until
from crash_town import Town, build
from sqlalchemy import func, select

from content import lease
from content.alert import Severity
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.inbound import Inbound
from content.message import Kind
from content.notice import Notice, NoticeState

RESULTS = Path(__file__).resolve().parent / "results" / "crash.json"
WAVES = (Severity.EXTREME, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME, Severity.MINOR)
"""The alerts of a run, one after the other: an update replaces the first while half sent, the
third is taken back while half sent."""
WORKERS = {"sqlite": 1, "postgresql": 4}
LOCKED = (1.0, 2.5)
"""Seconds for which the database is held."""


@dataclass
class Limits:
    """How long a run may take, in seconds, and how often it kills."""

    kills: int
    killing: float
    resting: float
    """Seconds without any progress after which the house is taken to rest."""
    longest: float


FULL, QUICK = Limits(60, 420, 60, 1_500), Limits(20, 100, 45, 215)


@dataclass
class Run:
    """One run: the town, the house, and what was done to it."""

    town: Town
    house: House
    limits: Limits
    chance: Random
    began: float = field(default_factory=time.monotonic)
    bound: set[str] = field(default_factory=set)
    """Urgent chat messages in flight at a kill."""
    steps: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def provider(self) -> Provider:
        """The stand-in."""
        return self.town.provider

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.began

    async def kill(self, step: str, *kinds: str) -> None:
        """Kill one process of these kinds (all of them for `everything`), and note what flew."""
        children = self.house.of(*kinds)
        chosen = children if step == "everything" else [self.chance.choice(children)]
        # every one of them, not only up to the first that runs
        killed = [self.house.kill(one, step) for one in chosen]
        if any(killed):
            await self._note(step)
        else:
            self.missed[step] += 1

    async def kill_poller(self) -> None:
        """Kill the process that fetches what is written in chats."""
        held = await self.town.store.query(lease.holders)
        pid = held.get("poll:telegram", "::").split(":")[1]
        found = [one for one in self.house.children if str(one.pid) == pid]
        if found and self.house.kill(found[0], "receiving"):
            await self._note("receiving")
        else:
            self.missed["receiving"] += 1

    async def _note(self, step: str) -> None:
        self.steps[step] += 1
        self.bound |= await self.town.store.query(crash_books.in_flight)

    async def at_bell(self, step: str, bell: str, *kinds: str, within: float = 12.0) -> None:
        """Kill at the very moment the provider rings, after one to eight rings."""
        (child,) = self.chance.sample(self.house.of(*kinds), 1)
        left = self.chance.randint(1, 8)
        rung = asyncio.Event()

        def ring() -> None:
            nonlocal left
            left -= 1
            if not left:
                self.house.kill(child, step)
                rung.set()

        self.provider.bells[bell] = ring
        try:
            await asyncio.wait_for(rung.wait(), within)
        except TimeoutError:
            self.missed[step] += 1
        else:
            await self._note(step)
        finally:
            del self.provider.bells[bell]

    # the steps

    async def claimed(self) -> None:
        """Kill after the claim: rows are `attempting`, and the provider has not heard of them."""
        if await self._sees(lambda refs: bool(refs - self.provider.refs())):
            await self.kill("claimed", "worker")
        else:
            self.missed["claimed"] += 1

    async def asking(self) -> None:
        """Kill during the request: the provider has it and has not looked at it."""
        self.provider.slow(self.chance.uniform(0.2, 0.8), 0)
        await self.at_bell("asking", "received", "worker")
        self.provider.slow(0, 0)

    async def taken(self) -> None:
        """Kill after the provider took it: its answer is late."""
        self.provider.slow(0, self.chance.uniform(0.2, 0.8))
        await self.at_bell("taken", "taken", "worker")
        self.provider.slow(0, 0)

    async def unrecorded(self) -> None:
        """Kill before the outcome is committed: answers arrive, and nothing can be written."""
        self.provider.slow(0, 0.3)
        begun = self.provider.counts["taken"]
        if await until(lambda: self.provider.counts["taken"] > begun, 12):
            async with locked(self.town.store.url):
                await asyncio.sleep(self.chance.uniform(0.35, 0.6))
                await self.kill("unrecorded", "worker")
        else:
            self.missed["unrecorded"] += 1
        self.provider.slow(0, 0)

    async def expanding(self) -> None:
        """Kill in the middle of an expansion: some have a delivery, others have none yet."""
        if await self._when(_expanding, 3):
            await self.kill("expanding", "worker")
        else:
            self.missed["expanding"] += 1

    async def receiving(self) -> None:
        """Kill the poller that has updates and cannot commit them."""
        begun = self.provider.counts["fetched"]
        async with locked(self.town.store.url):
            self.town.asks(Kind.CHAT)
            if await until(lambda: self.provider.counts["fetched"] > begun, 3):
                await asyncio.sleep(self.chance.uniform(0, 0.1))
                await self.kill_poller()
            else:
                self.missed["receiving"] += 1

    async def webhook(self) -> None:
        """Kill the web process while a webhook is with it."""
        await self.at_bell("webhook", "posting", "web-0")

    async def everything(self) -> None:
        """Kill all processes while somebody else holds the database."""
        async with locked(self.town.store.url):
            await asyncio.sleep(self.chance.uniform(*LOCKED))
            await self.kill("everything", "worker", "web")
            await asyncio.sleep(self.chance.uniform(0, 1))

    async def any_time(self) -> None:
        """Kill any of them at any time."""
        await asyncio.sleep(self.chance.uniform(0.2, 3))
        await self.kill("any_time", "worker", "web")

    async def _sees(self, ready: Callable[[set[str]], bool]) -> bool:
        def attempting(session: Any) -> bool:
            open_ = select(Attempt.ref).where(Attempt.state == AttemptState.ATTEMPTING)
            return ready(set(session.scalars(open_)))

        return await self._when(attempting, 12)

    async def _when(self, ready: Callable[[Any], bool], seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if await self.town.store.query(ready):
                return True
            await asyncio.sleep(0.01)
        return False


def _expanding(session: Any) -> bool:
    query = select(Notice.id).where(Notice.state == NoticeState.LIVE, Notice.cursor.is_not(None))
    return session.scalars(query.where(Notice.expanded > 0)).first() is not None


def _resting(session: Any) -> bool:
    """Say whether there is nothing left to do."""
    open_ = (
        select(func.count())
        .select_from(Delivery)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(Delivery.state == DeliveryState.OPEN, Notice.state == NoticeState.LIVE)
    )
    flying = (
        select(func.count()).select_from(Attempt).where(Attempt.state == AttemptState.ATTEMPTING)
    )
    waiting = select(func.count()).select_from(Inbound).where(Inbound.handled_at.is_(None))
    growing = select(func.count()).where(
        Notice.state == NoticeState.LIVE, Notice.cursor.is_not(None)
    )
    return not any(session.scalar(query) for query in (open_, flying, waiting, growing))


def _handled(session: Any) -> int:
    query = select(func.count()).select_from(Inbound).where(Inbound.handled_at.is_not(None))
    return session.scalar(query) or 0


async def play(run: Run, asked: int) -> None:
    """Publish wave after wave, kill through all of them, then let the house come to rest."""
    chatter = asyncio.create_task(_chatter(run, asked))
    each = -(-run.limits.kills // len(WAVES))
    for number, severity in enumerate(WAVES):
        made = await run.town.publish(severity)
        print(f"{run.seconds:5.0f} s  alert {number + 1} ({severity}) is out", flush=True)
        await _kills(run, each // 2, (number + 0.5) / len(WAVES))
        if number == 0:
            await run.town.update(made, severity)
        elif number == 2:
            await run.town.cancel(made)
        await _kills(run, each - each // 2, (number + 1) / len(WAVES))
    await chatter
    print(f"{run.seconds:5.0f} s  {dict(run.steps)}; the last restart", flush=True)
    ends, seen = time.monotonic() + run.limits.resting, None
    # as long as something moves it is waited for, but not for ever
    while run.seconds < run.limits.longest and time.monotonic() < ends:
        moved = run.provider.counts.total(), await run.town.store.query(_handled)
        if moved != seen:
            ends, seen = time.monotonic() + run.limits.resting, moved
        if not len(run.provider.sandbox.updates) and await run.town.store.query(_resting):
            break
        await asyncio.sleep(0.5)


async def _kills(run: Run, count: int, until_share: float) -> None:
    """Kill so often, at steps in a shuffled order, within a share of the time."""
    steps: list[Callable[[], Awaitable[None]]] = [
        *(run.claimed, run.asking, run.taken, run.unrecorded, run.expanding),
        *(run.receiving, run.webhook, run.everything, run.any_time),
    ]
    done, waiting = run.steps.total(), list[Callable[[], Awaitable[None]]]()
    while run.steps.total() < done + count and run.seconds < run.limits.killing * until_share:
        # each step once before any of them again
        waiting = waiting or run.chance.sample(steps, len(steps))
        await waiting.pop()()


async def _chatter(run: Run, asked: int) -> None:
    """Strangers ask all the while, half in chats, half by SMS."""
    pause = run.limits.killing / 2 / max(1, asked)
    for number in range(asked):
        run.town.asks(Kind.SMS if number % 2 else Kind.CHAT)
        await asyncio.sleep(run.chance.uniform(0, 2 * pause))


def _settings(town: Town, port: int) -> dict[str, str]:
    sandbox = town.provider.sandbox
    return {
        "database_url": town.store.url,
        "key_file": str(town.folder / "linxun.key"),
        "ladders_file": str(town.folder / "ladders.toml"),
        "port": str(port),
        "public_url": f"http://127.0.0.1:{port}",
        "answer_seconds": str(ANSWER),
        **sandbox.settings(),
        "telegram_rate": "300",
        "twilio_sms_rate": "300",
        "twilio_voice_rate": "300",
        "twilio_voice_lines": "1000",
        "twilio_voice_hourly": "1000",
        "log_level": "WARNING",
    }


def _children(database: str, port: int) -> list[Child]:
    """Return the house's processes: workers that send, and two webs of which one polls the chat."""
    workers = WORKERS[database]
    web = ("web", "--port", str(port)), ("web", "--port", str(free_port()))
    return [
        *(Child(f"worker-{number}", "worker", ("worker",)) for number in range(workers)),
        *(Child(f"web-{number}", "web", arguments) for number, arguments in enumerate(web)),
    ]


async def measure(asked: argparse.Namespace, folder: Path, url: str) -> dict[str, Any]:
    """Do the whole run on an empty database and return what is written down."""
    limits = QUICK if asked.quick else FULL
    provider = await Provider.start(asked.seed)
    town = build(folder, provider, asked.seed, url, tries=1 if asked.quick else 2)
    port = free_port()
    house = House(folder, environment(_settings(town, port)), _children(asked.database, port))
    provider.sandbox.sms_webhook = f"http://127.0.0.1:{port}/hooks/twilio_sms/inbound"
    town.settle(-(-asked.deliveries // len(WAVES)))
    run = Run(town, house, limits, Random(asked.seed))  # noqa: S311 - when to kill
    try:
        await house.start()
        await play(run, max(20, asked.deliveries // 20))
        await house.stop()
        with town.store.read() as session:
            books = crash_books.audit(session, town, provider.acknowledged)
    finally:
        await house.end()
        await provider.sandbox.stop()
        town.store.close()
    return _written(asked, run, books)


def _written(asked: argparse.Namespace, run: Run, books: Books) -> dict[str, Any]:
    children = run.house.children
    return {
        "deliveries": books.deliveries,
        "kills": sum(one.kills for one in children),
        "lost": len(books.lost),
        "doubles": len(books.doubles),
        "doubles_bound": len(run.bound),
        "inbound_lost": len(books.inbound_lost),
        "inbound": books.inbound,
        "inbound_doubled": len(books.inbound_doubled),
        "improper_doubles": len(books.improper),
        "out_of_order": len(books.order),
        "unknown_requests": len(books.strangers_told),
        "shared_provider_ids": len(books.shared_ids),
        "requests": books.requests,
        "ends": dict(books.ends),
        "attempts": dict(books.settled),
        "kills_by_step": dict(run.house.killed),
        "missed_steps": dict(run.missed),
        "kills_by_process": {
            kind: sum(c.kills for c in children if c.kind == kind)
            for kind in {c.kind for c in children}
        },
        "starts": sum(one.starts for one in children),
        "ended_by_themselves": sum(one.fell for one in children),
        "webhooks_unanswered": run.provider.unanswered,
        "seconds": round(run.seconds),
        "seed": asked.seed,
        "database": asked.database,
        "quick": asked.quick,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "examples": {
            name: getattr(books, name)[:5]
            for name in (
                "lost",
                "doubles",
                "improper",
                "order",
                "inbound_lost",
                "inbound_doubled",
                "strangers_told",
                "shared_ids",
            )
        },
    }


def _failed(found: dict[str, Any]) -> list[str]:
    zero = (
        "lost",
        "inbound_lost",
        "inbound_doubled",
        "improper_doubles",
        "out_of_order",
        "unknown_requests",
    )
    wrong = [name for name in zero if found[name]]
    return wrong + (["doubles"] if found["doubles"] > found["doubles_bound"] else [])


def main() -> int:
    """Run as the command line says; return 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--keep", type=Path, help="a folder in which the run's files stay")
    asked = parser.parse_args()
    asked.deliveries = asked.deliveries or (300 if asked.quick else 2_000)
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(exist_ok=True)
        with database(asked.database, folder) as url:
            found = asyncio.run(measure(asked, folder, url))
    asked.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2, ensure_ascii=False))
    wrong = _failed(found)
    print("FAILED: " + ", ".join(wrong) if wrong else "nobody lost, nobody twice")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
