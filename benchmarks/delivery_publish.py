"""Publishing: how long until it returns, until every row is there, until the first send."""

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import delivery_town as town
from delivery_child import Loopback, child, provider
from delivery_databases import Databases
from delivery_figures import percentile
from delivery_town import MANY, PROBES, Access

from content.alert import Severity

RATES = {"chat": 30.0}
"""What Telegram allows a bot, and what a new installation starts with."""
_WHOLE_SECONDS = 60.0
_LATE_SECONDS = 20.0
_FIRST_CHAT = 99_000_000_000


def worker_options(loopback: Loopback, rates: dict[str, float]) -> str:
    return json.dumps({"port": loopback.port, "rates": rates})


def publishing(databases: Databases, kind: str, size: int, log: Path) -> dict[str, Any]:
    """Publish to everybody, inside a running house that also sends at the usual rate."""
    with databases.copy(kind, size) as access, provider(log) as loopback:
        given = worker_options(loopback, RATES)
        with child(log, "delivery_worker.py", access.dump(), given) as worker:
            worker.line()
            # what is loaded on first use is loaded
            worker.ask("publish", path=f"{PROBES}0/", severity="Moderate", number=0)
            time.sleep(1)
            before = worker.ask("stat")
            made = worker.ask("publish", path=MANY, severity="Severe", number=1)
            done = worker.ask("whole", _WHOLE_SECONDS, notice=made["notice"], size=size)
            after = worker.ask("stat")
    return {
        "database": kind,
        "residents": size,
        "returned_ms": (made["returned"] - made["begun"]) * 1000,
        "seconds": done["at"] - made["begun"],
        "rows": done["rows"],
        "peak_mb": after["peak_mb"],
        "before_mb": before["peak_mb"],
        "longest_transaction_ms": after["longest_ms"],
        "p99_transaction_ms": after["p99_ms"],
        "transactions": after["transactions"],
    }


@dataclass(frozen=True, slots=True)
class Probe:
    """One alert to one resident: who, and when its publishing began and returned."""

    to: str
    begun: float
    returned: float
    growing: bool = False
    """The backlog was still being expanded."""


def handoff(databases: Databases, kind: str, size: int, count: int, log: Path) -> dict[str, Any]:
    """Time first hand-offs: alone, then under a backlog of routine messages to everybody.

    Published by another process than the worker's, as from the command line.
    """
    with databases.copy(kind, size) as access, provider(log) as loopback:
        given = worker_options(loopback, RATES)
        with child(log, "delivery_worker.py", access.dump(), given) as worker:
            worker.line()
            store = access.open()
            _probe(store, access, size, 0)
            time.sleep(1)
            idle = [_probe(store, access, size, at + 1) for at in range(count)]
            alone = _waits(idle, loopback)
            worker.tell("publish", path=MANY, severity="Minor", number=count + 1)
            made = json.loads(worker.line())
            worker.tell("whole", notice=made["notice"], size=size)
            busy = []
            for at in range(count):
                growing = worker.silent
                busy.append(_probe(store, access, size, count + 2 + at, growing=growing))
            under = _waits(busy, loopback)
            store.close()
    growing = [wait for wait, one in zip(under, busy, strict=True) if one.growing]
    return {
        "database": kind,
        "residents": size,
        "publications": count,
        **{f"idle_{name}": value for name, value in _summed(alone).items()},
        **{f"backlog_{name}": value for name, value in _summed(under).items()},
        "while_expanding": len(growing),
        "while_expanding_max_ms": max(growing, default=0.0),
    }


def _probe(store: Any, access: Access, size: int, at: int, *, growing: bool = False) -> Probe:
    chosen = random.Random(at)  # noqa: S311 - a pause, no secret
    time.sleep(0.1 + 0.2 * chosen.random())
    _, begun, returned = town.announce(store, access, f"{PROBES}{at}/", Severity.EXTREME, at)
    return Probe(str(_FIRST_CHAT + size + at), begun, returned, growing)


def _waits(probes: list[Probe], loopback: Loopback) -> list[float]:
    """Give the milliseconds from publishing to arrival; infinite where nothing has arrived."""
    until = time.monotonic() + _LATE_SECONDS
    wanted = {one.to for one in probes}
    first: dict[str, float] = {}
    while time.monotonic() < until and not wanted <= first.keys():
        time.sleep(0.3)
        first = {}
        for at, _, to in loopback.arrivals():
            first.setdefault(to, at)
    return [(first.get(one.to, float("inf")) - one.begun) * 1000 for one in probes]


def _summed(waits: list[float]) -> dict[str, float]:
    return {
        "p50_ms": percentile(waits, 0.5),
        "p99_ms": percentile(waits, 0.99),
        "max_ms": max(waits),
    }
