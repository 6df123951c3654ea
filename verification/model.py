"""Model: from a vector of features to the probability that this fact is meant."""

import math

from verification.features import Scored

WEIGHTS = {
    "window_claim": 6.0,
    "window_explained": 4.0,
    "rare_claim": 3.0,
    "rare_window": 2.0,
    "ratio": 2.0,
    "window_missing_most": -2.0,
}
BIAS = -7.0


def probability(one: Scored) -> float:
    """The chance, from 0 to 1, that the text means this fact."""
    total = BIAS + sum(weight * one.value(name) for name, weight in WEIGHTS.items())
    return 1 / (1 + math.exp(-total))
