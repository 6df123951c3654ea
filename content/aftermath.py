"""What an alert leaves behind: what failed, what to correct, who went where, and the bill."""

import math
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import Session, aliased

from content import compose, coverage, ending, segment, store
from content.alert import Alert, MsgType
from content.compose import Reader
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState, Receipt
from content.event import Event
from content.knock import Found, Knock
from content.message import Kind, Spoken, Written
from content.notice import Notice
from content.people import Address, Contact, Need, OwnerKind, Resident
from content.reason import Reason
from content.staff import Staff
from content.task import Task

WRONG = (Reason.NUMBER_INVALID, Reason.LANDLINE, Reason.BLOCKED)
"""Failures that will come again until somebody corrects the address."""
_LAST_DIGITS = 4
_NAME = "某某某"
"""A name as long as most: a contact's SMS names the resident, which may take one segment more."""
_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one kind for one reason; `word` is a phrase key."""

    kind: Kind
    word: str
    attempts: int
    people: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """An address that cannot work: whose, of what kind, why, and its last four digits."""

    number: str
    """The resident's number in the committee's list."""
    name: str = field(repr=False)
    place_id: uuid.UUID | None
    contact: str = field(repr=False)
    """Whose it is, where it is not the resident's own: their contact's name."""
    kind: Kind
    reason: Reason
    ending: str = field(repr=False)
    tries: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One door: who lives there, why they were on the list, and what became of it."""

    number: str
    name: str = field(repr=False)
    place_id: uuid.UUID | None
    needs: frozenset[Need]
    why: tuple[Kind | None, str]
    outcome: str
    """`confirmed`, `away`, `refused`, or `open`: nobody has been there."""
    listed_at: datetime | None
    at: datetime | None
    by: str
    note: str = field(repr=False)
    needs_help: bool


@dataclass(frozen=True, slots=True)
class Help:
    """One task of somebody who needed help, with its times."""

    number: str
    name: str = field(repr=False)
    place_id: uuid.UUID | None
    opened_at: datetime
    due_at: datetime
    taken_at: datetime | None
    taken_by: str
    done_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Units:
    """What a kind has used: messages or calls that were taken, SMS segments, minutes of talk."""

    kind: Kind
    taken: int
    billed: int
    """Messages of a chat, segments of SMS, begun minutes of calls that were picked up."""


@dataclass(frozen=True, slots=True)
class Told:
    """One notice of the alert: its revision in a line."""

    id: uuid.UUID
    msg_type: MsgType
    made_at: datetime
    expected: int
    contacted: int
    last_contact: datetime | None
    """When a provider took the last first contact."""


def notices(session: Session, alert: Alert) -> list[Told]:
    """Return what was told of an alert, the oldest first."""
    mine = Delivery.recipient_kind == OwnerKind.RESIDENT
    theirs = and_(Delivery.notice_id == Notice.id, mine)
    query = (
        select(
            Notice.id,
            Notice.msg_type,
            Notice.made_at,
            Notice.expected,
            func.count(Delivery.first_at),
            func.max(Delivery.first_at),
        )
        .outerjoin(Delivery, _same(Delivery, Notice, theirs))
        .where(Notice.community_id == store.community(session), Notice.alert_id == alert.id)
        .group_by(Notice.id, Notice.msg_type, Notice.made_at, Notice.expected)
        .order_by(Notice.made_at, Notice.id)
    )
    return [Told(*row) for row in session.execute(query)]


def failures(session: Session, ids: Sequence[uuid.UUID]) -> list[Failure]:
    """Return what failed of these notices, by kind and reason, the most frequent first."""
    became = func.coalesce(
        cast(Attempt.reason, String),
        case((Attempt.machine, Reason.MACHINE.value), else_=cast(Attempt.state, String)),
    )
    wrong = or_(
        Attempt.state.in_((AttemptState.FAILED, AttemptState.UNKNOWN)),
        Attempt.machine.is_(True),
    )
    query = (
        select(
            Attempt.kind,
            became.label("became"),
            func.count().label("attempts"),
            func.count(Attempt.recipient_id.distinct()).label("people"),
        )
        .where(_of(session, ids), wrong)
        .group_by(Attempt.kind, "became")
        .order_by(func.count().desc(), Attempt.kind)
    )
    return [
        Failure(row.kind, ending.word_of(row.became, row.kind), row.attempts, row.people)
        for row in session.execute(query)
    ]


def wrong(session: Session, ids: Sequence[uuid.UUID]) -> Iterator[Wrong]:
    """Give the addresses to correct before the next time; erased ones are gone already."""
    failed = (
        select(
            Attempt.address_id,
            func.max(cast(Attempt.reason, String)).label("reason"),
            func.count().label("tries"),
        )
        .where(_of(session, ids), Attempt.reason.in_(WRONG))
        .where(Attempt.state == AttemptState.FAILED)
        .group_by(Attempt.address_id)
        .subquery()
    )
    whose = func.coalesce(Contact.resident_id, Address.owner_id)
    query = (
        select(Resident, Address, Contact, failed.c.reason, failed.c.tries)
        .select_from(failed)
        .join(Address, Address.id == failed.c.address_id)
        .outerjoin(Contact, _same(Contact, Address, Contact.id == Address.owner_id))
        .join(Resident, _same(Resident, Address, Resident.id == whose))
        .where(Address.community_id == store.community(session))
        .order_by(Resident.number, Address.kind)
        .execution_options(yield_per=_ROWS)
    )
    for resident, address, contact, reason, tries in session.execute(query):
        yield Wrong(
            number=_listed(resident),
            name=resident.name,
            place_id=resident.place_id,
            contact=contact.name if contact else "",
            kind=address.kind,
            reason=Reason(reason),
            ending=address.value[-_LAST_DIGITS:],
            tries=tries,
        )


def visits(session: Session, notice_id: uuid.UUID) -> Iterator[Visit]:
    """Give everybody on the door-knock list, and who was told at the door, with the outcome."""
    here = store.community(session)
    listed, worker, knocked = aliased(Event), aliased(Staff), aliased(Knock)
    told = str(notice_id)
    on_list = (
        select(func.max(listed.id))
        .where(listed.community_id == here, listed.subject_id == Delivery.recipient_id)
        .where(listed.kind == "delivery.door", listed.data["notice"].as_string() == told)
        .correlate(Delivery)
        .scalar_subquery()
    )
    newest = (
        select(knocked.id)
        .where(knocked.community_id == here, knocked.notice_id == notice_id)
        .where(knocked.recipient_id == Delivery.recipient_id, knocked.undone_at.is_(None))
        .where(knocked.found != Found.NOTE)
        .order_by(knocked.at.desc(), knocked.id.desc())
        .limit(1)
        .correlate(Delivery)
        .scalar_subquery()
    )
    entry = aliased(Event)
    query = (
        select(Delivery, Resident, entry.at, Knock, worker.name, ending.last().label("last"))
        .join(Resident, _same(Resident, Delivery, Resident.id == Delivery.recipient_id))
        .outerjoin(entry, _same(entry, Delivery, entry.id == on_list))
        .outerjoin(Knock, _same(Knock, Delivery, Knock.id == newest))
        .outerjoin(worker, and_(worker.community_id == here, worker.id == Knock.by))
        .where(Delivery.community_id == here, Delivery.notice_id == notice_id)
        .where(
            or_(
                Delivery.state.in_((DeliveryState.DOOR, DeliveryState.REFUSED)),
                Delivery.reason == Reason.CONFIRMED_DOOR,
            )
        )
        .order_by(Delivery.place_id, Delivery.recipient_id)
        .execution_options(yield_per=_ROWS)
    )
    for delivery, resident, at, knock, name, became in session.execute(query):
        yield _visit(delivery, resident, at, knock, name, became)


def _visit(
    delivery: Delivery,
    resident: Resident,
    listed_at: datetime | None,
    knock: Knock | None,
    name: str | None,
    became: str | None,
) -> Visit:
    confirmed = delivery.state is DeliveryState.CONFIRMED
    # how it ended at the door says nothing of why it came to the door
    ended = confirmed or delivery.state is DeliveryState.REFUSED
    reason = Reason.LADDER_EXHAUSTED if ended else delivery.reason
    end = ending.End(DeliveryState.DOOR, reason, became or "", {}, 1)
    found = knock.found.value if knock is not None else "open"
    return Visit(
        number=_listed(resident),
        name=resident.name,
        place_id=delivery.place_id,
        needs=resident.needs,
        why=end.why,
        outcome="confirmed" if confirmed else found,
        listed_at=listed_at,
        at=delivery.closed_at if confirmed else knock.at if knock is not None else None,
        by=name or "",
        note=knock.note if knock is not None else "",
        needs_help=delivery.needs_help,
    )


def helps(session: Session, ids: Sequence[uuid.UUID]) -> list[Help]:
    """Return the tasks that these notices have brought, the oldest first."""
    query = (
        select(Task, Resident, Staff.name)
        .outerjoin(Resident, _same(Resident, Task, Resident.id == Task.resident_id))
        .outerjoin(Staff, _same(Staff, Task, Staff.id == Task.taken_by))
        .where(Task.community_id == store.community(session), Task.notice_id.in_(ids))
        .where(Task.resident_id.is_not(None))
        .order_by(Task.opened_at, Task.id)
    )
    return [
        Help(
            number=_listed(resident),
            name=resident.name if resident else "",
            place_id=task.place_id,
            opened_at=task.opened_at,
            due_at=task.due_at,
            taken_at=task.taken_at,
            taken_by=taken_by or "",
            done_at=task.done_at,
            outcome=task.outcome,
        )
        for task, resident, taken_by in session.execute(query)
    ]


def twice(session: Session, ids: Sequence[uuid.UUID]) -> dict[Kind, int]:
    """Return how many people may have been told the same twice: nobody knew whether they were."""
    query = (
        select(Attempt.kind, func.count(Attempt.recipient_id.distinct()))
        .where(_of(session, ids), Attempt.again.is_(True), Attempt.accepted_at.is_not(None))
        .group_by(Attempt.kind)
    )
    return dict(session.execute(query).all())


def units(session: Session, ids: Sequence[uuid.UUID]) -> list[Units]:
    """Return what was used of each kind, as the providers bill it."""
    query = (
        select(Attempt.kind, func.count())
        # a call that told several is billed once
        .where(_of(session, ids), Attempt.accepted_at.is_not(None), Attempt.along.is_(None))
        .group_by(Attempt.kind)
    )
    taken = dict(session.execute(query).all())
    billed = {Kind.SMS: _segments(session, ids), Kind.CALL: _minutes(session, ids)}
    return [Units(kind, count, billed.get(kind, count)) for kind, count in sorted(taken.items())]


def _segments(session: Session, ids: Sequence[uuid.UUID]) -> int:
    """Return the SMS segments that were sent: each text is rendered once for each language."""
    contact = Address.owner_kind == OwnerKind.CONTACT
    query = (
        select(
            Attempt.notice_id,
            func.coalesce(Resident.written, Written.HANS.value).label("read"),
            func.coalesce(Resident.spoken, Spoken.MANDARIN.value).label("heard"),
            case((contact, 1), else_=0).label("contact"),
            func.count().label("sent"),
        )
        .outerjoin(Resident, _same(Resident, Attempt, Resident.id == Attempt.recipient_id))
        .outerjoin(Address, _same(Address, Attempt, Address.id == Attempt.address_id))
        .where(_of(session, ids), Attempt.kind == Kind.SMS, Attempt.accepted_at.is_not(None))
        .group_by(Attempt.notice_id, "read", "heard", "contact")
    )
    total = 0
    rows: Any = session.execute(query)
    for row in rows:
        alone = _NAME if row.contact else ""
        who = Reader(row.notice_id, Written(row.read), Spoken(row.heard), alone)
        total += row.sent * segment.measure(compose.message(session, who).sms).segments
    return total


def _minutes(session: Session, ids: Sequence[uuid.UUID]) -> int:
    """Return the begun minutes between picking up and hanging up, over all calls."""
    answered = (
        select(func.min(Receipt.at))
        .where(Receipt.community_id == Attempt.community_id, Receipt.ref == Attempt.ref)
        .where(Receipt.state == AttemptState.ANSWERED)
        .correlate(Attempt)
        .scalar_subquery()
    )
    seconds = (extract("epoch", Attempt.closed_at) - extract("epoch", answered)).label("seconds")
    query = (
        select(seconds, func.count())
        .where(_of(session, ids), Attempt.kind == Kind.CALL, Attempt.accepted_at.is_not(None))
        .group_by("seconds")
    )
    lengths: Counter[int] = Counter()
    for length, count in session.execute(query):
        if length is not None:
            lengths[max(1, math.ceil(float(length) / 60))] += count
    return sum(minutes * count for minutes, count in lengths.items())


def _of(session: Session, ids: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    return and_(Attempt.community_id == store.community(session), Attempt.notice_id.in_(ids))


def _same(table: Any, other: Any, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.community_id == other.community_id, on)


def _listed(resident: Resident | None) -> str:
    """Return the committee's own number; one that we made up says nothing to anybody."""
    number = resident.number if resident and not resident.erased_at else None
    return "" if (number or "~").startswith("~") else number or ""


def first_contacts(session: Session, notice_id: uuid.UUID) -> list[tuple[str, int, datetime]]:
    """Return, by sender, for how many people it made the first try, and when the last of them."""
    first = (
        select(func.min(Attempt.id).label("id"))
        .where(_of(session, [notice_id]), coverage.theirs())
        .group_by(Attempt.recipient_id)
        .subquery()
    )
    query = (
        select(Attempt.sender, func.count(), func.max(Attempt.started_at))
        .join(first, first.c.id == Attempt.id)
        .where(_of(session, [notice_id]))
        .group_by(Attempt.sender)
        .order_by(Attempt.sender)
    )
    return [(sender, count, at) for sender, count, at in session.execute(query)]
