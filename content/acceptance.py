"""That providers have taken attempts: recorded by the hundred, in three statements."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from content import bulk, shared, store, untold
from content.delivery import (
    AGAIN,
    RANKS,
    Attempt,
    AttemptState,
    Delivery,
    DeliveryState,
    attempts,
    deliveries,
)
from content.message import Kind
from content.notice import Notice
from content.people import OwnerKind
from content.reason import Reason

CALL = timedelta(minutes=3)
"""How long a call may take after it was taken, until nothing more is expected of it."""
_CAME_TO_NOTHING = (AttemptState.FAILED, AttemptState.UNKNOWN)
"""Attempts that do not count as tries of their step."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A provider has an attempt, under its own id, since `at`."""

    ref: str
    provider_id: str
    at: datetime


class _Row(NamedTuple):
    """An attempt that no provider had yet, and its delivery."""

    id: int
    ref: str
    kind: Kind
    state: AttemptState
    started_at: datetime
    deadline: datetime
    closed_at: datetime | None
    rung: int
    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    recipient_kind: OwnerKind
    priority: int
    standing: DeliveryState
    reason: Reason | None
    routed: Kind | None
    ended_at: datetime | None
    next_at: datetime
    first_at: datetime | None
    wait: int
    confirmed: bool
    confirms: bool
    outdated: bool
    shared: bool


def record(session: Session, taken: Iterable[Taken]) -> None:
    """Write that these attempts were taken; one that is known to be taken stays as it is.

    With a call everybody is told whose number it is.
    """
    left = {one.ref: one for one in taken}
    others: set[str] = set()
    believed: set[str] = set()
    seen: set[str] = set()
    while left:
        # an attempt that was found late may share its delivery with a newer one
        rows = {(row.notice_id, row.recipient_id): row for row in reversed(_rows(session, left))}
        if not rows:
            _name(session, [one for ref, one in left.items() if ref not in others])
            return
        if fresh := {row.ref for row in rows.values() if row.shared} - seen:
            told = shared.refs(session, fresh)
            left |= {ref: Taken(ref, "", left[one].at) for one in told for ref in told[one]}
            others.update(*told.values())
            seen |= fresh
            continue
        if late := [row for row in rows.values() if _late(row) and row.ref not in believed]:
            for row in late:
                _believe(session, row)
            believed |= {row.ref for row in late}
            continue
        _write(session, [(row, left.pop(row.ref)) for row in rows.values()])


def _name(session: Session, taken: Iterable[Taken]) -> None:
    """Add the provider's ids to attempts that a person has answered before our own commit."""
    for one in taken:
        session.execute(
            update(Attempt)
            .where(Attempt.community_id == store.community(session), Attempt.ref == one.ref)
            .where(Attempt.provider_id.is_(None))
            .values(provider_id=one.provider_id or null())
            .execution_options(synchronize_session=False)
        )


def wait_on(session: Session, tried: _Row | Attempt, since: datetime) -> None:
    """Let an open delivery wait for its newest attempt, which was taken `since`, after all.

    A repetition of the step that is planned already is called off, and the try counts.
    """
    here = store.community(session)
    counted = session.scalar(
        select(func.count())
        .where(Attempt.community_id == here, Attempt.notice_id == tried.notice_id)
        .where(Attempt.recipient_id == tried.recipient_id, Attempt.rung == tried.rung)
        .where(Attempt.state.not_in(_CAME_TO_NOTHING))
    )
    mine = (
        Delivery.community_id == here,
        Delivery.notice_id == tried.notice_id,
        Delivery.recipient_id == tried.recipient_id,
    )
    found = session.execute(select(Delivery.wait, Delivery.tries).where(*mine)).one()
    session.execute(
        update(Delivery)
        .where(*mine, Delivery.state == DeliveryState.OPEN, Delivery.rung == tried.rung)
        .values(
            kind=null(),
            tries=max(found.tries, counted or 0),
            next_at=since + timedelta(seconds=found.wait),
        )
        .execution_options(synchronize_session=False)
    )


def _late(row: _Row) -> bool:
    """Say whether we had a verdict of our own, or had planned the next step without it."""
    return row.state is not AttemptState.ATTEMPTING or row.routed is not None


def _believe(session: Session, row: _Row) -> None:
    """Take our own verdict back (unknown, never taken, refused): the provider has it all the same.

    Whatever it reports stands above what we had concluded without it.
    """
    session.execute(
        update(Attempt)
        .where(Attempt.community_id == store.community(session), Attempt.id == row.id)
        .values(
            state=AttemptState.ATTEMPTING,
            reason=null(),
            closed_at=case(
                (and_(Attempt.kind == Kind.CALL, Attempt.along.is_(None)), null()),
                else_=Attempt.closed_at,
            ),
        )
        .execution_options(synchronize_session=False)
    )
    if not row.outdated:
        wait_on(session, row, row.started_at)


def _rows(session: Session, refs: Iterable[str]) -> list[_Row]:
    given: dict[str, Any] = {"here": store.community(session)}
    given |= REFS.pack(session, [(ref,) for ref in refs])
    rows = [_Row._make(row) for row in _found(bulk.dialect(session)).read(session, **given)]
    return sorted(rows, key=lambda row: row.id)


def _write(session: Session, rows: Sequence[tuple[_Row, Taken]]) -> None:
    dialect, given = bulk.dialect(session), {"here": store.community(session)}
    tried = _ATTEMPTS.pack(session, [_attempt(row, one) for row, one in rows])
    session.execute(_attempts(dialect), given | tried)
    told = _DELIVERIES.pack(session, [_delivery(row, one.at) for row, one in rows])
    session.execute(_deliveries(dialect), given | told)


def _attempt(row: _Row, taken: Taken) -> tuple[Any, ...]:
    """Return (id, provider id, accepted at, state, deadline, closed at)."""
    rises = RANKS[row.state] < RANKS[AttemptState.ACCEPTED]
    state = AttemptState.ACCEPTED if rises else row.state
    deadline, closed_at = row.deadline, row.closed_at
    if row.kind is Kind.CALL:
        deadline = taken.at + (row.deadline - row.started_at) + CALL
    elif rises:
        # chat and SMS are open only until the provider has them; a call until it has ended
        closed_at = closed_at or taken.at
    return row.id, taken.provider_id or None, taken.at, state, deadline, closed_at


def _delivery(row: _Row, now: datetime) -> tuple[Any, ...]:
    """Return (notice, recipient, priority, first at, state, reason, closed at, next at)."""
    state, reason, closed_at = settled(
        row.standing,
        row.reason,
        row.ended_at,
        now,
        routed=row.routed is not None,
        waits=_waits(row),
        confirmed=row.confirmed,
    )
    waits = state is DeliveryState.OPEN and row.routed is None and not row.outdated
    return (
        row.notice_id,
        row.recipient_id,
        row.priority + (AGAIN if row.first_at is None else 0),
        row.first_at or now,
        state,
        reason,
        closed_at,
        now + timedelta(seconds=row.wait) if waits else row.next_at,
    )


def _waits(row: _Row) -> bool:
    """Say whether the delivery stays open until somebody has acted, or heard the call."""
    if row.recipient_kind is OwnerKind.BARE:
        return untold.waits(row.recipient_kind, row.wait)
    return row.confirms


def settled(
    state: DeliveryState,
    reason: Reason | None,
    closed_at: datetime | None,
    now: datetime,
    *,
    routed: bool,
    waits: bool,
    confirmed: bool,
) -> tuple[DeliveryState, Reason | None, datetime | None]:
    """Return how a delivery stands once a provider has an attempt of it; pure.

    What waits for nobody is done; what was confirmed in an earlier revision stays confirmed.
    """
    if state is not DeliveryState.OPEN or routed or (waits and not confirmed):
        return state, reason, closed_at
    ends = DeliveryState.CONFIRMED if waits else DeliveryState.DONE
    return ends, Reason.HANDED_OVER, now


def _typed(table: Table, *names: str) -> dict[str, Any]:
    return {name: table.c[name].type for name in names}


REFS = bulk.Table("refs", _typed(attempts, "ref"))
"""References of attempts, to be joined: a long IN makes SQLite walk through all of them."""
_ATTEMPTS = bulk.Table(
    "taken",
    _typed(attempts, "id", "provider_id", "accepted_at", "state", "deadline", "closed_at"),
)
_DELIVERIES = bulk.Table(
    "told",
    _typed(
        deliveries,
        *("notice_id", "recipient_id", "priority", "first_at"),
        *("state", "reason", "closed_at", "next_at"),
    ),
)


@cache
def _found(dialect: str) -> bulk.Query:
    refs, newer = REFS.at(dialect), aliased(Attempt)
    outdated = exists(
        select(literal(1))
        .where(newer.community_id == Attempt.community_id)
        .where(newer.notice_id == Attempt.notice_id, newer.recipient_id == Attempt.recipient_id)
        # not by the key: it would read all that the community has tried since
        .where(newer.id + 0 > Attempt.id)
    )
    # not joined: by way of the notice PostgreSQL would read all its deliveries for each attempt
    confirms = (
        select(Notice.confirms)
        .where(Notice.community_id == Attempt.community_id, Notice.id == Attempt.notice_id)
        .scalar_subquery()
    )
    query: Any = (
        select(
            *(Attempt.id, Attempt.ref, Attempt.kind, Attempt.state, Attempt.started_at),
            *(Attempt.deadline, Attempt.closed_at, Attempt.rung),
            *(Attempt.notice_id, Attempt.recipient_id),
            *(Delivery.recipient_kind, Delivery.priority, Delivery.state.label("standing")),
            *(Delivery.reason.label("reason"), Delivery.kind.label("routed")),
            *(Delivery.closed_at.label("ended_at"), Delivery.next_at, Delivery.first_at),
            *(Delivery.wait, Delivery.confirmed_at.is_not(None).label("confirmed")),
            *(confirms.label("confirms"), outdated.label("outdated")),
            shared.is_shared().label("shared"),
        )
        .select_from(refs)
        .join(Attempt, and_(Attempt.community_id == refs.c.here, Attempt.ref == refs.c.ref))
        .join(
            Delivery,
            _same(
                Delivery.community_id,
                Delivery.notice_id == Attempt.notice_id,
                Delivery.recipient_id == Attempt.recipient_id,
            ),
        )
        .where(Attempt.accepted_at.is_(None))
        .with_for_update(of=(Attempt, Delivery))
    )
    return bulk.Query(query)


def _same(community: Any, *on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(community == Attempt.community_id, *on)


@cache
def _attempts(dialect: str) -> Update:
    rows, table = _ATTEMPTS.at(dialect), attempts.c
    return (
        update(attempts)
        .where(table.community_id == rows.c.here, table.id == rows.c.id)
        .values(
            provider_id=func.coalesce(rows.c.provider_id, table.provider_id),
            accepted_at=rows.c.accepted_at,
            state=rows.c.state,
            deadline=rows.c.deadline,
            closed_at=rows.c.closed_at,
        )
    )


@cache
def _deliveries(dialect: str) -> Update:
    rows, table = _DELIVERIES.at(dialect), deliveries.c
    names = [name for name in _DELIVERIES.columns if name not in ("notice_id", "recipient_id")]
    return (
        update(deliveries)
        .where(table.community_id == rows.c.here)
        .where(table.notice_id == rows.c.notice_id, table.recipient_id == rows.c.recipient_id)
        .values({name: rows.c[name] for name in names})
    )


@cache
def rows_of(dialect: str) -> Select[Attempt, Delivery]:
    """Return the query for attempts and their deliveries by `REFS`, locked in their order."""
    rows = REFS.at(dialect)
    return (
        select(Attempt, Delivery)
        .select_from(rows)
        .join(Attempt, Attempt.ref == rows.c.ref)
        .join(
            Delivery,
            (Delivery.community_id == Attempt.community_id)
            & (Delivery.notice_id == Attempt.notice_id)
            & (Delivery.recipient_id == Attempt.recipient_id),
        )
        .where(Attempt.community_id == bindparam("here"))
        .order_by(Attempt.id)  # whoever waits for a row holds none that is waited for
        .with_for_update(of=(Attempt, Delivery))
    )
