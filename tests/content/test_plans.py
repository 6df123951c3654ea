"""How SQLite goes through the outbox: to every row by its key, whatever the community has grown to."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from content import acceptance, bulk, claim, due, expansion, often, outcome, routing
from content.store import Store

STATEMENTS = {
    "look": due._next_due,
    "due": lambda: due._priorities(routed=True),
    "unrouted": lambda: due._priorities(routed=False),
    "candidates": lambda: due._candidates(hourly=True, only_look=False),
    "what would be claimed": lambda: due._candidates(hourly=False, only_look=True),
    "attempts": lambda: claim._attempts("sqlite"),
    "off the queue": lambda: claim._off_the_queue("sqlite"),
    "said": claim._said,
    "taken": lambda: acceptance._found("sqlite"),
    "accept": lambda: acceptance._attempts("sqlite"),
    "told": lambda: acceptance._deliveries("sqlite"),
    "to route": routing._due,
    "addresses": lambda: routing._addresses("sqlite"),
    "called often": lambda: often._often("sqlite"),
    "steps": lambda: routing._go("sqlite"),
    "failures": lambda: outcome._failures("sqlite"),
    "expand": lambda: expansion._filled("sqlite"),
}


STATISTICS = {
    "delivery": {
        "ix_delivery_due": "900000 900000 900000 300000 1000",
        "ix_delivery_recipient": "1000000 1000000 2",
        "ix_delivery_place": "1000000 1000000 3",
        "sqlite_autoindex_delivery_1": "1000000 1000000 500000 1",
    },
    "attempt": {
        "ix_attempt_open": "100 100 100 1",
        "ix_attempt_digest": "1000000 1000000 2 1",
        "ix_attempt_delivery": "1000000 1000000 500000 1",
        "sqlite_autoindex_attempt_1": "1000000 1000000 1",
        "sqlite_autoindex_attempt_2": "1000000 1000000 1",
    },
    "notice": {"sqlite_autoindex_notice_1": "3 3 1", "ix_notice_live": "3 3 3 3"},
    "address": {
        "ix_address_owner": "3000000 3000000 3 1 1",
        "ix_address_digest": "3000000 3000000 1000000 1",
        "sqlite_autoindex_address_1": "3000000 3000000 1",
    },
    "resident": {
        "ix_resident_place": "1000000 1000000 3",
        "sqlite_autoindex_resident_1": "1000000 1000000 1",
    },
}
"""What a million residents look like to the planner: rows, and rows for each beginning of a key."""


@pytest.fixture(params=["fresh", "grown"])
def connection(store: Store, request: pytest.FixtureRequest) -> Iterator[Session]:
    with store.begin() as session:
        run = session.connection().exec_driver_sql
        run("ANALYZE")
        run("DELETE FROM sqlite_stat1")
        if request.param == "grown":
            for table, indexes in STATISTICS.items():
                for index, stat in indexes.items():
                    run("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, stat))
        run("ANALYZE sqlite_schema")
        yield session


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_step_of_the_engine_reads_the_whole_community(connection: Session, name: str) -> None:
    found = STATEMENTS[name]()
    statement = found._whole if isinstance(found, bulk.Query) else found
    compiled = statement.compile(connection.get_bind())
    sql = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "('a', 'b')", str(compiled))
    marks = tuple(None for _ in range(sql.count("?")))
    plan = connection.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", marks)
    steps = [row[3] for row in plan]
    assert [step for step in steps if re.search(r"\(community_id=\?( AND id>\?)?\)", step)] == []
    assert [
        step for step in steps if re.match(r"SCAN (delivery|attempt|resident|notice)", step)
    ] == []
    assert [step for step in steps if "ORDER BY" in step] == []
