"""The hotline on the web: what is said next to somebody who has called us."""

import uuid
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bot import hotline, missed
from bot.hotline import Lead
from channels import twilio_voice
from channels.base import BadEventError, Request
from channels.twilio_voice import TwilioVoice
from content import call, callback, notice
from content.call import At, Script
from content.message import Spoken
from content.notice import NoticeKind

PATHS = ("inbound", "hotline/", "told/")
LOOK = "-look"
"""In the name of a step at which an answer is looked for."""
_NEXT = (f"-{missed.BACK}", f"-{missed.OVER}")
"""How the steps end at which what else is due to a caller is looked for."""
ALERTS = "-alerts"
"""In the name of the step that tells the alerts."""


def carries(request: Request) -> bool:
    """Return whether a post tells something that must be kept before it is answered."""
    what = request.path.partition("/")[0]
    heard = twilio_voice.heard(request.data)
    unreached = "DialCallStatus" in request.data and not heard.connected
    return what in ("inbound", "told") or bool(heard.key or heard.words) or unreached


def begin(session: Session, channel: TwilioVoice, request: Request, now: datetime) -> str:
    """Return the TwiML for who calls: what they have missed, what they wait for, or the menu."""
    who = hotline.caller(session, twilio_voice.caller(request.data), hotline.NOWHERE)
    script = hotline.script(session, who, now, speech=channel.listens)
    at = call.begin(script)
    found = _missed(session, channel, who, at.turn)
    found = found or _answer(session, channel, request, who, at, Lead.GREETING)
    return found or _step(channel, script, at, who.building)


def go_on(session: Session, channel: TwilioVoice, request: Request, now: datetime) -> str:
    """Return the TwiML that follows what was posted to `hotline/…` or `told/…`.

    Raises BadEventError.
    """
    what, _, rest = request.path.partition("/")
    ref, _, where = rest.partition("/")
    if what == "told":
        return _told(session, channel, request, ref)
    building, _, told = ref.partition("-")
    who, script, at = _moved(session, channel, request, building, where, now)
    found = ""
    if At.read(where).step.endswith(_NEXT):
        found = _next(session, channel, request, who, at, told)
    elif LOOK in at.step:
        found = _answer(session, channel, request, who, at)
        if not found and not script.steps[at.step].say:
            return channel.pause(there(channel, who.building, at))
    return found or _step(channel, script, at, who.building)


def _moved(
    session: Session,
    channel: TwilioVoice,
    request: Request,
    building: str,
    where: str,
    now: datetime,
) -> tuple[hotline.Caller, Script, At]:
    """Return who calls, the hotline for them, and where in it they are after what was heard."""
    given = twilio_voice.caller(request.data)
    who = hotline.caller(session, given, building)
    language = language_of(where)
    build = partial(hotline.script, speech=channel.listens, language=language)
    script = build(session, who, now)
    at = channel.after(script, request)
    if at.step.endswith(ALERTS):
        script = build(session, who, now, tells=True)
    heard = twilio_voice.heard(request.data)
    named = hotline.building(heard.key, heard.words)
    if script.steps[At.read(where).step].number and (heard.key or named != hotline.NOWHERE):
        who = hotline.caller(session, given, named)
        at = at if who.paths else replace(at, step=f"{language}-nowhere")
    return who, script, at


def place(building: str, told: uuid.UUID) -> str:
    """Return how a building stands in an address at which more is looked for than what was told."""
    return f"{building}-{told.hex}"


def there(channel: TwilioVoice, building: str, at: At) -> str:
    """Return the address at which the hotline goes on."""
    return channel.url("hotline", building, str(at))


def language_of(at: str) -> Spoken:
    """Return the language of a place in a call; raises BadEventError."""
    try:
        return Spoken(At.read(at).step.partition("-")[0])
    except ValueError:
        raise BadEventError("This is no place in a call.") from None


def _next(
    session: Session,
    channel: TwilioVoice,
    request: Request,
    who: hotline.Caller,
    at: At,
    told: str,
) -> str:
    """Return the TwiML that tells what else is due to a caller: missed alerts before answers."""
    try:
        last = notice.find(session, uuid.UUID(told)) if told else None
    except ValueError:
        raise BadEventError("This is no place in a call.") from None
    if last is None or last.kind is not NoticeKind.ALERT:
        return _answer(session, channel, request, who, at)
    found = _missed(session, channel, who, at.turn, last.id)
    return found or _answer(session, channel, request, who, at, Lead.EARLIER)


def _missed(
    session: Session,
    channel: TwilioVoice,
    who: hotline.Caller,
    turn: int,
    after: uuid.UUID | None = None,
) -> str:
    """Return the TwiML that tells the next alert that a caller has missed; empty: there is none."""
    found = missed.next_(session, who.number, after) if who.number else None
    if found is None:
        return ""
    begun = call.begin(found.script, turn)
    url = channel.url("key", found.ref, str(begun))
    # how many there are is no part of the call that the ref stands for: nobody could say it again
    return channel.step(found.script.steps[begun.step], url)


def _answer(
    session: Session,
    channel: TwilioVoice,
    request: Request,
    who: hotline.Caller,
    at: At,
    lead: Lead = Lead.NOTHING,
) -> str:
    """Return the TwiML that tells what is due to a caller; empty where nothing is, or not yet."""
    language = language_of(str(at))
    here = callback.Call(channel.name, str(request.data.get("CallSid", "")))
    found = hotline.waiting(session, who, language, here, lead)
    if found is None:
        return ""
    notice_id, script = found
    begun = call.begin(script, at.turn)
    url = channel.url("told", f"{notice_id.hex}-{who.building}-{language}", str(begun))
    return channel.step(script.steps[begun.step], url)


def _told(session: Session, channel: TwilioVoice, request: Request, ref: str) -> str:
    """Go on with an answer that is being told; after its end with the next, or with the menu."""
    try:
        notice_id, building, language = ref.split("-")
        script = hotline.telling(session, uuid.UUID(notice_id), Spoken(language))
    except (ValueError, KeyError):
        script = None
    if script is None:
        raise BadEventError("This notice cannot be told.")
    at = channel.after(script, request)
    step = script.steps[at.step]
    if step.then and step.then not in script.steps:
        here = place(building, uuid.UUID(notice_id))
        return channel.step(step, there(channel, here, At(step.then, at.turn)))
    return channel.step(step, channel.url("told", ref, str(at)))


def _step(channel: TwilioVoice, script: Script, at: At, building: str) -> str:
    """Return the TwiML of a step; one that goes on by itself is asked for what follows it."""
    return channel.step(script.steps[at.step], there(channel, building, at))
