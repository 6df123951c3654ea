"""Calls by Twilio: the call, what is said in it, which key does what, and what is reported."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from channels import _recordings, _twilio, _twiml
from channels._recordings import RECORDING
from channels.base import (
    Abilities,
    BadEventError,
    Event,
    EventKind,
    Media,
    Receipt,
    Request,
    SendError,
    State,
)
from content import call
from content.call import At, Heard, Line, Script, Step
from content.message import Kind, Message, Spoken
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
EVENTS = ["initiated", "ringing", "answered", "completed"]

LONGEST = 1800
"""Seconds after which Twilio ends a call in any case, also one that was put through."""


Sounds = Callable[[Line, str], str]
"""Where the sound of a line is fetched, of the call with a `ref`; empty: Twilio's voice says it."""


def unsounded(line: Line, ref: str = "") -> str:
    """Return no address: Twilio's voice says every line."""
    del line, ref
    return ""


class TwilioVoice:
    """One number that calls. `public_url` is the https address of our own web server."""

    kind = Kind.CALL
    abilities = Abilities(receipts=True, asks=True)

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender_number: str,
        public_url: str,
        *,
        api_url: str = "",
        proxy: str | None = None,
        name: str = "twilio_voice",
        timeout: float = 10,
        speech: bool = False,
    ) -> None:
        """Make the adapter; with `speech` callers may speak where the call listens to words."""
        self.name = name
        self._listens = speech
        self.sounds: Sounds = unsounded
        self._sender = sender_number
        self._account = _twilio.Account(
            account_sid,
            auth_token,
            public_url,
            name,
            api_url=api_url,
            proxy=proxy,
            timeout=timeout,
        )

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Have Twilio call the number `to`; what is said is fetched by `ref`. Raises SendError."""
        if message.speech is None:
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_speech")
        if self.sounds is not unsounded:
            # made while it rings; whoever answers does not wait for it
            for line in call.script(message.speech, self._sender).lines():
                self.sounds(line, ref)
        with _twilio.errors():
            made = await self._account.client.calls.create_async(
                to=to,
                from_=self._sender,
                url=self._account.url("script", ref),
                status_callback=self._account.url("status", ref),
                status_callback_event=EVENTS,
                # a hint only: it hears a machine in many old people's slow greeting
                machine_detection="Enable",
                async_amd="true",
                async_amd_status_callback=self._account.url("machine", ref),
                timeout=_twiml.RING,
                time_limit=LONGEST,
            )
            return _twilio.receipt(made, STATES)

    @property
    def number(self) -> str:
        """Return the number that calls, and can be called back."""
        return self._sender

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Look for the one call made since then; raises SendError.

        Twilio's own filter by StartTime would pass over what is still queued.
        """
        del message  # Twilio keeps nothing of it
        with _twilio.errors():
            found = await self._account.client.calls.list_async(
                to=to, from_=self._sender, limit=_twilio.LISTED
            )
            return _twilio.the_one(found, since, STATES)

    async def cancel(self, provider_id: str) -> bool:
        """Take back a call that nobody has answered; False where it is too late."""
        try:
            with _twilio.errors():
                await self._account.client.calls(provider_id).update_async(status="canceled")
        except SendError as error:
            if error.code == str(_twilio.WRONG_STATE):
                return False
            raise
        return True

    def event_id(self, request: Request) -> str:
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

    def parse(self, request: Request) -> list[Event]:
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
                return list(_heard(request.data, _at(at), building=ref))
            case "told":
                return list(_told(request.data, ref, _at(at)))
        return []

    def twiml(
        self, script: Script, request: Request, *, machine: bool = False, then_url: str = ""
    ) -> str:
        """Return the TwiML that answers `script/<ref>` or `key/<ref>/<at>`.

        machine: an answering machine is thought to listen. then_url: where a call goes on that
        does not end with an answer. Raises BadEventError.
        """
        what, ref, _ = _twilio.route(request, "script", "key")
        at = self.after(script, request, machine=machine) if what == "key" else call.begin(script)
        step = script.steps[at.step]
        goes_on = bool(step.then and then_url and not step.forward)
        url = then_url if goes_on else self._account.url("key", ref, str(at))
        return self.step(step, url, ref)

    def after(self, script: Script, request: Request, *, machine: bool = False) -> At:
        """Return where a call goes after what was posted to `<what>/<ref>/<at>`.

        Raises BadEventError.
        """
        *_, rest = _twilio.route(request, *_POSTED)
        try:
            return call.after(script, _at(rest), heard(request.data, machine=machine))
        except KeyError:
            raise BadEventError("This call has no such step.") from None

    def step(self, step: Step, action_url: str, ref: str = "") -> str:
        """Return the TwiML of one step; what is heard is posted to `action_url`."""
        sounds = lambda line: self.sounds(line, ref)  # noqa: E731
        return _twiml.of(step, action_url, self._listens, sounds)

    def pause(self, url: str) -> str:
        """Return the TwiML for a moment of silence, after which `url` is asked."""
        return _twiml.pause(url)

    def wait(self, said: Mapping[Spoken, str], url: str = "") -> str:
        """Return the TwiML for who must wait: see `_twiml.wait`."""
        return _twiml.wait(said, url)

    @property
    def listens(self) -> bool:
        """Return whether spoken words are recognised."""
        return self._listens

    async def fetch(self, file_id: str) -> bytes:
        """Return a recording as WAV, which may be ready only in a moment; raises SendError."""
        return await _recordings.fetch(self._account, file_id)

    async def forget(self, file_id: str) -> None:
        """Have Twilio delete a recording, if it still has it; raises SendError."""
        await _recordings.forget(self._account, file_id)

    def url(self, *path: str) -> str:
        """Return the address of our own at which Twilio asks what to say."""
        return self._account.url(*path)

    def valid(self, path: str, form: Mapping[str, str], signature: str) -> bool:
        """Say whether Twilio signed this form for our address of `path`."""
        return self._account.valid(path, form, signature)

    async def test(self) -> None:
        """Ask Twilio how the account is; raises SendError."""
        await self._account.test()

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()


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
    words, recording, digits = (
        _twilio.text(form, "SpeechResult"),
        _recording(form),
        _digit(form) if ref else _digits(form),
    )
    if recording:
        size = _twilio.number(form, "RecordingDuration") * BYTES
        yield replace(placed, kind=EventKind.MEDIA, media=Media(recording, WAV, size=size))
    elif words:
        yield replace(placed, kind=EventKind.TEXT, text=words)
    elif _unreached(form):
        yield replace(placed, kind=EventKind.UNREACHED)
    elif digits:
        yield replace(event if ref else placed, key=digits)


def _digit(form: Mapping[str, object]) -> str:
    digit = _twilio.text(form, "Digits")
    if len(digit) > 1 or digit not in "0123456789*#":
        raise BadEventError("The field Digits is not one key of a phone.")
    return digit


def _told(form: Mapping[str, object], told: str, at: At) -> Iterator[Event]:
    """Return that somebody has heard a notice to its end, with the key or words that followed."""
    notice, _, rest = told.partition("-")
    building = rest.partition("-")[0]
    found = next(_heard(form, at, building=building), None)
    if found is None or found.kind not in (EventKind.KEY, EventKind.TEXT):
        found = Event(
            EventKind.KEY,
            address=caller(form),
            provider_id=_twilio.sid(form, "CallSid"),
            called=_twilio.text(form, "Direction") == INBOUND,
            step=at.step.partition("-")[2],
        )
    yield replace(found, subject=notice)


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
