"""The hotline on the web: what is said next to somebody who has called us."""

import uuid
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from bot import hotline
from channels import twilio_voice
from channels.base import BadEventError, Request
from channels.twilio_voice import TwilioVoice
from content import call
from content.call import At, Script

LOOK = "-look"
"""In the name of a step at which an answer is looked for."""
PATHS = ("inbound", "hotline/", "told/")


def carries(request: Request) -> bool:
    """Return whether a post tells something that must be kept before it is answered."""
    what = request.path.partition("/")[0]
    heard = twilio_voice.heard(request.data)
    return what in ("inbound", "told") or bool(heard.key or heard.words)


def begin(session: Session, channel: TwilioVoice, given: str, now: datetime) -> str:
    """Return the TwiML for who calls and for whom no alert waits."""
    who = hotline.caller(session, given, hotline.NOWHERE)
    script = hotline.script(session, who, now, speech=channel.listens)
    at = call.begin(script)
    return _answer(session, channel, who, at.turn) or _step(channel, script, at, who.building)


def go_on(session: Session, channel: TwilioVoice, request: Request, now: datetime) -> str:
    """Return the TwiML that follows what was posted to `hotline/…` or `told/…`.

    Raises BadEventError.
    """
    what, _, rest = request.path.partition("/")
    ref, _, where = rest.partition("/")
    given = str(request.data.get("From", ""))
    if what == "told":
        return _told(
            session, channel, request, ref, hotline.caller(session, given, hotline.NOWHERE)
        )
    who = hotline.caller(session, given, ref)
    script = hotline.script(session, who, now, speech=channel.listens)
    at = channel.after(script, request)
    named = twilio_voice.heard(request.data).key
    if script.steps[call.At.read(where).step].number and named:
        who = hotline.caller(session, given, f"b{named}")
        at = at if who.paths else replace(at, step=f"{who.spoken}-nowhere")
    if LOOK not in at.step:
        return _step(channel, script, at, who.building)
    found = _answer(session, channel, who, at.turn)
    if not found and not script.steps[at.step].say:
        return channel.pause(there(channel, who.building, at))
    return found or _step(channel, script, at, who.building)


def there(channel: TwilioVoice, building: str, at: At) -> str:
    """Return the address at which the hotline goes on."""
    return channel.url("hotline", building, str(at))


def _answer(session: Session, channel: TwilioVoice, who: hotline.Caller, turn: int) -> str:
    """Return the TwiML that tells what is due to a caller; empty where nothing is, or not yet."""
    found = hotline.waiting(session, who)
    if found is None:
        return ""
    told, script = found
    at = call.begin(script, turn)
    return channel.step(script.steps[at.step], channel.url("told", told.id.hex, str(at)))


def _told(
    session: Session, channel: TwilioVoice, request: Request, ref: str, who: hotline.Caller
) -> str:
    """Go on with an answer that is being told; after its end with the menu, or with the next."""
    try:
        script = hotline.telling(session, who, uuid.UUID(ref))
    except (ValueError, KeyError):
        script = None
    if script is None:
        raise BadEventError("This notice cannot be told.")
    at = channel.after(script, request)
    step = script.steps[at.step]
    if step.then:
        return channel.step(step, there(channel, who.building, At(step.then, at.turn)))
    return channel.step(step, channel.url("told", ref, str(at)))


def _step(channel: TwilioVoice, script: Script, at: At, building: str) -> str:
    """Return the TwiML of a step; one that goes on by itself is asked for what follows it."""
    return channel.step(script.steps[at.step], there(channel, building, at))
