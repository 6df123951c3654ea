"""The contract of every channel: send a message, read what the provider reports, name failures.

SendError
  reason       what happened, a `content.reason.Reason`
  permanent    asking again cannot help: the ladder goes on at once
  unknown      the provider may have taken it: settled later, never resent blindly
  retry_after  the provider asked for a pause, in real seconds: it spends no retry
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from content.message import Kind, Message
from content.reason import Reason


class State(StrEnum):
    """How far an attempt is, as the provider tells it."""

    ACCEPTED = "accepted"
    SENT = "sent"
    RINGING = "ringing"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a provider tells us: how an attempt fared, or what a person did."""

    RECEIPT = "receipt"
    KEY = "key"
    BUTTON = "button"
    TEXT = "text"
    MEDIA = "media"
    BLOCKED = "blocked"
    JOINED = "joined"
    ENDED = "ended"
    """A call to us is over."""
    UNREACHED = "unreached"
    """In a call: who wanted a person was connected to nobody."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has taken the message under its own id."""

    provider_id: str
    state: State = State.ACCEPTED


@dataclass(frozen=True, slots=True)
class Media:
    """A photo, voice note or file somebody sent: where to fetch it, and what it is."""

    file_id: str
    mime: str
    name: str = ""
    size: int = 0
    """Bytes; 0 when the provider does not say."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at a provider, in words that are the same for all of them."""

    kind: EventKind
    address: str = field(default="", repr=False)
    """Who acts: a chat id, or a number in E.164; empty for most receipts."""
    ref: str = ""
    """The attempt's reference, where the event carries it."""
    provider_id: str = ""
    state: State | None = None
    reason: Reason | None = None
    machine: bool = False
    """An answering machine is thought to have picked up: a hint, never a confirmation."""
    sequence: int = 0
    text: str = field(default="", repr=False)
    key: str = ""
    """The digit pressed, or the data of the button."""
    called: bool = False
    """In a call: it is the person who has called us."""
    step: str = ""
    """In a call: where in it this happened; empty for a key in a call that tells a notice."""
    subject: str = ""
    """In a call to us: the id of the notice that was told."""
    building: str = ""
    """In a call to us: the building that the caller has named (`b3`)."""
    chat: str = ""
    """The chat it happened in, where that is not the person's own (a group)."""
    group: bool = False
    addressed: bool = False
    """In a group: the bot was mentioned, replied to or given a command."""
    quoted: str = field(default="", repr=False)
    """The text of the message that was replied to."""
    replied: str = field(default="", repr=False)
    """The data of the first button under the message that was replied to."""
    replied_id: str = ""
    """The number of the message that was replied to."""
    forwarded: bool = False
    message_id: str = ""
    callback_id: str = ""
    language: str = ""
    name: str = field(default="", repr=False)
    media: Media | None = None
    permanent: bool = False
    """In a receipt that tells of a failure: trying this address again cannot help."""


@dataclass(frozen=True, slots=True)
class Request:
    """A raw event as it arrived: what `content.inbound` keeps and `Channel.parse` reads.

    `path` is the part after the channel's own prefix (`status/<ref>`), `data` the provider's JSON
    object or form fields.
    """

    path: str = ""
    data: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an adapter can do beyond sending."""

    buttons: bool = False
    links: bool = False
    receipts: bool = False
    """The provider reports delivery by itself."""
    asks: bool = False
    """`find` can ask the provider whether an attempt was taken."""
    replies: bool = False
    """People can write back."""
    plays: bool = False
    """It holds its calls itself: only the process that has dialled can stop a phone's ringing."""


class SendError(Exception):
    """The message was not sent; the sentence is for staff, the rest for the worker."""

    def __init__(
        self,
        reason: Reason,
        *,
        permanent: bool = False,
        unknown: bool = False,
        retry_after: float | None = None,
        code: str = "",
    ) -> None:
        super().__init__(f"{reason.value} {code}".strip())
        self.reason = reason
        self.permanent = permanent
        self.unknown = unknown
        self.retry_after = retry_after
        self.code = code


class BadEventError(Exception):
    """What arrived is not something this provider sends; the sentence says what is wrong."""


class Channel(Protocol):
    """One provider's adapter: the only seam of the house."""

    name: str
    kind: Kind
    abilities: Abilities

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Hand `message` to the provider for `to`; raises `SendError` and nothing else."""
        ...

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Ask the provider for the one message to `to` made since then; None: never taken.

        Raises SendError with `unknown=True` where the answer is ambiguous or cannot be asked for.
        """
        ...

    def event_id(self, request: Request) -> str:
        """Return the provider's id of this event: the same event always has the same id."""
        ...

    def parse(self, request: Request) -> list[Event]:
        """Read a raw event; raises `BadEventError`. Unknown kinds of events give an empty list."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Writes(Protocol):
    """A channel whose provider carries another text than the message's SMS to some numbers."""

    def text(self, to: str, message: Message) -> str:
        """Return the SMS as it is sent to a number; empty where none will be."""
        ...


@runtime_checkable
class Tests(Protocol):
    """A channel whose way to its provider can be tried without telling anybody anything."""

    async def test(self) -> None:
        """Return when the provider would take something from us; raises `SendError`."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """A channel that can fetch what somebody has sent."""

    async def fetch(self, file_id: str) -> bytes:
        """Return the content of a file; raises `SendError`."""
        ...


@runtime_checkable
class Forgets(Fetches, Protocol):
    """A channel whose provider keeps what somebody has left until it is told to delete it."""

    async def forget(self, file_id: str) -> None:
        """Have the provider delete a file, which may be gone already; raises `SendError`."""
        ...


@runtime_checkable
class Recalls(Protocol):
    """A channel that can take back what nobody has answered yet."""

    async def cancel(self, provider_id: str) -> bool:
        """Take back an attempt; False where it is too late. Raises `SendError`."""
        ...
