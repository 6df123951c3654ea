"""Model: from a vector of features to the probability that this fact is meant.

Small monotone trees, read from `tables/model.json`, which `benchmarks/fit_match.py`
writes: more likeness never lowers a probability, more conflict never raises it.
"""

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

Tree = float | tuple[int, float, Any, Any]
"""A leaf's weight, or (feature number, limit, tree up to the limit, tree above it)."""


@dataclass(frozen=True, slots=True)
class Model:
    """Trees whose leaf weights add up to log-odds; `rate` and `bias` as they were fitted."""

    names: tuple[str, ...]
    bias: float
    rate: float
    trees: tuple[Tree, ...]

    def probability(self, vector: Sequence[float]) -> float:
        """Give the chance, from 0 to 1, that a text with this vector means the fact."""
        total = sum(_leaf(tree, vector) for tree in self.trees)
        return 1 / (1 + math.exp(-(self.bias + self.rate * total)))


def _leaf(tree: Tree, vector: Sequence[float]) -> float:
    while isinstance(tree, tuple):
        feature, limit, low, high = tree
        tree = low if vector[feature] <= limit else high
    return tree


def read(source: dict[str, Any], names: Sequence[str]) -> Model:
    """Read a model whose trees name their features; KeyError on a feature not in `names`."""
    place = {name: at for at, name in enumerate(names)}

    def grown(tree: Any) -> Tree:
        if isinstance(tree, list):
            name, limit, low, high = tree
            return place[name], float(limit), grown(low), grown(high)
        return float(tree)

    return Model(tuple(names), source["bias"], source["rate"], tuple(map(grown, source["trees"])))


@functools.cache
def shipped(script: str, names: tuple[str, ...]) -> Model:
    """Give the model shipped for a script, "han" or "latin", for vectors with these names."""
    source = resources.files("verification") / "tables" / "model.json"
    return read(json.loads(source.read_text(encoding="utf-8"))[script], names)
