"""Sending: one worker at full speed beside the bare libraries and Apprise, and what one costs."""

import json
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import delivery_town as town
from delivery_child import Child, ChildError, Loopback, child, provider
from delivery_databases import SQLITE, Databases
from delivery_figures import median, rate
from delivery_publish import worker_options
from delivery_town import MANY, PROBES, Access
from sqlalchemy import func, select

from content.alert import Severity
from content.delivery import Attempt, AttemptState
from content.people import Resident
from content.store import Store

UNLIMITED = 1e6
TAKEN = (AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.DELIVERED)
_LOOK_SECONDS = 0.15
_SLACK = 0.002
APPRISE = ("apprise", "apprise_threads")
EXTRA = {"telegram_text": 1, "telegram_stock": 5, "sms_stock": 1}
"""Measured once, with this share of the messages."""
_PEER_SECONDS = 120.0


def ours(
    databases: Databases, kind: str, size: int, log: Path, seconds: float, *, check: bool = True
) -> dict[str, Any]:
    """Send to everybody as fast as it goes, from publishing until every outcome is recorded."""
    with databases.copy(SQLITE, size) as access, provider(log) as loopback:
        given = worker_options(loopback, {kind: UNLIMITED})
        with child(log, "delivery_worker.py", access.dump(), given) as worker:
            worker.line()
            store = access.open()
            _warm(store, access, loopback)
            before = worker.ask("stat")
            made, begun, _ = town.announce(store, access, MANY, Severity.MODERATE, 1)
            done = _until(store, loopback, made, size, seconds)
            ended = time.time()
            after = worker.ask("stat", 60)
        at = loopback.arrivals()
        checked = _checked(store, access, made, at, kind) if check else {}
        store.close()
    count = max(done, 1)
    return {
        "residents": size,
        "recorded": done,
        "per_second": rate([one for one, _, _ in at]),
        "cpu_us": (after["cpu"] - before["cpu"]) / count * 1e6,
        "wall_us": (ended - begun) / count * 1e6,
        "first_ms": (min(one for one, _, _ in at) - begun) * 1000,
        "peak_mb": after["peak_mb"],
        "longest_transaction_ms": after["longest_ms"],
        **checked,
    }


class Peers:
    """The libraries beside ours, each running in a process of its own, with one provider."""

    def __init__(self, stack: ExitStack, log: Path) -> None:
        self._stack = stack
        self._log = log
        self._provider = stack.enter_context(provider(log))
        self._running: dict[str, Child] = {}
        self.found: dict[str, list[float]] = {}

    def measure(self, name: str, count: int) -> None:
        """Let one of them send, and keep how many it sends in a second."""
        running = self._running.get(name) or self._start(name, count)
        self._provider.reset()
        running.ask("send", _PEER_SECONDS, count=count)
        at = [one for one, _, _ in self._provider.arrivals()]
        if len(at) < count:
            raise ChildError(f"{name}: only {len(at)} of {count} arrived")
        self.found.setdefault(name, []).append(rate(at))

    def _start(self, name: str, count: int) -> Child:
        given = json.dumps({"port": self._provider.port, "name": name})
        running = self._stack.enter_context(child(self._log, "delivery_peers.py", given))
        running.line()
        running.ask("send", _PEER_SECONDS, count=max(100, count // 20))
        self._running[name] = running
        return running


def beside(
    databases: Databases, size: int, rounds: int, log: Path, seconds: float, ends: float
) -> dict[str, Any]:
    """Take turns: ours, the bare library, Apprise; the medians count.

    No further round begins that would not end in time.
    """
    runs: list[dict[str, Any]] = []
    took = 0.0
    with ExitStack() as stack:
        peers = Peers(stack, log)
        for number in range(rounds):
            begun = time.perf_counter()
            if begun + took > ends:
                break
            for kind, name in (("chat", "telegram"), ("sms", "sms")):
                runs.append({"kind": kind} | ours(databases, kind, size, log, seconds))
                peers.found.setdefault(f"ours_{name}", []).append(runs[-1]["per_second"])
                peers.measure(name, size)
            for name in APPRISE:
                peers.measure(name, size // 4)
            if not number:
                for name, share in EXTRA.items():
                    peers.measure(name, size // share)
            took = time.perf_counter() - begun
    medians = {name: median(each) for name, each in peers.found.items()}
    return {"medians": medians, "all": peers.found, "runs": runs}


def cost(databases: Databases, size: int, log: Path, seconds: float, times: int) -> dict[str, Any]:
    """Give what a delivery costs at one size: the cheapest of several runs, as noise only adds."""
    runs = [ours(databases, "chat", size, log, seconds, check=False) for _ in range(times)]
    return min(runs, key=lambda one: one["cpu_us"])


def _warm(store: Store, access: Access, loopback: Loopback) -> None:
    """Tell one person first: what is loaded on first use is loaded."""
    town.announce(store, access, f"{PROBES}0/", Severity.MODERATE)
    until = time.monotonic() + 20
    while not loopback.arrived() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    loopback.reset()


def _until(store: Store, loopback: Loopback, notice: uuid.UUID, size: int, seconds: float) -> int:
    """Wait until every attempt is recorded as taken; return how many are."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and loopback.arrived() < size:
        time.sleep(_LOOK_SECONDS)
    done = _taken(store, notice)
    while time.monotonic() < until + 5 and done < min(size, loopback.arrived()):
        time.sleep(_LOOK_SECONDS)
        done = _taken(store, notice)
    return done


def _taken(store: Store, notice: uuid.UUID) -> int:
    query = select(func.count()).where(
        Attempt.community_id == store.community_id,
        Attempt.notice_id == notice,
        Attempt.state.in_(TAKEN),
        Attempt.provider_id.is_not(None),
    )
    with store.read() as session:
        return session.scalar(query) or 0


def _checked(
    store: Store, access: Access, notice: uuid.UUID, at: list[tuple[float, str, str]], kind: str
) -> dict[str, int]:
    """Hold what the provider counted against the rows: nobody twice, and every intent before."""
    del access
    query = (
        select(Resident.number, Attempt.started_at)
        .join(
            Attempt,
            (Attempt.community_id == Resident.community_id) & (Attempt.recipient_id == Resident.id),
        )
        .where(Resident.community_id == store.community_id, Attempt.notice_id == notice)
    )
    with store.read() as session:
        rows = session.execute(query).all()
    started = {town.number_of(int(number), kind): start.timestamp() for number, start in rows}
    arrived = [to for _, _, to in at]
    return {
        "attempts": len(rows),
        "arrived": len(arrived),
        "twice": len(arrived) - len(set(arrived)),
        "without_intent": sum(started.get(to, float("inf")) > when + _SLACK for when, _, to in at),
    }
