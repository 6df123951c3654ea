"""The hotline on the web: what is said next to somebody who has called us."""

import uuid
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bot import hotline
from channels import twilio_voice
from channels.base import BadEventError, Request
from channels.twilio_voice import TwilioVoice
from content import call
from content.call import At, Script
from content.message import Spoken

PATHS = ("inbound", "hotline/", "told/")
LOOK, BACK = "-look", "-back"
"""In the name of a step at which an answer is looked for."""
ALERTS = "-alerts"
"""In the name of the step that tells the alerts."""


def carries(request: Request) -> bool:
    """Return whether a post tells something that must be kept before it is answered."""
    what = request.path.partition("/")[0]
    heard = twilio_voice.heard(request.data)
    unreached = "DialCallStatus" in request.data and not heard.connected
    return what in ("inbound", "told") or bool(heard.key or heard.words) or unreached


def begin(session: Session, channel: TwilioVoice, request: Request, now: datetime) -> str:
    """Return the TwiML for who calls and for whom no alert waits."""
    who = hotline.caller(session, twilio_voice.caller(request.data), hotline.NOWHERE)
    script = hotline.script(session, who, now, speech=channel.listens)
    at = call.begin(script)
    found = _answer(session, channel, request, who, at, greets=True)
    return found or _step(channel, script, at, who.building)


def go_on(session: Session, channel: TwilioVoice, request: Request, now: datetime) -> str:
    """Return the TwiML that follows what was posted to `hotline/…` or `told/…`.

    Raises BadEventError.
    """
    what, _, rest = request.path.partition("/")
    ref, _, where = rest.partition("/")
    if what == "told":
        return _told(session, channel, request, ref)
    given = twilio_voice.caller(request.data)
    who = hotline.caller(session, given, ref)
    language = language_of(where)
    build = partial(hotline.script, speech=channel.listens, language=language)
    script = build(session, who, now)
    at = channel.after(script, request)
    if at.step.endswith(ALERTS):
        script = build(session, who, now, tells=True)
    if script.steps[At.read(where).step].number and twilio_voice.heard(request.data).key:
        who = hotline.caller(session, given, hotline.building(twilio_voice.heard(request.data).key))
        at = at if who.paths else replace(at, step=f"{language}-nowhere")
    if LOOK not in at.step and BACK not in where:
        return _step(channel, script, at, who.building)
    found = _answer(session, channel, request, who, at)
    if not found and LOOK in at.step and not script.steps[at.step].say:
        return channel.pause(there(channel, who.building, at))
    return found or _step(channel, script, at, who.building)


def there(channel: TwilioVoice, building: str, at: At) -> str:
    """Return the address at which the hotline goes on."""
    return channel.url("hotline", building, str(at))


def language_of(at: str) -> Spoken:
    """Return the language of a place in a call; raises BadEventError."""
    try:
        return Spoken(At.read(at).step.partition("-")[0])
    except ValueError:
        raise BadEventError("This is no place in a call.") from None


def _answer(
    session: Session,
    channel: TwilioVoice,
    request: Request,
    who: hotline.Caller,
    at: At,
    *,
    greets: bool = False,
) -> str:
    """Return the TwiML that tells what is due to a caller; empty where nothing is, or not yet."""
    language, sid = language_of(str(at)), str(request.data.get("CallSid", ""))
    found = hotline.waiting(session, who, language, sid, greets=greets)
    if found is None:
        return ""
    notice_id, script = found
    begun = call.begin(script, at.turn)
    url = channel.url("told", f"{notice_id.hex}-{who.building}-{language}", str(begun))
    return channel.step(script.steps[begun.step], url)


def _told(session: Session, channel: TwilioVoice, request: Request, ref: str) -> str:
    """Go on with an answer that is being told; after its end with the next, or with the menu."""
    try:
        notice, building, language = ref.split("-")
        script = hotline.telling(session, uuid.UUID(notice), Spoken(language))
    except (ValueError, KeyError):
        script = None
    if script is None:
        raise BadEventError("This notice cannot be told.")
    at = channel.after(script, request)
    step = script.steps[at.step]
    if step.then and not step.forward:
        return channel.step(step, there(channel, building, At(step.then, at.turn)))
    return channel.step(step, channel.url("told", ref, str(at)))


def _step(channel: TwilioVoice, script: Script, at: At, building: str) -> str:
    """Return the TwiML of a step; one that goes on by itself is asked for what follows it."""
    return channel.step(script.steps[at.step], there(channel, building, at))
