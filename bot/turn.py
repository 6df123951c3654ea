"""One turn of a conversation: what happened, who acts, and what is to be said at once."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels.base import Event, EventKind
from content import expansion, identity, people, phrase, store
from content.claim import Sender
from content.event import Actor, Door
from content.ladder import Ladders
from content.message import Button, Kind, Written
from content.notice import NoticeKind
from content.people import OwnerKind, Resident
from content.place import Community, Place
from content.staff import Staff
from verification import answer, shelf

_HOUR, _PER_HOUR = timedelta(hours=1), 5
DOORS = {Kind.CHAT: Door.CHAT, Kind.SMS: Door.SMS, Kind.CALL: Door.PHONE}
Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class House:
    """What every turn can use: the fact base, the senders with their limits, the ladders."""

    base: shelf.Base
    senders: tuple[Sender, ...]
    ladders: Ladders
    username: str = ""
    """The bot's name in the chat app, for links into a private chat."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One event with the session it is handled in; made for each event and then thrown away."""

    session: Session
    now: datetime
    house: House
    event: Event
    sender: str
    kind: Kind

    @property
    def chat(self) -> str:
        """Return the chat in which to reply: the group, or the person's own."""
        return self.event.chat or self.event.address

    @property
    def community(self) -> Community:
        """Return the community this turn belongs to."""
        return self.session.get_one(Community, store.community(self.session))

    @property
    def zone(self) -> ZoneInfo:
        """Return the community's time zone."""
        return ZoneInfo(self.community.zone)

    def staff(self) -> Staff | None:
        """Return the member of staff who acts; not by SMS, whose sender anybody can forge."""
        if self.kind is Kind.CHAT:
            return identity.by_chat(self.session, self.event.address)
        if self.kind is not Kind.CALL or self.event.kind is not EventKind.KEY or self.event.called:
            return None
        # a key in a call that we have made ourselves: whoever calls us can forge their number
        owners = people.owners(self.session, Kind.CALL, self.event.address)
        mine = [owner_id for kind, owner_id, _ in owners if kind is OwnerKind.STAFF]
        return identity.staff(self.session, mine[0]) if mine else None

    def residents(self) -> list[Resident]:
        """Return the residents whose number or chat this is."""
        found = people.owners(self.session, self.kind, self.event.address)
        rows = (
            self.session.get(Resident, (store.community(self.session), owner_id))
            for owner_kind, owner_id, _ in found
            if owner_kind is OwnerKind.RESIDENT
        )
        return [row for row in rows if row is not None and row.erased_at is None]

    def known_address(self) -> uuid.UUID | None:
        """Return the address that acts, if it is one that we know."""
        found = people.owners(self.session, self.kind, self.event.address)
        return found[0][2] if found else None

    def address_id(self) -> uuid.UUID:
        """Return the address that acts; a stranger's is kept as a bare one."""
        known = self.known_address()
        return known or people.bare(self.session, self.kind, self.event.address, self.now)

    def actor(self) -> Actor:
        """Return who acts: staff, a resident, or somebody unknown."""
        door = DOORS[self.kind]
        member = self.staff()
        if member is not None:
            return Actor(door, member.id)
        living = self.residents()
        return Actor(door, living[0].id if living else None)

    def language(self) -> Written:
        """Return the language to answer in: the resident's, else what the chat app tells."""
        living = self.residents()
        if living:
            return living[0].written
        told = self.event.language.lower()
        if told.startswith(("zh-hant", "zh-tw", "zh-hk")):
            return Written.HANT
        return Written.ENGLISH if told.startswith("en") else Written.HANS

    def area(self) -> str | None:
        """Return the place path of the asker's home, if it is known."""
        for resident in self.residents():
            home = self.session.get(Place, (resident.community_id, resident.place_id))
            if home is not None:
                return home.path
        return None


@dataclass(frozen=True, slots=True)
class Say:
    """Answer in a chat at once: a question of a dialogue, a refusal."""

    chat: str
    text: str = field(repr=False)
    buttons: Rows = ()


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Stop the waiting sign of a button, with a short note."""

    callback_id: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Follow:
    """Show how a published alert comes along, in a message that edits itself."""

    chat: str
    code: str
    notice_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Show:
    """Show a file that came in another chat."""

    chat: str
    kind: str
    reference: str = field(repr=False)


Effect = Say | Acknowledge | Follow | Show


def tell(turn: Turn, *keys: str, **values: object) -> list[Effect]:
    """Say sentences to who acts: at once in a chat, through the outbox elsewhere.

    There only so many in an hour: two machines must not answer each other for ever.
    """
    if turn.kind is Kind.CHAT:
        said = (phrase.say(key, turn.language(), **values) for key in keys)
        return [Say(turn.chat, "\n".join(said))]
    address = turn.address_id()
    if expansion.replies(turn.session, address, turn.now - _HOUR) < _PER_HOUR:
        texts = answer.said(keys, [turn.language()], **values)
        answer.send(turn.session, NoticeKind.REPLY, texts, [address], turn.now)
    return []
