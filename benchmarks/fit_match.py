"""Fit the trees of `verification/tables/model.json` on labelled queries; standard library only.

    python benchmarks/fit_match.py --data ../shared/data [--folds 5] [--write]

For every text the first candidates are weighed by `verification.features`; a candidate is
right if it is in the query's qrels. Two models are fitted, one for texts with Han characters
and one for the others: gradient-boosted trees of depth 3 on the logistic loss, with histograms,
and monotone, so that more likeness can never lower a probability and more conflict never
raise it. What only tells queries of these files from negatives of these files (whether a
text asks, how long it is as a whole) is left out. With --folds it also prints, from
cross-validation by fact, how many answers are right at each probability. Takes some minutes.
"""

import argparse
import bisect
import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verification import evaluate
from verification.features import NAMES, prepare, score
from verification.index import Index
from verification.text import normalise

MODEL = Path(__file__).resolve().parents[1] / "verification" / "tables" / "model.json"
UP = {
    "claim_covered", "claim_exact", "text_covered", "text_explained", "window_claim",
    "window_covered", "window_explained", "rare_claim", "rare_window", "ratio", "partial", "bm25",
    "bm25_share", "number_shared", "date_shared", "place_shared", "chars_covered",
}  # fmt: skip
"""Features of likeness: more of them never lowers a probability."""
FREE = {"claim_length", "window_length", "window_share"}
UNUSED = {"asked", "debunk", "text_length"}
SETS = {
    "han": ((("zh_covid",), "zh_covid"), (("zh_covid", "zh_community"), "zh_community")),
    "latin": ((("en_checkthat",), "en_checkthat"),),
}
SHAPE = {"han": (120, 0.1, 6), "latin": (80, 0.12, 10)}
"""Trees, learning rate, candidates of each text."""
BINS, DEPTH, LAMBDA, LEAST = 24, 3, 3.0, 3.0

Tree = float | list[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate of one text; `group` keeps all texts on a fact in one fold."""

    vector: tuple[float, ...]
    right: bool
    text: str
    group: str


def rows(data: Path, bases: Iterable[str], name: str, top: int) -> list[Row]:
    index = Index()
    for fact in evaluate.read_facts(data / base / "facts.jsonl" for base in bases):
        index.add(fact)
    right = evaluate.read_qrels(data / name / "dev" / "qrels.tsv")
    found = []
    for kind in ("queries", "negatives"):
        for item in evaluate.read_rows(data / name / "dev" / f"{kind}.jsonl"):
            parts = prepare(normalise(item["text"]), index)
            candidates = index.search(parts.text)
            for candidate in candidates[:top]:
                vector = score(parts, candidate, candidates[0].score).vector
                label = candidate.fact.id in right.get(item["id"], ())
                group = item.get("group") or item.get("near") or item["id"]
                found.append(Row(vector, label, item["id"], group))
    return found


class Forest:
    """Boosted trees under way: the binned rows, and the log-odds given to each so far."""

    def __init__(self, data: Sequence[Row], names: Sequence[str], rate: float) -> None:
        self.names, self.rate = names, rate
        columns = [[row.vector[NAMES.index(name)] for row in data] for name in names]
        self.limits = [_limits(column) for column in columns]
        self.bins = [
            bytes(bisect.bisect_left(edges, x) for x in column)
            for edges, column in zip(self.limits, columns, strict=True)
        ]
        self.labels = [float(row.right) for row in data]
        share = sum(self.labels) / len(self.labels)
        self.bias = math.log(share / (1 - share))
        self.odds = [self.bias] * len(data)
        self.trees: list[Tree] = []

    def grow(self) -> None:
        """Add one tree."""
        chance = [1 / (1 + math.exp(-odd)) for odd in self.odds]
        self.gradient = [p - y for p, y in zip(chance, self.labels, strict=True)]
        self.hessian = [p * (1 - p) for p in chance]
        telling = [at for at, slope in enumerate(self.gradient) if abs(slope) > 0.001]
        tree = self._node(telling, DEPTH, -9.0, 9.0)
        self.trees.append(tree)
        for at in range(len(self.odds)):
            self.odds[at] += self.rate * self._leaf(tree, at)

    def _leaf(self, tree: Tree, at: int) -> float:
        while isinstance(tree, list):
            tree = tree[2] if self.bins[tree[0]][at] <= tree[1] else tree[3]
        return tree

    def _node(self, rows_in: list[int], depth: int, low: float, high: float) -> Tree:
        gradient = sum(self.gradient[at] for at in rows_in)
        hessian = sum(self.hessian[at] for at in rows_in)
        value = max(low, min(high, -gradient / (hessian + LAMBDA)))
        best = (
            max(
                (
                    self._split(feature, rows_in, gradient, hessian)
                    for feature in range(len(self.names))
                ),
                default=(0.0,),
            )
            if depth and hessian >= 2 * LEAST
            else (0.0,)
        )
        if best[0] <= 1e-6:
            return value
        _, feature, cut, left, right = best
        middle = max(low, min(high, (left + right) / 2))
        sign = _sign(self.names[feature])
        below = (low, middle) if sign > 0 else (middle, high) if sign < 0 else (low, high)
        above = (middle, high) if sign > 0 else (low, middle) if sign < 0 else (low, high)
        column = self.bins[feature]
        return [
            feature, cut,
            self._node([at for at in rows_in if column[at] <= cut], depth - 1, *below),
            self._node([at for at in rows_in if column[at] > cut], depth - 1, *above),
        ]  # fmt: skip

    def _split(
        self, feature: int, rows_in: list[int], gradient: float, hessian: float
    ) -> tuple[float, ...]:
        """Give the best cut of one feature: gain, feature, cut, value below, value above."""
        slopes, bends = [0.0] * (BINS + 1), [0.0] * (BINS + 1)
        column = self.bins[feature]
        for at in rows_in:
            slopes[column[at]] += self.gradient[at]
            bends[column[at]] += self.hessian[at]
        best: tuple[float, ...] = (0.0,)
        g = h = 0.0
        sign = _sign(self.names[feature])
        for cut in range(len(self.limits[feature])):
            g, h = g + slopes[cut], h + bends[cut]
            left, right = -g / (h + LAMBDA), -(gradient - g) / (hessian - h + LAMBDA)
            if min(h, hessian - h) < LEAST or sign * (right - left) < 0:
                continue
            gain = (
                g * g / (h + LAMBDA)
                + (gradient - g) ** 2 / (hessian - h + LAMBDA)
                - gradient**2 / (hessian + LAMBDA)
            )
            best = max(best, (gain, feature, cut, left, right))
        return best

    def readable(self) -> dict[str, Any]:
        """Give the model as `verification.model.read` takes it."""

        def named(tree: Tree) -> Tree:
            if not isinstance(tree, list):
                return round(tree, 4)
            feature, cut, low, high = tree
            return [
                self.names[feature],
                round(self.limits[feature][cut], 4),
                named(low),
                named(high),
            ]

        return {
            "bias": round(self.bias, 4),
            "rate": self.rate,
            "trees": [named(tree) for tree in self.trees],
        }


def _sign(name: str) -> int:
    return 0 if name in FREE else 1 if name in UP else -1


def _limits(column: Sequence[float]) -> list[float]:
    ordered = sorted(column)
    return sorted({ordered[len(ordered) * part // BINS] for part in range(1, BINS)})


def fit(data: Sequence[Row], script: str) -> Forest:
    trees, rate, _ = SHAPE[script]
    dropped = UNUSED | ({"claim_length", "window_length"} if script == "latin" else set())
    forest = Forest(data, [name for name in NAMES if name not in dropped], rate)
    for _ in range(trees):
        forest.grow()
    return forest


def crossed(data: Sequence[Row], script: str, folds: int) -> list[float]:
    """Give the probability of every row from a model that saw no text on its fact."""
    from verification.model import read

    draw = random.Random(1)  # noqa: S311 -- folds, not secrets
    fold = {group: draw.randrange(folds) for group in sorted({row.group for row in data})}
    chances = [0.0] * len(data)
    for turn in range(folds):
        source = json.loads(
            json.dumps(fit([row for row in data if fold[row.group] != turn], script).readable())
        )
        model = read(source, NAMES)
        for at, row in enumerate(data):
            if fold[row.group] == turn:
                chances[at] = model.probability(row.vector)
    return chances


def calibration(data: Sequence[Row], chances: Sequence[float]) -> None:
    """Print how often the best candidate is right, by its probability, before any veto."""
    best: dict[str, tuple[float, bool]] = {}
    for row, chance in zip(data, chances, strict=True):
        best[row.text] = max(best.get(row.text, (0.0, False)), (chance, row.right))
    for low, high in (
        (0.0, 0.1),
        (0.1, 0.3),
        (0.3, 0.5),
        (0.5, 0.7),
        (0.7, 0.85),
        (0.85, 0.95),
        (0.95, 1.01),
    ):
        inside = [(chance, right) for chance, right in best.values() if low <= chance < high]
        if inside:
            said = sum(chance for chance, _ in inside) / len(inside)
            held = sum(right for _, right in inside) / len(inside)
            print(
                f"  p {low:.2f}-{high:.2f}: {len(inside)} texts, said {said:.3f}, right {held:.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="replace the shipped model")
    chosen = parser.parse_args()
    models = {}
    for script, sets in SETS.items():
        data = [
            row for bases, name in sets for row in rows(chosen.data, bases, name, SHAPE[script][2])
        ]
        print(f"{script}: {len(data)} candidates, {sum(row.right for row in data)} right")
        if chosen.folds:
            calibration(data, crossed(data, script, chosen.folds))
        models[script] = fit(data, script).readable()
    if chosen.write:
        MODEL.write_text(_lines(models), encoding="utf-8")


def _lines(models: dict[str, dict[str, Any]]) -> str:
    """JSON with one tree a line."""
    parts = []
    for script, model in models.items():
        trees = ",\n".join("    " + json.dumps(tree) for tree in model["trees"])
        head = f'"{script}": {{"bias": {model["bias"]}, "rate": {model["rate"]}, "trees": ['
        parts.append(f"{head}\n{trees}\n  ]}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
