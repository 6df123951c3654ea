"""Taking work from the outbox: recheck, intent and rate reservation in one transaction."""

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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

from content import bulk, due, pace, shared, store
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
from content.people import Address, Contact, OwnerKind, Resident
from content.shared import Call, Sharer

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
    names: tuple[str, ...] = field(default=(), repr=False)
    """Whom a call tells, where there are several: a shared number rings once."""
    beside: bool = False
    """A contact is told together with the resident, not in their place."""


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
    Each job says when it may start: the starts are spaced by the rate, across all workers. Others
    who wait for a call at the same number about the same notice are told by the same call.
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
    told = _told(session, jobs, found) if sender.kind is Kind.CALL else {}
    return _write(
        session, sender, [_named(job, told.get(job.ref, ())) for job in jobs], found, told
    )


def full(session: Session, sender: Sender, now: datetime) -> bool:
    """Say whether the sender's own limits let nothing start at present."""
    return pace.room(session, sender, now) <= 0 or free_lines(session, sender) <= 0


def needed(session: Session, job: Job) -> bool:
    """Say whether a claimed job is still to be told: nobody has confirmed, cancelled or updated.

    And nobody has taken it for lost. A shared call is needed as long as one whom it tells is.
    """
    query = (
        select(Delivery.state)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .join(
            Attempt,
            and_(
                Attempt.community_id == Delivery.community_id,
                Attempt.notice_id == Delivery.notice_id,
                Attempt.recipient_id == Delivery.recipient_id,
            ),
        )
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.ref.in_([job.ref, *shared.along(session, job.ref)]))
        .where(Attempt.state == AttemptState.ATTEMPTING)
        .where(Delivery.state == DeliveryState.OPEN, Notice.state == NoticeState.LIVE)
        .limit(1)
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
        shared.names(session, ref) if found.kind is Kind.CALL else (),
        bool(found.beside),
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
        now=now,
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
        beside=bool(row.beside),
    )


def _told(
    session: Session, jobs: Sequence[Job], found: Sequence[due.Row]
) -> dict[str, list[Sharer]]:
    """Return all whom a call tells, by its `ref`, where there are several."""
    calls = [
        Call(row.notice_id, row.recipient_id, row.digest, _owner(row))
        for row, _ in zip(found, jobs, strict=False)
    ]
    among = shared.among(session, calls) if calls else {}
    return {jobs[at].ref: told for at, told in among.items()}


def _owner(row: due.Row) -> OwnerKind:
    return OwnerKind.RESIDENT if row.alone is None else OwnerKind.CONTACT


def _named(job: Job, told: Sequence[Sharer]) -> Job:
    names = shared.of((one.resident_id, one.name) for one in told)
    return replace(job, names=names) if names else job


def _write(
    session: Session,
    sender: Sender,
    jobs: Sequence[Job],
    found: Sequence[due.Row],
    told: Mapping[str, Sequence[Sharer]],
) -> list[Job]:
    """Write the attempts and take their deliveries off the queue; return what is really ours.

    A second open attempt to one number is refused by the database: another worker was faster.
    """
    rows = [
        _intent(sender, job, row.recipient_id, row.address_id, row.rung, row.wait, row.digest)
        | {"home": row.home}
        for job, row in zip(jobs, found, strict=False)
    ]
    done = _insert(session, sender, rows)
    if done < len(rows):
        kept = select(Attempt.ref).where(Attempt.community_id == store.community(session))
        mine = set(session.scalars(kept.where(Attempt.ref.in_([job.ref for job in jobs]))))
        jobs = [job for job in jobs if job.ref in mine]
        rows = [row for row in rows if row["ref"] in mine]
    digests = {row["ref"]: row["digest"] for row in rows}
    along = [
        _intent(sender, job, one.recipient_id, one.address_id, one.rung, one.wait, digests[job.ref])
        # it holds no line: only the call itself is open
        | {"ref": secrets.token_hex(16), "along": job.ref, "closed_at": job.at}
        for job in jobs
        for one in told.get(job.ref, ())[1:]
    ]
    if along:
        _insert(session, sender, along)
    given = _INTENTS.pack(session, [tuple(row.values()) for row in (*rows, *along)])
    session.execute(_off_the_queue(bulk.dialect(session)), given)
    return list(jobs)


def _intent(
    sender: Sender,
    job: Job,
    recipient_id: uuid.UUID,
    address_id: uuid.UUID,
    rung: int,
    wait: int,
    digest: str,
) -> dict[str, Any]:
    """Return what is written of a try, in the order of `_INTENTS`."""
    timeout = timedelta(seconds=sender.timeout)
    return {
        "id": new_number(),
        "notice_id": job.notice_id,
        "recipient_id": recipient_id,
        "address_id": address_id,
        "digest": digest,
        "ref": job.ref,
        "rung": rung,
        "again": job.again,
        "started_at": job.at,
        "deadline": job.at + timeout,
        "closed_at": None,
        "along": None,
        "home": None,
        # the wait covers the case that no outcome is ever known
        "next_at": job.at + timeout + timedelta(seconds=_GRACE + wait),
    }


def _insert(session: Session, sender: Sender, rows: Sequence[Mapping[str, Any]]) -> int:
    given = _INTENTS.pack(session, [tuple(row.values()) for row in rows]) | {
        "here": store.community(session),
        "sender": sender.name,
        "kind": sender.kind,
    }
    return bulk.changed(session, session.execute(_attempts(bulk.dialect(session)), given))


_types = attempts.c
_INTENTS = bulk.Table(
    "intents",
    {
        name: _types[name].type
        for name in (
            *("id", "notice_id", "recipient_id", "address_id", "digest", "ref", "rung", "again"),
            *("started_at", "deadline", "closed_at", "along", "home"),
        )
    }
    | {"next_at": deliveries.c.next_at.type},
)


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
            Contact.id.is_not(None).label("beside"),
            *due.spoken_to(reader, owner),
        )
        .join(Address, same(Address, Address.id == Attempt.address_id))
        .outerjoin(Contact, same(Contact, Contact.id == Attempt.recipient_id))
        .outerjoin(
            reader,
            same(reader, reader.id == func.coalesce(Contact.resident_id, Attempt.recipient_id)),
        )
        .outerjoin(owner, same(owner, owner.id == Address.owner_id))
        .where(Attempt.community_id == bindparam("here"), Attempt.ref == bindparam("ref"))
    )
