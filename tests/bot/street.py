"""A street in one database: neighbours and staff who talk to the house, turn by turn."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.commands import preview
from bot.dispatch import dispatch
from bot.turn import Acknowledge, Effect, Foresee, House, Say, Turn
from channels.base import Event, EventKind
from content import alert as alerts
from content import claim, compose, identity, ladder, notice, people, place, review
from content.alert import Revision, Severity, Urgency
from content.delivery import Delivery
from content.draft import Draft, Text
from content.event import Actor, Door
from content.message import Kind, Message, Written
from content.notice import Notice
from content.pace import Sender
from content.people import Need, OwnerKind, Resident
from content.place import Community
from content.staff import Role
from verification import facts, shelf
from verification.case import Attachment
from verification.fact import Statement
from verification.index import Verdict

NAME = "linxun_bot"
WANG, LI = "+861088880001", "+8613800000002"
LI_CHAT, SON_CHAT, STRANGER, GROUP = "1002", "1009", "1999", "-100"
CHATS = {
    Role.AUTHOR: "9001",
    Role.VERIFIER: "9002",
    Role.EDITOR: "9003",
    Role.PUBLISHER: "9004",
    Role.EXPERT: "9005",
}
SENDERS = {kind: Sender(f"test_{kind}", kind, 1000.0) for kind in (Kind.CHAT, Kind.SMS, Kind.CALL)}
STORM = Draft(
    "暴雨",
    {Written.HANS: Text("暴雨红色预警", "今晚8点起有大暴雨。", "请待在家里。", "暴雨已经过去。")},
    datetime(2026, 7, 21, tzinfo=UTC),
    severity=Severity.EXTREME,
    urgency=Urgency.IMMEDIATE,
)
WATER = Statement(
    claim="自来水厂被人投毒，水不能喝了",
    truth="自来水厂没有被投毒，水可以放心饮用。",
    verdict=Verdict.FALSE,
    source="青禾市疾控中心",
    expert="市疾控中心 医师",
    date=date(2026, 7, 18),
    variants=("听说水厂有人下毒，大家别喝自来水",),
)


@dataclass
class Street:
    """王奶奶 has a landline and a son, 李明 a chat and a mobile; each member of staff a chat."""

    session: Session
    house: House
    now: datetime
    wang: Resident
    li: Resident
    staff: dict[Role, Actor]

    def hear(self, kind: Kind, event: Event, file: Attachment | None = None) -> list[Effect]:
        """Let one event arrive, and return what is said at once."""
        turn = Turn(self.session, self.now, self.house, event, SENDERS[kind].name, kind)
        effects = dispatch(turn, file)
        self.session.flush()
        return [
            preview.foretell(self.session, self.house, one) if isinstance(one, Foresee) else one
            for one in effects
        ]

    def says(self, chat: str, text: str, **more: Any) -> list[Effect]:
        return self.hear(Kind.CHAT, Event(EventKind.TEXT, address=chat, text=text, **more))

    def group(self, text: str, *, addressed: bool = True, quoted: str = "") -> list[Effect]:
        """Let the stranger write in a group."""
        event = Event(
            EventKind.TEXT,
            address=STRANGER,
            text=text,
            chat=GROUP,
            group=True,
            addressed=addressed,
            quoted=quoted,
        )
        return self.hear(Kind.CHAT, event)

    def texts(self, number: str, text: str) -> list[Effect]:
        return self.hear(Kind.SMS, Event(EventKind.TEXT, address=number, text=text))

    def presses(self, chat: str, data: str, message_id: str = "") -> list[Effect]:
        event = Event(
            EventKind.BUTTON, address=chat, key=data, callback_id="1", message_id=message_id
        )
        return self.hear(Kind.CHAT, event)

    def keys(self, number: str, ref: str, key: str, **more: Any) -> list[Effect]:
        event = Event(EventKind.KEY, address=number, ref=ref, key=key, **more)
        return self.hear(Kind.CALL, event)

    def told(self, kind: Kind, value: str) -> list[Message]:
        """Hand over what waits for a number or chat, and return it."""
        mine = [one for *_, one in people.owners(self.session, kind, value)]
        query = (
            select(Notice)
            .join(Delivery, Delivery.notice_id == Notice.id)
            .where(Delivery.address_id.in_(mine), Delivery.recipient_kind == OwnerKind.BARE)
            .order_by(Notice.id)
        )
        return [
            compose.of(one.kind, notice.texts(self.session, one.id), self._reader(one.id))
            for one in self.session.scalars(query)
        ]

    def _reader(self, notice_id: uuid.UUID) -> compose.Reader:
        return compose.Reader(notice_id, Written.HANS, self.wang.spoken)

    def hand_over(self, kind: Kind, value: str) -> str:
        """Send the newest page, answer or list to a chat or number; return the attempt's ref."""
        jobs = claim.claim(self.session, SENDERS[kind], 100, self.now)
        return [job.ref for job in jobs if job.to == value][-1]

    def publish(self, content: Draft = STORM) -> Notice:
        """Publish in an emergency, so that two people are enough."""
        row = review.draft(self.session, self.staff[Role.AUTHOR], content, self.now)
        boss = self.staff[Role.PUBLISHER]
        return review.publish(self.session, boss, row, self.now, emergency=True, again=True)

    def send(self, made: Notice, who: Resident, kind: Kind, *, contact: bool = False) -> str:
        """Send a notice to a resident (or their contact) by one kind; return the attempt's ref."""
        owner = who.id
        if contact:
            owner = people.contacts(self.session, [who.id])[who.id][0].id
        return self.send_to(made, who.id, kind, owner)

    def send_to(
        self, made: Notice, who: uuid.UUID, kind: Kind, owner: uuid.UUID | None = None
    ) -> str:
        """Send a notice to a recipient at an address of `owner`; return the attempt's ref."""
        reach = people.addresses(self.session, [owner or who])[owner or who]
        address = next(one for one in reach if one.kind is kind)
        self.session.flush()
        self.session.execute(
            update(Delivery)
            .where(Delivery.notice_id == made.id, Delivery.recipient_id == who)
            .values(kind=kind, address_id=address.id, next_at=self.now)
            .execution_options(synchronize_session=False)
        )
        jobs = claim.claim(self.session, SENDERS[kind], 100, self.now)
        self.session.expire_all()
        return next(job.ref for job in jobs if job.recipient_id == who)

    def delivery(self, made: Notice, who: Resident) -> Delivery:
        self.session.flush()
        return self.session.get_one(Delivery, (made.community_id, made.id, who.id))

    def drafted(self, content: Draft = STORM) -> tuple[str, Revision]:
        """Write a draft; return its code and its revision."""
        row = review.draft(self.session, self.staff[Role.AUTHOR], content, self.now)
        return alerts.get(self.session, row.alert_id).code, row


def open_street(session: Session, now: datetime, community_id: uuid.UUID) -> Street:
    """Let the neighbours and the staff move in; one fact is published."""
    session.add(Community(community_id=community_id, name="幸福里社区"))
    session.flush()
    home = place.ensure(session, "3-2-501")
    wang, li = (
        Resident(
            community_id=community_id,
            number=number,
            name=name,
            place_id=home.id,
            joined_at=now,
            needs=needs,
        )
        for number, name, needs in (
            ("1", "王奶奶", frozenset({Need.ELDERLY})),
            ("2", "李明", frozenset()),
        )
    )
    session.add_all((wang, li))
    session.flush()
    people.add_address(session, OwnerKind.RESIDENT, wang.id, Kind.CALL, WANG, now)
    for kind, value in ((Kind.CHAT, LI_CHAT), (Kind.SMS, LI), (Kind.CALL, LI)):
        people.add_address(session, OwnerKind.RESIDENT, li.id, kind, value, now)
    son = people.Contact(community_id=community_id, resident_id=wang.id, name="王强")
    session.add(son)
    session.flush()
    people.add_address(session, OwnerKind.CONTACT, son.id, Kind.CHAT, SON_CHAT, now)
    staff = {}
    for role, chat in CHATS.items():
        member = identity.add_staff(session, f"{role}同事", [role], now)
        people.add_address(session, OwnerKind.STAFF, member.id, Kind.CHAT, chat, now)
        staff[role] = Actor(Door.CHAT, member.id)
    fact = facts.draft(session, staff[Role.AUTHOR], WATER, now, code="water")
    facts.sign(session, fact, staff[Role.EXPERT], now)
    facts.publish(session, fact, staff[Role.PUBLISHER], now)
    house = House(shelf.base(session), tuple(SENDERS.values()), ladder.load(), NAME)
    return Street(session, house, now, wang, li, staff)


def said(effects: list[Effect]) -> str:
    """Return everything that is said at once, in a chat or in the note of a button."""
    return "\n".join(one.text for one in effects if isinstance(one, Say | Acknowledge))


def buttons(effects: list[Effect]) -> list[str]:
    """Return the data behind the buttons of what is said at once."""
    shown = [one for one in effects if isinstance(one, Say)]
    return [button.data("") for one in shown for row in one.buttons for button in row]
