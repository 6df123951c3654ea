"""SIP as a caller needs it: one UDP socket, and requests that are repeated until they are answered.

Messages, dialogs and digests are aiosipua's. Its own client is not used: over UDP it never repeats
a request, never acknowledges a refusal, and forgets a call that it has cancelled although the phone
may be picked up in that very moment.
"""

import asyncio
import contextlib
import re
import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

import phonenumbers
from aiosipua.auth import SipDigestAuth, answer_challenge
from aiosipua.dialog import Dialog, DialogState
from aiosipua.message import SipMessage, SipRequest, SipResponse
from aiosipua.transport import UdpSipTransport
from aiosipua.utils import bracket_ipv6, format_addr, generate_call_id, generate_tag

Address = tuple[str, int]

T1, T2 = 0.5, 4.0
"""Seconds until a request is repeated first, and between its repetitions at most (RFC 3261)."""
PATIENCE = 8.0
"""Seconds after which a server that says nothing is taken to be away."""
LINGER = 32.0
"""Seconds for which a late answer to a call that was given up is still looked for."""
UNAUTHORIZED = (401, 407)
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, UPDATE"
AGENT = "linxun"
_PORT = 5060
_SERVER = re.compile(r"(\[[^]]*\]|[^:]+)(?::(\d+))?")
_REMEMBERED = 256
"""Answers that are given again to a request that is repeated."""
_OUTSIDE = 480
"""What somebody hears who calls us: calls in do not come this way."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """The server that takes our calls, and who we are to it."""

    server: str
    """`host` or `host:port`."""
    domain: str = ""
    """The domain of all numbers; empty: the server's host."""
    user: str = ""
    password: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    """The number that is shown to who is called; empty: the user."""
    host: str = ""
    """Our own address; empty: the one from which the server is reached."""
    port: int = 0
    """Our own port for SIP; 0, or where it is taken: any."""
    public_host: str = ""
    """The address at which the trunk reaches us, where that is another one."""
    dial: Literal["e164", "national"] = "e164"
    """How numbers are dialled: +8657187654321, or the way people here dial them."""
    prefix: str = ""
    """What is dialled before every number: the 9 of a house exchange."""

    @property
    def where(self) -> tuple[str, int]:
        """Return the server's host and port."""
        found = _SERVER.fullmatch(self.server)
        if found is None:
            raise ValueError("The server is no host with a port.")
        return found[1].strip("[]"), int(found[2] or _PORT)

    def uri(self, number: str) -> str:
        """Return the address under which the trunk knows a number in E.164."""
        return f"sip:{self.prefix}{self._dialled(number)}@{self._domain}"

    @property
    def identity(self) -> str:
        """Return our own address."""
        return f"sip:{self.number or self.user or AGENT}@{self._domain}"

    @property
    def itself(self) -> str:
        """Return the address of the server itself."""
        return f"sip:{bracket_ipv6(self.where[0])}"

    @property
    def _domain(self) -> str:
        return self.domain or bracket_ipv6(self.where[0])

    def _dialled(self, number: str) -> str:
        if self.dial == "e164":
            return number
        here = "CN"
        with contextlib.suppress(phonenumbers.NumberParseException):
            here = phonenumbers.region_code_for_number(phonenumbers.parse(self.number)) or here
        parsed = phonenumbers.parse(number)
        said = phonenumbers.format_out_of_country_calling_number(parsed, here)
        return "".join(digit for digit in said if digit.isdigit())


class Dialogue(Protocol):
    """A call that messages belong to."""

    dialog: Dialog

    def answered(self, response: SipResponse, source: Address) -> None:
        """Take an answer to its INVITE."""
        ...

    def asked(self, request: SipRequest) -> SipResponse:
        """Take a request of the other side, and return the answer."""
        ...


class Agent:
    """Our end of the trunk: one socket for all calls. Opened by its first use."""

    def __init__(self, trunk: Trunk, patience: float = PATIENCE) -> None:
        self.trunk = trunk
        self.patience = patience
        self.server: Address = ("", 0)
        self.local: Address = ("", 0)
        self.dialogues: dict[str, Dialogue] = {}
        self.auth = SipDigestAuth(trunk.user, trunk.password) if trunk.password else None
        self._wire: _Wire | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[tuple[str, str], asyncio.Future[SipResponse]] = {}
        self._given: OrderedDict[tuple[str, str], SipResponse] = OrderedDict()

    async def open(self) -> None:
        """Find the server, whose address may have changed, and bind our socket; raises OSError."""
        async with self._opening:
            host, port = self.trunk.where
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            self.server = cast(Address, found[0][4][:2])
            if self._wire is None:
                mine = self.trunk.host or _facing(found[0][0], found[0][4])
                self._wire = await _bound(mine, self.trunk.port)
                self._wire.on_message = self._take
                self.local = self._wire.local_addr

    @property
    def shown(self) -> Address:
        """Return the address at which the other side reaches us."""
        return self.trunk.public_host or self.local[0], self.local[1]

    @property
    def contact(self) -> str:
        """Return what stands in our Contact headers."""
        return f"<sip:{self.trunk.user or AGENT}@{format_addr(*self.shown)}>"

    def begin(self, uri: str) -> Dialog:
        """Return a dialog with somebody, which has not begun."""
        return Dialog(
            call_id=generate_call_id(self.shown[0])[-64:],
            local_tag=generate_tag(),
            local_uri=self.trunk.identity,
            remote_uri=uri,
            remote_target=uri,
        )

    def request(
        self, dialog: Dialog, method: str, headers: Mapping[str, str] | None = None
    ) -> SipRequest:
        """Return a new request of a dialog."""
        host, port = self.shown
        made = dialog.create_request(method, via_host=host, via_port=port)
        given = {"Contact": self.contact, "User-Agent": AGENT, "Allow": ALLOW, **(headers or {})}
        for name, value in given.items():
            made.headers.set_single(name, value)
        return made

    def send(self, request: SipRequest, to: Address) -> None:
        """Send a request once."""
        if self._wire is not None:
            self._wire.send(request, to)

    async def ask(
        self, dialog: Dialog, method: str, to: Address, headers: Mapping[str, str] | None = None
    ) -> SipResponse | None:
        """Send a request of a dialog until it is answered; None: nobody answers."""
        request = self.request(dialog, method, headers)
        answer = await self.wait(request, to)
        proof = self.proof(answer, request)
        if proof is None:
            return answer
        return await self.wait(self.request(dialog, method, {**(headers or {}), **proof}), to)

    def proof(self, answer: SipResponse | None, request: SipRequest) -> dict[str, str] | None:
        """Return the header that meets a challenge; None where there is none, or no password."""
        if answer is None or answer.status_code not in UNAUTHORIZED or self.auth is None:
            return None
        code, method = answer.status_code, request.method
        header = answer_challenge(self.auth, answer, code, method, request.uri)
        return None if header is None else dict([header])

    async def wait(self, request: SipRequest, to: Address) -> SipResponse | None:
        """Send a request, any but an INVITE, until it is answered; None: nobody answers."""
        key = _key(request)
        done: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()
        self._waiting[key] = done
        sending = repeat(self, request, to, longest=T2)
        try:
            async with asyncio.timeout(self.patience):
                return await done
        except TimeoutError:
            return None
        finally:
            sending.cancel()
            self._waiting.pop(key, None)

    async def close(self) -> None:
        """Close the socket."""
        if self._wire is not None:
            await self._wire.stop()
            self._wire = None

    def _take(self, message: SipRequest | SipResponse, source: Address) -> None:
        if isinstance(message, SipRequest):
            known = message.call_id in self.dialogues or source[0] == self.server[0]
            # who looks for open exchanges hears nothing
            if message.method != "ACK" and known:
                self._reply(message)
            return
        key = _key(message)
        call = self.dialogues.get(message.call_id or "")
        if key[1] == "INVITE" and call is not None:
            call.answered(message, source)
        elif message.status_code >= 200 and key in self._waiting:  # noqa: PLR2004 - a final answer
            done = self._waiting[key]
            if not done.done():
                done.set_result(message)

    def _reply(self, request: SipRequest) -> None:
        """Answer a request; one that is repeated gets the same answer again."""
        key = _key(request)
        if key not in self._given:
            self._given[key] = self._answer(request)
            if len(self._given) > _REMEMBERED:
                self._given.popitem(last=False)
        if self._wire is not None:
            self._wire.send_reply(self._given[key])

    def _answer(self, request: SipRequest) -> SipResponse:
        call = self.dialogues.get(request.call_id or "")
        if call is not None and _belongs(call.dialog, request):
            return call.asked(request)
        nobody = Dialog(call_id=request.call_id or "", local_tag=generate_tag())
        if request.method == "OPTIONS":
            return nobody.create_response(request, 200)
        return nobody.create_response(request, _OUTSIDE if request.method == "INVITE" else 481)


def repeat(
    agent: Agent, request: SipRequest, to: Address, *, longest: float = LINGER
) -> asyncio.Task[None]:
    """Send a request, and again after longer and longer pauses, until the task is cancelled."""

    async def run() -> None:
        pause = T1
        while True:
            agent.send(request, to)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    return asyncio.get_running_loop().create_task(run())


def _key(message: SipRequest | SipResponse) -> tuple[str, str]:
    """Return what an answer has in common with its request: the branch and the method."""
    via, cseq = message.via, message.cseq
    return (via[0].branch or "" if via else "", cseq.method if cseq else "")


def _belongs(dialog: Dialog, request: SipRequest) -> bool:
    """Say whether a request comes from the other side of this dialog."""
    sender, to = request.from_addr, request.to_addr
    theirs, ours = (sender.tag if sender else ""), (to.tag if to else "")
    return theirs == dialog.remote_tag and ours == dialog.local_tag and dialog.state in _KNOWN


_KNOWN = (DialogState.CONFIRMED, DialogState.TERMINATED)


def _facing(family: int, server: Any) -> str:
    """Return our own address on the way to the server; nothing is sent to find out."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        return str(probe.getsockname()[0])


async def _bound(host: str, port: int) -> "_Wire":
    """Bind to the port, or to any where it is taken: two processes may share a machine."""
    try:
        return await _Wire.open((host, port))
    except OSError:
        if not port:
            raise
        return await _Wire.open((host, 0))


class _Wire(UdpSipTransport):
    """aiosipua's transport, which under Python 3.11 and uvloop does not know its own socket."""

    @classmethod
    async def open(cls, address: Address) -> "_Wire":
        """Bind and listen; raises OSError."""
        made = cls(local_addr=address)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(made), local_addr=address
        )
        made._udp_transport = transport
        made.local_addr = transport.get_extra_info("sockname")[:2]
        return made


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        # anybody can send anything to a port: it is not even worth a line in the log
        if _whole(data):
            self._wire._dispatch(data, (str(addr[0]), int(addr[1])))  # noqa: SLF001


def _whole(data: bytes) -> bool:
    """Say whether a datagram is a message with all that every message has."""
    try:
        read = SipMessage.parse(data)
        told = read.from_addr, read.to_addr, read.cseq, read.call_id, _key(read)[0]
    except (ValueError, IndexError):
        return False
    return all(told)
