"""The rights of the people we know: to see what is held, to be forgotten, to be kept briefly."""

import json
import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from content import event, knock, people, recording, store
from content.delivery import Attempt, Delivery, DeliveryState
from content.event import Actor, Event
from content.inbound import Inbound
from content.knock import Knock
from content.mask import mask as mask  # noqa: PLC0414 - also known as privacy.mask
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeText
from content.people import Address, Contact, OwnerKind, PeopleError, Resident
from content.place import PlaceKind, Tree
from content.reason import Reason
from content.staff import Credential
from content.task import Task

RETENTION = timedelta(days=30)
"""How long raw inbound data and the texts of pages are kept, and readings after their alert."""

_RUNNING = (DeliveryState.OPEN, DeliveryState.DOOR)
_GONE = {"text": "（已删除） (erased)", "urgent": ""}


def export(session: Session, resident_id: uuid.UUID) -> dict[str, Any]:
    """Return everything that content holds about one person, as JSON, for them to read.

    Raises PeopleError for an unknown or erased resident.
    """
    resident = _resident(session, resident_id)
    tree = Tree(session)
    at = tree.get(resident.place_id)
    owned = _addresses(session, _owners(session, resident_id))
    return {
        "resident": {
            "id": str(resident.id),
            "number": resident.number,
            "name": resident.name,
            "place": tree.line(at) if at else "",
            "needs": sorted(resident.needs),
            "written": resident.written,
            "spoken": resident.spoken,
            "verified": resident.verified,
            "joined_at": resident.joined_at.isoformat(),
        },
        "addresses": [_address(one) for one in owned if one.owner_id == resident_id],
        "contacts": _contacts(session, resident_id, owned),
        "deliveries": _rows(session, Delivery, Delivery.recipient_id == resident_id),
        "attempts": _rows(session, Attempt, Attempt.recipient_id == resident_id),
        "tasks": _rows(session, Task, Task.resident_id == resident_id),
        "visits": _rows(session, Knock, Knock.recipient_id == resident_id),
        "events": _rows(session, Event, Event.subject_id == resident_id),
        "inbound": [row.data for row in _raw(session, _values(owned, resident_id))],
    }


def erase(session: Session, resident_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Forget a person: name, number, home, addresses, contacts, notes and raw messages.

    What happened stays, as counts by building of a person without a name. Open deliveries end
    with the reason ERASED. Raises PeopleError for an unknown or erased resident.
    """
    resident = _resident(session, resident_id)
    owners = _owners(session, resident_id)
    owned = _addresses(session, owners)
    redacted = _redact(session, _raw(session, _values(owned, resident_id)))
    building = _building(session, resident.place_id)
    _close(session, resident_id, building, now)
    _clear_tasks(session, resident_id, building)
    knock.forget(session, Knock.recipient_id == resident_id)
    _delete_addresses(session, owners, [one.digest for one in owned if one.owner_id == resident_id])
    here = store.community(session)
    for table, column in ((Contact, Contact.resident_id), (Credential, Credential.subject_id)):
        session.execute(delete(table).where(table.community_id == here, column == resident_id))
    resident.name, resident.needs, resident.place_id = "", frozenset(), building
    if resident.number is not None:
        resident.number = people.forgotten(session, resident.number)
    resident.erased_at = now
    event.add(session, actor, "resident.erased", resident_id, now, raw=redacted)
    session.flush()


def forget(session: Session, kind: Kind, value: str, actor: Actor, now: datetime) -> int:
    """Forget a number or chat wherever it stands; return how many it belonged to.

    Imported residents stay, without it; who was known by it alone is erased.
    """
    known = [
        owner_id
        for owner_kind, owner_id, _ in people.owners(session, kind, value)
        if owner_kind is not OwnerKind.STAFF
    ]
    _redact(session, _raw(session, {value}))
    for resident_id in known:
        resident = session.get(Resident, (store.community(session), resident_id))
        if resident is not None and not resident.verified and resident.erased_at is None:
            erase(session, resident_id, actor, now)
    session.execute(
        delete(Address).where(
            Address.community_id == store.community(session),
            Address.kind == kind,
            Address.digest == store.digest(session, value),
            Address.owner_kind != OwnerKind.STAFF,
        )
    )
    people.moved(session)
    event.add(session, actor, "address.forgotten", None, now, owners=len(known))
    return len(known)


def redact(session: Session, now: datetime, retention: timedelta = RETENTION) -> int:
    """Delete raw inbound data and the texts of pages older than `retention`; return how many.

    Notes of tasks that were done and readings of alerts that expired before then go with them,
    uncounted.
    """
    here, before = store.community(session), now - retention
    raw = update(Inbound).where(
        Inbound.community_id == here,
        Inbound.at < before,
        Inbound.data.is_not(None),
        Inbound.handled_at.is_not(None),
    )
    done = session.execute(raw.values(data=None)).rowcount  # type: ignore[attr-defined]
    old = select(Notice.id).where(
        Notice.community_id == here, Notice.kind == NoticeKind.PAGE, Notice.made_at < before
    )
    _blank(session, NoticeText.notice_id.in_(old))
    session.execute(
        update(Task)
        .where(Task.community_id == here, Task.done_at < before)
        .values(note="")
        .execution_options(synchronize_session="fetch")
    )
    knock.forget(session, Knock.at < before)
    recording.redact(session, before)
    event.add(session, event.HOUSE, "inbound.redacted", None, now, count=done)
    return int(done)


def _resident(session: Session, resident_id: uuid.UUID) -> Resident:
    resident = session.get(Resident, (store.community(session), resident_id))
    if resident is None or resident.erased_at is not None:
        raise PeopleError("没有这位居民。 There is no such resident.")
    return resident


def _owners(session: Session, resident_id: uuid.UUID) -> list[uuid.UUID]:
    known = people.contacts(session, [resident_id]).get(resident_id, [])
    return [resident_id, *(contact.id for contact in known)]


def _addresses(session: Session, owners: Iterable[uuid.UUID]) -> list[Address]:
    here = Address.community_id == store.community(session)
    return list(session.scalars(select(Address).where(here, Address.owner_id.in_(owners))))


def _values(owned: Iterable[Address], owner_id: uuid.UUID) -> set[str]:
    return {one.value for one in owned if one.owner_id == owner_id}


def _raw(session: Session, values: Iterable[str]) -> list[Inbound]:
    """Return the raw events that name one of the numbers or chats.

    They are encrypted, so each has to be opened: some 20,000 a second.
    """
    plain = [re.escape(value.removeprefix("+")) for value in values]
    if not plain:
        return []
    named = re.compile(rf"(?<!\d)(?:{'|'.join(plain)})(?!\d)")
    here = (Inbound.community_id == store.community(session)) & Inbound.data.is_not(None)
    return [row for row in session.scalars(select(Inbound).where(here)) if _names(row, named)]


def _names(row: Inbound, named: re.Pattern[str]) -> bool:
    return named.search(json.dumps(row.data, ensure_ascii=False)) is not None


def _redact(session: Session, raw: Iterable[Inbound]) -> int:
    ids = [row.id for row in raw]
    for row_id in ids:
        session.execute(
            update(Inbound)
            .where(Inbound.community_id == store.community(session), Inbound.id == row_id)
            .values(data=None)
        )
    return len(ids)


def _building(session: Session, place_id: uuid.UUID) -> uuid.UUID:
    """Return what stays of a home in the statistics: its building."""
    tree = Tree(session)
    at = tree.get(place_id)
    above = tree.above(at) if at else []
    return next((place.id for place in above if place.kind is PlaceKind.BUILDING), place_id)


def _close(session: Session, resident_id: uuid.UUID, building: uuid.UUID, now: datetime) -> None:
    here = store.community(session)
    mine = (Delivery.community_id == here) & (Delivery.recipient_id == resident_id)
    session.execute(
        update(Delivery)
        .where(mine, Delivery.state.in_(_RUNNING))
        .values(
            state=DeliveryState.CANCELLED,
            reason=Reason.ERASED,
            kind=None,
            address_id=None,
            closed_at=now,
        )
    )
    session.execute(update(Delivery).where(mine).values(place_id=building))
    # an open attempt keeps its hash until it is settled: no second one may start to that address
    session.execute(
        update(Attempt)
        .where(Attempt.community_id == here, Attempt.recipient_id == resident_id)
        .where(Attempt.closed_at.is_not(None))
        .values(digest="")
    )


def _clear_tasks(session: Session, resident_id: uuid.UUID, building: uuid.UUID) -> None:
    mine = (Task.community_id == store.community(session)) & (Task.resident_id == resident_id)
    pages = select(Notice.id).where(
        Notice.community_id == store.community(session),
        Notice.kind == NoticeKind.PAGE,
        or_(
            Notice.subject_id == resident_id,
            Notice.subject_id.in_(select(Task.id).where(mine)),
        ),
    )
    _blank(session, NoticeText.notice_id.in_(pages))
    session.execute(update(Task).where(mine).values(note="", place_id=building))


def _blank(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(
        update(NoticeText)
        .where(NoticeText.community_id == store.community(session), which)
        .values(fields=_GONE)
        .execution_options(synchronize_session=False)
    )


def _delete_addresses(
    session: Session, owners: Iterable[uuid.UUID], digests: Iterable[str]
) -> None:
    session.execute(
        delete(Address).where(
            Address.community_id == store.community(session),
            or_(
                Address.owner_id.in_(owners),
                (Address.owner_kind == OwnerKind.BARE) & Address.digest.in_(digests),
            ),
        )
    )
    people.moved(session)


def _address(address: Address) -> dict[str, Any]:
    return {
        "kind": address.kind,
        "value": address.value,
        "consent": address.consent,
        "consent_at": address.consent_at.isoformat(),
        "consent_via": address.consent_via,
        "written": address.written,
    }


def _contacts(
    session: Session, resident_id: uuid.UUID, owned: Iterable[Address]
) -> list[dict[str, Any]]:
    return [
        {
            "name": contact.name,
            "relation": contact.relation,
            "told": contact.told,
            "addresses": [_address(one) for one in owned if one.owner_id == contact.id],
        }
        for contact in people.contacts(session, [resident_id]).get(resident_id, [])
    ]


def _rows(session: Session, table: Any, which: ColumnElement[bool]) -> list[dict[str, Any]]:
    here = table.community_id == store.community(session)
    rows = session.execute(select(table.__table__).where(here, which)).mappings()
    return [
        {
            name: _plain(value)
            for name, value in row.items()
            if name not in ("community_id", "digest")
        }
        for row in rows
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
