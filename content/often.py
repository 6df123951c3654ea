"""Which numbers have been called often enough: carriers bar who rings one again and again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from content import bulk
from content.delivery import Attempt, attempts
from content.message import Kind

HOUR = timedelta(hours=1)


def rang() -> ColumnElement[bool]:
    """Say whether a try may have rung of itself: a provider has it, or it is under way."""
    taken = or_(Attempt.accepted_at.is_not(None), Attempt.closed_at.is_(None))
    return and_(Attempt.along.is_(None), taken)


def called(session: Session, digests: Iterable[str], now: datetime, hourly: int) -> set[str]:
    """Return those of these numbers that were called at least `hourly` times within the hour."""
    given: dict[str, Any] = {"hour": now - HOUR, "hourly": hourly}
    given |= _NUMBERS.pack(session, [(one,) for one in digests])
    return {digest for (digest,) in _often(bulk.dialect(session)).read(session, **given)}


_NUMBERS = bulk.Table("numbers", {"digest": attempts.c.digest.type})


@cache
def _often(dialect: str) -> bulk.Query:
    numbers = _NUMBERS.at(dialect)
    query = (
        select(numbers.c.digest)
        .join(Attempt, Attempt.digest == numbers.c.digest)
        .where(Attempt.community_id == numbers.c.here, Attempt.kind == Kind.CALL, rang())
        .where(Attempt.started_at > bindparam("hour"))
        .group_by(numbers.c.digest)
        .having(func.count() >= bindparam("hourly", type_=Integer))
    )
    return bulk.Query(query)
