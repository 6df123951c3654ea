import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.phones import REPLIES_RECEIVED, UNREACHABLE_CARRIER, Behaviour, Phone, PhoneKind
from bot.sandbox.server import Sandbox
from channels.base import BadEventError, EventKind, Media, Request, SendError, State
from channels.twilio_sms import TwilioSms
from content.message import Message, Texted, Unfit
from content.reason import Reason

SMS = "SM" + "0" * 32
REF = "ab" * 16
PHONE = "+8613800000001"
CONTENT = "HX" + "0" * 32


@pytest.fixture
async def sms(sandbox: Sandbox, committee: Any) -> AsyncIterator[TwilioSms]:
    adapter = TwilioSms(
        sandbox.account_sid,
        sandbox.auth_token,
        sandbox.numbers[0],
        committee.url,
        api_url=sandbox.twilio_url,
        timeout=2,
    )
    committee.adapters[adapter.name] = adapter
    yield adapter
    await adapter.close()


async def until(committee: Any, wanted: object) -> list:
    """Wait for an event of this state or kind."""
    for _ in range(500):
        if any(wanted in (event.state, event.kind) for event in committee.events):
            break
        await asyncio.sleep(0.01)
    return committee.events


async def test_an_sms_is_sent_and_its_delivery_comes_back(
    sms: TwilioSms, sandbox: Sandbox, committee: Any, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    receipt = await sms.send(PHONE, message, REF)
    events = await until(committee, State.DELIVERED)
    (sent,) = sandbox.book.messages
    assert (sent.to, sent.sender, sent.body) == (PHONE, sandbox.numbers[0], message.sms)
    assert {(event.ref, event.provider_id) for event in events} == {(REF, receipt.provider_id)}
    assert not committee.refused


async def test_a_failed_delivery_says_why(
    sms: TwilioSms, sandbox: Sandbox, committee: Any, message: Message
) -> None:
    behaviour = Behaviour(texts=(UNREACHABLE_CARRIER,))
    sandbox.phones.add(Phone("王奶奶", PHONE, behaviour=behaviour))
    await sms.send(PHONE, message, REF)
    events = await until(committee, State.FAILED)
    assert (events[-1].reason, events[-1].permanent) == (Reason.LANDLINE, True)


async def test_a_reply_is_a_text_from_its_sender(
    sms: TwilioSms, sandbox: Sandbox, committee: Any, message: Message
) -> None:
    sandbox.sms_webhook = f"{committee.url}/hooks/twilio_sms/inbound"
    sandbox.phones.add(Phone("李明", PHONE, behaviour=Behaviour(texts=(REPLIES_RECEIVED,))))
    await sms.send(PHONE, message, REF)
    reply = (await until(committee, EventKind.TEXT))[-1]
    assert (reply.address, reply.text, reply.ref) == (PHONE, "收到", "")


@pytest.mark.parametrize(
    ("phone", "to", "reason"),
    [
        (Phone("王奶奶", PHONE, kind=PhoneKind.LANDLINE), PHONE, Reason.LANDLINE),
        (Phone("李明", PHONE), "12345", Reason.NUMBER_INVALID),
        (Phone("李明", PHONE), "+", Reason.NUMBER_INVALID),
    ],
)
async def test_a_number_that_cannot_work_is_refused_for_good(
    sms: TwilioSms, sandbox: Sandbox, message: Message, phone: Phone, to: str, reason: Reason | None
) -> None:
    sandbox.phones.add(replace(phone))
    with pytest.raises(SendError) as caught:
        await sms.send(to, message, REF)
    assert (caught.value.reason, caught.value.permanent) == (reason, True)


async def test_someone_who_wrote_stop_gets_no_more(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    phone = sandbox.phones.add(Phone("赵静", PHONE))
    sandbox.texts.says(phone, "STOP", sandbox.numbers[0])
    with pytest.raises(SendError) as caught:
        await sms.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.permanent) == (Reason.OPTED_OUT, True)


async def test_a_pause_that_twilio_asks_for_is_passed_on(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    sandbox.faults.twilio.throttle(sandbox.stage.clock, 5000)
    with pytest.raises(SendError) as caught:
        await sms.send(PHONE, message, REF)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 0


async def test_an_error_of_the_server_may_be_tried_again(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    sandbox.faults.twilio.errors = 1
    with pytest.raises(SendError) as caught:
        await sms.send(PHONE, message, REF)
    assert caught.value.reason is Reason.PROVIDER_DOWN
    assert not caught.value.permanent
    assert not caught.value.unknown


async def test_a_broken_connection_is_unknown_and_find_settles_it(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    before = sandbox.stage.clock.now()
    sandbox.faults.twilio.drops = 1
    with pytest.raises(SendError) as caught:
        await sms.send(PHONE, message, REF)
    found = await sms.find(PHONE, message, before)
    assert caught.value.unknown
    assert found is not None
    assert found.provider_id == sandbox.book.messages[0].sid


async def test_a_late_answer_is_unknown(sms: TwilioSms, sandbox: Sandbox, message: Message) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    sandbox.faults.twilio.latency = 0.3
    sms._account._pool.timeout = 0.05
    with pytest.raises(SendError) as caught:
        await sms.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.unknown) == (Reason.TIMEOUT, True)


async def test_a_closed_port_was_never_reached(message: Message) -> None:
    adapter = TwilioSms(
        "AC" + "0" * 32, "t", "+12025550100", "https://a.example", api_url="http://127.0.0.1:1"
    )
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.unknown) == (Reason.PROVIDER_DOWN, False)
    await adapter.close()


async def test_a_wrong_token_is_a_matter_of_credentials(sandbox: Sandbox, message: Message) -> None:
    adapter = TwilioSms(
        sandbox.account_sid, "x", "+12025550100", "https://a.example", api_url=sandbox.twilio_url
    )
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.permanent) == (Reason.CREDENTIALS, True)
    await adapter.close()


async def test_find_looks_at_the_text_and_the_time(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    before = sandbox.stage.clock.now()
    await sms.send(PHONE, replace(message, sms="另一条"), REF)
    assert await sms.find(PHONE, message, before) is None
    await sms.send(PHONE, message, REF)
    assert await sms.find(PHONE, message, before) is not None
    await sandbox.stage.clock.sleep(30)
    assert await sms.find(PHONE, message, sandbox.stage.clock.now()) is None


async def test_find_refuses_to_choose_between_two(
    sms: TwilioSms, sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    before = sandbox.stage.clock.now()
    await sms.send(PHONE, message, REF)
    await sms.send(PHONE, message, REF)
    with pytest.raises(SendError) as caught:
        await sms.find(PHONE, message, before)
    assert caught.value.unknown


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("status/r1", {"MessageStatus": "queued"}, {"state": State.ACCEPTED, "reason": None}),
        ("status/r1", {"MessageStatus": "sent"}, {"state": State.SENT, "ref": "r1"}),
        ("status/r1", {"MessageStatus": "delivered"}, {"state": State.DELIVERED}),
        (
            "status/r1",
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            {"reason": Reason.NUMBER_UNREACHABLE, "permanent": False},
        ),
        (
            "status/r1",
            {"MessageStatus": "failed", "ErrorCode": "30007"},
            {"reason": Reason.REFUSED_CONTENT, "permanent": True},
        ),
        (
            "status/r1",
            {"MessageStatus": "failed"},
            {"reason": Reason.UNDELIVERED, "permanent": False},
        ),
        (
            "inbound",
            {"From": PHONE, "Body": "收到"},
            {"kind": EventKind.TEXT, "address": PHONE, "text": "收到"},
        ),
        ("inbound", {"From": PHONE, "Body": "不要", "OptOutType": "STOP"}, {"text": "STOP"}),
        ("inbound", {"From": PHONE, "Body": "help", "OptOutType": "HELP"}, {"text": "help"}),
        (
            "inbound",
            {
                "From": PHONE,
                "Body": "看这个",
                "NumMedia": "1",
                "MediaUrl0": "https://a.example/1",
                "MediaContentType0": "image/jpeg",
            },
            {"text": "看这个", "media": Media("https://a.example/1", "image/jpeg")},
        ),
    ],
)
def test_what_twilio_posts_becomes_an_event(
    bare: TwilioSms, path: str, form: dict[str, object], expected: dict[str, object]
) -> None:
    (event,) = bare.parse(Request(path, {"MessageSid": SMS, **form}))
    assert {name: getattr(event, name) for name in expected} == expected


def test_a_status_nobody_knows_says_nothing(bare: TwilioSms) -> None:
    assert bare.parse(Request("status/r1", {"MessageSid": SMS, "MessageStatus": "folded"})) == []


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {}),
        ("key/r1", {"MessageSid": SMS}),
        ("status/r1", {}),
        ("status/r1", {"MessageSid": ["a"]}),
        ("status/r1", {"MessageSid": SMS, "MessageStatus": "failed", "ErrorCode": "x"}),
        ("inbound", {"MessageSid": SMS}),
        ("inbound", {"MessageSid": SMS, "From": PHONE, "NumMedia": "9" * 30}),
    ],
)
def test_what_twilio_does_not_post_is_refused(
    bare: TwilioSms, path: str, form: dict[str, object]
) -> None:
    with pytest.raises(BadEventError):
        bare.parse(Request(path, form))


def test_each_status_of_a_message_is_an_event_of_its_own(bare: TwilioSms) -> None:
    ids = {
        bare.event_id(Request("status/r1", {"MessageSid": SMS, "MessageStatus": status}))
        for status in ("sent", "delivered", "sent")
    }
    assert ids == {f"{SMS}:sent", f"{SMS}:delivered"}


def test_only_a_signature_for_our_own_address_is_valid(bare: TwilioSms) -> None:
    form = {"MessageSid": SMS, "Body": "收到"}
    address = "https://linxun.example/hooks/twilio_sms/inbound"
    signature = bare._account._validator.compute_signature(address, form)
    assert bare.valid("inbound", form, signature)
    assert not bare.valid("status/r1", form, signature)
    assert not bare.valid("inbound", {**form, "Body": "STOP"}, signature)
    assert not bare.valid("inbound", form, "")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21211, (Reason.NUMBER_INVALID, True, False)),
        (400, 21408, (Reason.REFUSED_REGION, True, False)),
        (400, 21610, (Reason.OPTED_OUT, True, False)),
        (400, 21614, (Reason.LANDLINE, True, False)),
        (400, 21617, (Reason.REFUSED_CONTENT, True, False)),
        (400, 21611, (Reason.RATE_LIMITED, False, False)),
        (400, 29999, (Reason.PROVIDER_REFUSED, True, False)),
        (401, 20003, (Reason.CREDENTIALS, True, False)),
        (403, None, (Reason.CREDENTIALS, True, False)),
        (429, 20429, (Reason.RATE_LIMITED, False, False)),
        (500, 20500, (Reason.PROVIDER_DOWN, False, False)),
        (503, 20503, (Reason.PROVIDER_DOWN, False, False)),
        (502, None, (Reason.OUTCOME_UNKNOWN, False, True)),
    ],
)
async def test_an_error_has_its_meaning(
    recorder: Any,
    message: Message,
    status: int,
    code: int | None,
    expected: tuple[Reason, bool, bool],
) -> None:
    recorder.status = status
    recorder.body = json.dumps({"code": code, "message": f"about {PHONE}", "status": status})
    adapter = made(recorder.url)
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    await adapter.close()
    assert (caught.value.reason, caught.value.permanent, caught.value.unknown) == expected
    assert PHONE not in str(caught.value)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}"])
async def test_a_success_that_is_not_twilios_is_unknown(
    recorder: Any, message: Message, body: str
) -> None:
    recorder.status, recorder.body = 201, body
    adapter = made(recorder.url)
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    await adapter.close()
    assert caught.value.unknown


async def test_the_pause_is_the_one_that_the_header_names(recorder: Any, message: Message) -> None:
    recorder.status, recorder.body, recorder.headers = 429, "{}", {"Retry-After": "7"}
    adapter = made(recorder.url)
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    await adapter.close()
    assert caught.value.retry_after == 7


async def test_the_request_is_what_twilio_describes(
    recorder: Any, message: Message, shared: Path
) -> None:
    recorder.status, recorder.body = 201, json.dumps({"sid": SMS, "status": "queued"})
    adapter = made(recorder.url)
    await adapter.send(PHONE, message, REF)
    await adapter.close()
    ((method, path, form),) = recorder.requests
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json")
    assert form == {
        "To": [PHONE],
        "From": ["+12025550100"],
        "Body": [message.sms],
        "StatusCallback": [f"https://linxun.example/hooks/twilio_sms/status/{REF}"],
    }
    paths = json.loads((shared / "specs" / "twilio_api_v2010.json").read_text())["paths"]
    post = paths["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]["requestBody"]
    described = post["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(form) <= set(described)


def registered(_to: str, message: Message) -> Texted:
    """Fill one text that is registered with Twilio."""
    return Texted(f"请注意：{message.sms}", CONTENT, {"1": message.sms})


def unfit(_to: str, _message: Message) -> Texted:
    raise Unfit("太长")


async def test_a_registered_text_goes_as_twilio_describes(
    recorder: Any, message: Message, shared: Path
) -> None:
    recorder.status, recorder.body = 201, json.dumps({"sid": SMS, "status": "queued"})
    adapter = made(recorder.url, registered)
    await adapter.send(PHONE, message, REF)
    await adapter.close()
    ((_, _, form),) = recorder.requests
    paths = json.loads((shared / "specs" / "twilio_api_v2010.json").read_text())["paths"]
    post = paths["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]["requestBody"]
    described = post["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(form) == {"To", "From", "StatusCallback", "ContentSid", "ContentVariables"}
    assert set(form) <= set(described)
    assert re.fullmatch(described["ContentSid"]["pattern"], form["ContentSid"][0])
    assert json.loads(form["ContentVariables"][0]) == {"1": message.sms}


async def test_a_text_of_another_registry_is_sent_as_it_stands(
    recorder: Any, message: Message
) -> None:
    recorder.status, recorder.body = 201, json.dumps({"sid": SMS, "status": "queued"})
    adapter = made(recorder.url, lambda _to, one: Texted(f"提醒您：{one.sms}", "SMS_480"))
    await adapter.send(PHONE, message, REF)
    await adapter.close()
    ((_, _, form),) = recorder.requests
    assert form["Body"] == [f"提醒您：{message.sms}"]


async def test_what_fits_no_registered_text_is_never_sent(recorder: Any, message: Message) -> None:
    adapter = made(recorder.url, unfit)
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    assert (caught.value.reason, caught.value.permanent) == (Reason.REFUSED_CONTENT, True)
    assert adapter.text(PHONE, message) == ""
    assert recorder.requests == []


async def test_a_registered_text_arrives_filled_and_is_found_again(
    sandbox: Sandbox, message: Message
) -> None:
    sandbox.phones.add(Phone("李明", PHONE))
    sandbox.texts.contents[CONTENT] = "请注意：{{1}}"
    adapter = TwilioSms(
        sandbox.account_sid,
        sandbox.auth_token,
        sandbox.numbers[0],
        "https://linxun.example",
        api_url=sandbox.twilio_url,
        texting=registered,
    )
    before = sandbox.stage.clock.now()
    receipt = await adapter.send(PHONE, message, REF)
    found = await adapter.find(PHONE, message, before)
    await adapter.close()
    assert sandbox.book.messages[0].body == adapter.text(PHONE, message)
    assert found is not None
    assert found.provider_id == receipt.provider_id


@pytest.mark.parametrize("text", ["", "请注意：{{1}}，{{2}}"])
async def test_a_text_that_twilio_does_not_know_so_is_refused_for_good(
    sandbox: Sandbox, message: Message, text: str
) -> None:
    sandbox.texts.contents = {CONTENT: text} if text else {}
    adapter = TwilioSms(
        sandbox.account_sid,
        sandbox.auth_token,
        sandbox.numbers[0],
        "https://linxun.example",
        api_url=sandbox.twilio_url,
        texting=registered,
    )
    with pytest.raises(SendError) as caught:
        await adapter.send(PHONE, message, REF)
    await adapter.close()
    assert (caught.value.reason, caught.value.permanent) == (Reason.REFUSED_CONTENT, True)


def made(api_url: str = "", texting: Any = None) -> TwilioSms:
    given = {"texting": texting} if texting else {}
    return TwilioSms(
        "AC" + "0" * 32, "token", "+12025550100", "https://linxun.example", api_url=api_url, **given
    )


@pytest.fixture
def bare() -> TwilioSms:
    return made()
