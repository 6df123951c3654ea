"""The sound of one call: speech goes out every 20 ms, keys come in (RFC 3550 and 4733)."""

import asyncio
import re
import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from aiortp import PortAllocator, RTPSession
from aiortp.dtmf import EVENT_TO_DIGIT
from aiortp.packet import RtpPacket
from aiosipua.sdp import SdpMessage
from aiosipua.sdp_negotiate import build_sdp

from channels._sip import Address

PCMU = 0
EVENTS = 101
"""The payload type under which we ask for keys."""
RATE = 8000
FRAME = 160
"""Bytes of mu-law in 20 ms."""
SILENCE = b"\xff" * FRAME
_AHEAD = 4
"""Frames that are handed on before their time: what is still heard after a key, 80 ms."""
_TURN = 0.04
"""Seconds between two looks whether more is wanted."""
_NOWHERE = ("127.0.0.1", 9)
"""Where sound goes while nobody has picked up: none does."""
_HELD = ("0.0.0.0", "::")
_HEADER, _EVENT = 12, 4
"""Bytes of a packet's head, and of what tells of a key."""
_APART = 0.5
"""Seconds without a word of a key, after which the same one is pressed again."""
_REMEMBERED = 32
_KEY = re.compile("[0-9*#]")


class MediaError(ValueError):
    """The other side cannot be spoken with; the sentence says why."""


class Media:
    """The sound of one call; silent until `connect`."""

    def __init__(self, session: "_Session", port: int) -> None:
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        """The keys that were pressed and not yet looked at."""
        self._session = session
        self._port = port
        self._waiting: deque[bytes] = deque()
        self._played = asyncio.Event()
        self._feeding: asyncio.Task[None] | None = None
        session.on_key = self.press

    @classmethod
    async def bind(cls, host: str, ports: PortAllocator) -> "Media":
        """Take a pair of free ports; raises OSError, RuntimeError where none is free."""
        session = await _Session.create(
            (host, 0),
            _NOWHERE,
            PCMU,
            clock_rate=RATE,
            dtmf_payload_type=EVENTS,
            paced=True,
            port_allocator=ports,
        )
        return cls(cast(_Session, session), session._allocated_rtp_port or 0)  # noqa: SLF001 - told nowhere else

    @property
    def packets(self) -> int:
        """Return how many packets have come from the other side."""
        return self._session.packets

    def offer(self, host: str, public_host: str = "") -> SdpMessage:
        """Return what we tell the other side about our sound."""
        shown = public_host or None
        return build_sdp(host, self._port, PCMU, "PCMU", RATE, EVENTS, advertised_ip=shown)

    def connect(self, answer: SdpMessage | None) -> None:
        """Begin to send, to where the answer says; raises MediaError."""
        self.follow(answer)
        self._feeding = asyncio.create_task(self._feed())

    def follow(self, answer: SdpMessage | None) -> None:
        """Send to where the other side wants it from now on; raises MediaError."""
        where = answer.rtp_address if answer else None
        if answer is None or answer.audio is None or where is None or not where[1]:
            raise MediaError("The other side takes no sound.")
        if str(PCMU) not in answer.audio.formats:
            raise MediaError("The other side does not take PCMU.")
        # the old way to say "hold on"; sound sent there would come to ourselves
        if where[0] not in _HELD:
            self._session.peer = where[0]
            self._session.events = _events(answer)
            self._session.update_remote(where)

    def press(self, digit: str) -> None:
        """Take a key, however it came."""
        if _KEY.fullmatch(digit):
            self.keys.put_nowait(digit)

    async def play(self, sound: bytes) -> None:
        """Return when mu-law sound is out but for 80 ms; whoever is cancelled stops it."""
        frames = range(0, len(sound), FRAME)
        self._waiting.extend(sound[at : at + FRAME].ljust(FRAME, b"\xff") for at in frames)
        try:
            while self._waiting:
                self._played.clear()
                await self._played.wait()
        finally:
            self._waiting.clear()

    async def close(self) -> None:
        """Fall silent and give the ports back."""
        if self._feeding is not None:
            self._feeding.cancel()
            with suppress(asyncio.CancelledError):
                await self._feeding
        await self._session.close()

    async def _feed(self) -> None:
        """Keep a little ahead of the clock, with silence where nothing is said.

        Sound that stops is taken for a call that is over, by phones and by firewalls.
        """
        while True:
            for _ in range(_AHEAD - int(self._session.stats["queue_depth"])):
                frame = self._waiting.popleft() if self._waiting else SILENCE
                self._session.send_audio_auto(frame)
            if not self._waiting:
                self._played.set()
            await asyncio.sleep(_TURN)


class _Session(RTPSession):
    """aiortp's session, which would hear anybody, and some keys twice or never.

    It takes a key at its end, and knows it again by its time alone; some devices begin anew with
    each key, and an end can be lost.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.peer = ""
        self.events = frozenset({EVENTS})
        """The payload types of keys: ours, and the one that the other side has named."""
        self.packets = 0
        self.on_key: Callable[[str], None] = lambda _key: None
        self._heard: OrderedDict[tuple[int, int], float] = OrderedDict()

    def _handle_rtp(self, data: bytes, addr: Address) -> None:
        # a key confirms: only the other side is heard
        if addr[0] != self.peer or len(data) < _HEADER:
            return
        self.packets += 1
        with suppress(ValueError, IndexError, struct.error):
            if data[1] & 0x7F in self.events:
                self._event(RtpPacket.parse(data))
            else:
                super()._handle_rtp(data, addr)

    def _event(self, packet: RtpPacket) -> None:
        """Take a key with the first packet of it that comes; it is told of about ten times."""
        if len(packet.payload) < _EVENT:
            return
        key = packet.timestamp, packet.payload[0]
        now = asyncio.get_running_loop().time()
        fresh = now - self._heard.pop(key, -_APART) >= _APART
        self._heard[key] = now
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        if fresh and key[1] in EVENT_TO_DIGIT:
            self.on_key(EVENT_TO_DIGIT[key[1]])


def _events(answer: SdpMessage) -> frozenset[int]:
    """Return the payload types under which keys may come.

    Ours is the right one; many a device sends the one of its own answer.
    """
    codecs = answer.audio.codecs if answer.audio else []
    named = {one.payload_type for one in codecs if one.encoding_name.lower() == "telephone-event"}
    return frozenset({EVENTS, *named})
