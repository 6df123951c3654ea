"""Ours: one fresh process that opens a real database and decides, for `match_bench.py`.

It reads its task from standard input as JSON (database, keys, community, questions, letters,
seconds) and writes what it measured to standard output as JSON.
"""

import gc
import json
import resource
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BORN = time.perf_counter()

from match_figures import K, hits, percentile  # noqa: E402

from content import identity  # noqa: E402 - importing belongs to what starting costs
from content.event import Actor, Door  # noqa: E402
from content.keys import Keyring  # noqa: E402
from content.staff import Role  # noqa: E402
from content.store import Store  # noqa: E402
from verification import facts, match, shelf  # noqa: E402
from verification.fact import Statement  # noqa: E402
from verification.index import Index, Verdict  # noqa: E402
from verification.letter import claims  # noqa: E402
from verification.text import normalise  # noqa: E402

NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
ACTS = 25
WARM = 20
"""Questions that are decided before the clock runs."""


def main() -> None:
    task = json.load(sys.stdin)
    store = Store(task["database"], Keyring.load(Path(task["keys"])), uuid.UUID(task["community"]))
    start = time.perf_counter()
    with store.read() as session:
        base = shelf.base(session)
    found: dict[str, Any] = {"start_seconds": time.perf_counter() - start, "facts": len(base.index)}
    match.decide(task["letters"][0], base.index, now=NOW)
    found["first_decision_seconds"] = time.perf_counter() - BORN
    found["memory_mb"], found["memory_peak_mb"] = _resident(), _peak()
    seconds = task["seconds"]
    found |= _decisions(task["questions"], base.index, seconds)
    found["letters"] = _letters(task["letters"], base.index, seconds / 3)
    found["retrieval"] = _retrieval(task["questions"], task["right"], base.index, seconds / 3)
    found |= _changes(store, base)
    store.close()
    json.dump(found, sys.stdout)


def _resident() -> float:
    """Megabytes of this process that are in memory now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return _peak()


def _peak() -> float:
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over texts, each once and cold: the seconds of each, of all, and of computing."""

    seconds: list[float]
    total: float
    computing: float


def _pass(work: Callable[[str], object], texts: Sequence[str], budget: float) -> Pass:
    gc.collect()
    seconds = []
    begun, computed = time.perf_counter(), time.process_time()
    for text in texts:
        start = time.perf_counter()
        work(text)
        seconds.append(time.perf_counter() - start)
        if start - begun > budget:
            break
    return Pass(seconds, time.perf_counter() - begun, time.process_time() - computed)


def _decisions(texts: list[str], index: Index, budget: float) -> dict[str, Any]:
    """Whole decisions: normalise, retrieve, score, decide; `computing` is 1 on a quiet machine."""
    for text in texts[:WARM]:
        match.decide(text, index, now=NOW)
    done = _pass(lambda text: match.decide(text, index, now=NOW), texts[WARM:], budget)
    return {
        "p50_ms": percentile(done.seconds, 0.5),
        "p99_ms": percentile(done.seconds, 0.99),
        "max_ms": max(done.seconds) * 1000,
        "queries_per_second": len(done.seconds) / done.total,
        "claims": len(done.seconds),
        "computing": done.computing / done.total,
    }


def _letters(letters: list[str], index: Index, budget: float) -> dict[str, Any]:
    """Whole letters: cut into claims, each decided."""

    def judge(letter: str) -> None:
        for claim in claims(letter):
            match.decide(claim, index, now=NOW)

    seconds = _pass(judge, letters, budget).seconds
    return {
        "letters": len(seconds),
        "p50_ms": percentile(seconds, 0.5),
        "p99_ms": percentile(seconds, 0.99),
    }


def _retrieval(
    texts: list[str], right: list[list[str]], index: Index, budget: float
) -> dict[str, Any]:
    """Retrieve alone, its texts normalised beforehand; R@5 over those that have a right fact."""
    read = [normalise(text) for text in texts]
    gc.collect()
    start = time.perf_counter()
    found = []
    for text in read:
        found.append([one.fact.id for one in index.search(text, K)[:5]])
        if time.perf_counter() - start > budget:
            break
    total = time.perf_counter() - start
    return {"queries_per_second": len(found) / total, "hits": hits(found, right)}


def _changes(store: Store, base: shelf.Base) -> dict[str, Any]:
    """Publish, change and withdraw facts; how long until the next question sees it."""
    with store.begin() as session:
        expert = Actor(Door.CLI, identity.add_staff(session, "专家", [Role.EXPERT], NOW).id)
        publisher = Actor(Door.CLI, identity.add_staff(session, "发布", [Role.PUBLISHER], NOW).id)
    acted: dict[str, list[float]] = {"publish": [], "withdraw": []}
    followed: list[float] = []

    def seen(act: Callable[..., object], fact_id: uuid.UUID, actor: Actor, **more: Any) -> None:
        start = time.perf_counter()
        with store.begin() as session:
            act(session, facts.get(session, fact_id), actor, NOW, **more)
        done = time.perf_counter()
        with store.read() as session:
            assert shelf.refresh(session, base) == 1
        followed.append(time.perf_counter() - done)
        acted["publish" if act is facts.publish else "withdraw"].append(time.perf_counter() - start)

    for turn in range(ACTS):
        fact_id = _signed(store, expert, None, turn)
        for number in (turn, turn + ACTS):
            if number != turn:
                fact_id = _signed(store, expert, fact_id, number)
            seen(facts.publish, fact_id, publisher, base=base)
            assert base.index.search(normalise(_claim(number)), 1)[0].fact.id == str(fact_id)
        seen(facts.withdraw, fact_id, expert)
        assert str(fact_id) not in base.index
    every = [*acted["publish"], *acted["withdraw"]]
    return {
        "add_ms": percentile(every, 0.5),
        "add_max_ms": max(every) * 1000,
        "publish_ms": percentile(acted["publish"], 0.5),
        "withdraw_ms": percentile(acted["withdraw"], 0.5),
        "refresh_ms": percentile(followed, 0.5),
        "refresh_max_ms": max(followed) * 1000,
    }


def _claim(turn: int) -> str:
    return f"{turn + 3}号楼的梧桐树上住着会敲钟的{turn}只鹦鹉"


def _signed(store: Store, expert: Actor, fact_id: uuid.UUID | None, turn: int) -> uuid.UUID:
    """Write a new fact, or change the one given, and sign it."""
    truth = f"梧桐树上没有会敲钟的{turn}只鹦鹉。"
    said = Statement(_claim(turn), truth, Verdict.FALSE, source="居委会")
    with store.begin() as session:
        if fact_id is None:
            fact = facts.draft(session, expert, said, NOW)
        else:
            fact = facts.get(session, fact_id)
            facts.change(session, fact, expert, said, NOW)
        facts.sign(session, fact, expert, NOW)
        return fact.id


if __name__ == "__main__":
    main()
