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


@pytest.fixture
def connection(store: Store) -> Iterator[Session]:
    with store.read() as session:
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
    assert [step for step in steps if re.match(r"SCAN (delivery|attempt|resident)", step)] == []
