"""Limits: what several worker processes make of one sender's rate, and whether it is kept."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import delivery_town as town
from delivery_child import Child, Loopback, child, provider
from delivery_databases import Databases
from delivery_figures import SECOND, TEN, exceeded, most, per_second
from delivery_publish import worker_options
from delivery_town import CALLED, MANY
from delivery_worker import NAMES
from sqlalchemy import select

from content.alert import Severity
from content.delivery import Attempt
from content.store import Store

RATES = {"chat": 30.0, "call": 1.0}
SETTLE_SECONDS = 2.0
"""Left out at the beginning: a house that has just been told."""


def limits(
    databases: Databases, kind: str, workers: int, seconds: float, size: int, log: Path
) -> dict[str, Any]:
    """Send chats and calls under their limits with so many worker processes at once."""
    with databases.copy(kind, size) as access, provider(log) as loopback, ExitStack() as stack:
        given = worker_options(loopback, RATES)
        running = [
            stack.enter_context(child(log, "delivery_worker.py", access.dump(), given))
            for _ in range(workers)
        ]
        _ready(running)
        store = access.open()
        town.announce(store, access, CALLED, Severity.MODERATE, 1)
        town.announce(store, access, MANY, Severity.MODERATE, 2)
        _first(loopback)
        time.sleep(SETTLE_SECONDS + seconds)
        arrivals = loopback.arrivals()
        now = time.time()
        started = {name: _started(store, NAMES[name], now) for name in RATES}
        store.close()
    return {
        "database": kind,
        "workers": workers,
        "seconds": seconds,
        "twice": len(arrivals) - len({(how, to) for _, how, to in arrivals}),
        **{
            name: _kept([at for at, how, _ in arrivals if how == name], started[name], limit)
            for name, limit in RATES.items()
        },
    }


def _ready(running: Sequence[Child]) -> None:
    for one in running:
        one.line()


def _first(loopback: Loopback) -> None:
    until = time.monotonic() + 30
    while not loopback.arrived() and time.monotonic() < until:
        time.sleep(0.05)


def _started(store: Store, sender: str, now: float) -> list[float]:
    """Give the starts that were reserved for a sender, up to now."""
    query = select(Attempt.started_at).where(
        Attempt.community_id == store.community_id, Attempt.sender == sender
    )
    with store.read() as session:
        return [at for one in session.scalars(query) if (at := one.timestamp()) <= now]


def _kept(at: Sequence[float], started: Sequence[float], limit: float) -> dict[str, Any]:
    first = min(at, default=0.0)
    steady = [one for one in at if one >= first + SETTLE_SECONDS]
    span = max(steady, default=0.0) - min(steady, default=0.0)
    return {
        "arrived": len(at),
        "used": (len(steady) - 1) / span / limit if span else 0.0,
        "most_in_a_second": most(at, SECOND),
        "most_in_ten_seconds": most(at, TEN),
        "exceeded_seconds": exceeded(at, limit),
        "reserved_in_a_second": most(started, SECOND),
        "reserved_in_ten_seconds": most(started, TEN),
        "per_second": per_second(at),
    }
