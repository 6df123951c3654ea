"""What one person is told, in every form a channel may need: chat text, SMS, script, keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How somebody is reached: what ladders and addresses name."""

    CHAT = "chat"
    SMS = "sms"
    CALL = "call"
    SPEAKER = "speaker"
    DOOR = "door"


class Written(StrEnum):
    """A written language, as a BCP 47 tag."""

    HANS = "zh-Hans"
    HANT = "zh-Hant"
    ENGLISH = "en"


class Spoken(StrEnum):
    """A spoken language, as an ISO 639-3 code (English: its BCP 47 tag)."""

    MANDARIN = "cmn"
    CANTONESE = "yue"
    ENGLISH = "en"


class Action(StrEnum):
    """What a person can do under a message."""

    RECEIVED = "received"
    HELP = "help"
    REPEAT = "repeat"
    CHOOSE = "choose"
    NONE_OF_THESE = "none"
    USEFUL = "useful"
    """An answer has helped; the opposite is NONE_OF_THESE."""
    STAFF = "staff"
    """A step of the review; the value is `step.code`."""
    JOIN = "join"
    """An answer in a resident's registration."""
    FORGET = "forget"
    LESSON = "lesson"
    """Decide on what residents have taught."""
    TASK = "task"
    """Take or close a task."""
    CASE = "case"
    """A step of an expert's work on a case; the value is `step.number`."""
    DOOR = "door"
    """What happened at a door of the door-knock list."""


@dataclass(frozen=True, slots=True)
class Button:
    """One button; `value` is empty where the attempt's `ref` says everything."""

    label: str
    action: Action
    value: str = ""

    def data(self, ref: str) -> str:
        """Return what the provider sends back when the button is pressed: at most 64 bytes."""
        return f"{self.action}:{ref}:{self.value}" if self.value else f"{self.action}:{ref}"


@dataclass(frozen=True, slots=True)
class Speech:
    """A call as data: who calls, what is said (twice), which keys there are, what each hears."""

    language: Spoken
    opening: str
    sentences: tuple[str, ...]
    prompt: str
    answers: dict[str, str]
    """What is said after a key (`"1"`, `"3"`, ...); `"2"` repeats and has no entry."""
    no_key: str
    wrong_key: str
    machine: str
    """Said after the message when an answering machine has picked up."""
    foreword: str = ""
    """Said before the opening, in `foreword_language`, to a hearer whose own it is."""
    foreword_language: Spoken = Spoken.ENGLISH
    no_words: str = ""
    """Said to who speaks where a key is asked for."""
    help: str = ""
    """Said to who cries for help instead of pressing a key."""
    goodbye: str = ""
    person: str = ""
    """The number (E.164) that key 0 is connected to; empty: nobody."""
    connecting: str = ""
    unreached: str = ""
    """Said where nobody takes the call at that number."""
    recording: str = ""
    """The recording that is played in place of the sentences; empty: they are spoken."""
    seconds: float = 0.0
    """How long the recording is."""
    lead: tuple[str, ...] = ()
    """What such a recording, made for everybody, cannot say: it is spoken before it."""
    offer: str = ""
    """What offers this language, in it, to who listens in another: `For English, press 9.`"""
    others: "tuple[Speech, ...]" = ()
    """The same message in other languages, for key 9."""

    @property
    def script(self) -> str:
        """Return the whole announcement once, for a loudspeaker or a preview."""
        return "\n".join((self.opening, *self.sentences))


@dataclass(frozen=True, slots=True)
class Blanks:
    """What a registered SMS text is filled with: a notice's words by the names of variables."""

    notices: tuple[str, ...]
    """What it is (alert, update, cancel, exercise, test, contact, or any other kind of notice);
    a text for the first is looked for first."""
    language: Written
    """Of the words, which may be another than the reader's."""
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Texted:
    """An SMS as it is sent to one number; `template` is the provider's id of a registered text."""

    body: str
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


class Unfit(ValueError):  # noqa: N818 - it is said to who writes, not raised by a mistake
    """No registered text fits; the sentence is for who writes."""

    def __init__(self, sentence: str, *, missing: bool = False) -> None:
        super().__init__(sentence)
        self.missing = missing
        """There is no text for such a notice at all: no wording would help."""


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in one language, ready for any channel; no `speech` where nothing is spoken."""

    language: Written
    chat: str
    sms: str
    speech: Speech | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    linked: str = ""
    """The SMS with its links, for numbers that get them; empty where it has none."""
    blanks: Blanks | None = None
    severity: str = ""
    """CAP's word for how severe a real alert is; empty for drills, ends and everything else."""
