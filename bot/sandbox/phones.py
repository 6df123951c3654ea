"""Virtual phones: residents' numbers and chats, and how their owners behave."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class PhoneKind(StrEnum):
    """What a number is; a landline cannot read SMS."""

    MOBILE = "mobile"
    LANDLINE = "landline"


class Answer(StrEnum):
    """How a phone meets a call."""

    PICKS_UP = "picks_up"
    RINGS_OUT = "rings_out"
    BUSY = "busy"
    MACHINE = "machine"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OnCall:
    """What somebody does with one call; times in clock seconds.

    keys: what is pressed at the first, second, … question ("" means nothing); speech: what is said
    where speech is asked for; listens: the share of the prompt heard before a key is pressed;
    hangs_up: hangs up at the first question without a key left, instead of listening on.
    """

    answer: Answer = Answer.PICKS_UP
    keys: tuple[str, ...] = ("1",)
    speech: tuple[str, ...] = ()
    rings: float = 6.0
    listens: float = 1.0
    reacts: float = 1.5
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class OnText:
    """What somebody does with one SMS: a reply after so many seconds, or Twilio's error code."""

    reply: str = ""
    after: float = 60.0
    error: int | None = None


@dataclass(frozen=True, slots=True)
class OnChat:
    """What somebody does with one chat message that has buttons.

    press: part of the label of the button to press; text: what to write instead; blocks: blocks
    the bot, before the first message when it is the first thing done.
    """

    press: str = ""
    text: str = ""
    after: float = 30.0
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What somebody does at the first, second, … attempt; the last entry stands for all later."""

    calls: tuple[OnCall, ...] = (OnCall(),)
    texts: tuple[OnText, ...] = (OnText(),)
    chats: tuple[OnChat, ...] = (OnChat(),)
    spread: float = 0.3

    def call(self, attempt: int) -> OnCall:
        """Return what is done with the call number `attempt`, from 0."""
        return self.calls[min(attempt, len(self.calls) - 1)]

    def text(self, attempt: int) -> OnText:
        """Return what is done with the SMS number `attempt`, from 0."""
        return self.texts[min(attempt, len(self.texts) - 1)]

    def chat(self, attempt: int) -> OnChat:
        """Return what is done with the chat message number `attempt`, from 0."""
        return self.chats[min(attempt, len(self.chats) - 1)]


PRESSES_1 = OnCall()
PRESSES_3 = OnCall(keys=("3",))
REPEATS_THEN_1 = OnCall(keys=("2", "1"))
WRONG_KEY_THEN_1 = OnCall(keys=("9", "1"))
HANGS_UP = OnCall(keys=(), hangs_up=True)
ONLY_LISTENS = OnCall(keys=())
NO_ANSWER = OnCall(Answer.RINGS_OUT)
BUSY = OnCall(Answer.BUSY)
MACHINE = OnCall(Answer.MACHINE, keys=(), rings=15.0)
NO_SUCH_NUMBER = OnCall(Answer.UNKNOWN)

REPLIES_1 = OnText("1")
REPLIES_RECEIVED = OnText("收到")
REPLIES_HELP = OnText("求助")
NEVER_REPLIES = OnText()
UNDELIVERABLE = OnText(error=30003)
UNREACHABLE_CARRIER = OnText(error=30006)

TAPS_RECEIVED = OnChat("收到")
TAPS_HELP = OnChat("帮助")
READS_ONLY = OnChat()
TAPS_LATER = OnChat("收到", after=600.0)
HAS_BLOCKED = OnChat(blocks=True)


@dataclass(slots=True, eq=False)
class Phone:
    """One person's phone: a number, a chat, or both, and a behaviour.

    number: E.164 or ""; chat: the Telegram user id, equal to the private chat's id, or None;
    started: has pressed /start once; manned: a visitor of the page acts, the behaviour rests.
    """

    name: str
    number: str = ""
    chat: int | None = None
    kind: PhoneKind = PhoneKind.MOBILE
    behaviour: Behaviour = field(default_factory=Behaviour)
    language: str = "zh-hans"
    started: bool = True
    blocked: bool = False
    manned: bool = False
    calls: int = 0
    texts: int = 0
    chats: int = 0

    @property
    def key(self) -> str:
        """A name for the phone that stays the same: its number or its chat."""
        return self.number or f"chat{self.chat}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses under which the book knows this person."""
        chat = "" if self.chat is None else str(self.chat)
        return tuple(address for address in (self.number, chat) if address)


class Phones:
    """All virtual phones, by number and by chat."""

    def __init__(self) -> None:
        self._by_number: dict[str, Phone] = {}
        self._by_chat: dict[int, Phone] = {}
        self._by_key: dict[str, Phone] = {}

    def __iter__(self) -> Iterator[Phone]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, phone: Phone) -> Phone:
        """Plug a phone in; raises ValueError if its number or chat is taken or it has neither."""
        if not phone.addresses:
            raise ValueError("A virtual phone needs a number or a chat.")
        if phone.number in self._by_number or phone.chat in self._by_chat:
            raise ValueError("This number or chat belongs to another virtual phone already.")
        if phone.number:
            self._by_number[phone.number] = phone
        if phone.chat is not None:
            self._by_chat[phone.chat] = phone
            phone.blocked = phone.blocked or phone.behaviour.chat(0).blocks
        self._by_key[phone.key] = phone
        return phone

    def by_number(self, number: str) -> Phone | None:
        """Return the phone with this E.164 number, or None."""
        return self._by_number.get(number)

    def by_chat(self, chat: int) -> Phone | None:
        """Return the phone with this private chat, or None."""
        return self._by_chat.get(chat)

    def by_key(self, key: str) -> Phone | None:
        """Return the phone with this key, or None."""
        return self._by_key.get(key)
