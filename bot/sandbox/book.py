"""The book: everything the stand-ins saw, so that a demo can check its own books against it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

TOKEN = re.compile(r"[A-Za-z0-9_-]{6,}")


class Kind(StrEnum):
    """Which kind of address was reached."""

    CHAT = "chat"
    SMS = "sms"


class Direction(StrEnum):
    """Out is from the committee to a person, in is from a person to the committee."""

    OUT = "out"
    IN = "in"


@dataclass(slots=True, eq=False)
class Message:
    """A message that was accepted, with its present state.

    sid: Twilio's sid or Telegram's message id; to and sender: E.164 or chat id as text;
    trace: the callback URL or callback_data, where our ref is visible; buttons: (label, data).
    """

    kind: Kind
    direction: Direction
    sid: str
    to: str
    sender: str
    body: str
    created_at: datetime
    trace: str = ""
    status: str = "accepted"
    error_code: int | None = None
    sent_at: datetime | None = None
    updated_at: datetime | None = None
    segments: int = 1
    buttons: tuple[tuple[str, str], ...] = ()
    attachment: str = ""
    author: str = ""
    edits: int = 0
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of a call's script: what was said or played, when, for how many clock seconds."""

    verb: str
    text: str
    at: datetime
    seconds: float
    audio: str = ""


@dataclass(slots=True, eq=False)
class Call:
    """A call that was accepted, with its present state; keys are those the person pressed."""

    direction: Direction
    sid: str
    to: str
    sender: str
    created_at: datetime
    trace: str = ""
    status: str = "queued"
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str | None = None
    error_code: int | None = None
    keys: list[str] = field(default_factory=list)
    script: list[Spoken] = field(default_factory=list)

    @property
    def duration(self) -> int:
        """Whole seconds between answer and end, 0 if it was never answered."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed under a message of the bot."""

    at: datetime
    chat: str
    message_id: str
    data: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that went wrong: a callback that failed, TwiML that could not be played."""

    at: datetime
    code: int
    what: str
    where: str


Entry = Message | Call


class Book:
    """Every accepted message and call, found by person, sid and our ref."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.calls: list[Call] = []
        self.presses: list[Press] = []
        self.notes: list[Note] = []
        self.unreachable: set[str] = set()
        """Numbers at which nobody takes a call that is forwarded there."""
        self.recordings: dict[str, int] = {}
        """What callers have left, by its sid: its length in seconds."""
        self.recording_takes = 0.0
        """Clock seconds until what a caller has left can be fetched."""
        self.recorded_at: dict[str, datetime] = {}
        self.refusals: Counter[tuple[str, int]] = Counter()
        self.receipts: Counter[int] = Counter()
        self.version = 0
        self._by_person: dict[str, list[Entry]] = {}
        self._by_token: dict[str, list[Entry]] = {}
        self._by_sid: dict[str, Entry] = {}
        self._versions: dict[str, int] = {}

    def add(self, entry: Entry) -> None:
        """Write down an accepted message or call."""
        if isinstance(entry, Message):
            self.messages.append(entry)
        else:
            self.calls.append(entry)
        self._by_sid[entry.sid] = entry
        self._by_person.setdefault(person(entry), []).append(entry)
        for token in set(TOKEN.findall(entry.trace)):
            self._by_token.setdefault(token, []).append(entry)
        self.touch(person(entry))

    def touch(self, address: str) -> None:
        """Count a change for this person, so that a page showing it is refreshed."""
        self.version += 1
        self._versions[address] = self.version

    def changed(self, addresses: Iterable[str]) -> int:
        """Return the version of the last change for any of these addresses."""
        return max((self._versions.get(address, 0) for address in addresses), default=0)

    def note(self, at: datetime, code: int, what: str, where: str = "") -> None:
        """Write down something that went wrong."""
        self.notes.append(Note(at, code, what, where))

    def refuse(self, provider: str, code: int) -> None:
        """Count a request that was refused with the provider's own code."""
        self.refusals[provider, code] += 1

    def of(self, address: str) -> list[Entry]:
        """Return everything to and from an address, oldest first."""
        return list(self._by_person.get(address, ()))

    def with_ref(self, ref: str) -> list[Entry]:
        """Return every message and call whose callback URL or buttons carried this ref."""
        return list(self._by_token.get(ref, ()))

    def find(self, sid: str) -> Entry | None:
        """Return the entry with this sid, or None."""
        return self._by_sid.get(sid)

    def texts(self, to: str = "", kind: Kind | None = None) -> list[Message]:
        """Return what the committee sent, to one address or to all, oldest first."""
        return [
            message
            for message in self.messages
            if message.direction is Direction.OUT
            and (not to or message.to == to)
            and kind in (None, message.kind)
        ]

    def dialled(self, to: str = "") -> list[Call]:
        """Return the calls the committee placed, to one number or to all, oldest first."""
        return [
            call
            for call in self.calls
            if call.direction is Direction.OUT and (not to or call.to == to)
        ]


def person(entry: Entry) -> str:
    """Return the address of the person at the other end."""
    return entry.to if entry.direction is Direction.OUT else entry.sender
