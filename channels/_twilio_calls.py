"""What Twilio posts about calls, read: receipts, keys, words, recordings, and who called whom."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from channels import _twilio
from channels._recordings import RECORDING
from channels.base import BadEventError, Event, EventKind, Media, Request, State
from content import call
from content.call import At, Heard, Script
from content.reason import Reason

STATES = {
    "queued": State.ACCEPTED,
    "initiated": State.ACCEPTED,
    "ringing": State.RINGING,
    "in-progress": State.ANSWERED,
    "answered": State.ANSWERED,
    "completed": State.COMPLETED,
    "busy": State.FAILED,
    "no-answer": State.FAILED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
REASONS = {
    "busy": Reason.BUSY,
    "no-answer": Reason.NO_ANSWER,
    "failed": Reason.NUMBER_UNREACHABLE,
    "canceled": Reason.CANCELLED_CALL,
}
NO_SUCH_NUMBER = frozenset({"404", "410", "484", "604"})
"""The answers of SIP that say that a number does not exist."""
_POSTED = ("status", "machine", "key", "inbound", "hotline", "told")
"""What Twilio posts to us, beside asking for a script."""
WAV = "audio/x-wav"
BYTES = 16_000
"""Of a second of a recording, as Twilio gives it: 16-bit samples at 8 kHz."""
MOST_DIGITS = 40
# the languages of a call's steps, as chat apps tell them
LANGUAGES = {"cmn": "zh-hans", "yue": "zh-hant", "en": "en"}
TALKED = frozenset({"completed", "answered"})
"""How a call that was forwarded ends when somebody has taken it."""
INBOUND = "inbound"
"""The direction of a call that somebody else has begun."""


def event_id(request: Request) -> str:
    """Return the call's id with what happened in it; raises BadEventError."""
    what, ref, at = _twilio.route(request, *_POSTED)
    sid = _twilio.sid(request.data, "CallSid")
    match what:
        case "status":
            return f"{sid}:{_twilio.text(request.data, 'CallStatus')}"
        case "key":
            return f"{sid}:key:{_at(at)}:{_digit(request.data)}"
        case "told":
            return f"{sid}:told:{ref}:{_at(at)}"
        case "hotline":
            return f"{sid}:hotline:{_at(at)}"
    return f"{sid}:{what}"


def parse(request: Request) -> list[Event]:
    """Read a receipt (`status/<ref>`), a hint (`machine/<ref>`) or a key (`key/<ref>/<at>`).

    Words are no key: they are read by what they ask for. A call to us (`inbound`) is answered
    at once and is no event; what is said and pressed in it (`hotline/<building>/<at>`) is, and
    that it has heard a notice (`told/<notice>/<at>`). Raises BadEventError.
    """
    what, ref, at = _twilio.route(request, *_POSTED)
    match what:
        case "status":
            return list(_status(request.data, ref))
        case "machine":
            return list(_machine(request.data, ref))
        case "key":
            return list(_heard(request.data, _at(at), ref=ref))
        case "hotline":
            return list(_heard(request.data, _at(at), building=ref.partition("-")[0]))
        case "told":
            return list(_told(request.data, ref, _at(at)))
    return []


def after(script: Script, request: Request, *, machine: bool = False) -> At:
    """Return where a call goes after what was posted; raises BadEventError."""
    *_, rest = _twilio.route(request, *_POSTED)
    try:
        return call.after(script, _at(rest), heard(request.data, machine=machine))
    except KeyError:
        raise BadEventError("This call has no such step.") from None


def heard(form: Mapping[str, object], *, machine: bool = False) -> Heard:
    """Return what a form tells of a key, a number or words; raises BadEventError.

    `Kept` stands for what was posted before and cannot be posted again.
    """
    words = _twilio.text(form, "SpeechResult") or _recording(form) or _twilio.text(form, "Kept")
    connected = _twilio.text(form, "DialCallStatus") in TALKED
    return Heard("" if words else _digits(form), words, machine, connected)


def _status(form: Mapping[str, object], ref: str) -> Iterator[Event]:
    sid = _twilio.sid(form, "CallSid")
    status = _twilio.text(form, "CallStatus")
    if status not in STATES:
        return
    if _twilio.text(form, "Direction") == INBOUND:
        if STATES[status] in (State.COMPLETED, State.FAILED):
            given = _twilio.text(form, "From")
            yield Event(EventKind.ENDED, address=given, provider_id=sid, called=True, step="end")
        return
    missing = status == "failed" and _twilio.text(form, "SipResponseCode") in NO_SUCH_NUMBER
    yield Event(
        EventKind.RECEIPT,
        ref=ref,
        provider_id=sid,
        state=STATES[status],
        reason=Reason.NUMBER_INVALID if missing else REASONS.get(status),
        permanent=missing,
        sequence=_twilio.number(form, "SequenceNumber"),
    )


def _machine(form: Mapping[str, object], ref: str) -> Iterator[Event]:
    sid = _twilio.sid(form, "CallSid")
    yield Event(
        EventKind.RECEIPT,
        ref=ref,
        provider_id=sid,
        state=State.ANSWERED,
        machine=_twilio.text(form, "AnsweredBy").startswith(("machine", "fax")),
    )


def _heard(
    form: Mapping[str, object], at: At, *, ref: str = "", building: str = ""
) -> Iterator[Event]:
    """Return what was pressed, said or left in a call, or that nobody took a call put through.

    ref: of the call that tells a notice; without it the call is one to us, at its menu.
    """
    event = Event(
        EventKind.KEY,
        address=caller(form),
        ref=ref,
        provider_id=_twilio.sid(form, "CallSid"),
        called=_twilio.text(form, "Direction") == INBOUND,
        building=building,
        language=LANGUAGES.get(at.step.partition("-")[0], ""),
    )
    placed = replace(event, step=at.step.partition("-")[2])
    if recording := _recording(form):
        # beside it Digits says what has ended it, which may be `hangup`
        size = _twilio.number(form, "RecordingDuration") * BYTES
        yield replace(placed, kind=EventKind.MEDIA, media=Media(recording, WAV, size=size))
    elif words := _twilio.text(form, "SpeechResult"):
        yield replace(placed, kind=EventKind.TEXT, text=words)
    elif _unreached(form):
        yield replace(placed, kind=EventKind.UNREACHED)
    elif digits := _digit(form) if ref else _digits(form):
        yield replace(event if ref else placed, key=digits)


def _digit(form: Mapping[str, object]) -> str:
    digit = _twilio.text(form, "Digits")
    if len(digit) > 1 or digit not in "0123456789*#":
        raise BadEventError("The field Digits is not one key of a phone.")
    return digit


def _told(form: Mapping[str, object], told: str, at: At) -> Iterator[Event]:
    """Return that somebody has heard a notice to its end, with the key or words that followed."""
    notice, _, rest = told.partition("-")
    building, _, language = rest.partition("-")
    found = next(_heard(form, at, building=building), None)
    if found is None or found.kind not in (EventKind.KEY, EventKind.TEXT):
        found = Event(
            EventKind.KEY,
            address=caller(form),
            provider_id=_twilio.sid(form, "CallSid"),
            called=_twilio.text(form, "Direction") == INBOUND,
            step=at.step.partition("-")[2],
        )
    # what is told may be in another language than the call
    yield replace(found, subject=notice, language=LANGUAGES.get(language, ""))


def caller(form: Mapping[str, object]) -> str:
    """Return the number of the person in a call, whoever has begun it."""
    called = _twilio.text(form, "Direction") == INBOUND
    return _twilio.text(form, "From" if called else "To")


def _unreached(form: Mapping[str, object]) -> bool:
    status = _twilio.text(form, "DialCallStatus")
    return bool(status) and status not in TALKED


def _recording(form: Mapping[str, object]) -> str:
    found = _twilio.text(form, "RecordingSid")
    if found and not RECORDING.fullmatch(found):
        raise BadEventError("The field RecordingSid is not an id of Twilio.")
    return found


def _digits(form: Mapping[str, object]) -> str:
    digits = _twilio.text(form, "Digits")
    if len(digits) > MOST_DIGITS or not set(digits) <= call.KEYS:
        raise BadEventError("The field Digits is not what a phone can send.")
    return digits


def _at(text: str) -> At:
    try:
        return At.read(text)
    except ValueError:
        raise BadEventError("Twilio is not told to call this address.") from None
