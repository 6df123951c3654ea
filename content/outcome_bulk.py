"""Many reports at once: most of them move one attempt forward and no more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Update, and_, insert, select, update
from sqlalchemy.orm import Session

from content import acceptance, bulk, outcome, report, shared, store, talk
from content.delivery import Attempt, AttemptState, Receipt, attempts
from content.message import Kind
from content.reason import Reason
from content.talk import Talk


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says about an attempt."""

    ref: str
    state: AttemptState
    at: datetime
    provider_id: str = ""
    reason: Reason | None = None
    machine: bool = False
    sequence: int = 0


@dataclass(slots=True)
class _Row:
    """An attempt as far as reports change it."""

    id: int
    ref: str
    kind: Kind
    state: AttemptState
    reason: Reason | None
    provider_id: str | None
    machine: bool
    closed_at: datetime | None
    accepted: bool
    shared: bool
    direct: bool
    """It calls an address itself: what is reported may close its delivery."""


def receipts(session: Session, reports: Sequence[Report]) -> None:
    """Keep many reports and move their attempts forward, by the rules of `outcome.receipt`.

    Reports are given in their order. What is the first that is heard of an attempt, and what
    changes its delivery too, is seen to one by one, after the others.
    """
    if not reports:
        return
    session.flush()
    rows = _rows(session, reports)
    of: dict[str, list[Report]] = defaultdict(list)
    for one in reports:
        of[one.ref].append(one)
    before = {ref: row.state for ref, row in rows.items()}
    plain = [ref for ref, some in of.items() if ref in rows and _takes(rows[ref], some)]
    moved = [ref for ref in plain if rows[ref].state is not before[ref]]
    talks = [one for ref in moved for one in _talks(rows[ref], of[ref])]
    _write(session, [rows[ref] for ref in plain], [one for ref in plain for one in of.pop(ref)])
    if talks:
        talk.hold(session, talks)
        session.expire_all()
    singly = [one for one in reports if one.ref in of]
    if singly:
        outcome.prefetch(session, of)
    for one in singly:
        outcome.receipt(
            session,
            one.ref,
            one.state,
            one.at,
            provider_id=one.provider_id,
            reason=one.reason,
            machine=one.machine,
            sequence=one.sequence,
        )


def _takes(row: _Row, reports: Sequence[Report]) -> bool:
    """Move the row forward; False where the delivery is concerned: then it is not to be written."""
    if not row.accepted or row.shared or (row.direct and row.kind is Kind.CALL):
        return False
    for one in reports:
        row.provider_id = row.provider_id or one.provider_id or None
        row.machine = row.machine or one.machine
        before = row.state
        if report.raise_to(row, one.state, one.at, one.reason) and (
            before is AttemptState.FAILED or report.ends_step(row.kind, one.state, one.reason)
        ):
            return False
    return True


def _talks(row: _Row, reports: Sequence[Report]) -> list[Talk]:
    """Return what the last of these reports says of somebody who talks, where it is news."""
    last = [one for one in reports if one.state is row.state and talk.holds(row.kind, one.state)]
    return [Talk(row.ref, last[0].state, last[0].at)] if last else []


def _rows(session: Session, reports: Sequence[Report]) -> dict[str, _Row]:
    given: dict[str, Any] = acceptance.REFS.pack(session, {(one.ref,) for one in reports})
    found = _reported(bulk.dialect(session)).read(session, **given)
    return {row.ref: row for row in (_Row(*each) for each in found)}


def _write(session: Session, rows: Sequence[_Row], reports: Sequence[Report]) -> None:
    if not rows:
        return
    now_so = [
        (row.id, row.state, row.reason, row.provider_id, bool(row.machine), row.closed_at)
        for row in rows
    ]
    session.execute(_moved(bulk.dialect(session)), _MOVED.pack(session, now_so))
    here = store.community(session)
    kept = [
        {
            "community_id": here,
            "ref": one.ref,
            "provider_id": one.provider_id,
            "state": one.state,
            "reason": one.reason,
            "machine": one.machine,
            "sequence": one.sequence,
            "at": one.at,
        }
        for one in reports
    ]
    session.execute(insert(Receipt.__table__), kept)  # type: ignore[arg-type]
    session.expire_all()


_MOVED = bulk.Table(
    "moved",
    {
        name: attempts.c[name].type
        for name in ("id", "state", "reason", "provider_id", "machine", "closed_at")
    },
)


@cache
def _reported(dialect: str) -> bulk.Query:
    refs = acceptance.REFS.at(dialect)
    query: Any = (
        select(
            *(Attempt.id, Attempt.ref, Attempt.kind, Attempt.state, Attempt.reason),
            *(Attempt.provider_id, Attempt.machine, Attempt.closed_at),
            Attempt.accepted_at.is_not(None).label("accepted"),
            shared.is_shared().label("shared"),
            (Attempt.recipient_id == Attempt.address_id).label("direct"),
        )
        .select_from(refs)
        .join(Attempt, and_(Attempt.community_id == refs.c.here, Attempt.ref == refs.c.ref))
        .order_by(Attempt.id)  # whoever waits for a row holds none that is waited for
        .with_for_update(of=Attempt)
    )
    return bulk.Query(query)


@cache
def _moved(dialect: str) -> Update:
    rows, table = _MOVED.at(dialect), attempts.c
    names = [name for name in _MOVED.columns if name != "id"]
    return (
        update(attempts)
        .where(table.community_id == rows.c.here, table.id == rows.c.id)
        .values({name: rows.c[name] for name in names})
    )
