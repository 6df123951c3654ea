"""Somebody who is called by SIP on loopback and does as a test says; plain text, no library."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PICKS_UP = 200
EVENTS = 101


@dataclass
class Callee(asyncio.DatagramProtocol):
    """Answers an INVITE with `answers` one after the other; an INVITE that is repeated is ignored."""

    answers: list[int] = field(default_factory=lambda: [180])
    headers: str = ""
    """More headers of every answer, each with its line end."""
    sdp: str = "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    keys: list[tuple[float, str]] = field(default_factory=list)
    """(seconds after picking up, key) of the keys that are pressed."""
    hangs_up: float = 0
    """Seconds after picking up until they hang up; 0: never."""
    talks: bool = True
    """Whether sound comes from them."""
    deaf: bool = False
    """Whether nothing at all is answered."""
    transfers: int = 202
    ends: int = 200
    """How a transfer ends, as a NOTIFY tells."""
    methods: list[str] = field(default_factory=list)
    """What has arrived, in order."""
    texts: list[str] = field(default_factory=list)
    heard: int = 0
    """Packets of sound that have come."""
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _wire: Any = None
    _media: "_Media | None" = None

    def connection_made(self, transport: Any) -> None:
        self._wire = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        text = data.decode()
        method = text.split(" ", 1)[0]
        if method == "SIP/2.0":
            return
        again = method == "INVITE" and text in self.texts
        self.methods.append(method)
        self.texts.append(text)
        if self.deaf or again or method == "ACK":
            return
        if method == "INVITE":
            self._start(self._ring(text, addr))
            return
        code = {"REFER": self.transfers, "OPTIONS": self.answers[-1]}.get(method, PICKS_UP)
        self._answer(code, text, addr)
        if method == "CANCEL":
            invite = next(one for one in self.texts if one.startswith("INVITE"))
            self._answer(487, invite, addr)
        if method == "REFER" and code == 202:
            self._ask("NOTIFY", addr, f"SIP/2.0 {self.ends} -\r\n")

    async def _ring(self, invite: str, addr: Any) -> None:
        for code in self.answers:
            await asyncio.sleep(0.02)
            if "CANCEL" in self.methods:
                return
            if code == PICKS_UP:
                await self._pick_up(invite, addr)
            else:
                self._answer(code, invite, addr)

    async def _pick_up(self, invite: str, addr: Any) -> None:
        loop = asyncio.get_running_loop()
        to = int(re.search(r"m=audio (\d+)", invite)[1])
        _, self._media = await loop.create_datagram_endpoint(
            lambda: _Media(self), local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", to)
        )
        sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{self.sdp}"
        self._answer(200, invite, addr, sdp.format(port=self._media.port))
        if self.talks:
            self._start(self._talk(self._media))
        for after, key in self.keys:
            loop.call_later(after, self._media.press, key)
        if self.hangs_up:
            loop.call_later(self.hangs_up, self._ask, "BYE", addr)

    async def _talk(self, media: "_Media") -> None:
        while True:
            media.send(0, b"\xff" * 160, media.count * 160)
            await asyncio.sleep(0.02)

    def _answer(self, code: int, request: str, addr: Any, body: str = "") -> None:
        """Answer a request as it came, with a tag of ours."""
        copied = re.findall(r"(?m)^((?:Via|From|Call-ID|CSeq): .*)\r$", request)
        to = re.search(r"(?m)^(To: .*)\r$", request)[1]
        tag = "" if ";tag=" in to else ";tag=callee"
        head = [
            f"SIP/2.0 {code} -",
            *copied,
            f"{to}{tag}",
            f"Contact: <sip:them@127.0.0.1:{self.port}>",
        ]
        kind = "Content-Type: application/sdp\r\n" if body else ""
        said = (
            "\r\n".join(head) + f"\r\n{self.headers}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._wire.sendto(said.encode(), addr)

    def _ask(self, method: str, addr: Any, body: str = "", kind: str = "") -> None:
        """Send a request within the call."""
        invite = next(one for one in self.texts if one.startswith("INVITE"))
        ours = re.search(r"(?m)^To: (.*)\r$", invite)[1]
        theirs = re.search(r"(?m)^From: (.*)\r$", invite)[1]
        call = re.search(r"(?m)^Call-ID: (.*)\r$", invite)[1]
        said = (
            f"{method} sip:us@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{method}{len(self.texts)}\r\n"
            f"From: {ours};tag=callee\r\nTo: {theirs}\r\nCall-ID: {call}\r\n"
            f"CSeq: {len(self.texts)} {method}\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._wire.sendto(said.encode(), addr)

    def ask(self, method: str, body: str = "", kind: str = "") -> None:
        """Send a request within the call to who has called."""
        contact = next(one for one in self.texts if one.startswith("INVITE"))
        port = int(re.search(r"(?m)^Contact: <sip:.*:(\d+)>", contact)[1])
        self._ask(method, ("127.0.0.1", port), body, kind)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._media is not None:
            self._media.wire.close()
        self._wire.close()


class _Media(asyncio.DatagramProtocol):
    """The callee's sound."""

    def __init__(self, callee: Callee) -> None:
        self.callee = callee
        self.count = 0

    def connection_made(self, transport: Any) -> None:
        self.wire = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        del data, addr
        self.callee.heard += 1

    def send(self, kind: int, payload: bytes, timestamp: int) -> None:
        if not self.wire.is_closing():
            self.count += 1
            head = struct.pack("!BBHII", 0x80, kind, self.count & 0xFFFF, timestamp, 7)
            self.wire.sendto(head + payload)

    def press(self, key: str, kind: int = EVENTS) -> None:
        """Press a key as RFC 4733 has it: it lasts, and its end is said three times."""
        event, began = "0123456789*#".index(key), self.count * 160 + 1
        for at in range(1, 9):
            last = 0x80 if at > 5 else 0
            self.send(kind, struct.pack("!BBH", event, last | 10, min(at, 6) * 160), began)


@asynccontextmanager
async def called(**does: Any) -> AsyncIterator[Callee]:
    """Give somebody on a free port of loopback."""
    loop = asyncio.get_running_loop()
    _, callee = await loop.create_datagram_endpoint(
        lambda: Callee(**does), local_addr=("127.0.0.1", 0)
    )
    try:
        yield callee
    finally:
        await callee.end()
