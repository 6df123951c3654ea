"""Measure the delivery engine against a provider on loopback, beside its peers; see README.md.

    python benchmarks/delivery_bench.py [--quick] [--only PART ...] [--json OUT]

Every part starts processes of its own (provider, workers, peers) and ends them; nothing leaves
loopback.
"""

import argparse
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import delivery_report
import plot_delivery
from delivery_child import ChildError
from delivery_claims import claims
from delivery_databases import POSTGRESQL, SQLITE, Databases
from delivery_limit import RATES, SETTLE_SECONDS, limits
from delivery_publish import handoff, publishing
from delivery_send import beside, cost
from match_report import dump

HERE = Path(__file__).resolve().parent
QUICK_SECONDS = 225.0
MANY = 100_000
"""Residents of the town that is published to."""
KINDS = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    probes: int
    rounds: int
    sends: int
    limit_seconds: float
    costs: dict[int, int]
    """Residents: how often."""
    claims: int
    """Deliveries in one round of claims."""
    claim_rounds: int
    claim_workers: tuple[int, ...]
    seconds: float
    """How long one run at full speed may take."""


COSTS = {1_000: 5, 10_000: 3, 100_000: 1, 1_000_000: 1}
FULL = Plan(200, 5, 20_000, 60.0, COSTS, MANY, 10, (2, 4), 1800)
QUICK = Plan(30, 3, 2_500, 8.0, {1_000: 2, 100_000: 1}, 20_000, 1, (2,), 50)
AFTER_SENDS = 135.0
"""Seconds that a quick run keeps for what comes after the sends."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the benchmark: what is measured so far, and the time that is left."""

    plan: Plan
    databases: Databases
    log: Path
    ends: float
    result: dict[str, Any]

    def each(self, name: str, work: Callable[[], Any], needs: float) -> None:
        """Measure one thing, unless too few seconds are left or it cannot be measured."""
        left = self.ends - time.perf_counter()
        if left < needs:
            self.result["left_out"].append(f"{name}: {max(0.0, left):.0f} s were left")
            return
        print(f"{name} …", flush=True)
        try:
            found = work()
            rows = found if isinstance(found, list) else [found]
            self.result["parts"] += [{"part": name} | row for row in rows]
        except (ChildError, ValueError) as error:
            self.result["left_out"].append(f"{name}: {error}")


def main() -> int:
    begun = time.perf_counter()
    options = _options()
    plan = QUICK if options.quick else FULL
    result: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": _machine(),
        "python": platform.python_version(),
        "left_out": [],
        "parts": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder))
        ends = begun + QUICK_SECONDS if options.quick else math.inf
        run = Run(plan, databases, Path(folder) / "log", ends, result)
        try:
            for name in options.only:
                PARTS[name](run)
        finally:
            databases.close()
    delivery_report.sum_up(result)
    result["seconds"] = round(time.perf_counter() - begun)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(dump(result), "utf-8")
    plot_delivery.draw(result, options.json.parent)
    delivery_report.show(result)
    print(f"\n{result['seconds']} s; written to {os.path.relpath(options.json)}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK") == "1")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, default=HERE / "results" / "delivery.json")
    return parser.parse_args()


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load": os.getloadavg()[0], "system": platform.system()}


def _publish(run: Run) -> None:
    for kind in KINDS:
        run.each(f"publish {kind}", partial(publishing, run.databases, kind, MANY, run.log), 25)


def _handoff(run: Run) -> None:
    for kind in KINDS if run.plan is FULL else (SQLITE,):
        work = partial(handoff, run.databases, kind, MANY, run.plan.probes, run.log)
        run.each(f"handoff {kind}", work, 35)


def _send(run: Run) -> None:
    plan = run.plan
    ends = run.ends - AFTER_SENDS if plan is QUICK else math.inf
    work = partial(beside, run.databases, plan.sends, plan.rounds, run.log, plan.seconds, ends)
    run.each("send", work, 60)


def _limit(run: Run) -> None:
    seconds = run.plan.limit_seconds
    size = int(1.2 * RATES["chat"] * (seconds + SETTLE_SECONDS + 5))
    for workers in (1, 4):
        run.each(f"limit {workers}", partial(_side_by_side, run, workers, seconds, size), 40)


def _side_by_side(run: Run, workers: int, seconds: float, size: int) -> list[dict[str, Any]]:
    """Keep limits on both databases at once: at these rates the machine has little to do."""
    for kind in KINDS:
        run.databases.built(kind, size)
    with ThreadPoolExecutor(len(KINDS)) as pool:
        return list(
            pool.map(
                lambda kind: limits(run.databases, kind, workers, seconds, size, run.log), KINDS
            )
        )


def _cost(run: Run) -> None:
    for size, times in run.plan.costs.items():
        work = partial(cost, run.databases, size, run.log, run.plan.seconds, times)
        run.each(f"cost {size}", work, 5 + size / 700)


def _claims(run: Run) -> None:
    for workers in run.plan.claim_workers:
        work = partial(
            claims,
            run.databases,
            POSTGRESQL,
            workers,
            run.plan.claims,
            run.plan.claim_rounds,
            run.log,
        )
        run.each(f"claims {workers}", work, 40)


PARTS: dict[str, Callable[[Run], None]] = {
    "publish": _publish,
    "send": _send,
    "handoff": _handoff,
    "limit": _limit,
    "claims": _claims,
    "cost": _cost,
}


if __name__ == "__main__":
    raise SystemExit(main())
