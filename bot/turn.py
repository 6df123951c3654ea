"""One turn of a conversation: what happened, who acts, and what is to be said at once."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot import hotline
from bot.prices import Prices
from channels.base import Event, EventKind
from content import bare, guard, identity, people, phrase, place, store
from content.call import Line
from content.event import Actor, Door
from content.guard import Limits, Pass
from content.knock import AWAY
from content.ladder import Ladders
from content.message import Button, Kind, Written
from content.notice import NoticeKind
from content.pace import Sender
from content.people import OwnerKind, Resident
from content.place import Community, Place
from content.staff import Staff
from content.texting import Texting
from verification import answer, shelf

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
    limits: Limits = field(default_factory=Limits)
    """How much is said by itself to one number or chat."""
    away: timedelta = AWAY
    """After how long a home where nobody opened is gone to again."""
    prices: Prices = field(default_factory=Prices)
    texting: Texting = field(default_factory=Texting)
    """What SMS say to which numbers."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One event with the session it is handled in; made for each event and then thrown away."""

    session: Session
    now: datetime
    house: House
    event: Event
    sender: str
    kind: Kind
    _asked: dict[int, list[people.Owner]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Whose the number or chat is, by the changes of addresses in this transaction until then."""

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

    def owners(self) -> list[people.Owner]:
        """Return whose the number or chat is; asked for once, until an address comes or goes."""
        at = people.changes(self.session)
        if at not in self._asked:
            self._asked[at] = people.owners(self.session, self.kind, self.event.address)
        return self._asked[at]

    def staff(self) -> Staff | None:
        """Return the member of staff who acts; not by SMS, whose sender anybody can forge."""
        if self.kind is Kind.CHAT:
            return identity.among(self.session, self.owners())
        if self.kind is not Kind.CALL or self.event.kind is not EventKind.KEY or self.event.called:
            return None
        # a key in a call that we have made ourselves: whoever calls us can forge their number
        mine = [owner_id for kind, owner_id, _ in self.owners() if kind is OwnerKind.STAFF]
        return identity.staff(self.session, mine[0]) if mine else None

    def residents(self) -> list[Resident]:
        """Return the residents whose number or chat this is."""
        rows = (
            self.session.get(Resident, (store.community(self.session), owner_id))
            for owner_kind, owner_id, _ in self.owners()
            if owner_kind is OwnerKind.RESIDENT
        )
        return [row for row in rows if row is not None and row.erased_at is None]

    def known_address(self) -> uuid.UUID | None:
        """Return the address that acts, if it is one that we know."""
        found = self.owners()
        return found[0][2] if found else None

    def address_id(self) -> uuid.UUID:
        """Return the address that acts; a stranger's is kept as a bare one, with their language."""
        known = self.owners()[:1]
        if known and known[0][0] is not OwnerKind.BARE:
            return known[0][2]
        event = self.event
        mine = (
            known[0][2] if known else bare.address(self.session, self.kind, event.address, self.now)
        )
        # a key in a call of ours tells what it was told in, and not what they speak
        if event.language and (self.kind is Kind.CHAT or event.step):
            bare.speaks(self.session, mine, self.language())
        return mine

    def actor(self) -> Actor:
        """Return who acts: staff, a resident, or somebody unknown."""
        door = DOORS[self.kind]
        member = self.staff()
        if member is not None:
            return Actor(door, member.id)
        living = self.residents()
        return Actor(door, living[0].id if living else None)

    def language(self) -> Written:
        """Return the language to answer in: the resident's, else what the chat app tells.

        On the phone it is the one in which the call goes on: the caller has chosen it.
        """
        told = self.event.language.lower()
        living = [] if self.event.step and told else self.residents()
        if living:
            return living[0].written
        if told.startswith(("zh-hant", "zh-tw", "zh-hk")):
            return Written.HANT
        return Written.ENGLISH if told.startswith("en") else Written.HANS

    def area(self) -> str | None:
        """Return the place path of the asker's home, if it is known."""
        for resident in self.residents():
            home = self.session.get(Place, (resident.community_id, resident.place_id))
            if home is not None:
                return home.path
        named = hotline.paths_of(self.session, self.event.building)
        return named[0] if len(named) == 1 else None

    def place_id(self) -> uuid.UUID | None:
        """Return the place of `area`: the building that a caller has named, where it is one."""
        return place.by_path(self.session, self.area() or "")


@dataclass(frozen=True, slots=True)
class Say:
    """Answer in a chat at once: a question of a dialogue, a refusal."""

    chat: str
    text: str = field(repr=False)
    buttons: Rows = ()
    what: str = ""
    """The name of the sentence, where it must be said beyond the loop guard, too."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Change a message of our own: it shows what was done with it."""

    chat: str
    message_id: str
    text: str = field(repr=False)
    buttons: Rows = ()
    ref: str = ""
    """The attempt that its buttons belong to, where one has brought it."""


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
class Glance:
    """Tell once how alerts stand, by code and notice; read outside of the turn's transaction.

    The figures of a large alert take a second: nobody's confirmation waits for them meanwhile.
    """

    chat: str
    told: tuple[tuple[str, uuid.UUID], ...]
    brief: bool = False
    """A line for each alert, without its grids and reasons."""


@dataclass(frozen=True, slots=True)
class Show:
    """Show a file that came in another chat."""

    chat: str
    kind: str
    reference: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Foresee:
    """Show whom a draft would reach and until when; it is reckoned once nobody is kept waiting."""

    chat: str
    revision_id: uuid.UUID
    now: datetime
    buttons: Rows = ()


@dataclass(frozen=True, slots=True)
class Hear:
    """Send a voice message that says these lines; it is spoken once nobody is kept waiting."""

    chat: str
    lines: tuple[Line, ...] = field(repr=False)
    caption: str = ""


Effect = Hear | Say | Rewrite | Acknowledge | Follow | Foresee | Glance | Show


def tell(turn: Turn, *keys: str, urgent: bool = False, **values: object) -> list[Effect]:
    """Say sentences to who acts: at once in a chat, through the outbox elsewhere.

    The loop guard may leave them unsaid; not what is `urgent`, the answer to a cry for help.
    """
    what = keys[-1]
    if turn.kind is Kind.CHAT:
        said = (phrase.say(key, turn.language(), **values) for key in keys)
        return [Say(turn.chat, "\n".join(said), what=what if urgent else "")]
    if _given(turn, turn.address_id(), what, urgent=urgent) is not Pass.REST:
        texts = answer.said(keys, [turn.language()], **values)
        answer.send(turn.session, NoticeKind.REPLY, texts, [turn.address_id()], turn.now)
    return []


def guarded(turn: Turn, effects: list[Effect]) -> list[Effect]:
    """Leave out what would be said in a chat beyond the loop guard; staff at work pass it."""
    says = [one for one in effects if isinstance(one, Say)]
    if not says or turn.staff() is not None:
        return effects
    group = turn.event.group
    subject = None if group else turn.known_address()
    what = next((one.what for one in says if one.what), "")
    passed = _given(
        turn,
        subject or guard.stranger(turn.session, turn.kind, turn.chat),
        what or "chat",
        urgent=bool(what),
    )
    if passed is Pass.SAY:
        return effects
    rest: list[Effect] = [one for one in effects if not isinstance(one, Say)]
    if passed is Pass.LAST:
        rest.append(Say(turn.chat, phrase.say("intent.too_many", turn.language())))
    return rest


def _given(turn: Turn, subject: uuid.UUID, what: str, *, urgent: bool) -> Pass:
    limit = turn.house.limits.of(turn.kind)
    return guard.given(turn.session, subject, what, turn.now, limit, urgent=urgent)
