"""SMS by Twilio: send, ask whether one was taken, read receipts and replies."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from channels import _twilio
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
from content.message import Kind, Message, Texted, Unfit
from content.reason import Reason

STATES = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.FAILED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
_CONTENT = "HX"
"""How the ids of Twilio's own registered texts begin."""
_OPTED = {"STOP": "STOP", "START": "START"}
MOST_MEDIA = 10
"""Twilio's own limit for one message."""


def _whole(_to: str, message: Message) -> Texted:
    return Texted(message.sms)


class TwilioSms:
    """One number that sends SMS. `public_url` is the https address of our own web server.

    `texting` says what is sent to a number: with or without links, or a registered text, whose id
    is a ContentSid of Twilio's (HX...) or names a text that is sent as it was registered.
    """

    kind = Kind.SMS
    abilities = Abilities(links=True, receipts=True, asks=True, replies=True)

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender_number: str,
        public_url: str,
        *,
        api_url: str = "",
        proxy: str | None = None,
        name: str = "twilio_sms",
        timeout: float = 10,
        texting: Callable[[str, Message], Texted] = _whole,
    ) -> None:
        self.name = name
        self._texting = texting
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
        """Hand the SMS text to Twilio for the number `to`; raises SendError."""
        said = _content(self._said(to, message))
        with _twilio.errors():
            made = await self._account.client.messages.create_async(
                to=to,
                from_=self._sender,
                status_callback=self._account.url("status", ref),
                **said,
            )
            return _twilio.receipt(made, STATES)

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Look for the one SMS with this text made since then; raises SendError.

        Twilio's own filter by DateSent would pass over what is still queued.
        """
        said = self._said(to, message)
        with _twilio.errors():
            found = await self._account.client.messages.list_async(
                to=to, from_=self._sender, limit=_twilio.LISTED
            )
            same = [one for one in found if _same(str(one.body or ""), said)]
            return _twilio.the_one(same, since, STATES)

    def text(self, to: str, message: Message) -> str:
        """Return the SMS as it is sent to a number; empty where no registered text fits."""
        try:
            return self._texting(to, message).body
        except Unfit:
            return ""

    def _said(self, to: str, message: Message) -> Texted:
        try:
            return self._texting(to, message)
        except Unfit:
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="template") from None

    def event_id(self, request: Request) -> str:
        """Return the message's id, with the status where it is a receipt; raises BadEventError."""
        what, _, _ = _twilio.route(request, "status", "inbound")
        sid = _twilio.sid(request.data, "MessageSid")
        if what == "inbound":
            return sid
        return f"{sid}:{_twilio.text(request.data, 'MessageStatus')}"

    def parse(self, request: Request) -> list[Event]:
        """Read a receipt (`status/<ref>`) or an SMS to us (`inbound`); raises BadEventError."""
        what, ref, _ = _twilio.route(request, "status", "inbound")
        if what == "inbound":
            return list(_inbound(request.data))
        return list(_status(request.data, ref))

    def valid(self, path: str, form: Mapping[str, str], signature: str) -> bool:
        """Say whether Twilio signed this form for our address of `path`."""
        return self._account.valid(path, form, signature)

    async def test(self) -> None:
        """Ask Twilio how the account is; raises SendError."""
        await self._account.test()

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()


def _content(said: Texted) -> dict[str, Any]:
    """Return the parameters that say the text: Twilio fills a registered one of its own itself."""
    if not said.template.startswith(_CONTENT):
        return {"body": said.body}
    variables = json.dumps(said.variables, ensure_ascii=False)
    return {"content_sid": said.template, "content_variables": variables}


def _same(body: str, said: Texted) -> bool:
    """Say whether a message has this text; of a registered one we may have another copy."""
    if said.template:
        return all(value in body for value in said.variables.values())
    # a trial account puts a sentence of Twilio's before the text
    return body.strip().endswith(said.body.strip())


def _status(form: Mapping[str, object], ref: str) -> Iterator[Event]:
    sid = _twilio.sid(form, "MessageSid")
    status = _twilio.text(form, "MessageStatus")
    state = STATES.get(status)
    if state is None:
        return
    reason, permanent = None, False
    if state is State.FAILED:
        code = _twilio.number(form, "ErrorCode")
        reason, permanent = _twilio.meaning(code, Reason.UNDELIVERED)
    yield Event(
        EventKind.RECEIPT,
        ref=ref,
        provider_id=sid,
        state=state,
        reason=reason,
        permanent=permanent,
    )


def _inbound(form: Mapping[str, object]) -> Iterator[Event]:
    sid = _twilio.sid(form, "MessageSid")
    address = _twilio.text(form, "From")
    if not address:
        raise BadEventError(
            "An SMS without a sender cannot be answered: the field From is missing."
        )
    # a word that only the account's own settings know opts out like the one it stands for
    words = _OPTED.get(_twilio.text(form, "OptOutType")) or _twilio.text(form, "Body")
    media = min(_twilio.number(form, "NumMedia"), MOST_MEDIA)
    if not media:
        yield Event(EventKind.TEXT, address=address, provider_id=sid, text=words)
    for at in range(media):
        yield Event(
            EventKind.MEDIA,
            address=address,
            provider_id=sid,
            text="" if at else words,
            media=Media(
                _twilio.text(form, f"MediaUrl{at}"), _twilio.text(form, f"MediaContentType{at}")
            ),
        )
