"""Report: the benchmark's figures as tables, and which targets they meet."""

import json
from typing import Any

P99_MS = {2_000: 5.0, 100_000: 12.0}
RAPIDFUZZ_TIMES = 100.0
QUIET = 0.95
START_SECONDS, MEMORY_MB, ADD_MS = 15.0, 600.0, 10.0


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the figures against what they are to reach."""
    sizes = {row["facts"]: row for row in result["sizes"]}
    found = []
    for facts, most in P99_MS.items():
        if facts in sizes:
            found.append(_target("p99 of a decision, ms", facts, sizes[facts]["p99_ms"], most))
    if 100_000 in sizes:
        row = sizes[100_000]
        found.append(_target("start, seconds", 100_000, row["start_seconds"], START_SECONDS))
        found.append(_target("memory, MB", 100_000, row["memory_mb"], MEMORY_MB))
    found += [
        _target("publish until visible, ms", facts, row["add_ms"], ADD_MS)
        for facts, row in sizes.items()
    ]
    for facts, row in sizes.items():
        found += _beside(facts, row, [p for p in result["peers"] if p["facts"] == facts])
    return found


def _beside(facts: int, row: dict[str, Any], peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    ours = row["retrieval"]
    for peer in peers:
        if peer["name"].startswith("rapidfuzz") and facts == 100_000:
            for what, pace in (("decision", row), ("retrieval", ours)):
                times = pace["queries_per_second"] / peer["queries_per_second"]
                name = f"{what}, times a rapidfuzz scan"
                found.append(_target(name, facts, times, RAPIDFUZZ_TIMES, least=True))
        if peer["name"] == "bm25s, same tokens":
            pace = ours["queries_per_second"] / peer["queries_per_second"]
            found.append(_target("retrieval, times bm25s", facts, pace, 1.0, least=True))
            found.append(
                _target("R@5 beside bm25s", facts, peer["ours_r_at_5"], peer["r_at_5"], least=True)
            )
    return found


def _target(
    what: str, facts: int, reached: float, wanted: float, *, least: bool = False
) -> dict[str, Any]:
    met = reached >= wanted if least else reached <= wanted
    sign = ">=" if least else "<="
    return {
        "what": what,
        "facts": facts,
        "wanted": f"{sign} {wanted:g}",
        "reached": float(f"{reached:.4g}"),
        "met": met,
    }


def dump(result: dict[str, Any]) -> str:
    """Write the figures as JSON, one line for each size, peer and target."""
    lists = {name: value for name, value in result.items() if isinstance(value, list)}
    lines = [
        f'"{name}": {json.dumps(value, ensure_ascii=False)}'
        for name, value in result.items()
        if name not in lists
    ]
    for name, rows in lists.items():
        told = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        lines.append(f'"{name}": [\n  {told}\n ]' if rows else f'"{name}": []')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


_COLUMNS = (
    "facts", "build_seconds", "start_seconds", "memory_mb", "p50_ms", "p99_ms",
    "queries_per_second", "add_ms",
)  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print what was measured, then the targets with those that are missed, then the doubts."""
    _show_figures(result)
    print(f"\n{'target':32}{'facts':>10}{'wanted':>12}{'reached':>12}")
    for one in result["targets"]:
        mark = "met" if one["met"] else "MISSED"
        figures = f"{one['facts']:>10,}{one['wanted']:>12}{one['reached']:>12,.5g}"
        print(f"{one['what']:32}{figures}  {mark}")
    for row in result["sizes"]:
        if row["computing"] < QUIET:
            share = f"{1 - row['computing']:.0%}"
            print(
                f"busy machine: at {row['facts']:,} facts others had the core {share} of the time"
            )
    for what in result["left_out"]:
        print(f"left out: {what}")


def _show_figures(result: dict[str, Any]) -> None:
    print("\n" + "  ".join(f"{name:>18}" for name in _COLUMNS))
    for row in result["sizes"]:
        print("  ".join(f"{row[name]:>18,.5g}" for name in _COLUMNS))
    print(f"\n{'retrieval alone':32}{'facts':>10}{'queries/s':>12}{'R@5':>8}{'ours on those':>16}")
    for row in result["sizes"]:
        _line("Linxun", row["facts"], row["retrieval"])
        for peer in result["peers"]:
            if peer["facts"] == row["facts"]:
                _line(peer["name"], row["facts"], peer)


def _line(name: str, facts: int, row: dict[str, Any]) -> None:
    ours = f"{row['ours_r_at_5']:>16.3f}" if "ours_r_at_5" in row else ""
    print(f"{name:32}{facts:>10,}{row['queries_per_second']:>12,.5g}{row['r_at_5']:>8.3f}{ours}")
