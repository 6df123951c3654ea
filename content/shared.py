"""A number that several people share rings once: who is told by one call, and named in it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from content import bulk, store
from content.delivery import Attempt, Delivery, DeliveryState, attempts, deliveries, is_open
from content.message import Kind
from content.people import Address, Consent, Contact, OwnerKind, Resident

NAMED = 3
"""People whom a call names; of the same home there may be more, and it says "and family"."""
_TOLD = (OwnerKind.RESIDENT, OwnerKind.CONTACT)


class Call(NamedTuple):
    """A call that is about to be made."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    digest: str
    owner_kind: OwnerKind
    """Whether residents are called themselves, or a contact about them."""


class Sharer(NamedTuple):
    """Somebody who waits for a call at the same number, and can be told by the same one."""

    at: int
    """Which call it is, as an index."""
    recipient_id: uuid.UUID
    address_id: uuid.UUID
    place_id: uuid.UUID | None
    rung: int
    wait: int
    resident_id: uuid.UUID
    name: str


def among(session: Session, calls: Sequence[Call]) -> dict[int, list[Sharer]]:
    """Return, by the index of a call, all whom it tells, where there are several.

    Who the call was made for stands first, then the others of the home. Beyond the few who are
    named only members of that home are told by it: the call says so.
    """
    given = _CALLS.pack(session, [(at, *one) for at, one in enumerate(calls)])
    found: dict[int, list[Sharer]] = defaultdict(list)
    for row in _waiting(bulk.dialect(session)).read(session, **given):
        found[row[0]].append(Sharer._make(row))
    return {
        at: told
        for at, some in found.items()
        if len(told := _together(some, calls[at].recipient_id)) > 1
    }


def refs(session: Session, of: Iterable[str]) -> dict[str, list[str]]:
    """Return, by the `ref` of a call, those of the others who are told by it."""
    given = _REFS.pack(session, [(ref,) for ref in of])
    found: dict[str, list[str]] = defaultdict(list)
    for ref, along in _others(bulk.dialect(session)).read(session, **given):
        found[along].append(ref)
    return found


def along(session: Session, ref: str) -> Sequence[str]:
    """Return the `ref`s of the others who are told by a call."""
    query = select(Attempt.ref).where(
        Attempt.community_id == store.community(session), Attempt.along == ref
    )
    return session.scalars(query).all()


def others(session: Session, call: Attempt) -> Sequence[Attempt]:
    """Return the attempts of the others who are told by a call, locked and read afresh."""
    if call.kind is not Kind.CALL:
        return ()
    query = (
        select(Attempt)
        .where(Attempt.community_id == call.community_id, Attempt.along == call.ref)
        .order_by(Attempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def names(session: Session, ref: str) -> tuple[str, ...]:
    """Return whom a call names: nobody where it is for one person."""
    told = along(session, ref)
    if not told:
        return ()
    query = (
        select(Resident.id, Resident.name)
        .select_from(Attempt)
        .outerjoin(Contact, _same(Attempt, Contact, Contact.id == Attempt.recipient_id))
        .join(
            Resident,
            _same(
                Attempt,
                Resident,
                Resident.id == func.coalesce(Contact.resident_id, Attempt.recipient_id),
            ),
        )
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.ref.in_([ref, *told]))
        .order_by(Attempt.along.is_not(None), Attempt.id)
    )
    return of((row.id, row.name) for row in session.execute(query))


def of(people: Iterable[tuple[uuid.UUID, str]]) -> tuple[str, ...]:
    """Return the names of residents, each once; nobody where it is one: they know it is for them.

    Somebody's contact may be told together with them, and called in their place as well.
    """
    by_id = dict(people)
    return tuple(by_id.values()) if len(by_id) > 1 else ()


def is_shared() -> ColumnElement[bool]:
    """Return the SQL condition that others are told by an attempt too."""
    other = aliased(Attempt)
    return exists(
        select(literal(1)).where(
            other.community_id == Attempt.community_id, other.along == Attempt.ref
        )
    )


def is_needed() -> ColumnElement[bool]:
    """Return the SQL condition that one of the others who are told by an attempt still waits."""
    other = aliased(Attempt)
    return exists(
        select(literal(1))
        .select_from(other)
        .join(
            Delivery,
            and_(
                Delivery.community_id == other.community_id,
                Delivery.notice_id == other.notice_id,
                Delivery.recipient_id == other.recipient_id,
            ),
        )
        .where(other.community_id == Attempt.community_id, other.along == Attempt.ref)
        .where(Delivery.state == DeliveryState.OPEN)
    )


def _together(some: Iterable[Sharer], caller: uuid.UUID) -> list[Sharer]:
    by_id = {one.recipient_id: one for one in sorted(some, key=lambda one: one.recipient_id)}
    first = by_id.pop(caller, None)
    if first is None:
        return []
    home = first.place_id
    told = [first, *sorted(by_id.values(), key=lambda one: one.place_id != home)]
    return told[:NAMED] + [one for one in told[NAMED:] if home and one.place_id == home]


def _same(one: Any, other: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(other.community_id == one.community_id, on)


_CALLS = bulk.Table(
    "calls",
    {
        "at": attempts.c.rung.type,
        "notice_id": deliveries.c.notice_id.type,
        "recipient_id": deliveries.c.recipient_id.type,
        "digest": attempts.c.digest.type,
        "owner_kind": Address.owner_kind.type,
    },
)
_REFS = bulk.Table("calls_of", {"ref": attempts.c.ref.type})


@cache
def _waiting(dialect: str) -> bulk.Query:
    calls = _CALLS.at(dialect)
    query: Any = (
        select(
            *(calls.c.at, Delivery.recipient_id, Delivery.address_id, Delivery.place_id),
            *(Delivery.rung, Delivery.wait, Resident.id.label("resident_id"), Resident.name),
        )
        .select_from(calls)
        .join(
            Address,
            and_(
                Address.community_id == calls.c.here,
                Address.kind == Kind.CALL,
                Address.digest == calls.c.digest,
                Address.owner_kind == calls.c.owner_kind,
            ),
        )
        .outerjoin(Contact, _same(Address, Contact, Contact.id == Address.owner_id))
        .join(
            Delivery,
            _same(
                Address,
                Delivery,
                and_(
                    Delivery.notice_id == calls.c.notice_id,
                    Delivery.recipient_id.in_((Address.owner_id, Contact.resident_id)),
                ),
            ),
        )
        .join(
            Resident,
            _same(
                Address,
                Resident,
                Resident.id == func.coalesce(Contact.resident_id, Address.owner_id),
            ),
        )
        .where(is_open, Delivery.kind == Kind.CALL, Delivery.address_id == Address.id)
        .where(Delivery.recipient_kind.in_(_TOLD), Address.consent != Consent.WITHDRAWN)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return bulk.Query(query)


@cache
def _others(dialect: str) -> bulk.Query:
    calls = _REFS.at(dialect)
    query: Any = select(Attempt.ref, Attempt.along).join(
        calls, and_(Attempt.community_id == calls.c.here, Attempt.along == calls.c.ref)
    )
    return bulk.Query(query)
