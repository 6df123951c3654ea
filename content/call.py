"""A call as data: what is said and asked at each step, and which step follows what is heard.

A provider's adapter turns one `Step` at a time into its own language (TwiML), or plays it itself;
what follows is always decided here. `At` is all that must be remembered between two steps.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from content.message import Speech, Spoken
from content.phrase import say
from content.plain import dialled
from content.speak import speak

KEY = 8
"""Seconds to wait for a key."""
TURNS = 6
"""How often at most somebody is asked in a call of ours."""
_MOST = 300
"""How often at most in any call."""
REPEAT, PERSON, OTHER = "2", "0", "9"
KEYS = frozenset("0123456789*#")
START, CLOSE, MACHINE = "start", "close", "machine"
_AT = re.compile(r"([a-z][a-z0-9-]{0,39})\.(\d{1,3})", re.ASCII)


class Meaning(StrEnum):
    """What spoken words ask for where a key is waited for; a confirmation is never among it."""

    HELP = "help"
    PERSON = "person"
    REPEAT = "repeat"


_SAID = {
    Meaning.HELP: r"救命|救我|救人|帮帮我|帮我|幫我|幫手|求助|需要帮助|需要幫助|快来人"
    r"|\bhelp\b|\bemergency\b",
    Meaning.PERSON: r"人工|工作人员|工作人員|找人|搵人|\boperator\b|\ba person\b",
    Meaning.REPEAT: r"再说一遍|再說一遍|再讲|再講|重听|没听清|沒聽清|聽唔清|\brepeat\b|\bagain\b",
}
# a denial, and our own prompt that a line has carried back
_NOT = re.compile(
    r"(?:不用|不需要|不要|無需|无需|唔使|唔需要|\bdon't need|\bdo not need|\bno)\s*"
    r"(?:帮助|帮忙|求助|帮我|幫手|幫助|\w* ?help)"
    r"|重[听聽][请請]?按|需要(?:帮助|幫助)[请請]?按"
    r"|\bneed help,? press|\ba person,? press|to hear it again"
)


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence, written the way a voice says it (`content.speak`)."""

    language: Spoken
    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """A recording, with the words that it stands for."""

    language: Spoken
    text: str
    recording: str


Line = Say | Play


@dataclass(frozen=True, slots=True)
class Step:
    """One station of a call: lines are said, then something is asked, or the call goes on or ends.

    `say` cannot be interrupted; a key counts as soon as `ask` has begun. `keys`, `silence`,
    `wrong` and `words` name the step that follows a digit, none, one that is not offered, and free
    speech; without `words` nobody listens to speech. `then` is gone to without asking. A step with
    neither ends the call.
    """

    say: tuple[Line, ...] = ()
    ask: tuple[Line, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    silence: str = ""
    wrong: str = ""
    words: str = ""
    spoken: Mapping[Meaning, str] = field(default_factory=dict)
    """The step that follows words of a meaning; other words are followed by `words`."""
    then: str = ""
    number: str = ""
    """The step that follows a number of several digits, ended by #; it is asked for instead of a
    key, and may be said where words are followed by one."""
    record: int = 0
    """Seconds of a message that the caller leaves instead of an answer."""
    forward: str = ""
    """The number (E.164) that the caller is connected to after what is said; `then` follows where
    nobody takes the call there."""
    language: Spoken = Spoken.MANDARIN
    seconds: int = KEY

    @property
    def asks(self) -> bool:
        """Return whether an answer is waited for."""
        return bool(self.keys or self.words or self.number)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole call: its steps by name, where it begins, how it ends for who is asked too often."""

    steps: Mapping[str, Step] = field(repr=False)
    start: str = START
    close: str = CLOSE
    machine: str = MACHINE
    """The step for an answering machine."""
    turns: int = TURNS
    """How often at most somebody is asked."""

    def lines(self) -> Iterator[Line]:
        """Return every line that may be said, the first of the call first."""
        for name in sorted(self.steps, key=lambda name: name != self.start):
            yield from self.steps[name].say
            yield from self.steps[name].ask


@dataclass(frozen=True, slots=True)
class At:
    """Where a call is: its step, and how often something has been asked before."""

    step: str
    turn: int = 0

    def __str__(self) -> str:
        """Return it as it stands in an address: `cmn-start.0`."""
        return f"{self.step}.{self.turn}"

    @classmethod
    def read(cls, text: str) -> "At":
        """Undo `str`; raises ValueError for anything else."""
        found = _AT.fullmatch(text)
        if found is None or int(found[2]) > _MOST:
            raise ValueError("This is no place in a call.")
        return cls(found[1], int(found[2]))


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: a key or a number, or free speech, or nothing; or a machine is there."""

    key: str = ""
    words: str = field(default="", repr=False)
    machine: bool = False
    connected: bool = False
    """The caller has talked to who they were forwarded to."""


def begin(script: Script, turn: int = 0) -> At:
    """Return where the call begins; `turn`: how often something was asked in it before."""
    return At(script.start, turn)


def after(script: Script, at: At, heard: Heard) -> At:
    """Return where the call goes from `at`; raises KeyError for a step that it has not.

    Whoever has been asked often enough is asked no more.
    """
    name = _next(script, script.steps[at.step], heard)
    turn = at.turn + 1
    if script.steps[name].asks and turn >= script.turns:
        name = script.close
    return At(name, turn)


def _next(script: Script, step: Step, heard: Heard) -> str:
    if not step.asks:
        return _unasked(script, step, heard)
    said = meaning(heard.words)
    meant = step.spoken.get(said) if said is not None else None
    if heard.machine and not heard.key and not meant and script.machine in script.steps:
        return script.machine
    if step.number and heard.key:
        return step.number
    if heard.key:
        return step.keys.get(heard.key) or step.wrong or script.close
    if heard.words:
        return meant or step.words or step.wrong or script.close
    return step.silence or script.close


def _unasked(script: Script, step: Step, heard: Heard) -> str:
    """Return what follows a step that asks nothing: a message left, a talk, or just the next."""
    if heard.connected or not step.then:
        return script.close
    if step.record and not heard.words:
        return step.silence or step.then
    return step.then


def meaning(words: str) -> Meaning | None:
    """Return what spoken words ask for; None: nothing that a call knows.

    收到 is not among it: a confirmation is a key, for a recogniser mishears and a television
    speaks. A cry for help that was misheard costs a call; one that was missed costs more.
    """
    text = _NOT.sub(" ", words.lower())
    return next((meant for meant, said in _SAID.items() if re.search(said, text)), None)


def script(
    speech: Speech,
    number: str = "",
    *,
    onward: Mapping[str, str] | None = None,
    turns: int = TURNS,
) -> Script:
    """Return the call that tells a notice: who calls, the message slowly twice, the keys.

    Whoever does not speak the message's language first hears a sentence in their own. A key counts
    from the second reading on, once everything was said. Each language has its own steps; key 9
    goes on in the next one, 0 to a person where there is one. A machine is told whom to call back:
    the person, else `number`, which is the one that calls.

    onward: the steps of another call that follow the answer to a key, and silence (""), in the
    language of who listens: `back` is `cmn-back`. What goes on there does not end this call.
    """
    ring = (speech, *speech.others)
    steps: dict[str, Step] = {}
    for at, one in enumerate(ring):
        other = ring[(at + 1) % len(ring)] if len(ring) > 1 else None
        listens = one.foreword_language if one.foreword else one.language
        then = {key: f"{listens}-{name}" for key, name in (onward or {}).items()}
        steps |= _told(one, other, then)
    first = speech.language
    steps[MACHINE] = Step(say=_lines(speech, _machine(speech, number)))
    steps[CLOSE] = Step(say=_lines(speech, speech.goodbye))
    return Script(steps, start=f"{first}-{START}", turns=turns)


def _machine(speech: Speech, number: str) -> str:
    if speech.person or not number:
        return speech.machine
    return speak(say("call.machine", speech.language, phone=dialled(number)), speech.language)


def lines(language: Spoken, *sentences: str) -> tuple[Line, ...]:
    """Return the sentences to say; empty ones are left out."""
    return tuple(Say(language, one) for one in sentences if one)


def told(speech: Speech) -> tuple[Line, ...]:
    """Return the message itself, once: the recording of it where there is one."""
    if speech.recording:
        recorded = Play(speech.language, "\n".join(speech.sentences), speech.recording)
        return (*_lines(speech, *speech.lead), recorded)
    return _lines(speech, *speech.sentences)


def _told(speech: Speech, other: Speech | None, onward: Mapping[str, str]) -> dict[str, Step]:
    """Return the steps of one language, by their names."""
    mine, keys = speech.language, _keys(speech, other)
    spoken = {Meaning.REPEAT: keys[REPEAT], Meaning.HELP: f"{mine}-help"}
    if speech.person:
        spoken[Meaning.PERSON] = f"{mine}-person"
    offer = Say(other.language, other.offer) if other is not None and other.offer else None
    prompt = (*_lines(speech, speech.prompt), *((offer,) if offer else ()))

    def asking(said: tuple[Line, ...], asked: tuple[Line, ...], silence: str) -> Step:
        return Step(
            say=said,
            ask=(*asked, *prompt),
            keys=keys,
            silence=f"{mine}-{silence}",
            wrong=f"{mine}-wrong",
            words=f"{mine}-words",
            spoken=spoken,
            language=mine,
        )

    message = told(speech)
    foreword = (Say(speech.foreword_language, speech.foreword),) if speech.foreword else ()
    opened = (*foreword, *_lines(speech, speech.opening), *message)
    # all was said twice before the others: there a key counts at once
    steps = {
        START: asking(opened, message, "again"),
        "again": asking((), (*_lines(speech, speech.no_key), *message), "missed"),
        "repeat": asking((), message, "missed"),
        "wrong": asking((), _lines(speech, speech.wrong_key), "missed"),
        "words": asking((), _lines(speech, speech.no_words), "missed"),
        **_ends(speech, onward),
    }
    return {f"{mine}-{name}": step for name, step in steps.items()}


def _keys(speech: Speech, other: Speech | None) -> dict[str, str]:
    """Return the steps that follow the keys."""
    mine = speech.language
    keys = {REPEAT: f"{mine}-repeat"} | {key: f"{mine}-key{key}" for key in speech.answers}
    if speech.person:
        keys.setdefault(PERSON, f"{mine}-person")
    if other is not None:
        keys[OTHER] = f"{other.language}-{START}"
    return keys


def _ends(speech: Speech, onward: Mapping[str, str]) -> dict[str, Step]:
    """Return the steps that end a call, hand it on, or go on in another."""
    mine = speech.language
    bye = "" if "" in onward else speech.goodbye
    said: dict[str, tuple[str, ...]] = {
        "missed": (speech.no_key, bye),
        "help": (speech.help,),
        "unreached": (speech.unreached,),
        **{f"key{key}": (answer,) for key, answer in speech.answers.items()},
    }
    then = {"missed": onward.get("", ""), **{f"key{key}": name for key, name in onward.items()}}
    ends = {
        name: Step(say=_lines(speech, *lines), then=then.get(name, ""), language=mine)
        for name, lines in said.items()
    }
    connecting = _lines(speech, speech.connecting)
    unreached = f"{mine}-unreached"
    person = Step(say=connecting, forward=speech.person, then=unreached, language=mine)
    return {**ends, "person": person}


def _lines(speech: Speech, *sentences: str) -> tuple[Line, ...]:
    return lines(speech.language, *sentences)
