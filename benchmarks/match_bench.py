"""Measure the decision over growing fact bases, beside peers, on one core; see README.md.

    python benchmarks/match_bench.py [--data FOLDER] [--quick] [--json OUT]

One process at a time, on one core: the measuring process writes each base into a real SQLite
database, and a fresh process (`match_ours.py`) opens it and decides.
"""

import os
import sys

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM", "RAYON", "TOKIO_WORKER")
os.environ |= {f"{name}_NUM_THREADS": "1" for name in THREADS}
os.environ |= {"OMP_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}

import argparse  # noqa: E402 - the libraries below read how many threads they may have
import gc  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import match_peers  # noqa: E402
import match_report  # noqa: E402
import match_texts  # noqa: E402
from match_base import Corpus, Ground, uuid_of  # noqa: E402
from match_figures import share  # noqa: E402
from match_texts import Material  # noqa: E402

HERE = Path(__file__).resolve().parent
SIZES = (1_000, 2_000, 10_000, 100_000, 1_000_000)
QUICK_LARGEST = 100_000
QUICK_SECONDS = 210.0
SLOWEST = 8e-5
"""Seconds in which a peer takes up a fact, as long as nothing better is known of it."""


def main() -> int:
    begun = time.perf_counter()
    options = _options()
    core = _one_core()
    material = _material(options.data)
    clock = Clock(begun, quick=options.quick)
    result: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": _machine(core),
        "python": platform.python_version(),
        "questions": len(material.questions),
        "texts": "evaluation sets" if options.data.is_dir() else "the demo's own facts",
        "sizes": [],
        "peers": [],
        "left_out": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder), material)
        for size in sorted(options.sizes):
            if size <= QUICK_LARGEST or not options.quick:
                _measure(size, material, ground, result, clock)
        ground.store.close()
    _beside(material, ground.corpus, result, clock)
    result["targets"] = match_report.targets(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(match_report.dump(result), "utf-8")
    match_report.show(result)
    print(f"\n{time.perf_counter() - begun:.0f} s; written to {os.path.relpath(options.json)}")
    return 0


@dataclass(frozen=True, slots=True)
class Clock:
    """How long each part may take; a quick run ends within four minutes on any machine."""

    begun: float
    quick: bool

    @property
    def left(self) -> float:
        """Give the seconds until a quick run must end."""
        return self.begun + QUICK_SECONDS - time.perf_counter() if self.quick else math.inf

    def deciding(self, size: int) -> float:
        """Give the seconds for the decisions at one size."""
        wanted = (3.0 if size < QUICK_LARGEST else 9.0) if self.quick else 60.0
        return max(1.0, min(wanted, self.left / 6))

    def asking(self, size: int) -> float:
        """Give the seconds for the questions to one peer."""
        return (0.5 if size < QUICK_LARGEST else 4.0) if self.quick else 20.0

    def timed(self) -> float:
        """Give the seconds in which facts are cut against the clock."""
        return 12.0 if self.quick else 400.0

    def building(self) -> float:
        """Give when the last fact must have been cut."""
        return time.perf_counter() + 0.6 * self.left


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK") == "1")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "match.json")
    return parser.parse_args()


def _one_core() -> int:
    """Bind this process and its children to one core; -1 where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return -1
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def _material(folder: Path) -> Material:
    if folder.is_dir():
        return match_texts.read(folder)
    print(
        f"No evaluation data in {folder}: the demo's own facts are multiplied instead. "
        "Their questions are easier, so read the times, not the hits."
    )
    return match_texts.demo(HERE.parent / "bot" / "demo" / "data" / "facts.jsonl")


def _machine(core: int) -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "bound_to": core,
        "load": os.getloadavg()[0],
        "system": platform.system(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "")


def _measure(
    size: int, material: Material, ground: Ground, result: dict[str, Any], clock: Clock
) -> None:
    _say(size, "cutting")
    ground.grow(size, clock.timed(), clock.building())
    reached = ground.size
    if reached < size:
        result["left_out"].append(f"{size:,} facts: the time was out at {reached:,}")
    _say(reached, "deciding")
    built = {"build_seconds": ground.build_seconds, "build_timed": ground.timed}
    ours = _ours(ground, material, clock.deciding(size))
    result["sizes"].append({"facts": reached} | _rounded(built | ours))


def _beside(material: Material, corpus: Corpus, result: dict[str, Any], clock: Clock) -> None:
    """Measure the peers: first those that a target names, at the largest size."""
    right = [sorted(question.right) for question in material.questions]
    heads: dict[int, tuple[Corpus, match_peers.Asked]] = {}
    for size, name in _order([row["facts"] for row in result["sizes"]]):
        lack = _lack(name, size, result["peers"], clock)
        if lack:
            result["left_out"].append(f"{name} at {size:,} facts: {lack}")
            continue
        _say(size, name)
        if size not in heads:
            head = corpus.head(size)
            heads = {size: (head, match_peers.asked(material.questions, head))}
        gc.collect()
        ours = next(row["retrieval"]["hits"] for row in result["sizes"] if row["facts"] == size)
        found = match_peers.measure(name, *heads[size], right, clock.asking(size), ours)
        result["peers"].append(_rounded(found))
    result["peers"].sort(key=lambda row: row["facts"])
    for row in result["sizes"]:
        row["retrieval"]["r_at_5"] = float(f"{share(row['retrieval'].pop('hits')):.4g}")


def _order(sizes: list[int]) -> list[tuple[int, str]]:
    """Give what to measure, the most telling first: a quick run may not come to the end."""
    largest = max((size for size in sizes if size <= QUICK_LARGEST), default=0)
    first = [(largest, name) for name in match_peers.TARGETED]
    small = [(size, name) for size in sizes if size != largest for name in match_peers.PEERS]
    rest = [(largest, name) for name in match_peers.PEERS if name not in match_peers.TARGETED]
    return [*first, *small, *rest] if largest else small


def _lack(name: str, size: int, known: list[dict[str, Any]], clock: Clock) -> str:
    """Say why a peer is left out at a size, "" where it is not: it would not end in time."""
    if size > QUICK_LARGEST and name not in match_peers.FRUGAL:
        return "it takes too much memory or time"
    paces = [peer["build_seconds"] / peer["facts"] for peer in known if peer["name"] == name]
    needed = clock.asking(size) + 1.2 * size * max(paces, default=SLOWEST)
    if needed > clock.left:
        return f"it would take up to {needed:.0f} s, {max(0.0, clock.left):.0f} s were left"
    return ""


def _ours(ground: Ground, material: Material, seconds: float) -> dict[str, Any]:
    task = ground.door | {
        "questions": [question.text for question in material.questions],
        "right": [sorted(map(uuid_of, one.right)) for one in material.questions],
        "letters": material.letters,
        "seconds": seconds,
    }
    told = json.dumps(task, default=str)
    run = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, HERE / "match_ours.py"],
        input=told,
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parent,
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    measured: dict[str, Any] = json.loads(run.stdout)
    return measured


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value)
        if isinstance(value, dict)
        else float(f"{value:.4g}")
        if isinstance(value, float)
        else value
        for name, value in found.items()
    }


def _say(size: int, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {size:>9,} facts: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
