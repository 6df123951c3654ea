"""Claims alone: several processes take from one outbox and record, without a provider.

    python benchmarks/delivery_claims.py ACCESS

Each command takes all there is to take; what was taken is written down and compared afterwards.
"""

import json
import sys
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import delivery_town as town
from delivery_child import answer, child, commands
from delivery_databases import Databases
from delivery_town import MANY, Access
from sqlalchemy import func, select, update

from content import acceptance, claim
from content.acceptance import Taken
from content.alert import Severity
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery
from content.message import Kind
from content.notice import Notice
from content.pace import Sender
from content.people import Address
from content.store import Store

BATCH = 500
SENDER = Sender("telegram", Kind.CHAT, 1e9)
_EMPTY = 3
"""So often nothing must be left: what others hold at the moment may come free."""


def claims(
    databases: Databases, kind: str, workers: int, size: int, rounds: int, log: Path
) -> dict[str, Any]:
    """Let several processes claim and record `rounds` times `size` deliveries at once."""
    results = []
    taken: Counter[str] = Counter()
    with databases.copy(kind, size) as access, ExitStack() as stack:
        store = access.open()
        running = [
            stack.enter_context(child(log, "delivery_claims.py", access.dump()))
            for _ in range(workers)
        ]
        for one in running:
            one.line()
        for number in range(rounds):
            _fill(store, access, size, number)
            begun = time.time()
            for at, one in enumerate(running):
                one.tell("take", file=str(databases.folder / f"taken_{at}"))
            answers = [json.loads(one.line(600)) for one in running]
            results.append((time.time() - begun, answers))
            for at in range(workers):
                taken.update((databases.folder / f"taken_{at}").read_text("utf-8").split())
        rows = _rows(store)
        store.close()
    return _told(kind, workers, taken, rows, results)


def _told(
    kind: str, workers: int, taken: Counter[str], rows: tuple[int, int], results: list[Any]
) -> dict[str, Any]:
    every = [one for _, answers in results for one in answers]
    count = sum(one["count"] for one in every)
    return {
        "database": kind,
        "workers": workers,
        "claims": count,
        "double_claims": count - len(taken),
        "attempts": rows[0],
        "accepted": rows[1],
        "claimed_per_second": sum(_pace(every, "claim_seconds", workers)),
        "recorded_per_second": sum(_pace(every, "record_seconds", workers)),
        "claimed_and_recorded_per_second": count / sum(seconds for seconds, _ in results),
    }


def _pace(every: list[dict[str, Any]], what: str, workers: int) -> list[float]:
    """Give the rows a second of each process while it did this, beside the others."""
    return [
        sum(one["count"] for one in every[at::workers])
        / max(1e-9, sum(one[what] for one in every[at::workers]))
        for at in range(workers)
    ]


def _fill(store: Store, access: Access, size: int, number: int) -> None:
    """Publish to everybody, expand, and give each delivery its chat, without the router."""
    from content import expansion, notice

    made, _, _ = town.announce(store, access, MANY, Severity.MODERATE, number)
    while True:
        with store.begin() as session:
            row = session.get_one(Notice, (store.community_id, made))
            if row.cursor is None and row.expanded >= size:
                break
            expansion.expand(session, notice.get(session, made), Clock().now())
    chat = (
        select(Address.id)
        .where(Address.community_id == Delivery.community_id)
        .where(Address.owner_id == Delivery.recipient_id, Address.kind == Kind.CHAT)
        .limit(1)
        .scalar_subquery()
    )
    with store.begin() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.community_id == store.community_id, Delivery.notice_id == made)
            .values(kind=Kind.CHAT, address_id=chat, wait=7200)
            .execution_options(synchronize_session=False)
        )


def _rows(store: Store) -> tuple[int, int]:
    query = select(func.count()).where(Attempt.community_id == store.community_id)
    with store.read() as session:
        taken = query.where(Attempt.state == AttemptState.ACCEPTED)
        return session.scalar(query) or 0, session.scalar(taken) or 0


def take(store: Store, file: Path) -> dict[str, Any]:
    """Claim and record until nothing is left; write down what was claimed."""
    claiming = recording = 0.0
    taken: list[str] = []
    empty = 0
    while empty < _EMPTY:
        now = Clock().now()
        begun = time.perf_counter()
        with store.begin(shared=True) as session:
            jobs = claim.claim(session, SENDER, BATCH, now)
        claimed = time.perf_counter()
        claiming += claimed - begun
        if not jobs:
            empty += 1
            time.sleep(0.05)
            continue
        empty = 0
        taken += (f"{job.notice_id.hex}{job.recipient_id.hex}" for job in jobs)
        done = [Taken(job.ref, uuid.uuid4().hex, now) for job in jobs]
        begun = time.perf_counter()
        with store.begin(shared=True) as session:
            acceptance.record(session, done)
        recording += time.perf_counter() - begun
    file.write_text("\n".join(taken), "utf-8")
    return {"count": len(taken), "claim_seconds": claiming, "record_seconds": recording}


def main() -> None:
    store = Access.load(sys.argv[1]).open()
    answer({"ready": True})
    for asked in commands():
        answer(take(store, Path(asked["file"])))
    store.close()


if __name__ == "__main__":
    main()
