"""One call that we place by SIP: from its INVITE to the end of everything that can still come."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from aiosipua.dialog import DialogState
from aiosipua.headers import stringify_uri
from aiosipua.message import SipRequest, SipResponse
from aiosipua.sdp import SdpMessage, parse_sdp, serialize_sdp

from channels._sip import LINGER, Address, Agent, repeat

RINGING = (180, 183)
_OK, _REFUSED, _NOT_ACCEPTABLE = 200, 300, 488
_SDP = "application/sdp"
_DIGIT = re.compile(r"(?im)^\s*(?:Signal\s*=\s*)?([0-9*#])\s*$")
"""The body of an INFO with a key: `application/dtmf-relay` names it, `application/dtmf` is it."""


class Call:
    """A call to one number. `code` is how it was answered in the end, 0 while it was not."""

    def __init__(self, agent: Agent, uri: str, offer: SdpMessage) -> None:
        self.agent = agent
        self.dialog = agent.begin(uri)
        self.code = 0
        self.retry_after: float | None = None
        """Seconds that the trunk asks us to wait, where it has refused."""
        self.rang = False
        self.unwanted = False
        """Whether we have stopped to ring."""
        self.heard = False
        """Whether anything at all has come back."""
        self.answer: SdpMessage | None = None
        """What the other side says about its sound, once it has picked up."""
        self.gone = asyncio.Event()
        """Set when the call is over, whoever has ended it."""
        self.hung_up = False
        """Whether it was the other side that has ended it."""
        self.on_key: Callable[[str], None] = lambda _key: None
        self.on_transfer: Callable[[int], None] = lambda _code: None
        self.on_media: Callable[[SdpMessage], None] = lambda _sdp: None
        self._offer = serialize_sdp(offer)
        self._peer = agent.server
        self._proof: dict[str, str] = {}
        self._invite = self._new_invite()
        self._acks: dict[str, SipRequest] = {}
        self._cancelling = False
        self._news = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[object]] = set()

    @property
    def id(self) -> str:
        """Return what the trunk knows the call by."""
        return self.dialog.call_id

    @property
    def up(self) -> bool:
        """Say whether somebody has picked up and nobody has hung up."""
        return self.dialog.state is DialogState.CONFIRMED

    async def place(self) -> None:
        """Ring; returns when anything has come back, or nothing within the agent's patience."""
        self.agent.dialogues[self.id] = self
        self._ring()
        await self.until(lambda: self.heard, self.agent.patience)
        self._quiet()

    async def until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, at most these real seconds; return whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not ready():
                    self._news.clear()
                    await self._news.wait()
        return ready()

    def take_back(self) -> bool:
        """Stop ringing; False where somebody has picked up, or it has ended already."""
        if self.code or self.gone.is_set():
            return False
        self.unwanted = True
        # a request that nothing has answered yet cannot be cancelled (RFC 3261, 9.1)
        if self.heard and not self._cancelling:
            self._cancelling = True
            self._apart(self._cancel())
        return True

    async def hang_up(self) -> None:
        """End the call, however far it is; what comes late is answered for a while."""
        if self.up:
            self.dialog.terminate()
            await self.agent.ask(self.dialog, "BYE", self._peer)
        elif self.take_back() and self.heard:
            await self.until(lambda: bool(self.code), self.agent.patience)
        self._over()
        self._quiet()
        loop = asyncio.get_running_loop()
        loop.call_later(LINGER, self.agent.dialogues.pop, self.id, None)

    async def transfer(self, uri: str) -> int:
        """Ask the trunk to connect the other side to `uri`; return its answer, 0 for none."""
        headers = {"Refer-To": f"<{uri}>", "Referred-By": f"<{self.dialog.local_uri}>"}
        answer = await self.agent.ask(self.dialog, "REFER", self._peer, headers)
        return answer.status_code if answer else 0

    def answered(self, response: SipResponse, source: Address) -> None:
        """Take an answer to the INVITE: it rings, somebody is there, or it was refused."""
        code = response.status_code
        self.heard = True
        self._quiet()
        if code < _OK:
            self._rings(code)
        elif code < _REFUSED:
            self._picked_up(response, source)
        else:
            self._refused(response)
        self._news.set()

    def asked(self, request: SipRequest) -> SipResponse:
        """Take a request of the other side, and return the answer."""
        ok = self.dialog.create_response(request, _OK, contact=self.agent.contact)
        if request.method == "BYE":
            self.hung_up = self.hung_up or self.up
            self.dialog.terminate()
            self._over()
        elif request.method in ("INVITE", "UPDATE") and request.body:
            # a pause, or another place for the sound
            try:
                self.on_media(parse_sdp(request.text))
            except ValueError:
                return self.dialog.create_response(request, _NOT_ACCEPTABLE)
            ok.headers.set_single("Content-Type", _SDP)
            ok.text = self._offer
        elif request.method == "INFO" and (found := _DIGIT.search(request.text)):
            self.on_key(found[1])
        elif request.method == "NOTIFY" and (status := re.match(r"SIP/2.0 (\d{3})", request.text)):
            self.on_transfer(int(status[1]))
        return ok

    def _rings(self, code: int) -> None:
        self.rang = self.rang or code in RINGING
        if self.unwanted:
            self.take_back()

    def _picked_up(self, response: SipResponse, source: Address) -> None:
        to = response.to_addr
        tag = (to.tag if to else "") or ""
        if tag in self._acks:
            # ours was lost: it is not told twice that somebody is there
            self.agent.send(self._acks[tag], source)
            return
        self._acks[tag] = self._ack(response, tag)
        self.agent.send(self._acks[tag], source)
        if self.code:
            # a second phone of the same number
            other = replace(self.dialog, remote_tag=tag, state=DialogState.CONFIRMED)
            self._apart(self.agent.ask(other, "BYE", source))
            return
        self.code, self._peer = response.status_code, source
        with suppress(ValueError):
            self.answer = parse_sdp(response.text)
        if self.unwanted or self.gone.is_set():
            self.dialog.terminate()
            self._apart(self.agent.ask(self.dialog, "BYE", source))
        else:
            self.dialog.confirm()

    def _ack(self, response: SipResponse, tag: str) -> SipRequest:
        """Return what ends the three-way handshake; the dialog learns where the other side is."""
        if not self.code:
            self.dialog.remote_tag = tag
            self.dialog.route_set = list(reversed(response.headers.get("record-route")))
            if contact := response.contact:
                self.dialog.remote_target = stringify_uri(contact[0].uri)
        ack = self.agent.request(replace(self.dialog, remote_tag=tag), "ACK", self._proof)
        number = self._invite.cseq.seq if self._invite.cseq else 1
        ack.headers.set_single("CSeq", f"{number} ACK")
        return ack

    def _refused(self, response: SipResponse) -> None:
        asked, told = self._invite.cseq, response.cseq
        if asked is None or told is None or asked.seq != told.seq:
            return  # the refusal of an INVITE that has been repeated with a password since
        self.agent.send(self._of_invite("ACK", response), self.agent.server)
        if self.code:
            return
        proof = self.agent.proof(response, self._invite)
        if proof is not None and not self._proof and not self.unwanted:
            self._proof = proof
            self._invite = self._new_invite()
            self.heard = False
            self._ring()
            return
        self.code = response.status_code
        self.retry_after = _seconds(response.get_header("retry-after"))
        self.dialog.terminate()
        self._over()

    def _ring(self) -> None:
        """Send the INVITE until anything comes back."""
        self._sending = repeat(self.agent, self._invite, self.agent.server)

    def _quiet(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    async def _cancel(self) -> None:
        await self.agent.wait(self._of_invite("CANCEL"), self.agent.server)

    def _new_invite(self) -> SipRequest:
        made = self.agent.request(
            self.dialog, "INVITE", {"Content-Type": _SDP, "Accept": _SDP, **self._proof}
        )
        made.text = self._offer
        return made

    def _of_invite(self, method: str, response: SipResponse | None = None) -> SipRequest:
        """Return an ACK of a refusal or a CANCEL: both belong to the INVITE's own transaction."""
        invite = self._invite
        made = SipRequest(method=method, uri=invite.uri)
        for name in ("Via", "From", "Call-ID", "Max-Forwards"):
            made.headers.set_single(name, invite.get_header(name) or "")
        to = (response or invite).get_header("To") or ""
        made.headers.set_single("To", to)
        number = invite.cseq.seq if invite.cseq else 1
        made.headers.set_single("CSeq", f"{number} {method}")
        return made

    def _over(self) -> None:
        self.gone.set()
        self._news.set()

    def _apart(self, work: "asyncio._CoroutineLike[object]") -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _seconds(header: str | None) -> float | None:
    found = re.match(r"\s*(\d{1,6})", header or "")
    return float(found[1]) if found else None
