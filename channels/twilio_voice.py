"""Calls by Twilio: the call, what is said in it, which key does what, and what is reported."""

from collections.abc import Callable, Mapping
from datetime import datetime

from channels import _recordings, _twilio, _twilio_calls, _twiml
from channels._twilio_calls import INBOUND as INBOUND  # noqa: PLC0414 - of this module to others
from channels._twilio_calls import STATES
from channels._twilio_calls import caller as caller  # noqa: PLC0414 - of this module to others
from channels._twilio_calls import heard as heard  # noqa: PLC0414 - of this module to others
from channels.base import (
    Abilities,
    Event,
    Receipt,
    Request,
    SendError,
)
from content import call
from content.call import At, Line, Script, Step
from content.message import Kind, Message, Spoken
from content.reason import Reason

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
        return _twilio_calls.event_id(request)

    def parse(self, request: Request) -> list[Event]:
        """Read what Twilio posts about a call: see `_twilio_calls.parse`; raises BadEventError."""
        return list(_twilio_calls.parse(request))

    def twiml(
        self,
        script: Script,
        request: Request,
        *,
        machine: bool = False,
        onward: Callable[[At], str] | None = None,
    ) -> str:
        """Return the TwiML that answers `script/<ref>` or `key/<ref>/<at>`.

        machine: an answering machine is thought to listen. onward: gives the address of a step that
        is another call's. Raises BadEventError.
        """
        what, ref, _ = _twilio.route(request, "script", "key")
        at = self.after(script, request, machine=machine) if what == "key" else call.begin(script)
        step = script.steps[at.step]
        if onward is not None and step.then and step.then not in script.steps:
            return self.step(step, onward(At(step.then, at.turn)), ref)
        return self.step(step, self._account.url("key", ref, str(at)), ref)

    def after(self, script: Script, request: Request, *, machine: bool = False) -> At:
        """Return where a call goes after what was posted to `<what>/<ref>/<at>`.

        Raises BadEventError.
        """
        return _twilio_calls.after(script, request, machine=machine)

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
