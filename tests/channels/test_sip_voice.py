"""Calls by SIP to somebody on loopback: what is rung, said, heard and reported."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from channels._sip import Trunk
from channels.base import BadEventError, Event, EventKind, Request, SendError, State
from channels.sip_voice import CODES, SipVoice
from content.call import Line
from content.message import Message
from content.reason import Reason
from tests.channels.callee import Callee, called

REF, PHONE = "ab" * 16, "+8657187654321"
SOUND = b"\x55\xd5" * 400
"""A tenth of a second of a tone."""
BRISK = {"ring": 0.5, "pause": 0.02, "longest": 5, "after": 0.1}
OPTIONS = (
    "OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKx;rport\r\n"
    "From: <sip:a@b>;tag=1\r\nTo: <sip:100@b>\r\nCall-ID: scan\r\nCSeq: 1 OPTIONS\r\n\r\n"
)
ASKED = 0.6
"""Seconds after picking up, when the key has been asked for."""


@dataclass
class House:
    """Keeps what a call reports, and reads it as the inbox does."""

    voice: SipVoice
    events: list[Event] = field(default_factory=list)
    raw: list[Request] = field(default_factory=list)
    said: list[Line] = field(default_factory=list)
    slow: float = 0
    long: str = ""
    """The line that takes a second."""

    async def keep(self, request: Request) -> None:
        await asyncio.sleep(self.slow)
        self.raw.append(request)
        self.events += self.voice.parse(request)

    async def sound(self, line: Line) -> bytes:
        self.said.append(line)
        return SOUND * 10 if line.text == self.long else SOUND

    async def over(self, within: float = 15) -> None:
        """Wait until every call has ended."""
        async with asyncio.timeout(within):
            await self.voice.idle()

    @property
    def states(self) -> list[State | None]:
        return [one.state for one in self.events if one.kind is EventKind.RECEIPT]

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.events if one.kind is EventKind.KEY]


@asynccontextmanager
async def house(callee: Callee, **given: Any) -> AsyncIterator[House]:
    made = House(None)  # type: ignore[arg-type]
    made.voice = SipVoice(
        f"127.0.0.1:{callee.port}",
        made.keep,
        made.sound,
        **BRISK | {"ports": (26100, 26199), "patience": 0.6, "grace": 0} | given,
    )
    try:
        yield made
    finally:
        await made.voice.close()


async def call(message: Message, given: dict[str, Any] | None = None, **does: Any) -> House:
    """Call somebody who behaves like this; return the house once the call has ended."""
    async with called(**does) as callee, house(callee, **(given or {})) as ours:
        await ours.voice.send(PHONE, message, REF)
        await ours.over()
        return ours


@pytest.mark.parametrize("key", ["1", "3"])
async def test_a_key_is_kept_under_the_ref_of_its_call(message: Message, key: str) -> None:
    ours = await call(message, answers=[180, 200], keys=[(ASKED, key)])
    assert [(one.ref, one.key, one.address) for one in ours.events if one.key] == [
        (REF, key, PHONE)
    ]
    assert ours.states == [State.RINGING, State.ANSWERED, State.COMPLETED]


@pytest.mark.slow
async def test_key_2_says_everything_again(message: Message) -> None:
    ours = await call(message, answers=[180, 200], keys=[(ASKED, "2"), (2 * ASKED + 0.4, "1")])
    assert ours.keys == ["2", "1"]


@pytest.mark.slow
async def test_a_wrong_key_is_kept_and_another_one_asked_for(message: Message) -> None:
    ours = await call(message, answers=[180, 200], keys=[(ASKED, "7"), (2 * ASKED + 0.4, "1")])
    assert ours.keys == ["7", "1"]
    assert ours.states[-1] is State.COMPLETED


async def test_a_key_pressed_before_anything_is_asked_counts_as_none(message: Message) -> None:
    ours = await call(message, answers=[200], keys=[(0.05, "1")], hangs_up=ASKED)
    assert ours.keys == []


async def test_thanks_are_said_only_once_the_key_is_kept(message: Message) -> None:
    async with called(answers=[200], keys=[(ASKED, "1")]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await asyncio.sleep(ASKED / 2)
        ours.slow = 1.0
        await asyncio.sleep(ASKED / 2 + 0.8)
        assert "BYE" not in callee.methods
        await ours.over()
    assert ours.keys == ["1"]


async def test_who_presses_a_key_and_hangs_up_in_the_same_moment_has_pressed_it(
    message: Message,
) -> None:
    async with called(answers=[200]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await asyncio.sleep(ASKED)
        callee.ask("BYE")
        callee._media.press("1")
        # both lie in wait when our side comes to look
        time.sleep(0.1)  # noqa: ASYNC251 - this is the stall
        await ours.over()
    assert ours.keys == ["1"]


async def test_what_has_happened_is_kept_although_the_call_is_over(message: Message) -> None:
    async with called(answers=[486]) as callee, house(callee) as ours:
        ours.slow = 6
        await ours.voice.send(PHONE, message, REF)
        await ours.over()
        assert ours.events == []
        await asyncio.gather(*ours.voice._late)
    assert ours.states == [State.FAILED]


REFUSALS = [
    (486, Reason.BUSY),
    (600, Reason.BUSY),
    (480, Reason.NO_ANSWER),
    (408, Reason.NO_ANSWER),
    (404, Reason.NUMBER_INVALID),
    (410, Reason.NUMBER_INVALID),
    (484, Reason.NUMBER_INVALID),
    (604, Reason.NUMBER_INVALID),
    (603, Reason.DECLINED),
    (488, Reason.PROVIDER_REFUSED),
    (499, Reason.NUMBER_UNREACHABLE),
]


@pytest.mark.parametrize(("code", "reason"), REFUSALS)
async def test_who_is_called_refuses(message: Message, code: int, reason: Reason) -> None:
    ours = await call(message, answers=[180, code])
    last = ours.events[-1]
    assert (last.state, last.reason) == (State.FAILED, reason)
    assert last.permanent is (reason is Reason.NUMBER_INVALID)


async def test_every_refusal_is_acknowledged(message: Message) -> None:
    async with called(answers=[486]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await ours.over()
        assert callee.methods == ["INVITE", "ACK"]


async def test_nobody_answers_and_the_phone_stops_ringing(message: Message) -> None:
    async with called(answers=[180]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await ours.over()
        assert callee.methods == ["INVITE", "CANCEL", "ACK"]
    assert (ours.events[-1].state, ours.events[-1].reason) == (State.FAILED, Reason.NO_ANSWER)


async def test_hanging_up_in_the_middle_confirms_nothing(message: Message) -> None:
    ours = await call(message, answers=[180, 200], hangs_up=0.1)
    assert ours.states == [State.RINGING, State.ANSWERED, State.COMPLETED]
    assert ours.raw[-1].data["how"] == "hung_up"
    assert ours.keys == []


@pytest.mark.slow
async def test_a_line_from_which_nothing_comes_has_not_delivered(message: Message) -> None:
    ours = await call(message, {"longest": 20}, answers=[200], talks=False)
    assert (ours.events[-1].state, ours.events[-1].reason) == (State.FAILED, Reason.UNDELIVERED)


async def test_who_cannot_hear_our_sound_is_let_go(message: Message) -> None:
    async with called(answers=[200], sdp="m=audio {port} RTP/AVP 8\r\n") as callee:
        async with house(callee) as ours:
            await ours.voice.send(PHONE, message, REF)
            await ours.over()
        assert callee.methods == ["INVITE", "ACK", "BYE"]
    assert ours.events[-1].reason is Reason.UNDELIVERED


async def test_a_call_that_nobody_needs_stops_ringing(message: Message) -> None:
    async with called(answers=[180]) as callee, house(callee) as ours:
        receipt = await ours.voice.send(PHONE, message, REF)
        assert await ours.voice.cancel(receipt.provider_id)
        await ours.over()
        assert not await ours.voice.cancel(receipt.provider_id)
    assert ours.events[-1].reason is Reason.CANCELLED_CALL


async def test_a_phone_picked_up_while_it_stops_ringing_is_hung_up(message: Message) -> None:
    async with called(answers=[180]) as callee, house(callee) as ours:
        receipt = await ours.voice.send(PHONE, message, REF)
        callee.deaf = True  # the cancellation is lost
        await ours.voice.cancel(receipt.provider_id)
        await asyncio.sleep(0.1)
        callee.deaf = False
        invite = next(one for one in callee.texts if one.startswith("INVITE"))
        await callee._pick_up(invite, ("127.0.0.1", ours.voice._agent.local[1]))
        await ours.over()
        await until(lambda: callee.methods[-2:] == ["ACK", "BYE"])
    assert ours.keys == []


async def test_a_call_that_was_answered_cannot_be_taken_back(message: Message) -> None:
    async with called(answers=[200]) as callee, house(callee) as ours:
        receipt = await ours.voice.send(PHONE, message, REF)
        await until(lambda: State.ANSWERED in ours.states)
        assert not await ours.voice.cancel(receipt.provider_id)


async def test_no_call_lasts_longer_than_it_may(message: Message) -> None:
    ours = await call(message, {"longest": 1}, answers=[200])
    assert ours.raw[-1].data["how"] == "too_long"
    assert ours.states[-1] is State.COMPLETED


async def test_a_long_message_is_told_twice_and_its_key_taken(message: Message) -> None:
    given = {"longest": 0.1, "after": 1.0}
    ours = await call(message, given, answers=[200], keys=[(ASKED, "1")])
    assert ours.keys == ["1"]


async def test_closing_ends_what_rings_and_what_talks(message: Message) -> None:
    async with called(answers=[200]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await until(lambda: State.ANSWERED in ours.states)
        await ours.voice.close()
        assert callee.methods[-1] == "BYE"
    assert ours.states[-1] is State.COMPLETED


async def test_there_are_never_more_calls_than_lines(message: Message) -> None:
    async with called(answers=[180]) as callee, house(callee, lines=1) as ours:
        await ours.voice.send(PHONE, message, REF)
        with pytest.raises(SendError) as caught:
            await ours.voice.send(PHONE, message, "cd" * 16)
    assert caught.value.retry_after


@pytest.mark.slow
async def test_an_invite_is_repeated_until_something_comes_back(message: Message) -> None:
    async with called(deaf=True) as callee, house(callee, patience=2) as ours:
        sending = asyncio.create_task(ours.voice.send(PHONE, message, REF))
        await asyncio.sleep(0.2)
        callee.deaf, callee.texts = False, []
        await sending
    assert callee.methods[:2] == ["INVITE", "INVITE"]


@pytest.mark.parametrize(
    ("code", "reason", "permanent"),
    [
        (403, Reason.PROVIDER_REFUSED, True),
        (407, Reason.CREDENTIALS, True),
        (500, Reason.PROVIDER_DOWN, False),
    ],
)
async def test_the_trunk_refuses(
    message: Message, code: int, reason: Reason, permanent: bool
) -> None:
    async with called(answers=[code]) as callee, house(callee) as ours:
        with pytest.raises(SendError) as caught:
            await ours.voice.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.permanent) == (reason, permanent)


@pytest.mark.parametrize("ends", [200, 486])
async def test_key_0_is_transferred_to_a_person_or_told_the_number(
    message: Message, ends: int
) -> None:
    speech = replace(message.speech, person="+8657188001234", connecting="请稍等。")
    asked = replace(message, speech=speech)
    given = {"transfers": True}
    ours = await call(asked, given, answers=[200], keys=[(ASKED, "0")], ends=ends)
    assert ours.raw[-1].data["how"] == ("handed_on" if ends == 200 else "finished")
    assert any("零五七幺" in line.text for line in ours.said)


async def test_a_key_by_info_counts_as_well(message: Message) -> None:
    async with called(answers=[200]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await asyncio.sleep(ASKED)
        callee.ask(
            "INFO", "Signal=1\r\nDuration=160\r\n", "Content-Type: application/dtmf-relay\r\n"
        )
        await ours.over()
    assert ours.keys == ["1"]


async def test_a_key_from_somewhere_else_is_not_heard(message: Message) -> None:
    sdp = "c=IN IP4 127.0.0.2\r\nm=audio {port} RTP/AVP 0 101\r\n"
    ours = await call(message, answers=[200], keys=[(ASKED, "1")], hangs_up=1.2, sdp=sdp)
    assert ours.keys == []


JUNK = [
    b"",
    b"\r\n\r\n",
    b"\x80\x65",
    b"\x80\x65" + b"\0" * 10,
    b"\x80\xe5" + b"\0" * 11 + b"\x01",
    b"\xff" * 2000,
    b"SIP/2.0 abc\r\n\r\n",
    b"SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: y\r\nVia: z\r\n\r\n",
    b"BYE sip:x SIP/2.0\r\nCall-ID: x\r\n\r\n",
    b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP\r\n\r\nv=0\r\nm=audio\r\n",
]


async def test_junk_on_our_ports_disturbs_no_call(message: Message) -> None:
    async with called(answers=[200], keys=[(2 * ASKED, "1")]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        await asyncio.sleep(ASKED)
        for junk in JUNK:
            callee._wire.sendto(junk, ours.voice._agent.local)
            callee._media.wire.sendto(junk)
        await ours.over()
    assert ours.keys == ["1"]


async def test_who_looks_for_an_open_exchange_hears_nothing(message: Message) -> None:
    async with called(answers=[180]) as callee, house(callee) as ours:
        await ours.voice.send(PHONE, message, REF)
        port, heard = ours.voice._agent.local[1], []
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(
            lambda: Stranger(heard), local_addr=("127.0.0.2", 0)
        )
        stranger.sendto(OPTIONS.encode(), ("127.0.0.1", port))
        await asyncio.sleep(0.2)
        stranger.close()
    assert heard == []


class Stranger(asyncio.DatagramProtocol):
    def __init__(self, heard: list[bytes]) -> None:
        self.heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        del addr
        self.heard.append(data)


@pytest.mark.parametrize("code", [200, 404, 405, 501])
async def test_a_trunk_that_answers_is_well(code: int) -> None:
    async with called(answers=[code]) as callee, house(callee) as ours:
        assert await ours.voice.test() is None


@pytest.mark.parametrize(("deaf", "code"), [(True, 200), (False, 503), (False, 401)])
async def test_a_trunk_that_cannot_take_calls_is_not(deaf: bool, code: int) -> None:
    async with called(answers=[code], deaf=deaf) as callee, house(callee) as ours:
        with pytest.raises(SendError):
            await ours.voice.test()


@pytest.mark.parametrize(
    ("number", "dial", "prefix", "dialled"),
    [
        ("+8657187654321", "e164", "", "+8657187654321"),
        ("+8657187654321", "national", "", "057187654321"),
        ("+8613800000001", "national", "9", "913800000001"),
        ("+12025550100", "national", "", "0012025550100"),
    ],
)
def test_a_number_is_dialled_as_the_trunk_wants_it(
    number: str, dial: Any, prefix: str, dialled: str
) -> None:
    trunk = Trunk("10.0.0.1", domain="sip.example.cn", dial=dial, prefix=prefix)
    assert trunk.uri(number) == f"sip:{dialled}@sip.example.cn"


@pytest.mark.parametrize(
    ("server", "where", "itself"),
    [
        ("pbx.example.cn", ("pbx.example.cn", 5060), "sip:pbx.example.cn"),
        ("10.0.0.5:5080", ("10.0.0.5", 5080), "sip:10.0.0.5"),
        ("[fd00::5]:5070", ("fd00::5", 5070), "sip:[fd00::5]"),
    ],
)
def test_a_server_is_a_host_with_a_port_or_without(
    server: str, where: tuple[str, int], itself: str
) -> None:
    assert (Trunk(server).where, Trunk(server).itself) == (where, itself)


def test_what_we_have_not_reported_is_refused() -> None:
    voice = SipVoice("127.0.0.1", None, None)  # type: ignore[arg-type]
    for path, data in [
        ("inbound", {}),
        ("key/r1", {"call": "c1", "number": 1, "to": PHONE, "key": "x"}),
        ("status/r1", {"call": "c1", "number": 1, "state": "confirmed"}),
    ]:
        with pytest.raises(BadEventError):
            voice.parse(Request(path, data))


def test_every_code_that_is_listed_is_a_refusal() -> None:
    assert all(400 <= code < 700 for code in CODES)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not ready():  # noqa: ASYNC110 - whatever a test looks at
            await asyncio.sleep(0.01)
