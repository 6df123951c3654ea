"""Draw what a delivery costs and how limits are kept, from `results/delivery.json`; see README.md.

python benchmarks/plot_delivery.py [--json FILE] [--out FOLDER]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
LIMITS = {"chat": 30, "call": 1}
_STYLES = {1: "-", 4: "--"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "delivery.json")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    draw(json.loads(options.json.read_text("utf-8")), options.out)


def draw(result: dict[str, Any], folder: Path) -> None:
    """Write the plots of what has been measured."""
    # the same figures give the same files
    mpl.rcParams.update({"svg.hashsalt": "linxun", "svg.fonttype": "none", "font.size": 9})
    costs = [one for one in result["parts"] if one["part"].startswith("cost ")]
    limits = [one for one in result["parts"] if one["part"].startswith("limit ")]
    if costs:
        _cost(costs, folder / "delivery_cost.svg")
    for kind, limit in LIMITS.items():
        if limits:
            _limit(limits, kind, limit, folder / f"delivery_limit_{kind}.svg")


def _cost(rows: list[dict[str, Any]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    sizes = [row["residents"] for row in rows]
    for name, label in (("cpu_us", "processor time"), ("wall_us", "time on the clock")):
        values = [row[name] for row in rows]
        axes.plot(sizes, values, marker="o", markersize=3.5, label=label)
    axes.axhline(
        rows[0]["cpu_us"] * 1.2, color="black", linewidth=0.8, linestyle=":", label="target"
    )
    axes.set(xscale="log", xlabel="residents", ylabel="microseconds a delivery", ylim=(0, None),
             title="What one delivery costs")  # fmt: skip
    _save(figure, axes, path)


def _limit(rows: list[dict[str, Any]], kind: str, limit: int, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for row in rows:
        counts = row[kind]["per_second"]
        label = f"{row['database']}, {row['workers']} worker{'s' if row['workers'] > 1 else ''}"
        axes.plot(
            range(len(counts)), counts, _STYLES.get(row["workers"], "-."), linewidth=1, label=label
        )
    axes.axhline(limit + 1, color="black", linewidth=0.8, linestyle=":", label="limit + 1")
    axes.set(xlabel="seconds since the first", ylabel="arrivals in the second",
             ylim=(0, 1.4 * limit + 1), title=f"Arrivals under a limit of {limit}/s")  # fmt: skip
    _save(figure, axes, path)


def _save(figure: Any, axes: Any, path: Path) -> None:
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    print(path.name)


if __name__ == "__main__":
    main()
