import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from bot.sandbox.phones import (
    BUSY,
    HANGS_UP,
    MACHINE,
    NO_ANSWER,
    NO_SUCH_NUMBER,
    ONLY_LISTENS,
    PRESSES_1,
    PRESSES_3,
    REPEATS_THEN_1,
    WRONG_KEY_THEN_1,
    Behaviour,
    OnCall,
    Phone,
)
from bot.sandbox.server import Sandbox
from bot.sandbox.twiml import parse as check_twiml
from channels._twiml import VOICES
from channels._twiml import of as twiml
from channels.base import BadEventError, EventKind, Request, SendError, State
from channels.twilio_voice import TwilioVoice
from content.call import TURNS, Say, Step, script
from content.message import Message, Speech, Spoken
from content.reason import Reason

CALL = "CA" + "0" * 32
REF = "ab" * 16
PHONE = "+8613800000001"
DONE = {State.COMPLETED, State.FAILED}


@pytest.fixture
async def voice(sandbox: Sandbox, committee: Any) -> AsyncIterator[TwilioVoice]:
    adapter = TwilioVoice(
        sandbox.account_sid,
        sandbox.auth_token,
        sandbox.numbers[0],
        committee.url,
        api_url=sandbox.twilio_url,
    )
    committee.adapters[adapter.name] = adapter
    yield adapter
    await adapter.close()


async def call(voice: TwilioVoice, sandbox: Sandbox, committee: Any, does: OnCall) -> str:
    """Call a phone that behaves like this and return the call's id once it has ended."""
    sandbox.phones.add(Phone("王奶奶", PHONE, behaviour=Behaviour(calls=(does,))))
    receipt = await voice.send(PHONE, committee.message, REF)
    for _ in range(500):
        if {event.state for event in committee.events} & DONE:
            break
        await asyncio.sleep(0.01)
    return receipt.provider_id


@pytest.mark.parametrize(
    ("does", "keys", "end", "reason"),
    [
        (PRESSES_1, ["1"], State.COMPLETED, None),
        (PRESSES_3, ["3"], State.COMPLETED, None),
        (REPEATS_THEN_1, ["2", "1"], State.COMPLETED, None),
        (WRONG_KEY_THEN_1, ["9", "1"], State.COMPLETED, None),
        (ONLY_LISTENS, [], State.COMPLETED, None),
        (HANGS_UP, [], State.COMPLETED, None),
        (BUSY, [], State.FAILED, Reason.BUSY),
        (NO_ANSWER, [], State.FAILED, Reason.NO_ANSWER),
        (NO_SUCH_NUMBER, [], State.FAILED, Reason.NUMBER_INVALID),
    ],
    ids=["1", "3", "2-1", "9-1", "listens", "hangs-up", "busy", "no-answer", "no-number"],
)
async def test_a_call_reports_its_keys_and_its_end(
    voice: TwilioVoice,
    sandbox: Sandbox,
    committee: Any,
    does: OnCall,
    keys: list[str],
    end: State,
    reason: Reason | None,
) -> None:
    sid = await call(voice, sandbox, committee, does)
    pressed = [event for event in committee.events if event.kind is EventKind.KEY]
    ends = [event for event in committee.events if event.state in DONE]
    assert [event.key for event in pressed] == keys
    assert {(event.state, event.reason, event.ref, event.provider_id) for event in ends} == {
        (end, reason, REF, sid)
    }
    assert not committee.refused


async def test_a_machine_is_a_hint_and_confirms_nothing(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    await call(voice, sandbox, committee, MACHINE)
    assert any(event.machine for event in committee.events)
    assert not [event for event in committee.events if event.kind is EventKind.KEY]


async def test_the_message_is_said_twice_before_the_prompt(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    sid = await call(voice, sandbox, committee, PRESSES_1)
    (heard,) = [one for one in sandbox.book.calls if one.sid == sid]
    said = [spoken.text for spoken in heard.script if spoken.text]
    speech = committee.message.speech
    assert said == [
        speech.opening,
        *speech.sentences,
        *speech.sentences,
        speech.prompt,
        speech.answers["1"],
    ]


async def test_silence_hears_everything_once_more_and_then_the_end(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    sid = await call(voice, sandbox, committee, ONLY_LISTENS)
    (heard,) = [one for one in sandbox.book.calls if one.sid == sid]
    said = [spoken.text for spoken in heard.script]
    speech = committee.message.speech
    assert said.count(speech.sentences[0]) == 3
    assert [text for text in said if text][-2:] == [speech.no_key, speech.goodbye]


async def test_someone_who_presses_2_forever_is_let_go(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    sid = await call(voice, sandbox, committee, OnCall(keys=("2",) * 50))
    (heard,) = [one for one in sandbox.book.calls if one.sid == sid]
    assert len(heard.keys) == TURNS


async def test_no_part_of_the_message_is_in_an_address(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    await call(voice, sandbox, committee, PRESSES_1)
    traces = " ".join(one.trace for one in sandbox.book.calls)
    assert REF in traces
    assert "%" not in traces
    assert not re.search(r"[\u4e00-\u9fff]", traces)


async def test_find_tells_the_one_call_made_since(
    voice: TwilioVoice, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("王奶奶", PHONE))
    before = sandbox.stage.clock.now()
    assert await voice.find(PHONE, message, before) is None
    receipt = await voice.send(PHONE, message, REF)
    found = await voice.find(PHONE, message, before)
    assert found is not None
    assert found.provider_id == receipt.provider_id


async def test_find_refuses_to_choose_between_two_calls(
    voice: TwilioVoice, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("王奶奶", PHONE))
    before = sandbox.stage.clock.now()
    await voice.send(PHONE, message, REF)
    await voice.send(PHONE, message, "cd" * 16)
    with pytest.raises(SendError) as caught:
        await voice.find(PHONE, message, before)
    assert caught.value.unknown


async def test_a_call_is_taken_back_once(
    voice: TwilioVoice, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("王奶奶", PHONE, behaviour=Behaviour(calls=(NO_ANSWER,))))
    receipt = await voice.send(PHONE, message, REF)
    assert await voice.cancel(receipt.provider_id)
    for _ in range(100):
        if sandbox.book.calls[0].status == "canceled":
            break
        await asyncio.sleep(0.01)
    assert not await voice.cancel(receipt.provider_id)


async def test_a_message_without_speech_is_not_called_out(
    voice: TwilioVoice, message: Message
) -> None:
    with pytest.raises(SendError) as caught:
        await voice.send(PHONE, replace(message, speech=None), REF)
    assert caught.value.permanent


def test_who_reads_another_language_first_hears_a_sentence_in_their_own(message: Message) -> None:
    speech = replace(message.speech, foreword="The Chinese text follows.")
    said = fromstring(first_of(speech))
    first, second = list(said.iter("Say"))[:2]
    assert (first.get("language"), "".join(first.itertext())) == ("en-US", speech.foreword)
    assert "".join(second.itertext()) == speech.opening


def test_a_caller_who_is_told_nothing_new_is_asked_nothing() -> None:
    step = Step(say=(Say(Spoken.MANDARIN, "现在没有通知。再见。"),))
    said = fromstring(twiml(step, ""))
    assert [one.tag for one in said] == ["Say", "Pause", "Hangup"]


def test_a_call_to_us_is_kept_and_its_keys_are_the_callers(bare: TwilioVoice) -> None:
    form: dict[str, object] = {"CallSid": CALL, "Direction": "inbound", "From": PHONE, "To": "+1"}
    assert bare.parse(Request("inbound", form)) == []
    assert bare.event_id(Request("inbound", form)) == f"{CALL}:inbound"
    (event,) = bare.parse(Request("key/r1/cmn-start.0", {**form, "Digits": "1"}))
    assert (event.address, event.called) == (PHONE, True)


@pytest.mark.parametrize("language", list(Spoken))
def test_every_voice_speaks_its_language(message: Message, language: Spoken) -> None:
    said = first_of(replace(message.speech, language=language))
    assert check_twiml(said.encode(), "text/xml", "voice").tag == "Response"
    assert VOICES[language][1] in said


def test_words_are_listened_to_only_where_the_account_recognises_them(message: Message) -> None:
    step = script(message.speech).steps["cmn-start"]
    deaf, hearing = (
        fromstring(twiml(step, "https://a.example", listens=on)) for on in (False, True)
    )
    assert deaf.find("Gather").get("input") == "dtmf"
    assert hearing.find("Gather").get("language") == "cmn-Hans-CN"
    assert check_twiml(twiml(step, "https://a.example", True).encode(), "text/xml", "voice")


def test_who_wants_a_person_is_connected() -> None:
    step = Step(forward="+8657188001234")
    assert "".join(fromstring(twiml(step, "")).find("Dial").itertext()) == "+8657188001234"


@pytest.mark.parametrize(
    ("path", "form", "kind", "expected"),
    [
        ("status/r1", {"CallStatus": "ringing"}, EventKind.RECEIPT, {"state": State.RINGING}),
        ("status/r1", {"CallStatus": "in-progress"}, EventKind.RECEIPT, {"state": State.ANSWERED}),
        ("status/r1", {"CallStatus": "completed"}, EventKind.RECEIPT, {"state": State.COMPLETED}),
        ("status/r1", {"CallStatus": "busy"}, EventKind.RECEIPT, {"reason": Reason.BUSY}),
        ("status/r1", {"CallStatus": "canceled"}, EventKind.RECEIPT, {"state": State.FAILED}),
        ("status/r1", {"CallStatus": "failed"}, EventKind.RECEIPT, {"permanent": False}),
        (
            "status/r1",
            {"CallStatus": "failed", "SipResponseCode": "404"},
            EventKind.RECEIPT,
            {"permanent": True},
        ),
        ("status/r1", {"CallStatus": "x", "SequenceNumber": "2"}, None, {}),
        ("machine/r1", {"AnsweredBy": "machine_start"}, EventKind.RECEIPT, {"machine": True}),
        ("machine/r1", {"AnsweredBy": "human"}, EventKind.RECEIPT, {"machine": False}),
        ("machine/r1", {"AnsweredBy": "unknown"}, EventKind.RECEIPT, {"machine": False}),
        (
            "key/r1/cmn-start.0",
            {"Digits": "1", "To": PHONE},
            EventKind.KEY,
            {"key": "1", "address": PHONE},
        ),
        ("key/r1/cmn-again.1", {"Digits": ""}, None, {}),
    ],
)
def test_what_twilio_posts_becomes_events(
    bare: TwilioVoice,
    path: str,
    form: dict[str, object],
    kind: EventKind | None,
    expected: dict[str, object],
) -> None:
    events = bare.parse(Request(path, {"CallSid": CALL, **form}))
    assert [event.kind for event in events] == ([kind] if kind else [])
    for event in events:
        assert event.ref == "r1"
        assert {name: getattr(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {}),
        ("elsewhere/r1", {"CallSid": CALL}),
        ("key/r1/cmn-start.999", {"CallSid": CALL, "Digits": "1"}),
        ("key/r1", {"CallSid": CALL, "Digits": "1"}),
        ("key/r1/cmn-start.0", {"CallSid": CALL, "Digits": "11"}),
        ("key/r1/cmn-start.0", {"CallSid": CALL, "Digits": 1}),
        ("key/r1/cmn-start.0", {"CallSid": "CA", "Digits": "1"}),
        ("status/../r1", {"CallSid": CALL}),
        ("status/r1", {"CallSid": CALL, "CallStatus": "busy", "SequenceNumber": "-1"}),
    ],
)
def test_what_twilio_does_not_post_is_refused(
    bare: TwilioVoice, path: str, form: dict[str, object]
) -> None:
    with pytest.raises(BadEventError):
        bare.parse(Request(path, form))


@pytest.mark.parametrize("ended", ["#", "hangup", ""])
def test_a_recording_is_kept_however_its_caller_has_ended_it(bare: TwilioVoice, ended: str) -> None:
    sound = "RE" + "0" * 32
    form = {"CallSid": CALL, "Direction": "inbound", "From": PHONE, "RecordingSid": sound}
    (event,) = bare.parse(Request("hotline/0/cmn-rumor.2", {**form, "Digits": ended}))
    assert (event.kind, event.media.file_id) == (EventKind.MEDIA, sound)


def test_a_key_pressed_again_later_is_another_event(bare: TwilioVoice) -> None:
    first = bare.event_id(Request("key/r1/cmn-start.0", {"CallSid": CALL, "Digits": "2"}))
    again = bare.event_id(Request("key/r1/cmn-again.1", {"CallSid": CALL, "Digits": "2"}))
    assert first != again
    assert first == bare.event_id(Request("key/r1/cmn-start.0", {"CallSid": CALL, "Digits": "2"}))


async def test_the_request_is_what_twilio_describes(
    recorder: Any, message: Message, shared: Path
) -> None:
    recorder.status, recorder.body = 201, json.dumps({"sid": CALL, "status": "queued"})
    adapter = made(recorder.url)
    await adapter.send(PHONE, message, REF)
    await adapter.close()
    ((method, path, form),) = recorder.requests
    hooks = "https://linxun.example/hooks/twilio_voice"
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/AC{'0' * 32}/Calls.json")
    assert form == {
        "To": [PHONE],
        "From": ["+12025550100"],
        "Url": [f"{hooks}/script/{REF}"],
        "StatusCallback": [f"{hooks}/status/{REF}"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "MachineDetection": ["Enable"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": [f"{hooks}/machine/{REF}"],
        "Timeout": ["40"],
        "TimeLimit": ["1800"],
    }
    paths = json.loads((shared / "specs" / "twilio_api_v2010.json").read_text())["paths"]
    post = paths["/2010-04-01/Accounts/{AccountSid}/Calls.json"]["post"]["requestBody"]
    described = post["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(form) <= set(described)


async def test_receipts_that_come_late_and_twice_are_the_same_events(
    voice: TwilioVoice, sandbox: Sandbox, committee: Any
) -> None:
    sandbox.faults.shuffled, sandbox.faults.doubled = 0.5, 1.0
    await call(voice, sandbox, committee, PRESSES_1)
    await sandbox.stage.clock.sleep(40)
    assert len(committee.ids) > len(set(committee.ids))
    told = {one.partition(":")[2] for one in committee.ids}
    assert told >= {"initiated", "ringing", "in-progress", "completed", "key:cmn-start.0:1"}


def first_of(speech: Speech) -> str:
    """Return the TwiML with which a call begins."""
    told = script(speech)
    return twiml(told.steps[told.start], "https://a.example/key/0")


def made(api_url: str = "") -> TwilioVoice:
    return TwilioVoice(
        "AC" + "0" * 32, "token", "+12025550100", "https://linxun.example", api_url=api_url
    )


@pytest.fixture
def bare() -> TwilioVoice:
    return made()
