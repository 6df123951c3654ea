"""What every channel promises, held against each entry of the registry."""

import string
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from channels import registry
from channels.base import BadEventError, Channel, Event, Receipt, Request, SendError
from content.call import Line
from content.message import Kind, Message
from tests.channels.callee import Callee

REF = "ab" * 16
NUMBER, CHAT = "+8613800000001", 8001
TO = {Kind.CHAT: str(CHAT), Kind.SMS: NUMBER, Kind.CALL: NUMBER, Kind.SPEAKER: "3号楼"}
NOWHERE = {Kind.CHAT: "424242", Kind.SMS: "12345", Kind.CALL: "12345"}
NAMES = sorted(registry.CHANNELS)
SID = {"CallSid": "CA" + "0" * 32, "MessageSid": "SM" + "0" * 32}
STATUS = {"call": "c1", "number": 1, "state": "ringing"}
EVENTS: dict[str, Request] = {
    "sip_voice": Request("status/r1", STATUS),
    "telegram": Request("", {"update_id": 5}),
    "twilio_sms": Request("status/r1", {**SID, "MessageStatus": "sent"}),
    "twilio_voice": Request("status/r1", {**SID, "CallStatus": "busy"}),
}

Open = Callable[[str], Channel]


async def unkept(request: Request) -> None:
    """Keep nothing of what a call reports."""
    del request


async def hushed(line: Line) -> bytes:
    """Say nothing for a moment."""
    del line
    return b"\xff" * 160


def settings_of(name: str, sandbox: Sandbox | None, folder: Path, trunk: int = 1) -> dict[str, Any]:
    """Return what opens a channel: at the sandbox, or at a port where nobody listens."""
    nobody = "http://127.0.0.1:1"
    twilio = {
        "account_sid": sandbox.account_sid if sandbox else "AC" + "0" * 32,
        "auth_token": sandbox.auth_token if sandbox else "token",
        "sender_number": "+12025550100",
        "public_url": nobody,
        "api_url": sandbox.twilio_url if sandbox else nobody,
    }
    return {
        "telegram": {
            "token": sandbox.telegram_token if sandbox else "7:" + "a" * 35,
            "base_url": sandbox.telegram_base_url if sandbox else f"{nobody}/bot",
        },
        "twilio_sms": twilio,
        "twilio_voice": twilio,
        "sip_voice": {
            "server": f"127.0.0.1:{trunk}",
            "keep": unkept,
            "sound": hushed,
            "ports": (26000, 26099),
            "patience": 0.6,
        },
        "speaker": {"folder": folder},
    }[name]


@pytest.fixture(params=NAMES)
async def channel(
    request: pytest.FixtureRequest, sandbox: Sandbox, callee: Callee, tmp_path: Path
) -> AsyncIterator[Channel]:
    sandbox.phones.add(Phone("李明", NUMBER, chat=CHAT))
    given = settings_of(request.param, sandbox, tmp_path, callee.port)
    opened = registry.open(request.param, given)
    yield opened
    await opened.close()


async def test_sending_returns_a_receipt(channel: Channel, message: Message) -> None:
    receipt = await channel.send(TO[channel.kind], message, REF)
    assert isinstance(receipt, Receipt)
    assert receipt.provider_id


async def test_an_address_that_cannot_work_is_permanent(channel: Channel, message: Message) -> None:
    if channel.kind not in NOWHERE:
        pytest.skip("a loudspeaker's folder is its address")
    with pytest.raises(SendError) as caught:
        await channel.send(NOWHERE[channel.kind], message, REF)
    assert caught.value.permanent


@pytest.mark.parametrize("fault", ["errors", "drops", "throttle"])
async def test_what_goes_wrong_at_a_provider_is_not_permanent(
    channel: Channel, sandbox: Sandbox, callee: Callee, message: Message, fault: str
) -> None:
    callee.answers = [500] if fault == "errors" else [503]
    callee.headers = "Retry-After: 5\r\n" if fault == "throttle" else ""
    callee.deaf = fault == "drops"
    for provider in (sandbox.faults.telegram, sandbox.faults.twilio):
        if fault == "throttle":
            provider.throttle(sandbox.stage.clock, 5000)
        else:
            setattr(provider, fault, 1)
    if channel.kind is Kind.SPEAKER:
        pytest.skip("a loudspeaker has no provider")
    with pytest.raises(SendError) as caught:
        await channel.send(TO[channel.kind], message, REF)
    assert not caught.value.permanent
    # nobody can have been told anything by a call that was never connected
    assert caught.value.unknown is (fault == "drops" and channel.name != "sip_voice")
    assert bool(caught.value.retry_after) is (fault == "throttle")


async def test_an_error_never_quotes_the_address_or_the_text(
    channel: Channel, message: Message
) -> None:
    if channel.kind not in NOWHERE:
        pytest.skip("a loudspeaker's folder is its address")
    with pytest.raises(SendError) as caught:
        await channel.send(NOWHERE[channel.kind], message, REF)
    assert NOWHERE[channel.kind] not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_no_log_line_holds_an_address_or_a_text(
    channel: Channel, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await channel.send(TO[channel.kind], message, REF)
    with suppress(SendError):
        await channel.send(NOWHERE.get(channel.kind, "3号楼"), message, REF)
    assert message.sms not in caplog.text
    assert NUMBER not in caplog.text
    assert message.chat not in caplog.text


async def test_asking_answers_or_says_that_it_cannot_tell(
    channel: Channel, sandbox: Sandbox, message: Message
) -> None:
    since = sandbox.stage.clock.now()
    await channel.send(TO[channel.kind], message, REF)
    if channel.abilities.asks:
        found = await channel.find(TO[channel.kind], message, since)
        assert found is not None
    else:
        with pytest.raises(SendError) as caught:
            await channel.find(TO[channel.kind], message, since)
        assert caught.value.unknown


async def test_a_channel_can_be_closed_twice(channel: Channel, message: Message) -> None:
    await channel.send(TO[channel.kind], message, REF)
    await channel.close()
    assert await channel.close() is None


async def test_a_text_of_any_length_is_sent_or_refused(channel: Channel, message: Message) -> None:
    long = replace(message, chat="长" * 9000, sms="长" * 9000)
    try:
        taken, permanent = await channel.send(TO[channel.kind], long, REF), False
    except SendError as error:
        taken, permanent = None, error.permanent
    assert taken or permanent


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([*SID.values()]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "update_id",
        "message",
        "callback_query",
        "my_chat_member",
        "from",
        "chat",
        "text",
        "data",
        "id",
        "CallSid",
        "MessageSid",
        "CallStatus",
        "MessageStatus",
        "Digits",
        "From",
        "To",
        "Body",
        "NumMedia",
        "ErrorCode",
        "AnsweredBy",
        "call",
        "number",
        "state",
        "how",
        "code",
        "key",
        "to",
    ]
)
paths = st.sampled_from(
    ["", "inbound", "status/r1", "machine/r1", "key/r1/0", "key/r1/9", "script/r1", "/", "status/"]
) | st.text(string.printable, max_size=20)


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(path=paths, data=st.dictionaries(fields, values, max_size=5))
def test_junk_is_refused_and_nothing_else_is_raised(
    name: str, tmp_path: Path, path: str, data: dict[str, object]
) -> None:
    opened = registry.open(name, settings_of(name, None, tmp_path))
    for ask in (opened.parse, opened.event_id):
        found: str | list[Event] = ""
        with suppress(BadEventError):
            found = ask(Request(path, data))
        assert isinstance(found, str) or all(isinstance(one, Event) for one in found)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_event_always_has_the_same_id(name: str, tmp_path: Path) -> None:
    opened = registry.open(name, settings_of(name, None, tmp_path))
    if name not in EVENTS:
        with pytest.raises(BadEventError):
            opened.event_id(Request())
    else:
        assert opened.event_id(EVENTS[name]) == opened.event_id(EVENTS[name])
        assert opened.event_id(EVENTS[name]) != ""
