"""Form: from the parts of a message to its chat text, SMS and speech, each within its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from content import daypart
from content.message import Action, Blanks, Button, Message, Speech, Spoken, Written
from content.phrase import say, traditional, written
from content.plain import LINK, thoughts, unlinked
from content.segment import cheapened, cut, measure, shorten
from content.speak import speak

CHAT_LIMIT = 4096
"""UTF-16 units, as Telegram counts."""
SMS_SEGMENTS = 4
SPOKEN_LIMIT = {Spoken.MANDARIN: 500, Spoken.CANTONESE: 500, Spoken.ENGLISH: 1500}
"""Characters of one announcement: some two minutes."""

Key = tuple[str, Action, str]
"""A button before it has its label: the phrase, what it does, its value."""
Line = tuple[str, str]
"""A phrase that is said in the hearer's language too: its key, and the number it names."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message says in one language, before it takes its forms.

    status is `exercise`, `test` or empty: its word goes first in every form. lines are the
    chat's. brief is what an SMS must say, spare what it adds where that costs no segment, tail its
    last words. said is for the ear, prompt and answers are for the keys.
    """

    language: Written
    lines: tuple[str, ...]
    brief: str
    opening: str
    said: tuple[str, ...]
    prompt: tuple[Line, ...]
    answers: dict[str, str]
    status: str = ""
    spare: tuple[str, ...] = ()
    tail: str = ""
    phone: str = ""
    person: str = ""
    """The number (E.164) of a person to talk to; empty where key 0 means something else."""
    buttons: tuple[tuple[Key, ...], ...] = ()
    severity: str = ""
    notices: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    """What a registered SMS text may be filled with."""

    def mark(self, language: Written) -> str:
        """Return the drill word; empty for what is real."""
        return say(f"mark.{self.status}", language) if self.status else ""

    def warning(self, language: Written | Spoken) -> str:
        """Return the drill word as a spoken sentence; empty for what is real."""
        return say(f"status.{self.status}", language) if self.status else ""


def finish(parts: Parts, reader: Written, hearer: Spoken) -> Message:
    """Return the message for a person; one whose language it is not gets one phrase in it first."""
    chat = parts.mark(parts.language) + "\n".join(line for line in parts.lines if line)
    sms = parts.mark(parts.language) + parts.brief
    if reader is Written.ENGLISH and parts.language is not reader:
        chat = f"{parts.mark(reader)}{say('missing.text', reader)}\n\n{chat}"
        sms = f"{parts.mark(reader)}{say('missing.sms', reader)}{sms}"
    shown = traditional if reader is Written.HANT else str
    brief, spare, tail = shown(sms), [shown(one) for one in parts.spare], shown(parts.tail)
    word = shown(say("sms.link", parts.language))
    bare = [unlinked(one, word) for one in (brief, *spare)]
    linked = _sms(brief, spare, tail)
    return Message(
        language=reader,
        chat=_within(shown(chat), CHAT_LIMIT),
        sms=_sms(bare[0], bare[1:], tail),
        linked=linked if LINK.search(linked) else "",
        blanks=_blanks(parts, reader, bare[0]),
        speech=_speech(parts, hearer),
        buttons=tuple(tuple(_button(key, reader) for key in row) for row in parts.buttons),
        severity=parts.severity,
    )


def _blanks(parts: Parts, reader: Written, text: str) -> Blanks:
    shown = traditional if reader is Written.HANT else str
    language = reader if reader is Written.HANT else parts.language
    word = say("sms.link", parts.language)
    words = {name: shown(unlinked(value, word)) for name, value in parts.words.items()}
    return Blanks(parts.notices, language, {**words, "text": text})


def _button(key: Key, reader: Written) -> Button:
    phrase, action, value = key
    return Button(say(phrase, reader, value=value), action, value)


def _within(text: str, units: int) -> str:
    length = len(text)
    while _units(text[:length]) > units:
        length -= max(1, (_units(text[:length]) - units) // 2)
    return text if length == len(text) else shorten(text, length - len("..."))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _sms(brief: str, spare: list[str], tail: str) -> str:
    brief, tail = cheapened(brief), cheapened(tail)
    brief = cut(brief, SMS_SEGMENTS, tail)
    segments = measure(brief + tail).segments
    for extra in map(cheapened, spare):
        if measure(brief + extra + tail).segments <= segments:
            brief += extra
    return (brief + tail).strip()


def _speech(parts: Parts, hearer: Spoken) -> Speech:
    voice = _voice(parts.language, hearer)
    foreword = ""
    if hearer is Spoken.ENGLISH and voice is not hearer:
        keys = _prompt(parts, hearer)
        foreword = f"{parts.warning(hearer)} {say('missing.text', hearer)} {keys}".strip()
    machine = "call.machine" if parts.phone else "call.machine_no_phone"
    return Speech(
        language=voice,
        opening=_said(f"{parts.warning(parts.language)} {parts.opening}", voice),
        sentences=_sentences(parts, voice),
        prompt=_said(_prompt(parts, voice), voice),
        answers={key: _said(answer, voice) for key, answer in parts.answers.items()},
        no_key=_said(say("call.no_key", voice), voice),
        wrong_key=_said(say("call.wrong_key", voice), voice),
        machine=_said(say(machine, voice, phone=parts.phone), voice),
        foreword=foreword,
        no_words=_said(say("call.no_words", voice), voice),
        help=_said(say("call.help", voice), voice),
        goodbye=_said(say("call.call_back", voice), voice),
        person=parts.person,
        connecting=_said(say("call.person", voice), voice),
        unreached=_said(say("call.unreached", voice), voice),
        offer=say("call.offer", voice),
    )


def _prompt(parts: Parts, voice: Spoken) -> str:
    lines = (*parts.prompt, *((("call.prompt_person", ""),) if parts.person else ()))
    return "".join(say(key, voice, number=number) for key, number in lines)


def _voice(text: Written, hearer: Spoken) -> Spoken:
    """Return the hearer's own voice where it can read the text, else the text's."""
    english = text is Written.ENGLISH
    if (written(hearer) is Written.ENGLISH) == english:
        return hearer
    return Spoken.ENGLISH if english else Spoken.MANDARIN


def _said(text: str, voice: Spoken) -> str:
    told = text if voice is Spoken.ENGLISH else daypart.spread(text)
    return speak(traditional(told) if voice is Spoken.CANTONESE else told, voice)


def _sentences(parts: Parts, voice: Spoken) -> tuple[str, ...]:
    found: list[str] = []
    room = SPOKEN_LIMIT[voice]
    for piece in (piece for text in parts.said for piece in thoughts(text)):
        found.append(_said(piece, voice))
        room -= len(found[-1])
        if room < 0:
            found[-1] = say("alert.cut", voice)
            break
    if parts.status:
        found.append(say("call.once_more", voice) + " " + parts.warning(voice))
    return tuple(_said(one, voice) for one in found if one)
