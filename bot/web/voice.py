"""What is said on the phone: to who was called, to who calls back, and while we cannot look."""

import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from bot import missed
from bot.hotline import CHOSEN, NOWHERE, asks
from bot.web import hotline
from bot.web.reading import AwayError, Reader
from channels import twilio_voice
from channels.base import BadEventError, Request
from channels.twilio_voice import TwilioVoice
from content import call, compose, outcome
from content.call import At, Heard, Meaning, Script
from content.message import Message, Spoken
from content.speak import sentence

WAITS = 20
"""How often one caller is asked for a moment: well over a minute."""
_KNOWN = 1000
"""Calls whose words are remembered for the time that the database does not answer."""
_KEYED = ("key/", "hotline/", "told/")
_WORDS = "words"
"""Stands for what was said: it was kept, and is not posted a second time."""
_SAID = {
    _WORDS: _WORDS,
    Meaning.HELP: "救命",
    Meaning.PERSON: "人工",
    Meaning.REPEAT: "再说一遍",
}
"""What stands for words in an address, by what they ask for: none of them is anybody's own."""
_TALKED = {"talked": "completed", "missed": "no-answer"}
"""How a call that was put through has ended."""
_NAMES = {"*": "star", "#": "hash", "": "none"}
_KEYS = {name: key for key, name in _NAMES.items()}


class Told(NamedTuple):
    """What a call says, of which notice, and whether a machine is thought to listen."""

    message: Message
    notice_id: uuid.UUID
    machine: bool


class Calls:
    """The calls in progress: what each of them says."""

    def __init__(self, reader: Reader, number: str = "") -> None:
        self._reader = reader
        self._number = number
        self._known: OrderedDict[str, Told] = OrderedDict()

    async def script(self, ref: str) -> Told | None:
        """Return what this call says, from memory where need be; None: unknown. Or AwayError."""
        try:
            found = await self._reader.read(lambda session: message(session, ref))
        except AwayError:
            if ref in self._known:
                return self._known[ref]
            raise
        if found is not None:
            self._known[ref] = found
            self._known.move_to_end(ref)
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return found

    async def find(self, ref: str) -> Script | None:
        """Return the call of a ref with all its lines; raises AwayError."""
        told = await self.script(ref)
        return script(told.message, self._number) if told and told.message.speech else None

    async def back(self, channel: TwilioVoice, request: Request, now: datetime) -> str:
        """Return the TwiML for somebody who calls us; raises AwayError."""
        return await self._reader.read(
            lambda session: hotline.begin(session, channel, request, now)
        )

    async def hotline(self, channel: TwilioVoice, request: Request, now: datetime) -> str:
        """Return the TwiML that follows in a call to us; raises AwayError, BadEventError."""
        return await self._reader.read(
            lambda session: hotline.go_on(session, channel, request, now)
        )


def message(session: Session, ref: str) -> Told | None:
    """Return what this call says; None: unknown."""
    attempt = outcome.by_ref(session, ref)
    said = compose.by_ref(session, ref) if attempt is not None else None
    return Told(said, attempt.notice_id, attempt.machine) if attempt and said else None


def next_(channel: TwilioVoice, request: Request, told: Told) -> str:
    """Return the TwiML that follows in a call that tells a notice; raises BadEventError.

    Who has called us goes on to the next that they have missed, or to the menu; who has chosen a
    fact hears it.
    """
    called = request.data.get("Direction") == twilio_voice.INBOUND
    # whoever calls back is no machine, whatever took our call
    machine = told.machine and not called
    return channel.twiml(
        script(told.message, channel.number, called=called),
        request,
        machine=machine,
        onward=_onward(channel, told),
    )


def script(message: Message, number: str = "", *, called: bool = False) -> Script:
    """Return the call that tells a message; raises BadEventError where nothing can be said.

    number: the one that calls, at which a machine is told that we can be reached. called: somebody
    has called us back.
    """
    if message.speech is None:
        raise BadEventError("There is nothing to say in this call.")
    if called:
        return missed.script(message.speech)
    chosen = CHOSEN if asks(message.speech) else None
    return call.script(message.speech, number, onward=chosen)


def _onward(channel: TwilioVoice, told: Told) -> Callable[[At], str]:
    return lambda at: hotline.there(channel, hotline.place(NOWHERE, told.notice_id), at)


def waited(path: str, form: Mapping[str, str]) -> tuple[int, Request]:
    """Return how often a caller has waited, and what was asked at first; raises BadEventError.

    `wait/<times>/<path>` stands for `path`; after the path of a key follows which key it was, for
    Twilio does not post it a second time.
    """
    if not path.startswith("wait/"):
        return 0, Request(path, dict(form))
    _, times, *rest = path.split("/")
    if not (times.isascii() and times.isdecimal() and int(times[:4]) <= WAITS):
        raise BadEventError("Twilio is not told to call this address.")
    if f"{rest[0] if rest else ''}/" not in _KEYED:
        return int(times), Request("/".join(rest), dict(form))
    if rest[-1] in _SAID:
        return int(times), Request("/".join(rest[:-1]), {**form, "Kept": _SAID[rest[-1]]})
    if rest[-1] in _TALKED:
        ended = {"DialCallStatus": _TALKED[rest[-1]]}
        return int(times), Request("/".join(rest[:-1]), {**form, **ended})
    key = _KEYS.get(rest[-1], rest[-1])
    return int(times), Request("/".join(rest[:-1]), {**form, "Digits": key})


def moment(channel: TwilioVoice, request: Request, times: int) -> str:
    """Return the TwiML for a moment's patience, or for the end of it: the key, if any, is kept."""
    heard = twilio_voice.heard(request.data)
    if times >= WAITS:
        return channel.wait(_in_each(_farewell(request.path, heard)))
    path = [request.path]
    if request.path.startswith(_KEYED):
        path.append(_stands_for(request, heard))
    return channel.wait(_in_each("call.wait"), channel.url("wait", str(times + 1), *path))


def _stands_for(request: Request, heard: Heard) -> str:
    """Return the word in an address for what was heard, which is not posted a second time."""
    if request.data.get("DialCallStatus"):
        return "talked" if heard.connected else "missed"
    if heard.words:
        return call.meaning(heard.words) or _WORDS
    return _NAMES.get(heard.key, heard.key)


def _farewell(path: str, heard: Heard) -> str:
    """Return what is said to who has waited in vain; a question that was kept is answered later."""
    what, _, where = path.partition("/")
    if what in ("key", "script"):
        return "call.kept" if heard.key else "call.goodbye"
    return "hotline.later" if heard.words and "-rumor" in where else "call.later"


def _in_each(key: str) -> dict[Spoken, str]:
    """Return a sentence in the two languages of the house: we cannot look up who listens."""
    return {one: sentence(key, one) for one in (Spoken.MANDARIN, Spoken.ENGLISH)}
