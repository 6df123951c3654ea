"""Fit the trees of `verification/tables/model.json` on labelled queries, with LightGBM.

    python benchmarks/fit_match.py --data ../shared/data [--folds 5] [--write]

For every text the first candidates are weighed by `verification.features`; a candidate is
right if it is in the query's qrels. Two models are fitted, one for texts with Han characters
and one for the others: gradient-boosted trees on the logistic loss, monotone, so that more
likeness can never lower a probability and more conflict never raise it. What only tells
queries of these files from negatives of these files (whether a text asks, how long it is as a
whole) is left out. A candidate against which a veto stands is never an answer, so it weighs
little. Beside the data given, `benchmarks/training` is learned from: facts, messages and
near-misses written for this.

With --folds the desk's own decision is measured on texts whose facts the model has not seen:
how often it is right at each probability, and, nested, at the threshold that other folds
choose (the lowest at which the lower 90 % bound of precision is at least .98).
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from scipy.stats import beta

from verification import evaluate, match
from verification.features import NAMES, Scored
from verification.index import FactView, Index, Verdict
from verification.match import Outcome, Thresholds
from verification.model import Model, read
from verification.text import Text, normalise

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "verification" / "tables" / "model.json"
TRAINING = ROOT / "benchmarks" / "training"
UP = {
    "shown_ours", "nouns_share", "shown_theirs", "nouns_kept", "shown_forms", "shown_text",
    "meanings_shared", "ratio", "claim_exact", "bm25", "bm25_share", "number_shared",
    "date_shared", "place_shared", "bm25_lead",
}  # fmt: skip
"""Features of likeness: more of them never lowers a probability."""
FREE = {"claim_length", "window_length", "window_share"}
UNUSED = {"han": {"asked", "debunk", "bm25_lead"}, "latin": {"asked", "debunk"}}
USED = {
    script: tuple(name for name in NAMES if name not in unused) for script, unused in UNUSED.items()
}
SETS = {
    "han": ((("zh_covid",), "zh_covid"), (("zh_covid", "zh_community"), "zh_community")),
    "latin": ((("en_checkthat",), "en_checkthat"),),
}
TREES = {"han": 200, "latin": 150}
VETOED, LATER = 0.2, 0.3
"""What a candidate weighs against which a veto stands, and one behind the third place."""
PRECISE, SURE = 0.98, 0.9
"""The precision that a threshold must reach, and with which confidence."""


@dataclass(frozen=True, slots=True)
class Case:
    """One text with its weighed candidates; `group` keeps all texts on a fact in one fold."""

    read: Text
    scored: tuple[Scored, ...]
    right: frozenset[str]
    query: bool
    group: str
    index: Index
    source: str


def cases(data: Path, script: str) -> Iterator[Case]:
    for bases, name in SETS[script]:
        index = indexed(evaluate.read_facts(data / base / "facts.jsonl" for base in bases))
        right = evaluate.read_qrels(data / name / "dev" / "qrels.tsv")
        for kind in ("queries", "negatives"):
            for item in evaluate.read_rows(data / name / "dev" / f"{kind}.jsonl"):
                group = item.get("group") or item.get("near") or item["id"]
                facts = right.get(item["id"], frozenset())
                yield weighed(
                    item["text"], index, facts, kind == "queries", f"{name} {group}", name
                )
    if script == "han":
        yield from written(data)


def written(data: Path) -> Iterator[Case]:
    """Give the texts written for this, among the facts of `zh_covid`."""
    rows = [row for path in sorted(TRAINING.glob("*.jsonl")) for row in evaluate.read_rows(path)]
    index = indexed(evaluate.read_facts([data / "zh_covid" / "facts.jsonl"]))
    for row in rows:
        verdict = Verdict(row["verdict"])
        index.add(FactView(row["id"], row["claim"], tuple(row["variants"]), row["truth"], verdict))
    for row in rows:
        for _, text in row["same"]:
            yield weighed(text, index, frozenset([row["id"]]), True, row["id"], "training")
        for _, text in row["other"]:
            yield weighed(text, index, frozenset(), False, row["id"], "training")


def indexed(facts: Iterable[FactView]) -> Index:
    index = Index()
    for fact in facts:
        index.add(fact)
    return index


def weighed(
    text: str, index: Index, right: frozenset[str], query: bool, group: str, source: str
) -> Case:
    read = normalise(text)
    return Case(read, tuple(match.compared(read, index)), right, query, group, index, source)


def fit(data: Sequence[Case], script: str, seed: int = 1) -> dict[str, Any]:
    """Fit one model and give it as `verification.model.read` takes it."""
    rows = [(case, at, one) for case in data for at, one in enumerate(case.scored)]
    places = [NAMES.index(name) for name in USED[script]]
    vectors = np.array([[one.vector[at] for at in places] for _, _, one in rows])
    labels = np.array([one.candidate.fact.id in case.right for case, _, one in rows], float)
    weights = [
        (VETOED if one.conflicts else 1.0) * (LATER if at > 2 else 1.0) for _, at, one in rows
    ]
    settings = {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 10, "max_depth": 4,
        "min_data_in_leaf": 25, "lambda_l2": 5, "feature_fraction": 0.5,
        "bagging_fraction": 0.8, "bagging_freq": 1, "verbose": -1, "num_threads": 1,
        "seed": seed, "deterministic": True, "monotone_constraints": list(map(_sign, USED[script])),
        "monotone_constraints_method": "advanced",
    }  # fmt: skip
    table = lightgbm.Dataset(vectors, labels, weight=np.array(weights))
    grown = lightgbm.train(settings, table, TREES[script]).dump_model()
    # LightGBM writes the average log-odds into the first tree
    return {
        "bias": 0.0,
        "trees": [_plain(one["tree_structure"], USED[script]) for one in grown["tree_info"]],
    }


def _sign(name: str) -> int:
    return 0 if name in FREE else 1 if name in UP else -1


def _plain(node: dict[str, Any], used: Sequence[str]) -> Any:
    if "leaf_value" in node:
        return round(node["leaf_value"], 5)
    name, limit = used[node["split_feature"]], round(node["threshold"], 5)
    return [name, limit, _plain(node["left_child"], used), _plain(node["right_child"], used)]


def told(case: Case, model: Model) -> tuple[float, bool, bool, bool]:
    """Give the first candidate's chance, whether it may answer, is right, is among the shown."""
    if not case.scored:
        return 0.0, False, False, False
    chances = model.probabilities([one.vector for one in case.scored])
    exact = case.index.exact(case.read)
    sure = [
        1.0 if one.candidate.fact.id in exact else chance
        for one, chance in zip(case.scored, chances, strict=True)
    ]
    order = match.ranked(case.scored, sure)
    free = match.conclude(case.read, order, case.index, thresholds=Thresholds(0.0, 0.0))
    asked = match.conclude(case.read, order, case.index, thresholds=Thresholds(2.0, 2.0))
    first = order[0].candidate
    shown = any(one.fact.id in case.right for one in asked.candidates)
    answers = free.outcome is Outcome.ANSWER
    return first.probability, answers, first.fact.id in case.right, shown


def folded(data: Sequence[Case], folds: int, seed: int = 1) -> list[int]:
    draw = random.Random(seed)  # noqa: S311 -- folds, not secrets
    fold = {group: draw.randrange(folds) for group in sorted({case.group for case in data})}
    return [fold[case.group] for case in data]


def crossed(
    data: Sequence[Case], script: str, folds: int, seed: int = 1
) -> list[tuple[float, bool, bool, bool]]:
    """Decide on every text with a model that saw no text on its fact."""
    fold = folded(data, folds, seed)
    found: list[tuple[float, bool, bool, bool]] = [(0.0, False, False, False)] * len(data)
    for turn in range(folds):
        seen = [case for case, at in zip(data, fold, strict=True) if at != turn]
        model = read(json.loads(json.dumps(fit(seen, script))), NAMES)
        for place, case in enumerate(data):
            if fold[place] == turn:
                found[place] = told(case, model)
    return found


def bound(right: int, answered: int) -> float:
    """Give the lower bound of a precision (Clopper and Pearson), one-sided."""
    return float(beta.ppf(1 - SURE, right, answered - right + 1)) if right else 0.0


def threshold(found: Iterable[tuple[float, bool, bool, bool]]) -> float:
    """Give the lowest threshold whose answers are precise with confidence."""
    right = answered = 0
    least = 1.0
    for chance, free, correct, _ in sorted(found, reverse=True):
        if free:
            answered, right = answered + 1, right + correct
            if bound(right, answered) >= PRECISE:
                least = chance
    return least


def report(data: Sequence[Case], script: str, folds: int) -> None:
    found = crossed(data, script, folds)
    calibration(found)
    fold = folded(data, folds)
    limits = {}
    for turn in range(folds):
        inner = [case for case, at in zip(data, fold, strict=True) if at != turn]
        limits[turn] = threshold(crossed(inner, script, folds - 1, seed=2))
    print("  nested thresholds", {turn: round(limit, 3) for turn, limit in limits.items()})
    print(f"  threshold on everything {threshold(found):.3f}")
    for source in sorted({case.source for case in data}):
        rows = [
            (case, one, limits[at])
            for case, one, at in zip(data, found, fold, strict=True)
            if case.source == source
        ]
        queries = sum(case.query for case, _, _ in rows)
        answers = [one[2] for _, one, limit in rows if one[1] and one[0] >= limit]
        shown = sum(case.query and one[3] for case, one, _ in rows)
        print(
            f"  {source}: {len(answers)} answered, {len(answers) - sum(answers)} wrong, lower "
            f"bound {bound(sum(answers), len(answers)):.3f}, coverage {sum(answers) / queries:.3f}"
            f", shown if all were asked {shown / queries:.3f}"
        )
        curve(rows, queries)


def curve(rows: Sequence[tuple[Case, tuple[float, bool, bool, bool], float]], queries: int) -> None:
    """Print coverage and wrong answers over fixed thresholds."""
    parts = []
    for limit in (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        answers = [one[2] for _, one, _ in rows if one[1] and one[0] >= limit]
        right = sum(answers)
        parts.append(f"{limit}: {right / queries:.3f} ({len(answers) - right} wrong)")
    print("    " + "; ".join(parts))


def calibration(found: Iterable[tuple[float, bool, bool, bool]]) -> None:
    """Print how often the first candidate is right by its probability, where no veto stands."""
    edges = (0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 1.01)
    free = [(chance, right) for chance, answers, right, _ in found if answers]
    for low, high in pairwise(edges):
        inside = [(chance, right) for chance, right in free if low <= chance < high]
        if inside:
            said = sum(chance for chance, _ in inside) / len(inside)
            held = sum(right for _, right in inside) / len(inside)
            print(f"  p {low:.2f}-{high:.2f}: {len(inside)}, said {said:.3f}, right {held:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--only", choices=("han", "latin"))
    parser.add_argument("--write", action="store_true", help="replace the shipped model")
    chosen = parser.parse_args()
    models = json.loads(MODEL.read_text(encoding="utf-8"))
    for script in SETS:
        if chosen.only in {None, script}:
            data = list(cases(chosen.data, script))
            print(f"{script}: {len(data)} texts")
            if chosen.folds:
                report(data, script, chosen.folds)
            models[script] = fit(data, script)
            if chosen.write:
                MODEL.write_text(_lines(models), encoding="utf-8")


def _lines(models: dict[str, dict[str, Any]]) -> str:
    """JSON with one tree a line."""
    parts = []
    for script, model in models.items():
        trees = ",\n".join("    " + json.dumps(tree) for tree in model["trees"])
        head = f'"{script}": {{"bias": {model["bias"]}, "trees": ['
        parts.append(f"{head}\n{trees}\n  ]}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
