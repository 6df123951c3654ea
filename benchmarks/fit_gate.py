"""Fit the weights with which `verification.gate` takes many small signs together.

    python benchmarks/fit_gate.py --calls tests/verification/calls.toml --calm FILE... [--write]

`--calls` holds lists of calls for help and of calm texts; each FILE is JSON Lines of everyday texts
({text} or {a, b}); the kind `emergency` is left out. A logistic regression with a ridge on the
concepts of the table alone. It says, from folds, how many calls are heard and how many calm texts
are taken for one at each threshold.
"""

import argparse
import random
import re
import tomllib
from pathlib import Path

import numpy as np

from verification import evaluate, gate

TABLE = Path(__file__).resolve().parents[1] / "verification" / "tables" / "gate.toml"
STEPS, RATE, RIDGE, FOLDS = 4000, 0.5, 0.002, 5
CALM_WEIGHT = 6.0
"""How much dearer one more false alarm is than its share of the texts says."""


def texts(path: Path) -> list[str]:
    """Give the calm texts of a file."""
    plain = [row for row in evaluate.read_rows(path) if row.get("kind") != "emergency"]
    return [row[name] for row in plain for name in ("text", "a", "b") if row.get(name)]


def fit(signs: np.ndarray, alarm: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weights, the last of which counts always."""
    held = np.zeros(signs.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(signs @ held)))
        slope = signs.T @ (weight * (chance - alarm)) / weight.sum()
        pull = RIDGE * held
        pull[-1] = 0.0
        held -= RATE * (slope + pull)
    return held


def main() -> None:
    """Read, fit, report, and write the weights where that is asked for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=Path, required=True)
    options.add_argument("--calm", type=Path, nargs="*", default=[])
    options.add_argument("--write", action="store_true")
    wanted = options.parse_args()
    lists = tomllib.loads(wanted.calls.read_text(encoding="utf-8"))
    calls = [one for said in lists["emergency"].values() for one in said]
    calm = [one for said in lists["calm"].values() for one in said]
    calm += sorted({one for path in wanted.calm for one in texts(path) if len(one) <= gate.LONG})
    said = [(one, 1.0) for one in calls] + [(one, 0.0) for one in calm]
    random.Random(3).shuffle(said)  # noqa: S311 -- the same folds each time
    named = [gate.concepts(one) for one, _ in said]
    signs = np.array([list(one.values()) for one in named])
    alarm = np.array([is_call for _, is_call in said])
    balance = len(calm) / len(calls) / CALM_WEIGHT
    weight = np.where(alarm == 1, balance, 1.0)
    report(signs, alarm, weight)
    if wanted.write:
        write(list(named[0]), fit(signs, alarm, weight))


def report(signs: np.ndarray, alarm: np.ndarray, weight: np.ndarray) -> None:
    """Print what folds that were not fitted say, at some thresholds."""
    fold = np.arange(len(alarm)) % FOLDS
    score = np.zeros(len(alarm))
    for one in range(FOLDS):
        held = fit(signs[fold != one], alarm[fold != one], weight[fold != one])
        score[fold == one] = signs[fold == one] @ held
    for least in np.arange(-1.0, 4.1, 0.5):
        heard = int((score[alarm == 1] >= least).sum())
        false = int((score[alarm == 0] >= least).sum())
        calls, calm = int(alarm.sum()), int((alarm == 0).sum())
        print(f"{least:5.1f}  heard {heard}/{calls}  false {false}/{calm}")


def write(names: list[str], held: np.ndarray) -> None:
    """Put the weights into the table."""
    table = TABLE.read_text(encoding="utf-8")
    lines = [f"{name} = {value:.2f}" for name, value in zip(names, held, strict=True)]
    fresh = "[weights]\n" + "\n".join(lines) + "\n"
    TABLE.write_text(re.sub(r"\[weights\]\n(?:\w+ = .*\n)*", fresh, table), encoding="utf-8")


if __name__ == "__main__":
    main()
