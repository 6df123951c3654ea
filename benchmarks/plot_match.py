"""Draw how the decision grows with the fact base, from `results/match.json`; see README.md.

python benchmarks/plot_match.py [--json FILE] [--out FOLDER]
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
Lines = Mapping[str, Sequence[tuple[float, float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "match.json")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    result = json.loads(options.json.read_text("utf-8"))
    # the same figures give the same files
    mpl.rcParams.update({"svg.hashsalt": "linxun", "svg.fonttype": "none", "font.size": 9})
    for name, title, unit, lines, limits in _figures(result):
        path = options.out / f"match_{name}.svg"
        _draw(path, title, unit, lines, limits)
        print(path.name)


def _figures(
    result: dict[str, Any],
) -> list[tuple[str, str, str, Lines, Sequence[tuple[float, float]]]]:
    """Give each figure: its name, title, unit, lines, and the targets as (facts, value)."""
    rows = result["sizes"]
    small, large = 2_000, 100_000
    retrieved = {"Linxun": _line([row | row["retrieval"] for row in rows], "queries_per_second")}
    for peer in result["peers"]:
        retrieved.setdefault(peer["name"], []).append((peer["facts"], peer["queries_per_second"]))
    return [
        (
            "decision", "One whole decision", "milliseconds",
            {name: _line(rows, f"{name}_ms") for name in ("p50", "p99")},
            [(small, 5.0), (large, 12.0)],
        ),
        (
            "start", "Building from text, and starting from stored forms", "seconds",
            {name: _line(rows, f"{name}_seconds") for name in ("build", "start")},
            [(large, 15.0)],
        ),
        (
            "memory", "A process with all facts", "megabytes",
            {"resident": _line(rows, "memory_mb")}, [(large, 600.0)],
        ),
        (
            "add", "A published change until it answers", "milliseconds",
            {"p50": _line(rows, "add_ms"), "longest": _line(rows, "add_max_ms")},
            [(large, 10.0)],
        ),
        (
            "retrieval", "Retrieval alone, one question at a time", "questions a second",
            retrieved, [],
        ),
    ]  # fmt: skip


def _line(rows: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(row["facts"], row[name]) for row in rows]


def _draw(
    path: Path, title: str, unit: str, lines: Lines, limits: Sequence[tuple[float, float]]
) -> None:
    figure, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, label=name)
    if limits:
        across, up = zip(*limits, strict=True)
        axes.scatter(across, up, marker="_", s=260, color="black", label="target")
    axes.set(xscale="log", yscale="log", xlabel="facts", ylabel=unit, title=title)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
