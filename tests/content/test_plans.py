"""Nothing that is asked all the time may walk through everything there is: SQLite's own plans."""

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from channels import sweep
from content import (
    acceptance,
    claim,
    confirmation,
    due,
    missed,
    outcome,
    people,
    routing,
    shared,
)
from content.acceptance import Taken
from content.base import new_id
from content.claim import Job
from content.delivery import Attempt
from content.event import Actor, Door
from content.message import Kind
from content.people import Audience
from tests.content import outbox
from tests.content.outbox import CALL, SMS

NUMBER = "+8613800000105"
ASKED: dict[str, Callable[[Session, datetime], object]] = {
    "whose number": lambda session, _now: people.owners(session, Kind.SMS, NUMBER),
    "who shares it": lambda session, _now: confirmation._sharers(
        session, (Kind.SMS,), NUMBER, confirmation.OPEN
    ),
    "what they were told": lambda session, _now: missed.refs(session, NUMBER),
    "what they were told elsewhere": lambda session, now: missed.elsewhere(
        session, _call(session, now).to
    ),
    "what is reported about": lambda session, _now: outcome.prefetch(
        session, [f"{number:032x}" for number in range(60)]
    ),
    "overdue": outcome.overdue,
    "erased": outcome.drop,
    "late requests": sweep._overdue,
    "zombie calls": sweep._hang_up,
    "superfluous calls": lambda session, _now: sweep.superfluous(session),
    "who waits for the router": lambda session, now: routing.due(session, now, hourly=3),
    "what may go out": lambda session, now: outbox.take(session, now, SMS),
    "who may be called": lambda session, now: outbox.take(session, now, CALL),
    "who is called together": lambda session, _now: shared.refs(session, [f"{1:032x}"]),
    "what a call says": lambda session, now: claim.job(session, _call(session, now).ref),
    "whether it is needed": lambda session, now: claim.needed(session, _call(session, now)),
    "what was taken": lambda session, now: acceptance.record(
        session, [Taken(ref, "", now) for ref in session.scalars(select(Attempt.ref))]
    ),
    "who confirms": lambda session, now: confirmation.by_ref(
        session,
        session.scalars(select(Attempt.ref).limit(1)).one(),
        confirmation.Act.REPLY,
        Actor(Door.SMS),
        now,
    ),
    "who lives there": lambda session, now: outbox.tell(
        session, now, audience=Audience(places=("/3/",))
    ),
}
WALKS = (
    "SCAN resident",
    "SEARCH resident USING INDEX sqlite_autoindex_resident_1 (community_id=?)",
    "SEARCH resident USING INDEX sqlite_autoindex_resident_1 (community_id=? AND id>?)",
    "SEARCH resident USING INDEX sqlite_autoindex_resident_1 (community_id=? AND id>? AND id<?)",
    "BLOOM FILTER ON address (community_id=? AND id=?)",
    "BLOOM FILTER ON address (community_id=? AND owner_id=?)",
    "SCAN attempt",
    "SCAN delivery",
    "SCAN address",
    "SEARCH attempt USING INDEX sqlite_autoindex_attempt_1 (community_id=?)",
    "SEARCH address USING INDEX sqlite_autoindex_address_1 (community_id=?)",
    "SEARCH delivery USING INDEX sqlite_autoindex_delivery_1 (community_id=? AND notice_id=?)",
)


@pytest.mark.parametrize("grown", [False, True], ids=["fresh", "grown"])
@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_all_the_time_finds_its_rows_by_an_index(
    session: Session, now: datetime, name: str, *, grown: bool
) -> None:
    for at in range(10):
        outbox.resident(session, now, mobile=f"+86138000001{at:02}")
    outbox.tell(session, now)
    outbox.take(session, now, SMS)
    outbox.tell(session, now)
    if grown:
        _grow(session)
    plans = _plans(session, lambda: ASKED[name](session, now))
    assert plans
    assert [plan for plan in plans if plan in WALKS] == []


def test_looking_at_the_queue_takes_no_longer_the_longer_it_is(
    session: Session, now: datetime
) -> None:
    took = []
    for _ in range(2):
        for _ in range(40):
            outbox.resident(session, now, chat=new_id().hex)
        outbox.tell(session, now)
        outbox.route(session, now)
        took.append(_steps(session, lambda: due.next_due(session)))
    assert took[1] < took[0] * 1.1


def _call(session: Session, now: datetime) -> Job:
    """Call two people who share a number."""
    for _ in range(2):
        outbox.resident(session, now, landlines=["+862100000001"])
    outbox.tell(session, now)
    return outbox.take(session, now, CALL)[0]


def _grow(session: Session) -> None:
    """Let SQLite's planner take every table for one of a large town."""
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("SQLite's statistics are changed")
    session.flush()
    ask = session.connection().exec_driver_sql
    ask("ANALYZE")
    for index, stat in ask("SELECT idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL").fetchall():
        _, *rest = stat.split()
        # as `PRAGMA optimize` leaves it: all rows, and of few how many are alike
        ask("UPDATE sqlite_stat1 SET stat = ? WHERE idx = ?", (" ".join(("250000", *rest)), index))
    ask("ANALYZE sqlite_schema")


def _steps(session: Session, ask: Callable[[], object]) -> int:
    """Return how many instructions of its own SQLite needs for `ask`."""
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("SQLite's steps are counted")
    driver: Any = session.connection().connection.driver_connection
    steps = itertools.count()
    driver.set_progress_handler(lambda: next(steps) < 0, 1)
    ask()
    driver.set_progress_handler(None, 0)
    return next(steps)


def _plans(session: Session, ask: Callable[[], object]) -> list[str]:
    """Return how SQLite finds the rows of every statement of `ask`."""
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("the plan is read as SQLite tells it")
    said: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, sql: str, given: object, *_rest: object) -> None:
        said.append((sql, given))

    session.flush()
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    return [
        row[3]
        for sql, given in said
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
    ]
