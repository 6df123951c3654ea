"""Evaluate: run the desk's own decision over files of queries, judgements and negatives."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verification import gate, match
from verification.index import FactView, Index, Verdict
from verification.match import Decision, Outcome

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Heard:
    """One text with its decision; `right` are the facts that answer it, none for a negative."""

    kind: str
    right: frozenset[str]
    decision: Decision
    alarm: bool
    seconds: float

    @property
    def answered(self) -> bool:
        return self.decision.outcome is Outcome.ANSWER

    @property
    def answered_right(self) -> bool:
        return self.answered and self.decision.candidates[0].fact.id in self.right

    @property
    def asked(self) -> bool:
        return self.decision.outcome is Outcome.ASK

    @property
    def shows_right(self) -> bool:
        return any(candidate.fact.id in self.right for candidate in self.decision.candidates)

    def place(self) -> int:
        """Give the rank of the first right fact from 1, 0 if it is not among the ranked."""
        ids = [candidate.fact.id for candidate in self.decision.ranked]
        return next((at for at, fact_id in enumerate(ids, 1) if fact_id in self.right), 0)


def read_facts(paths: Iterable[Path]) -> list[FactView]:
    """Give the facts of JSON Lines files, each {id, title, explanation, verdict, variants}."""
    return [_fact(row) for path in paths for row in read_rows(path)]


def _fact(row: dict[str, Any]) -> FactView:
    said = row.get("verdict") or "unknown"
    verdict = Verdict("false" if said == "debunk" else said)
    return FactView(
        row["id"],
        row["title"],
        tuple(row.get("variants") or ()),
        row.get("explanation") or "",
        verdict,
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a JSON Lines file; ValueError if a line is none."""
    with Path(path).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def read_qrels(path: Path) -> dict[str, frozenset[str]]:
    """Give the right facts of each query, from a table with a header line: query_id, fact_id."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in Path(path).read_text(encoding="utf-8").splitlines()[1:]:
        query, fact = line.split("\t")[:2]
        found[query].add(fact.strip())
    return {query: frozenset(facts) for query, facts in found.items()}


def run(
    facts: Sequence[Path],
    queries: Path,
    qrels: Path,
    negatives: Path,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the decision; rates are 0 to 1, latencies milliseconds, `progress(done, total)`.

    Raises OSError for a missing file and ValueError or KeyError for one of another form.
    """
    index = Index()
    for fact in read_facts(facts):
        index.add(fact)
    right = read_qrels(qrels)
    todo = [(row, right.get(row["id"], frozenset())) for row in read_rows(queries)]
    against = [(row, frozenset[str]()) for row in read_rows(negatives)]
    match.decide("热身", index)
    heard: list[_Heard] = []
    for row, facts_of in todo + against:
        heard.append(_hear(row, facts_of, index))
        if progress:
            progress(len(heard), len(todo) + len(against))
    return _report(heard[: len(todo)], heard[len(todo) :])


def _hear(row: dict[str, Any], right: frozenset[str], index: Index) -> _Heard:
    start = time.perf_counter()
    decision = match.decide(row["text"], index)
    seconds = time.perf_counter() - start
    return _Heard(
        row.get("kind") or "", right, decision, gate.emergency(row["text"]) is not None, seconds
    )


def _report(queries: list[_Heard], negatives: list[_Heard]) -> dict[str, Any]:
    everything = queries + negatives
    places = [one.place() for one in queries]
    asked = [one for one in queries if one.asked]
    seconds = sorted(one.seconds for one in everything)
    emergencies = [one for one in negatives if one.kind == "emergency"]
    calm = [one for one in everything if one.kind != "emergency"]
    return {
        "r_at_1": _rate(place == 1 for place in places),
        "r_at_5": _rate(0 < place <= 5 for place in places),  # noqa: PLR2004 -- as the name says
        "mrr_at_10": sum(1 / place for place in places if place) / (len(places) or 1),
        "answer": _answers(queries, negatives),
        "ask": {
            "share": _rate(one.asked for one in queries),
            "holds_right": _rate(one.shows_right for one in asked),
        },
        "answer_or_ask_holds_right": _rate(one.shows_right for one in queries),
        "emergency_recall": _rate(one.alarm for one in emergencies) if emergencies else None,
        "emergency_false_alarm_rate": _rate(one.alarm for one in calm),
        "coverage_by_kind": {
            kind: _rate(one.answered_right for one in group)
            for kind, group in _by_kind(queries).items()
        },
        "queries_per_second": len(seconds) / (sum(seconds) or 1.0),
        "latency_ms": {
            "p50": _percentile(seconds, 0.5) * 1000,
            "p99": _percentile(seconds, 0.99) * 1000,
        },
    }


def _answers(queries: list[_Heard], negatives: list[_Heard]) -> dict[str, Any]:
    """Precision over everything answered, queries and negatives together."""
    answered = [one for one in queries + negatives if one.answered]
    right = sum(one.answered_right for one in answered)
    return {
        "precision": right / len(answered) if answered else 1.0,
        "coverage": _rate(one.answered_right for one in queries),
        "answered": len(answered),
        "wrong": len(answered) - right,
        "false_answer_rate": _rate(one.answered for one in negatives),
        "false_answer_rate_by_kind": {
            kind: _rate(one.answered for one in group)
            for kind, group in _by_kind(negatives).items()
        },
    }


def _by_kind(heard: list[_Heard]) -> dict[str, list[_Heard]]:
    kinds: dict[str, list[_Heard]] = defaultdict(list)
    for one in heard:
        kinds[one.kind].append(one)
    return dict(kinds)


def _rate(hits: Iterable[bool]) -> float:
    counted = [bool(hit) for hit in hits]
    return sum(counted) / len(counted) if counted else 0.0


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
