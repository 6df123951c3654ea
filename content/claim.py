"""Taking work from the outbox: recheck, intent and rate reservation in one transaction."""

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Update,
    and_,
    bindparam,
    false,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from content import bulk, due, pace, store
from content.alert import Severity
from content.base import new_number
from content.delivery import (
    PRIORITIES,
    Attempt,
    AttemptState,
    Delivery,
    DeliveryState,
    attempts,
    deliveries,
    is_under_way,
)
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeState
from content.pace import Sender
from content.people import Address, Resident

_GRACE = 30
"""Seconds after an attempt's deadline until the ladder goes on without knowing its outcome."""
_HOUR = timedelta(hours=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed attempt, with all that rendering and sending need."""

    ref: str
    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    sender: str
    kind: Kind
    to: str = field(repr=False)
    written: Written
    spoken: Spoken
    at: datetime
    """When it may start: the instant that was reserved for it."""
    alone: str = field(default="", repr=False)
    """Whose contact is being called: the resident's name, when it is not the resident."""
    again: bool = False
    """It repeats a try whose outcome nobody knows."""


Weigh = Callable[[Session, Job], int]
"""How many units of its sender's rate a job takes."""


def claim(
    session: Session,
    sender: Sender,
    permits: int,
    now: datetime,
    *,
    loudest: Severity | None = None,
    weigh: Weigh | None = None,
) -> list[Job]:
    """Take up to `permits` due deliveries and write an attempt for each; most severe first.

    Takes only what the sender may start within its window, whose notice is live, whose address
    still has consent, no other open attempt of this sender and rest enough since the last one. With
    `loudest` (quiet hours) only notices that severe and answers that were asked for are taken.
    Each job says when it may start: the starts are spaced by the rate, across all workers.
    """
    room = pace.room(session, sender, now)
    free = min(permits, room, free_lines(session, sender)) if room > 0 else 0
    if free <= 0:
        return []
    found = due.rows(session, limits(sender, now, loudest), now, free)
    costs = _costs(session, sender, found, room, now, weigh)
    if not costs:
        return []
    starts = pace.reserve(session, sender, costs, now)
    jobs = [_job(row, sender, at) for row, at in zip(found, starts, strict=False)]
    return _write(session, sender, jobs, found)


def full(session: Session, sender: Sender, now: datetime) -> bool:
    """Say whether the sender's own limits let nothing start at present."""
    return pace.room(session, sender, now) <= 0 or free_lines(session, sender) <= 0


def needed(session: Session, job: Job) -> bool:
    """Say whether a claimed job is still to be told: nobody has confirmed, cancelled or updated."""
    query = (
        select(Delivery.state)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == job.notice_id, Delivery.recipient_id == job.recipient_id)
        .where(Delivery.state == DeliveryState.OPEN, Notice.state == NoticeState.LIVE)
    )
    return session.scalar(query) is not None


def job(session: Session, ref: str) -> Job | None:
    """Return the job of an attempt, for who must say it again (a voice script).

    None for an unknown attempt, and for one whose address has been erased since.
    """
    found = session.execute(_said(), {"here": store.community(session), "ref": ref}).first()
    if found is None:
        return None
    return Job(
        found.ref,
        found.notice_id,
        found.recipient_id,
        found.sender,
        found.kind,
        found.value,
        found.written or Written.HANS,
        found.spoken or Spoken.MANDARIN,
        found.started_at,
        found.alone or "",
        found.again,
    )


def free_lines(session: Session, sender: Sender) -> int:
    if sender.lines is None:
        return 1 << 20
    query = select(func.count()).where(
        Attempt.community_id == store.community(session),
        Attempt.sender == sender.name,
        is_under_way,
    )
    return sender.lines - (session.scalar(query) or 0)


def limits(sender: Sender, now: datetime, loudest: Severity | None) -> due.Limits:
    return due.Limits(
        sender=sender.name,
        kind=sender.kind,
        rested=now - timedelta(seconds=sender.spacing) if sender.spacing else _NEVER,
        hourly=sender.hourly,
        hour=now - _HOUR,
        loudest=PRIORITIES[-1] + 1 if loudest is None else 10 * (loudest.rank + 1),
    )


def _costs(
    session: Session,
    sender: Sender,
    found: Sequence[due.Row],
    room: int,
    now: datetime,
    weigh: Weigh | None,
) -> list[int]:
    """Return the units of as many rows as the rate has room for; the first may be larger."""
    if weigh is None:
        return [1] * len(found)
    costs: list[int] = []
    for row in found:
        if sum(costs) >= room:
            break
        costs.append(weigh(session, _job(row, sender, now)))
    return costs


def _job(row: due.Row, sender: Sender, at: datetime) -> Job:
    return Job(
        secrets.token_hex(16),
        row.notice_id,
        row.recipient_id,
        sender.name,
        sender.kind,
        row.value,
        row.written or Written.HANS,
        row.spoken or Spoken.MANDARIN,
        at,
        row.alone or "",
        bool(row.again),
    )


def _write(
    session: Session, sender: Sender, jobs: Sequence[Job], found: Sequence[due.Row]
) -> list[Job]:
    """Write the attempts and take their deliveries off the queue; return what is really ours.

    A second open attempt to one number is refused by the database: another worker was faster.
    """
    timeout = timedelta(seconds=sender.timeout)
    grace = timedelta(seconds=sender.timeout + _GRACE)
    rows = [
        (
            new_number(),
            job.notice_id,
            job.recipient_id,
            row.address_id,
            row.digest,
            job.ref,
            row.rung,
            job.again,
            job.at,
            job.at + timeout,
            # the wait covers the case that no outcome is ever known
            job.at + grace + timedelta(seconds=row.wait),
        )
        for job, row in zip(jobs, found, strict=False)
    ]
    given = _INTENTS.pack(session, rows) | {
        "here": store.community(session),
        "sender": sender.name,
        "kind": sender.kind,
    }
    done = session.execute(_attempts(bulk.dialect(session)), given)
    if bulk.changed(session, done) < len(rows):
        kept = select(Attempt.ref).where(Attempt.community_id == given["here"])
        mine = set(session.scalars(kept.where(Attempt.ref.in_([job.ref for job in jobs]))))
        jobs = [job for job in jobs if job.ref in mine]
        given |= _INTENTS.pack(session, [row for row in rows if row[_REF] in mine])
    session.execute(_off_the_queue(bulk.dialect(session)), given)
    return list(jobs)


_types = attempts.c
_INTENTS = bulk.Table(
    "intents",
    {
        name: _types[name].type
        for name in (
            *("id", "notice_id", "recipient_id", "address_id", "digest", "ref", "rung", "again"),
            *("started_at", "deadline"),
        )
    }
    | {"next_at": deliveries.c.next_at.type},
)
_REF = list(_INTENTS.columns).index("ref")


@cache
def _attempts(dialect: str) -> Insert:
    rows = _INTENTS.at(dialect)
    common = {
        "community_id": bindparam("here", type_=_types.community_id.type),
        "sender": bindparam("sender", type_=_types.sender.type),
        "kind": bindparam("kind", type_=_types.kind.type),
        "state": literal(AttemptState.ATTEMPTING, _types.state.type),
        "machine": false(),
    }
    own = {name: rows.c[name] for name in _INTENTS.columns if name != "next_at"}
    columns = common | own
    source = select(*columns.values()).where(rows.c.id.is_not(None))
    made = store.insert_new_at(dialect, attempts)
    filled: Insert = made.from_select(list(columns), source, include_defaults=False)
    return filled


@cache
def _off_the_queue(dialect: str) -> Update:
    rows, table = _INTENTS.at(dialect), deliveries
    return (
        update(table)
        .where(table.c.community_id == rows.c.here)
        .where(table.c.notice_id == rows.c.notice_id)
        .where(table.c.recipient_id == rows.c.recipient_id)
        .values(kind=null(), tries=table.c.tries + 1, next_at=rows.c.next_at)
    )


@cache
def _said() -> Any:
    reader, owner = aliased(Resident), aliased(Resident)

    def same(table: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(table.community_id == Attempt.community_id, on)

    return (
        select(
            *(Attempt.ref, Attempt.notice_id, Attempt.recipient_id, Attempt.sender, Attempt.kind),
            *(Attempt.started_at, Attempt.again, Address.value),
            *due.spoken_to(reader, owner),
        )
        .join(Address, same(Address, Address.id == Attempt.address_id))
        .outerjoin(reader, same(reader, reader.id == Attempt.recipient_id))
        .outerjoin(owner, same(owner, owner.id == Address.owner_id))
        .where(Attempt.community_id == bindparam("here"), Attempt.ref == bindparam("ref"))
    )
