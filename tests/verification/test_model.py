"""The model: readable trees whose leaf weights add up to a probability."""

import pytest

from verification.features import NAMES
from verification.model import read, shipped

SMALL = {"bias": 0.0, "rate": 1.0, "trees": [["ratio", 0.5, -3.0, ["denied", 0.5, 3.0, -1.0]]]}


@pytest.mark.parametrize(
    ("ratio", "denied", "chance"), [(0.2, 0.0, 0.047), (0.9, 0.0, 0.953), (0.9, 1.0, 0.269)]
)
def test_a_vector_walks_the_trees_to_its_probability(
    ratio: float, denied: float, chance: float
) -> None:
    model = read(SMALL, ("ratio", "denied"))
    assert model.probability((ratio, denied)) == pytest.approx(chance, abs=0.001)


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(KeyError):
        read(SMALL, ("ratio",))


@pytest.mark.parametrize("script", ["han", "latin"])
def test_more_likeness_never_lowers_a_probability(script: str) -> None:
    model = shipped(script, NAMES)
    low = [0.3] * len(NAMES)
    for name in ("claim_covered", "window_explained", "ratio", "rare_claim"):
        high = [0.9 if other == name else value for other, value in zip(NAMES, low, strict=True)]
        assert model.probability(high) >= model.probability(low)
