"""While somebody talks to us on the phone the ladder stands still, and then waits its time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Update, and_, exists, literal, select, update
from sqlalchemy.orm import Session, aliased

from content import acceptance, bulk
from content.delivery import Attempt, AttemptState, Delivery, deliveries, is_open
from content.message import Kind

LONGEST = timedelta(minutes=10)
"""How long a talk holds the ladder at most, where nobody reports its end."""
_TALKS = (AttemptState.ANSWERED, AttemptState.COMPLETED)


class Talk(NamedTuple):
    """A call was picked up, or is over after it was."""

    ref: str
    state: AttemptState
    at: datetime


def holds(kind: Kind, state: AttemptState) -> bool:
    """Say whether the ladder waits for the end of this call, or from its end on."""
    return kind is Kind.CALL and state in _TALKS


def until(next_at: datetime, wait: int, state: AttemptState, at: datetime) -> datetime:
    """Return when the next step may come: not while they talk, and the ladder's wait after it.

    wait: in seconds. Whoever has heard the message can still call back.
    """
    if state is AttemptState.ANSWERED:
        return max(next_at, at + LONGEST)
    return at + timedelta(seconds=wait)


def hold(session: Session, talks: Sequence[Talk]) -> None:
    """Let the deliveries that wait for these calls, and for no newer try, wait so long."""
    last = {one.ref: one for one in talks}
    given = acceptance.REFS.pack(session, [(ref,) for ref in last])
    rows = _waiting(bulk.dialect(session)).read(session, **given)
    moved = [
        (notice_id, recipient_id, until(next_at, wait, last[ref].state, last[ref].at))
        for ref, notice_id, recipient_id, wait, next_at in rows
    ]
    if moved:
        session.execute(_held(bulk.dialect(session)), _HELD.pack(session, moved))


_HELD = bulk.Table(
    "held", {name: deliveries.c[name].type for name in ("notice_id", "recipient_id", "next_at")}
)


def _mine(attempt: Any) -> ColumnElement[bool]:
    return and_(
        attempt.community_id == Delivery.community_id,
        attempt.notice_id == Delivery.notice_id,
        attempt.recipient_id == Delivery.recipient_id,
    )


@cache
def _waiting(dialect: str) -> bulk.Query:
    refs, newer = acceptance.REFS.at(dialect), aliased(Attempt)
    # not by the key: it would read all that the community has tried since
    later = exists(select(literal(1)).where(_mine(newer), newer.id + 0 > Attempt.id))
    query: Any = (
        select(Attempt.ref, Delivery.notice_id, Delivery.recipient_id)
        .add_columns(Delivery.wait, Delivery.next_at)
        .select_from(refs)
        .join(Attempt, and_(Attempt.community_id == refs.c.here, Attempt.ref == refs.c.ref))
        .join(Delivery, _mine(Attempt))
        .where(is_open, Delivery.kind.is_(None), ~later)
        .with_for_update(of=Delivery)
    )
    return bulk.Query(query)


@cache
def _held(dialect: str) -> Update:
    rows, table = _HELD.at(dialect), deliveries.c
    return (
        update(deliveries)
        .where(table.community_id == rows.c.here)
        .where(table.notice_id == rows.c.notice_id, table.recipient_id == rows.c.recipient_id)
        .values(next_at=rows.c.next_at)
    )
