"""Model: from a vector of features to the probability that this fact is meant.

Small monotone trees, read from `tables/model.json`, which `benchmarks/fit_match.py`
writes: more likeness never lowers a probability, more conflict never raises it.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

Nodes = npt.NDArray[np.int32]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Model:
    """Trees whose leaf weights add up to log-odds.

    Node `i` asks whether feature `feature[i]` is at most `limit[i]` and goes on to `low[i]` or
    `high[i]`; a leaf leads to itself. Trees begin at `roots` and are at most `depth` deep.
    """

    bias: float
    depth: int
    roots: Nodes
    feature: Nodes
    limit: Values
    low: Nodes
    high: Nodes
    weight: Values

    def probability(self, vector: Sequence[float]) -> float:
        """Give the chance, from 0 to 1, that a text with this vector means the fact."""
        return self.probabilities([vector])[0]

    def probabilities(self, vectors: Sequence[Sequence[float]]) -> list[float]:
        """Give the chances, from 0 to 1, that texts with these vectors mean the fact."""
        values = np.array(vectors, np.float32)
        rows = np.arange(len(values))[:, None]
        at = np.broadcast_to(self.roots, (len(values), len(self.roots)))
        for _ in range(self.depth):
            below = values[rows, self.feature[at]] <= self.limit[at]
            at = np.where(below, self.low[at], self.high[at])
        odds = self.bias + self.weight[at].sum(axis=1, dtype=np.float64)
        return [float(chance) for chance in 1 / (1 + np.exp(-odds))]


def read(source: dict[str, Any], names: Sequence[str]) -> Model:
    """Read a model whose trees name their features; KeyError on a feature not in `names`."""
    place = {name: at for at, name in enumerate(names)}
    nodes: list[tuple[int, float, int, int, float]] = []

    def plant(tree: Any) -> tuple[int, int]:
        """Write a tree down; its first node and its depth."""
        here = len(nodes)
        if not isinstance(tree, list):
            nodes.append((0, 0.0, here, here, float(tree)))
            return here, 0
        name, limit, low, high = tree
        nodes.append((place[name], float(limit), 0, 0, 0.0))
        (left, one), (right, other) = plant(low), plant(high)
        nodes[here] = (place[name], float(limit), left, right, 0.0)
        return here, 1 + max(one, other)

    planted = [plant(tree) for tree in source["trees"]]
    feature, limit, low, high, weight = zip(*nodes, strict=True)
    return Model(
        source["bias"],
        max(depth for _, depth in planted),
        np.array([root for root, _ in planted], np.int32),
        np.array(feature, np.int32),
        np.array(limit, np.float32),
        np.array(low, np.int32),
        np.array(high, np.int32),
        np.array(weight, np.float32),
    )


@functools.cache
def shipped(script: str, names: tuple[str, ...]) -> Model:
    """Give the model shipped for a script, "han" or "latin", for vectors with these names."""
    source = resources.files("verification") / "tables" / "model.json"
    return read(json.loads(source.read_text(encoding="utf-8"))[script], names)
