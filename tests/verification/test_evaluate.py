"""The evaluation: its rates count what the desk's own decision does."""

import json
from pathlib import Path
from typing import Any

import pytest

from verification import evaluate

KEYS = {
    "r_at_1", "r_at_5", "mrr_at_10", "answer", "ask", "answer_or_ask_holds_right", "emergency_recall",
    "emergency_false_alarm_rate", "coverage_by_kind", "queries_per_second", "latency_ms",
}  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    facts = write(
        tmp_path / "facts.jsonl",
        [
            {
                "id": "f1",
                "title": "南街菜场下周整体搬迁",
                "explanation": "菜场只是翻修，不搬迁。",
                "verdict": "debunk",
            },
            {
                "id": "f2",
                "title": "社区图书室周末不再开放",
                "explanation": "周末照常开放。",
                "verdict": "",
            },
        ],
    )
    queries = write(
        tmp_path / "queries.jsonl",
        [
            {"id": "q1", "text": "听说南街菜场下周整体搬迁", "kind": "question"},
            {"id": "q2", "text": "今天真热", "kind": "other"},
        ],
    )
    negatives = write(
        tmp_path / "negatives.jsonl",
        [
            {"id": "n1", "text": "我家着火了，快来人", "kind": "emergency"},
            {"id": "n2", "text": "社区图书室周末不再开放", "kind": "flip"},
        ],
    )
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query_id\tfact_id\nq1\tf1\nq2\tf2\n", encoding="utf-8")
    return evaluate.run([facts], queries, qrels, negatives)


def test_the_report_has_exactly_the_agreed_keys(report: dict[str, Any]) -> None:
    assert set(report) == KEYS
    assert json.loads(json.dumps(report)) == report


def test_precision_is_over_everything_answered(report: dict[str, Any]) -> None:
    answer = report["answer"]
    assert (answer["answered"], answer["wrong"], answer["precision"]) == (2, 1, 0.5)


def test_coverage_counts_queries_and_false_answers_count_negatives(report: dict[str, Any]) -> None:
    assert report["answer"]["coverage"] == 0.5
    assert report["answer"]["false_answer_rate_by_kind"] == {"emergency": 0.0, "flip": 1.0}


def test_emergencies_are_counted_apart_from_false_alarms(report: dict[str, Any]) -> None:
    assert (report["emergency_recall"], report["emergency_false_alarm_rate"]) == (1.0, 0.0)


def test_recall_is_null_where_there_are_no_emergencies(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", [{"id": "a", "title": "甲", "text": "乙", "kind": "x"}])
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query_id\tfact_id\n", encoding="utf-8")
    assert evaluate.run([rows], rows, qrels, rows)["emergency_recall"] is None


@pytest.mark.slow
def test_the_desk_keeps_its_precision_on_the_shared_data(shared: Path) -> None:
    data = shared / "data"
    facts = [data / "zh_covid" / "facts.jsonl", data / "zh_community" / "facts.jsonl"]
    dev = data / "zh_community" / "dev"
    found = evaluate.run(facts, dev / "queries.jsonl", dev / "qrels.tsv", dev / "negatives.jsonl")
    assert found["answer"]["precision"] >= 0.98
    assert found["emergency_recall"] == 1.0
