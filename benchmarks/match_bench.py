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
import platform  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import match_base  # noqa: E402
import match_peers  # noqa: E402
import match_report  # noqa: E402
import match_texts  # noqa: E402
from match_texts import Material  # noqa: E402

HERE = Path(__file__).resolve().parent
SIZES = (1_000, 2_000, 10_000, 100_000, 1_000_000)
QUICK_LARGEST = 100_000


def main() -> int:
    options = _options()
    core = _one_core()
    material = _material(options.data)
    sizes = [size for size in options.sizes if not options.quick or size <= QUICK_LARGEST]
    result: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": _machine(core),
        "python": platform.python_version(),
        "questions": len(material.questions),
        "texts": "evaluation sets" if options.data.is_dir() else "the demo's own facts",
        "sizes": [],
        "peers": [],
    }
    for size in sizes:
        _measure(size, material, result, quick=options.quick)
    result["targets"] = match_report.targets(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    match_report.show(result)
    print(f"\nwritten to {os.path.relpath(options.json)}")
    return 0


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


def _measure(size: int, material: Material, result: dict[str, Any], *, quick: bool) -> None:
    seconds = 15.0 if quick else 60.0
    with tempfile.TemporaryDirectory() as folder:
        _say(size, "building")
        shelved = match_base.build(Path(folder), material, size)
        _say(size, "deciding")
        ours = _ours(shelved, material, seconds)
        result["sizes"].append(
            {"facts": size, "build_seconds": shelved.build_seconds} | _rounded(ours)
        )
        print(json.dumps(result["sizes"][-1]), file=sys.stderr)
    right = [sorted(question.right) for question in material.questions]
    for name in match_peers.PEERS:
        _say(size, name)
        gc.collect()
        found = match_peers.measure(name, shelved.texts, right, seconds / 5)
        result["peers"].append(_rounded(found))
        print(json.dumps(result["peers"][-1]), file=sys.stderr)


def _ours(shelved: match_base.Shelved, material: Material, seconds: float) -> dict[str, Any]:
    task = shelved.door | {
        "questions": [question.text for question in material.questions],
        "right": [sorted(map(match_base.uuid_of, one.right)) for one in material.questions],
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
    return json.loads(run.stdout)


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
