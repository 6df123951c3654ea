"""Residents with their numbers, a notice, senders, and one turn of the engine: for the outbox."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels import route as steps
from content import cap, claim, expansion, ladder, notice, people, place, store
from content.alert import Alert, Severity
from content.base import new_id
from content.claim import Job
from content.delivery import Attempt, Delivery
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.pace import Sender
from content.people import Audience, Contact, Need, OwnerKind, Resident

CHAT = Sender("telegram", Kind.CHAT, 1000.0, None, 30)
SMS = Sender("twilio_sms", Kind.SMS, 1000.0, None, 30)
CALL = Sender("twilio_voice", Kind.CALL, 1000.0, None, 60)
SENDERS = (CHAT, SMS, CALL)
EVERYBODY = Audience()
SOMEBODY = Actor(Door.CHAT)
LADDERS = ladder.load()
ZONE = ZoneInfo("Asia/Shanghai")


def resident(
    session: Session,
    now: datetime,
    name: str = "李明",
    *,
    room: str = "3-2-501",
    needs: Iterable[Need] = (),
    chat: str = "",
    mobile: str = "",
    landlines: Iterable[str] = (),
    written: Written = Written.HANS,
) -> uuid.UUID:
    """Add somebody; a mobile is reached by SMS and call, a landline by call only."""
    home = place.Tree(session).ensure(place.read(room))
    made = Resident(
        community_id=store.community(session),
        id=new_id(),
        name=name,
        place_id=home.id,
        needs=frozenset(needs),
        written=written,
        joined_at=now,
    )
    session.add(made)
    session.flush()
    numbers = [(Kind.CHAT, chat), (Kind.SMS, mobile), (Kind.CALL, mobile)]
    numbers += [(Kind.CALL, one) for one in landlines]
    for rank, (kind, value) in enumerate(numbers):
        if value:
            people.add_address(session, OwnerKind.RESIDENT, made.id, kind, value, now, rank=rank)
    return made.id


def contact(
    session: Session, resident_id: uuid.UUID, number: str, now: datetime, rank: int = 0
) -> uuid.UUID:
    made = Contact(
        community_id=store.community(session),
        id=new_id(),
        resident_id=resident_id,
        name="王强",
        rank=rank,
    )
    session.add(made)
    session.flush()
    people.add_address(session, OwnerKind.CONTACT, made.id, Kind.CALL, number, now)
    return made.id


def alert(session: Session, now: datetime) -> uuid.UUID:
    made = Alert(
        community_id=store.community(session), id=new_id(), opened_at=now, code=new_id().hex[-10:]
    )
    session.add(made)
    session.flush()
    return made.id


def make(
    session: Session,
    now: datetime,
    severity: Severity = Severity.SEVERE,
    *,
    kind: NoticeKind = NoticeKind.ALERT,
    confirms: bool = True,
    hours: float = 6,
    texts: Mapping[Written, Mapping[str, str]] | None = None,
    **other: object,
) -> Notice:
    fields = {"headline": "暴雨红色预警", "description": "今晚有暴雨。", "text": "好。"}
    return notice.make(
        session,
        kind=kind,
        texts=texts or {Written.HANS: fields},
        severity=severity,
        confirms=confirms,
        expires_at=now + timedelta(hours=hours),
        now=now,
        **other,
    )


def tell(
    session: Session,
    now: datetime,
    severity: Severity = Severity.SEVERE,
    *,
    audience: Audience | None = EVERYBODY,
    touched: uuid.UUID | None = None,
    **other: object,
) -> Notice:
    """Make a notice and enqueue it."""
    made = make(session, now, severity, **other)
    expansion.enqueue(session, made, audience, now, touched)
    return made


def route(session: Session, now: datetime, senders: Iterable[Sender] = SENDERS) -> None:
    """Let the router give every due delivery its step."""
    session.flush()
    kinds = frozenset(one.kind for one in senders)
    steps.route(session, LADDERS, kinds, cap.zone(session), now)
    session.expire_all()


def take(session: Session, now: datetime, *senders: Sender, permits: int = 100) -> list[Job]:
    """Route what is due and claim it for each sender."""
    route(session, now, senders or SENDERS)
    jobs = [job for one in senders or SENDERS for job in claim.claim(session, one, permits, now)]
    session.flush()
    session.expire_all()
    return jobs


def delivery(session: Session, made: Notice, who: uuid.UUID) -> Delivery:
    return session.get_one(Delivery, (made.community_id, made.id, who), populate_existing=True)


def attempts(session: Session, who: uuid.UUID | None = None) -> list[Attempt]:
    query = select(Attempt).order_by(Attempt.id)
    return list(session.scalars(query if who is None else query.where(Attempt.recipient_id == who)))
