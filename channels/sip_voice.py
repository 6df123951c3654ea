"""Calls by SIP, through a local carrier's trunk or a house exchange: placed and played by us."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import structlog
from aiortp import PortAllocator

from channels._sip import UNAUTHORIZED, Agent, Trunk
from channels._sip_call import Call
from channels._sip_live import Keep, Live
from channels._sip_media import Media
from channels._sip_talk import Manner, Sound, sounds
from channels._voice import VoiceError
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
from content import call as flow
from content.call import Line, Script
from content.message import Kind, Message
from content.reason import Reason

log = structlog.get_logger("sip")

# what the other side answers -> what it means, and whether asking again cannot help
CODES: dict[int, tuple[Reason, bool]] = {
    **dict.fromkeys((404, 410, 484, 604), (Reason.NUMBER_INVALID, True)),
    **dict.fromkeys((486, 600), (Reason.BUSY, False)),
    **dict.fromkeys((408, 480, 487), (Reason.NO_ANSWER, False)),
    603: (Reason.DECLINED, False),
    **dict.fromkeys((401, 407), (Reason.CREDENTIALS, True)),
    # not our number to call from, not paid for, no codec in common
    **dict.fromkeys((402, 403, 405, 415, 488, 606), (Reason.PROVIDER_REFUSED, True)),
    **dict.fromkeys((500, 502, 503, 504, 580), (Reason.PROVIDER_DOWN, False)),
}
THE_TRUNK = (Reason.CREDENTIALS, Reason.PROVIDER_REFUSED, Reason.PROVIDER_DOWN)
"""Reasons that lie with the trunk: where it gives them at once, nothing was taken."""
# how a call has ended -> what that means, where its code does not say so
HOW = {
    "no_answer": Reason.NO_ANSWER,
    "recalled": Reason.CANCELLED_CALL,
    "stopped": Reason.CANCELLED_CALL,
    "no_sound": Reason.UNDELIVERED,
}
STATES = {"ringing": State.RINGING, "answered": State.ANSWERED, "ended": State.COMPLETED}
MANNER = Manner()
LINES = 2
PORTS = (16384, 16583)
FULL = 1.0
"""Seconds to pause where every line or port is taken."""
_NUMBER = re.compile(r"\+[1-9]\d{5,14}", re.ASCII)
_REF = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CALL = re.compile(r"[\x21-\x7e]{1,80}", re.ASCII)
_KEY = re.compile(r"[0-9*#]{1,20}", re.ASCII)
_ALIVE = 501
"""Not implemented: the answer of a server that is well and knows no OPTIONS."""


class SipVoice:
    """One trunk that calls. `keep` returns when a raw event is kept, `sound` gives a line's sound.

    server: `host` or `host:port`. ports: the first and last port for sound. patience: real seconds
    that the trunk may be silent; ring: those that a phone rings; pause: those after a sentence;
    longest: those of a whole call, unless a long message needs more; after: those that are then
    left for keys; grace: those for which a talk goes on when we close. transfers:
    whether the trunk connects a call to somebody else (REFER).
    """

    kind = Kind.CALL
    abilities = Abilities(receipts=True, plays=True)

    def __init__(
        self,
        server: str,
        keep: Keep,
        sound: Sound,
        *,
        domain: str = "",
        user: str = "",
        password: str = "",
        number: str = "",
        host: str = "",
        port: int = 0,
        public_host: str = "",
        dial: Literal["e164", "national"] = "e164",
        prefix: str = "",
        ports: tuple[int, int] = PORTS,
        lines: int = LINES,
        ring: float = MANNER.ring,
        pause: float = MANNER.pause,
        longest: float = MANNER.longest,
        after: float = MANNER.after,
        transfers: bool = False,
        patience: float = 8,
        grace: float = 15,
        name: str = "sip_voice",
    ) -> None:
        self.name = name
        self._keep = keep
        self._sound = sound
        self._trunk = Trunk(
            server, domain, user, password, number, host, port, public_host, dial, prefix
        )
        self._agent = Agent(self._trunk, patience)
        self._ports = PortAllocator((ports[0], ports[1] + 1))
        self._lines = lines
        self._manner = Manner(ring, pause, longest, after)
        self._transfers = transfers
        self._grace = grace
        self._refs: set[str] = set()
        """The calls that take a line."""
        self._live: dict[str, Live] = {}
        self._following: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        """What is still kept of calls that are over."""

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Have the trunk call the number `to`; returns when it has begun to. Raises SendError.

        What is said is rendered before anybody's phone rings. A trunk that says nothing at all has
        not been heard by anybody either: nothing was said, and it may be tried again.
        """
        if message.speech is None or not _REF.fullmatch(ref):
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_speech")
        if not _NUMBER.fullmatch(to):
            raise SendError(Reason.NUMBER_INVALID, permanent=True) from None
        if len(self._refs) >= self._lines:
            raise SendError(Reason.RATE_LIMITED, retry_after=FULL, code="lines")
        self._refs.add(ref)
        try:
            script = flow.script(message.speech, self._trunk.number)
            said = await self._said(script)
            live = await self._placed(to, ref)
        except BaseException:
            self._refs.discard(ref)
            raise
        self._live[live.call.id] = live
        task = asyncio.create_task(self._follow(live, script, said))
        self._following.add(task)
        task.add_done_callback(self._ended)
        return Receipt(live.call.id, State.ACCEPTED)

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Raise SendError: SIP cannot be asked about a call that is over."""
        del to, message, since
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True)

    async def cancel(self, provider_id: str) -> bool:
        """Stop ringing; False where somebody has picked up, or the call is another process's."""
        live = self._live.get(provider_id)
        return live is not None and live.recall()

    async def test(self) -> None:
        """Ask the trunk how it is, and whether it knows our password; raises SendError."""
        await self._open()
        nobody = self._agent.begin(self._trunk.itself)
        answer = await self._agent.ask(nobody, "OPTIONS", self._agent.server)
        if answer is None:
            raise SendError(Reason.PROVIDER_DOWN)
        code = answer.status_code
        if code in UNAUTHORIZED:
            raise SendError(Reason.CREDENTIALS, permanent=True, code=str(code))
        if code == 408 or (code >= 500 and code != _ALIVE):  # noqa: PLR2004 - the codes themselves
            raise SendError(Reason.PROVIDER_DOWN, code=str(code))

    def event_id(self, request: Request) -> str:
        """Return the call's id with the event's number in it; raises BadEventError."""
        _what(request)
        return f"{_text(request.data, 'call', _CALL)}:{_whole(request.data, 'number')}"

    def parse(self, request: Request) -> list[Event]:
        """Read what a call has reported (`status/<ref>`) or a key (`key/<ref>`).

        Raises BadEventError for what we have not written ourselves.
        """
        what, ref = _what(request)
        call = _text(request.data, "call", _CALL)
        if what == "key":
            return [_key(request.data, ref, call)]
        return [_status(request.data, ref, call)]

    async def idle(self) -> None:
        """Return when no call is under way."""
        while self._following:
            await asyncio.wait(self._following)

    async def close(self) -> None:
        """Stop ringing, let who is being spoken to hear the end for a moment, and close."""
        for live in self._live.values():
            live.recall()
        if self._following:
            await asyncio.wait(self._following, timeout=self._grace)
        for some in (self._following, self._late):
            for task in some:
                task.cancel()
            await asyncio.gather(*some, return_exceptions=True)
        await self._agent.close()

    async def _said(self, script: Script) -> dict[Line, bytes]:
        try:
            return await sounds(script, self._sound)
        except VoiceError:
            raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_speech") from None
        except OSError:
            raise SendError(Reason.PROVIDER_DOWN, code="disk") from None

    async def _placed(self, to: str, ref: str) -> Live:
        """Return the call once the trunk has it."""
        await self._open()
        agent = self._agent
        try:
            media = await Media.bind(agent.local[0], self._ports)
        except (OSError, RuntimeError):
            raise SendError(Reason.RATE_LIMITED, retry_after=FULL, code="ports") from None
        call = Call(
            agent, self._trunk.uri(to), media.offer(agent.local[0], self._trunk.public_host)
        )
        try:
            await call.place()
            _check(call)
        except BaseException:
            await call.hang_up()
            await media.close()
            raise
        return Live(ref, to, call, media, self._keep)

    async def _follow(self, live: Live, script: Script, said: Mapping[Line, bytes]) -> None:
        try:
            await live.follow(script, said, self._person, self._manner)
        finally:
            self._live.pop(live.call.id, None)
            self._refs.discard(live.ref)
            self._late.add(live.keeping)
            live.keeping.add_done_callback(self._late.discard)
            log.debug("sip.ended", ref=live.ref)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._following.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("sip.broken", exc_info=task.exception())

    async def _open(self) -> None:
        try:
            await self._agent.open()
        except OSError:
            raise SendError(Reason.PROVIDER_DOWN, code="address") from None

    def _person(self, number: str) -> str:
        """Return the address that a call is transferred to; empty: the trunk does no such thing."""
        return self._trunk.uri(number) if self._transfers else ""


def _check(call: Call) -> None:
    """Raise SendError where the trunk has not taken a call; who is called may have refused it."""
    if not call.heard:
        raise SendError(Reason.PROVIDER_DOWN)
    reason, permanent = _meaning(call.code)
    if not call.code or call.up or reason not in THE_TRUNK:
        return
    code = str(call.code)
    if reason is Reason.PROVIDER_DOWN and call.retry_after:
        raise SendError(Reason.RATE_LIMITED, retry_after=call.retry_after, code=code)
    raise SendError(reason, permanent=permanent, code=code)


def _meaning(code: int) -> tuple[Reason, bool]:
    """Return what an answer means; one that nobody has listed is a number out of reach."""
    return CODES.get(code, (Reason.NUMBER_UNREACHABLE, False))


def _what(request: Request) -> tuple[str, str]:
    what, _, ref = request.path.partition("/")
    if what not in ("status", "key") or not _REF.fullmatch(ref):
        raise BadEventError("No call of ours reports under this address.")
    return what, ref


def _status(data: Mapping[str, object], ref: str, call: str) -> Event:
    state, how = data.get("state"), data.get("how", "")
    told = STATES.get(state) if isinstance(state, str) else None
    if (told is None and state != "failed") or not isinstance(how, str):
        raise BadEventError("A call cannot be in this state.")
    reason, permanent = None, False
    if told is None or (told is State.COMPLETED and how == "no_sound"):
        told = State.FAILED
        reason, permanent = (HOW[how], False) if how in HOW else _meaning(_whole(data, "code"))
    return Event(
        EventKind.RECEIPT,
        ref=ref,
        provider_id=call,
        state=told,
        reason=reason,
        permanent=permanent and reason is Reason.NUMBER_INVALID,
        sequence=_whole(data, "number"),
    )


def _key(data: Mapping[str, object], ref: str, call: str) -> Event:
    return Event(
        EventKind.KEY,
        address=_text(data, "to", _NUMBER),
        ref=ref,
        provider_id=call,
        key=_text(data, "key", _KEY),
    )


def _text(data: Mapping[str, object], field: str, form: re.Pattern[str]) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadEventError(f"The field {field} is missing or is none of ours.")
    return value


def _whole(data: Mapping[str, object], field: str) -> int:
    value = data.get(field, 0)
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise BadEventError(f"The field {field} is not a whole number.")
    return int(value)
