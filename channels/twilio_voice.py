"""Calls by Twilio: the call, what is said in it, which key does what, and what is reported."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from twilio.twiml.voice_response import Gather, VoiceResponse

from channels import _twilio
from channels.base import (
    Abilities,
    BadEventError,
    Event,
    EventKind,
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
INBOUND = "inbound"
"""The direction of a call that somebody else has begun."""
EVENTS = ["initiated", "ringing", "answered", "completed"]

# voice and language, pairs that Twilio lists for <Say>
VOICES = {
    Spoken.MANDARIN: ("Polly.Zhiyu-Neural", "cmn-CN"),
    Spoken.CANTONESE: ("Polly.Hiujin-Neural", "yue-CN"),
    Spoken.ENGLISH: ("Polly.Joanna-Neural", "en-US"),
}
SLOW = "85%"
RING = 40
"""Seconds a phone rings: an old person takes a while to reach it."""
LONGEST = 600
"""Seconds after which Twilio ends a call in any case."""
# what <Gather> recognises
HEARS = {
    Spoken.MANDARIN: "cmn-Hans-CN",
    Spoken.CANTONESE: "yue-Hant-HK",
    Spoken.ENGLISH: "en-US",
}


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
            for line in call.script(message.speech).lines():
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
                timeout=RING,
                time_limit=LONGEST,
            )
            return _twilio.receipt(made, STATES)

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
        what, _, at = _twilio.route(request, "status", "machine", "key", "inbound")
        sid = _twilio.sid(request.data, "CallSid")
        if what == "inbound":
            return f"{sid}:inbound"
        if what == "status":
            return f"{sid}:{_twilio.text(request.data, 'CallStatus')}"
        if what == "machine":
            return f"{sid}:machine"
        return f"{sid}:key:{_at(at)}:{_digit(request.data)}"

    def parse(self, request: Request) -> list[Event]:
        """Read a receipt (`status/<ref>`), a hint (`machine/<ref>`) or a key (`key/<ref>/<at>`).

        Words that stand for a key are that key. A call to us (`inbound`) is answered at once and
        is no event. Raises BadEventError.
        """
        what, ref, at = _twilio.route(request, "status", "machine", "key", "inbound")
        if what == "inbound":
            return []
        if what == "status":
            return list(_status(request.data, ref))
        if what == "machine":
            return list(_machine(request.data, ref))
        _at(at)
        return list(_key(request.data, ref))

    def twiml(self, script: Script, request: Request, *, machine: bool = False) -> str:
        """Return the TwiML that answers `script/<ref>` or `key/<ref>/<at>`.

        machine: an answering machine is thought to listen. Raises BadEventError.
        """
        what, ref, rest = _twilio.route(request, "script", "key")
        at = call.begin(script)
        if what == "key":
            words = _twilio.text(request.data, "SpeechResult")
            heard = Heard(_digit(request.data), words, machine)
            try:
                at = call.after(script, _at(rest), heard)
            except KeyError:
                raise BadEventError("This call has no such step.") from None
        return self.step(script.steps[at.step], self._account.url("key", ref, str(at)), ref)

    def step(self, step: Step, action_url: str, ref: str = "") -> str:
        """Return the TwiML of one step; what is heard is posted to `action_url`."""
        return twiml(step, action_url, self._listens, lambda line: self.sounds(line, ref))

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


def twiml(
    step: Step,
    action_url: str,
    listens: bool = False,
    sounds: Callable[[Line], str] = unsounded,
) -> str:
    """Return the TwiML of one step: what is said, then what is asked, or how the call goes on.

    action_url: where what is heard is posted. listens: words are recognised beside keys.
    sounds: where a line's sound is fetched, empty where Twilio says it.
    """
    response = VoiceResponse()
    _read(response, step.say, sounds)
    if step.asks:
        response.append(_gather(step, action_url, listens, sounds))
    elif step.forward:
        response.dial(step.forward, timeout=RING, answer_on_bridge=True)
    elif step.then:
        response.redirect(action_url, method="POST")
        return str(response)
    response.hangup()
    return str(response)


def wait(said: Mapping[Spoken, str], url: str = "") -> str:
    """Return the TwiML for who must wait: a sentence in each language, then `url` is asked again.

    Without an address nobody is asked again, and the call ends.
    """
    response = VoiceResponse()
    for language, sentence in said.items():
        _say(response, language, sentence)
    if url:
        response.redirect(url, method="POST")
    else:
        response.hangup()
    return str(response)


def _read(
    verb: VoiceResponse | Gather, lines: Iterable[Line], sounds: Callable[[Line], str]
) -> None:
    for line in lines:
        url = sounds(line)
        if url:
            verb.play(url)
            verb.pause(length=1)
        else:
            _say(verb, line.language, line.text)


def _say(verb: VoiceResponse | Gather, spoken: Spoken, *sentences: str) -> None:
    """Say sentence after sentence, slowly, with a pause after each."""
    voice, language = VOICES[spoken]
    for sentence in filter(None, sentences):
        verb.say(voice=voice, language=language).prosody(sentence, rate=SLOW)
        verb.pause(length=1)


def _gather(step: Step, action_url: str, listens: bool, sounds: Callable[[Line], str]) -> Gather:
    """Return the question of a step: a key, a number up to #, or words where they are heard."""
    speaks = listens and bool(step.words)
    options: dict[str, object] = {"finish_on_key": "#"} if step.number else {"num_digits": 1}
    if speaks:
        options |= {"language": HEARS[step.language], "speech_timeout": "auto"}
    gather = Gather(
        input="dtmf speech" if speaks else "dtmf",
        timeout=step.seconds,
        action=action_url,
        method="POST",
        action_on_empty_result=True,
        **options,
    )
    _read(gather, step.ask, sounds)
    return gather


def _status(form: Mapping[str, object], ref: str) -> Iterator[Event]:
    sid = _twilio.sid(form, "CallSid")
    status = _twilio.text(form, "CallStatus")
    if status not in STATES:
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


def _key(form: Mapping[str, object], ref: str) -> Iterator[Event]:
    sid = _twilio.sid(form, "CallSid")
    digit = _digit(form) or call.key_of(_twilio.text(form, "SpeechResult"))
    called = _twilio.text(form, "Direction") == INBOUND
    if digit:
        yield Event(
            EventKind.KEY,
            address=_twilio.text(form, "From" if called else "To"),
            ref=ref,
            provider_id=sid,
            key=digit,
            called=called,
        )


def _digit(form: Mapping[str, object]) -> str:
    digit = _twilio.text(form, "Digits")
    if len(digit) > 1 or digit not in "0123456789*#":
        raise BadEventError("The field Digits is not one key of a phone.")
    return digit


def _at(text: str) -> At:
    try:
        return At.read(text)
    except ValueError:
        raise BadEventError("Twilio is not told to call this address.") from None
