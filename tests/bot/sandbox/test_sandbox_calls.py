import asyncio
import io
import wave
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.sandbox import phones
from bot.sandbox.book import Call
from bot.sandbox.limits import Limits
from bot.sandbox.phones import Behaviour, OnCall, Phone
from bot.sandbox.server import Sandbox
from bot.sandbox.stage import Stage
from content.clock import Clock

WANG = "+862155550001"
EVENTS = ["initiated", "ringing", "answered", "completed"]
ASK = (
    '<Response><Gather numDigits="1" timeout="5" action="/keys?ref=r1">'
    '<Say voice="Polly.Zhiyu" language="cmn-CN">暴雨红色预警。收到请按1，重听请按2，求助请按3。</Say>'
    "</Gather><Say>Goodbye</Say></Response>"
)
Until = Callable[[Callable[[], object]], Awaitable[object]]


def say(text: str) -> str:
    return f'<Response><Say language="cmn-CN">{text}</Say></Response>'


@pytest.fixture
def voice(committee: Any) -> Any:
    """The committee asks; 1 and 3 are thanked, anything else is asked again."""
    committee.answers["/voice"] = ASK
    committee.answers["/keys"] = lambda form: say("谢谢") if form["Digits"] in {"1", "3"} else ASK
    return committee


async def dial(client: Client, sandbox: Sandbox, committee: Any, **fields: Any) -> Call:
    given = {
        "to": WANG,
        "from_": sandbox.numbers[0],
        "url": committee.url + "/voice?ref=r1",
        "status_callback": committee.url + "/status?ref=r1",
        "status_callback_event": EVENTS,
    }
    created = await client.calls.create_async(**{**given, **fields})
    call = sandbox.book.find(created.sid)
    assert isinstance(call, Call)
    return call


def wang(sandbox: Sandbox, *calls: OnCall) -> Phone:
    return sandbox.phones.add(Phone("王奶奶", WANG, behaviour=Behaviour(calls=calls)))


@pytest.mark.parametrize(
    ("doing", "status", "keys"),
    [
        (phones.PRESSES_1, "completed", ["1"]),
        (phones.PRESSES_3, "completed", ["3"]),
        (phones.REPEATS_THEN_1, "completed", ["2", "1"]),
        (phones.WRONG_KEY_THEN_1, "completed", ["9", "1"]),
        (phones.HANGS_UP, "completed", []),
        (phones.ONLY_LISTENS, "completed", []),
        (phones.MACHINE, "completed", []),
        (phones.NO_ANSWER, "no-answer", []),
        (phones.BUSY, "busy", []),
        (phones.NO_SUCH_NUMBER, "failed", []),
    ],
)
async def test_people_meet_a_call_as_they_are_made(
    sandbox: Sandbox,
    client: Client,
    voice: Any,
    until: Until,
    doing: OnCall,
    status: str,
    keys: list[str],
) -> None:
    wang(sandbox, doing)
    call = await dial(client, sandbox, voice)
    await until(lambda: "completed" in call.status or call.ended_at)
    assert (call.status, call.keys, sandbox.book.notes) == (status, keys, [])


async def test_status_callbacks_tell_the_whole_way_signed_and_numbered(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.PRESSES_1)
    call = await dial(client, sandbox, voice)
    await until(lambda: len(voice.to("/status")) == 4)
    told = voice.to("/status")
    assert [(one["CallStatus"], one["SequenceNumber"]) for one in told] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    assert int(told[-1]["CallDuration"]) == call.duration > 5
    validator = RequestValidator(sandbox.auth_token)
    assert all(validator.validate(url, form, signature) for url, form, signature in voice.posts)


async def test_without_events_only_the_end_is_told(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.BUSY)
    await dial(client, sandbox, voice, status_callback_event=[])
    await until(lambda: voice.to("/status"))
    assert [one["CallStatus"] for one in voice.to("/status")] == ["busy"]


async def test_who_does_not_answer_first_answers_the_second_call(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.NO_ANSWER, phones.PRESSES_1)
    first = await dial(client, sandbox, voice)
    await until(lambda: first.ended_at)
    second = await dial(client, sandbox, voice)
    await until(lambda: second.ended_at)
    assert [(one.status, one.keys) for one in (first, second)] == [
        ("no-answer", []),
        ("completed", ["1"]),
    ]


async def test_a_phone_that_rings_longer_than_the_timeout_is_not_answered(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, OnCall(rings=40.0))
    call = await dial(client, sandbox, voice, timeout=10)
    await until(lambda: call.ended_at)
    assert call.status == "no-answer"


@pytest.mark.parametrize(
    ("mode", "doing", "who"),
    [
        ("Enable", phones.MACHINE, "machine_start"),
        ("DetectMessageEnd", phones.MACHINE, "machine_end_beep"),
        ("Enable", phones.PRESSES_1, "human"),
    ],
)
async def test_machine_detection_tells_who_answered(
    sandbox: Sandbox, client: Client, voice: Any, until: Until, mode: str, doing: OnCall, who: str
) -> None:
    wang(sandbox, doing)
    await dial(client, sandbox, voice, machine_detection=mode)
    await until(lambda: len(voice.to("/status")) == 4)
    assert voice.to("/voice")[0]["AnsweredBy"] == voice.to("/status")[-1]["AnsweredBy"] == who


async def test_asynchronous_detection_is_told_on_its_own(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.MACHINE)
    callback = {"async_amd": "true", "async_amd_status_callback": voice.url + "/amd"}
    await dial(client, sandbox, voice, machine_detection="Enable", **callback)
    await until(lambda: voice.to("/amd"))
    assert voice.to("/amd")[0]["AnsweredBy"] == "machine_start"
    assert "AnsweredBy" not in voice.to("/voice")[0]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "021-5555"}, 21211),
        ({"from_": "12345"}, 21212),
        ({"from_": "+12025550199"}, 21210),
        ({"url": "voice"}, 21205),
        ({"twiml": "<Response/>"}, 21205),
        ({"status_callback_event": ["finished"]}, 20001),
        ({"machine_detection": "Maybe"}, 20001),
        ({"record": True}, 20001),
        ({"timeout": 601}, 20001),
    ],
)
async def test_a_wrong_call_is_refused_with_twilios_code(
    sandbox: Sandbox, client: Client, voice: Any, fields: dict[str, Any], code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await dial(client, sandbox, voice, **fields)
    assert (refused.value.code, sandbox.book.calls) == (code, [])


async def test_calls_wait_for_their_turn_and_can_be_canceled(
    client: Client, voice: Any, until: Until
) -> None:
    slow = await Sandbox.start(Clock(5), limits=Limits(calls_per_second=1))
    client.http_client.url = slow.twilio_url
    account = Client(slow.account_sid, slow.auth_token, http_client=client.http_client)
    wang(slow, phones.NO_ANSWER)
    calls = [await dial(account, slow, voice) for _ in range(3)]
    await account.calls(calls[2].sid).update_async(status="canceled")
    await until(lambda: calls[1].started_at)
    found = await account.calls.list_async(status="canceled")
    await slow.stop()
    assert [call.sid for call in found] == [calls[2].sid]
    assert calls[0].started_at
    assert (calls[1].started_at - calls[0].started_at).total_seconds() >= 0.9
    assert calls[2].started_at is None


async def test_no_more_calls_run_at_once_than_the_account_may(client: Client, voice: Any) -> None:
    limits = Limits(calls_per_second=None, concurrent_calls=2)
    small = await Sandbox.start(Clock(500), limits=limits)
    client.http_client.url = small.twilio_url
    account = Client(small.account_sid, small.auth_token, http_client=client.http_client)
    wang(small, phones.PRESSES_1)
    calls = [await dial(account, small, voice) for _ in range(6)]
    most = 0
    while not all(call.ended_at for call in calls):
        await asyncio.sleep(0.002)
        most = max(most, sum(call.started_at is not None and not call.ended_at for call in calls))
    await small.stop()
    assert most == 2


async def test_a_running_call_can_be_ended_and_then_no_more(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.ONLY_LISTENS)
    voice.answers["/voice"] = '<Response><Pause length="3600"/></Response>'
    call = await dial(client, sandbox, voice)
    await until(lambda: call.status == "in-progress")
    await client.calls(call.sid).update_async(status="completed")
    await until(lambda: call.ended_at)
    assert call.status == "completed"
    with pytest.raises(TwilioRestException) as refused:
        await client.calls(call.sid).update_async(status="completed")
    assert refused.value.code == 21220


async def test_a_ringing_call_can_be_canceled(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.NO_ANSWER)
    call = await dial(client, sandbox, voice, timeout=600)
    await until(lambda: call.status == "ringing")
    await client.calls(call.sid).update_async(status="canceled")
    await until(lambda: call.ended_at)
    assert (call.status, voice.to("/voice")) == ("canceled", [])


async def test_calls_are_listed_by_number_and_start(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.BUSY)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert call.started_at is not None
    found = await client.calls.list_async(to=WANG, start_time_after=call.started_at)
    assert [(one.sid, one.status) for one in found] == [(call.sid, "busy")]
    assert await client.calls.list_async(to=WANG, status="completed") == []


async def test_a_recording_is_fetched_and_takes_its_time(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 8000 * 30)
    voice.answers |= {
        "/voice": "<Response><Play>/a.wav</Play></Response>",
        "/a.wav": sound.getvalue(),
    }
    voice.types["/a.wav"] = "audio/wav"
    wang(sandbox, phones.ONLY_LISTENS)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert (call.script[0].verb, call.script[0].seconds) == ("Play", 30.0)
    assert call.duration >= 30


async def test_slow_speech_takes_longer(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    sentence = "暴雨红色预警"
    voice.answers["/voice"] = (
        f'<Response><Say voice="Polly.Zhiyu">{sentence}</Say><Say voice="Polly.Zhiyu">'
        f'<prosody rate="50%">{sentence}</prosody></Say></Response>'
    )
    wang(sandbox, phones.ONLY_LISTENS)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert call.script[1].seconds == 2 * call.script[0].seconds


async def test_a_digit_interrupts_the_prompt(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    # so long that the next document is here before it would have ended, however busy the machine
    voice.answers["/voice"] = ASK.replace("暴雨红色预警。", "暴雨红色预警。" * 500)
    wang(sandbox, OnCall(keys=("1",), listens=0.01, reacts=0.1))
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert call.script[1].text == "谢谢"
    assert (call.script[1].at - call.script[0].at).total_seconds() < call.script[0].seconds


async def test_words_are_heard_where_speech_is_asked_for(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    voice.answers["/voice"] = (
        '<Response><Gather input="dtmf speech" language="cmn-Hans-CN" action="/said">'
        '<Say language="cmn-CN">请说</Say></Gather></Response>'
    )
    wang(sandbox, OnCall(keys=(), speech=("自来水有毒吗",)))
    await dial(client, sandbox, voice)
    await until(lambda: voice.to("/said"))
    assert voice.to("/said")[0]["SpeechResult"] == "自来水有毒吗"
    assert "Digits" not in voice.to("/said")[0]


@pytest.mark.parametrize(
    ("verb", "result"),
    [
        ('<Dial action="/next"><Number>+12025550123</Number></Dial>', "DialCallStatus"),
        ('<Record action="/next" maxLength="5"/>', "RecordingDuration"),
        ('<Redirect method="POST">/next</Redirect>', "CallSid"),
    ],
)
async def test_other_verbs_lead_on_to_the_next_document(
    sandbox: Sandbox, client: Client, voice: Any, until: Until, verb: str, result: str
) -> None:
    voice.answers |= {"/voice": f"<Response>{verb}</Response>", "/next": say("再见")}
    wang(sandbox, phones.ONLY_LISTENS)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert result in voice.to("/next")[0]
    assert call.script[-1].text == "再见"


async def test_a_hangup_ends_the_script(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    voice.answers["/voice"] = "<Response><Hangup/><Say>Never</Say></Response>"
    wang(sandbox, phones.PRESSES_1)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert (call.status, call.script) == ("completed", [])


async def test_get_carries_the_parameters_in_a_signed_query(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    wang(sandbox, phones.ONLY_LISTENS)
    await dial(client, sandbox, voice, method="GET")
    await until(lambda: voice.to("/voice"))
    url, form, signature = next(post for post in voice.posts if "/voice" in post[0])
    assert "CallStatus=in-progress" in url
    assert RequestValidator(sandbox.auth_token).validate(url, form, signature)


async def test_an_empty_answer_goes_on_or_to_the_action_if_asked(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    voice.answers["/voice"] = (
        '<Response><Gather timeout="2" action="/never"><Say>One</Say></Gather>'
        '<Gather timeout="2" action="/empty" actionOnEmptyResult="true"><Say>Two</Say></Gather>'
        "</Response>"
    )
    wang(sandbox, phones.ONLY_LISTENS)
    await dial(client, sandbox, voice)
    await until(lambda: voice.to("/empty"))
    assert (voice.to("/never"), voice.to("/empty")[0]["Digits"]) == ([], "")


async def test_several_digits_end_with_the_finish_key(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    voice.answers["/voice"] = '<Response><Gather action="/keys" timeout="9"/></Response>'
    voice.answers["/keys"] = "<Response><Hangup/></Response>"
    wang(sandbox, OnCall(keys=("42#7",)))
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert voice.to("/keys")[0]["Digits"] == "42"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response><Sing>la</Sing></Response>", 12100),
        ('<Response><Say volume="9">la</Say></Response>', 12100),
        ('<Response><Say voice="Polly.Zhiyu" language="en-US">la</Say></Response>', 13512),
        ('<Response><Say voice="Polly.Nobody">la</Say></Response>', 13511),
        ("<Response><Say> </Say></Response>", 13520),
        ('<Response><Gather input="speech" language="cmn-CN"/></Response>', 13512),
        ('<Response><Gather timeout="0"/></Response>', 13313),
        ("<Reply/>", 12102),
        ("Hello", 12100),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Response/>', 12100),
        ("<Response><Say>" + "la " * 30000 + "</Say></Response>", 11750),
        ("<Response><Redirect>/voice</Redirect></Response>", 12200),
        ("<Response><Play>/nothing</Play></Response>", 12300),
    ],
)
async def test_twiml_that_twilio_could_not_play_ends_the_call_with_a_note(
    sandbox: Sandbox, client: Client, voice: Any, until: Until, document: str, code: int
) -> None:
    voice.answers["/voice"] = document
    wang(sandbox, phones.PRESSES_1)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert (call.status, call.error_code) == ("completed", code)
    assert [note.code for note in sandbox.book.notes] == [code]


async def test_a_voice_webhook_that_fails_ends_the_call(
    sandbox: Sandbox, client: Client, voice: Any, until: Until
) -> None:
    voice.status = 503
    wang(sandbox, phones.PRESSES_1)
    call = await dial(client, sandbox, voice)
    await until(lambda: call.ended_at)
    assert (call.error_code, call.keys) == (11200, [])


async def test_twiml_given_with_the_call_is_played(
    sandbox: Sandbox, client: Client, until: Until
) -> None:
    wang(sandbox, phones.PRESSES_1)
    fields = {"to": WANG, "from_": sandbox.numbers[0], "twiml": say("你好")}
    created = await client.calls.create_async(**fields)
    call = sandbox.book.find(created.sid)
    assert isinstance(call, Call)
    await until(lambda: call.ended_at)
    assert [spoken.text for spoken in call.script] == ["你好"]


async def test_a_resident_calls_the_committee_and_presses_1(
    sandbox: Sandbox, voice: Any, until: Until
) -> None:
    sandbox.voice_webhook = voice.url + "/voice"
    sandbox.voice_status_webhook = voice.url + "/status"
    call = sandbox.calls.dials(wang(sandbox, phones.BUSY), sandbox.numbers[0])
    await until(lambda: voice.to("/status"))
    asked = voice.to("/voice")[0]
    assert (asked["Direction"], asked["From"], asked["CallStatus"]) == ("inbound", WANG, "ringing")
    assert (call.status, call.keys) == ("completed", ["1"])


def test_the_same_seed_gives_the_same_person() -> None:
    stages = [Stage(Clock(500), seed, Limits()) for seed in (7, 7, 8)]
    waits = [stage.delay(Phone("王奶奶", WANG), "call1", 6.0) for stage in stages]
    assert waits[0] == waits[1] != waits[2]
