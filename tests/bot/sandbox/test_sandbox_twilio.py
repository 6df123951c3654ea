import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.sandbox.limits import UNLIMITED, Limits
from bot.sandbox.phones import (
    NEVER_REPLIES,
    REPLIES_RECEIVED,
    UNDELIVERABLE,
    UNREACHABLE_CARRIER,
    Behaviour,
    Phone,
    PhoneKind,
)
from bot.sandbox.server import Sandbox
from bot.sandbox.texts import segments
from content.clock import Clock

LI = "+8613800000001"
WANG = "+862155550001"
Until = Callable[[Callable[[], object]], Awaitable[object]]


@pytest.fixture(autouse=True)
def li(sandbox: Sandbox) -> Phone:
    return sandbox.phones.add(Phone("李明", LI, behaviour=Behaviour(texts=(NEVER_REPLIES,))))


async def text(client: Client, sandbox: Sandbox, **fields: Any) -> Any:
    given = {"to": LI, "from_": sandbox.numbers[0], "body": "暴雨红色预警"} | fields
    return await client.messages.create_async(**given)


async def request(
    sandbox: Sandbox, method: str, path: str, data: Any
) -> tuple[int, dict[str, Any]]:
    url = f"{sandbox.twilio_url}/2010-04-01/Accounts/{sandbox.account_sid}/{path}"
    auth = aiohttp.encode_basic_auth(sandbox.account_sid, sandbox.auth_token)
    headers = {"Authorization": auth, "Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_an_sms_is_queued_sent_and_delivered_with_receipts(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    sent = await text(client, sandbox, status_callback=committee.url + "/sms?ref=0123456789ab")
    await until(lambda: len(committee.to("/sms")) == 2)
    assert (sent.status, sent.num_segments, sent.direction) == ("queued", "1", "outbound-api")
    assert [post["MessageStatus"] for post in committee.to("/sms")] == ["sent", "delivered"]
    assert sandbox.book.with_ref("0123456789ab") == sandbox.book.texts(LI)


async def test_receipts_pass_twilios_own_validator(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    await text(client, sandbox, status_callback=committee.url + "/sms?ref=a%20b&x=1")
    await until(lambda: committee.posts)
    url, form, signature = committee.posts[0]
    validator = RequestValidator(sandbox.auth_token)
    assert validator.validate(f"{committee.url}/sms?ref=a%20b&x=1", form, signature), url
    assert not validator.validate(url, form | {"MessageStatus": "read"}, signature)


async def test_webhooks_for_the_public_address_are_signed_for_it_and_carried_home(
    committee: Any, until: Until
) -> None:
    sandbox = await Sandbox.start(Clock(500), limits=UNLIMITED, public_url="https://linxun.example")
    sandbox.tunnel = committee.url
    sandbox.sms_webhook = "https://linxun.example/sms"
    sandbox.texts.says(sandbox.phones.add(Phone("李明", LI)), "你好", sandbox.numbers[0])
    await until(lambda: committee.posts)
    await sandbox.stop()
    _, form, signature = committee.posts[0]
    validator = RequestValidator(sandbox.auth_token)
    assert validator.validate("https://linxun.example/sms", form, signature)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "13800000001"}, 21211),
        ({"to": "+86138abc"}, 21211),
        ({"body": ""}, 21602),
        ({"body": "长" * 1601}, 21617),
        ({"messaging_service_sid": "MG" + "0" * 32}, 21603),
        ({"from_": "linxun"}, 21212),
        ({"from_": "+12025550199"}, 21606),
        ({"status_callback": "callback"}, 21609),
        ({"media_url": ["https://a.cn/x.png"]}, 20001),
        ({"validity_period": 0}, 20001),
    ],
)
async def test_a_wrong_sms_is_refused_with_twilios_code(
    sandbox: Sandbox, client: Client, fields: dict[str, Any], code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await text(client, sandbox, **fields)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert sandbox.book.texts() == []


async def test_no_sender_at_all_is_refused(sandbox: Sandbox) -> None:
    status, body = await request(sandbox, "POST", "Messages.json", {"To": LI, "Body": "好"})
    assert (status, body["code"]) == (400, 21603)


@pytest.mark.parametrize(
    "body", [b"To=%ff", "To=好".encode(), b"To=1&To=2", b"Colour=red", b"Timeout=ten"]
)
async def test_broken_forms_are_refused(sandbox: Sandbox, body: bytes) -> None:
    status, answer = await request(sandbox, "POST", "Calls.json", body)
    assert (status, answer["code"]) == (400, 20001)


async def test_a_wrong_password_is_401_and_a_wrong_account_404(
    sandbox: Sandbox, client: Client
) -> None:
    wrong = Client(sandbox.account_sid, "x" * 32, http_client=client.http_client)
    with pytest.raises(TwilioRestException) as refused:
        await text(wrong, sandbox)
    assert (refused.value.status, refused.value.code) == (401, 20003)
    other = Client(sandbox.account_sid, sandbox.auth_token, "AC0", http_client=client.http_client)
    with pytest.raises(TwilioRestException) as missing:
        await text(other, sandbox)
    assert missing.value.status == 404


async def test_a_landline_is_refused_at_once_or_found_out_later(
    sandbox: Sandbox, client: Client, until: Until
) -> None:
    sandbox.phones.add(Phone("王奶奶", WANG, kind=PhoneKind.LANDLINE))
    late = Behaviour(texts=(UNREACHABLE_CARRIER,))
    sandbox.phones.add(Phone("陈爷爷", WANG[:-1] + "2", kind=PhoneKind.LANDLINE, behaviour=late))
    with pytest.raises(TwilioRestException) as refused:
        await text(client, sandbox, to=WANG)
    sent = await text(client, sandbox, to=WANG[:-1] + "2")
    entry = sandbox.book.find(sent.sid)
    await until(lambda: entry and entry.status == "undelivered")
    assert (refused.value.code, entry and entry.error_code) == (21614, 30006)


async def test_what_cannot_be_delivered_says_so_in_its_receipt(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    gone = Phone("孙", "+8613800000009", behaviour=Behaviour(texts=(UNDELIVERABLE,)))
    sandbox.phones.add(gone)
    await text(client, sandbox, to=gone.number, status_callback=committee.url + "/sms")
    await until(lambda: len(committee.to("/sms")) == 2)
    last = committee.to("/sms")[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30003")


async def test_after_stop_nothing_can_be_sent_until_start(
    sandbox: Sandbox, client: Client, li: Phone
) -> None:
    sandbox.texts.says(li, "STOP", sandbox.numbers[0])
    with pytest.raises(TwilioRestException) as refused:
        await text(client, sandbox)
    assert refused.value.code == 21610
    sandbox.texts.says(li, "start", sandbox.numbers[0])
    assert (await text(client, sandbox)).sid


async def test_a_resident_replies_and_gets_the_answer_of_the_webhook(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    friend = Phone("周", "+8613800000002", behaviour=Behaviour(texts=(REPLIES_RECEIVED,)))
    sandbox.phones.add(friend)
    sandbox.sms_webhook = committee.url + "/inbound"
    committee.answers["/inbound"] = "<Response><Message>谢谢，已记录。</Message></Response>"
    await text(client, sandbox, to=friend.number)
    await until(lambda: len(sandbox.book.texts(friend.number)) == 2)
    asked = committee.to("/inbound")[0]
    assert (asked["Body"], asked["From"], asked["NumMedia"]) == ("收到", friend.number, "0")
    assert sandbox.book.texts(friend.number)[1].body == "谢谢，已记录。"


async def test_a_broken_reply_is_noted_and_not_sent(
    sandbox: Sandbox, li: Phone, committee: Any, until: Until
) -> None:
    sandbox.sms_webhook = committee.url + "/inbound"
    committee.answers["/inbound"] = "<Response><Say>好</Say></Response>"
    sandbox.texts.says(li, "好", sandbox.numbers[0])
    await until(lambda: sandbox.book.notes)
    assert (sandbox.book.notes[0].code, sandbox.book.texts()) == (12100, [])


async def test_messages_are_listed_by_number_and_date_newest_first(
    sandbox: Sandbox, client: Client, until: Until
) -> None:
    first = await text(client, sandbox, body="一")
    second = await text(client, sandbox, body="二")
    await until(lambda: all(entry.sent_at for entry in sandbox.book.texts()))
    now = sandbox.stage.clock.now()
    found = await client.messages.list_async(to=LI, date_sent_after=now - timedelta(hours=1))
    assert [message.sid for message in found] == [second.sid, first.sid]
    assert await client.messages.list_async(to=LI, date_sent_after=now + timedelta(days=2)) == []
    assert await client.messages.list_async(from_="+12025550199") == []


@pytest.mark.parametrize("query", ["DateSent=x", "DateSent=9999-12-31", "PageSize=0", "Colour=1"])
async def test_wrong_filters_are_refused(sandbox: Sandbox, query: str) -> None:
    status, body = await request(sandbox, "GET", f"Messages.json?{query}", None)
    assert (status, body["code"]) == (400, 20001)


async def test_lists_come_in_pages(sandbox: Sandbox, client: Client) -> None:
    sids = [(await text(client, sandbox, body=str(n))).sid for n in range(5)]
    found = await client.messages.list_async(page_size=2)
    assert [message.sid for message in found] == sids[::-1]


async def test_a_queued_sms_matches_no_filter_by_date(client: Client) -> None:
    slow = await Sandbox.start(Clock(1), limits=Limits(segments_per_second=0.1))
    client.http_client.url = slow.twilio_url
    account = Client(slow.account_sid, slow.auth_token, http_client=client.http_client)
    slow.phones.add(Phone("李明", LI))
    for _ in range(2):
        await text(account, slow)
    await asyncio.sleep(0.01)
    dated = await account.messages.list_async(to=LI, date_sent_after=slow.stage.clock.now().date())
    every = await account.messages.list_async(to=LI)
    await slow.stop()
    assert (len(dated), [message.status for message in every]) == (1, ["queued", "sent"])


async def test_a_message_is_fetched_and_an_unknown_one_is_404(
    sandbox: Sandbox, client: Client
) -> None:
    sent = await text(client, sandbox)
    assert (await client.messages(sent.sid).fetch_async()).body == "暴雨红色预警"
    with pytest.raises(TwilioRestException) as missing:
        await client.messages("SM" + "0" * 32).fetch_async()
    assert missing.value.code == 20404


async def test_requests_beyond_the_accounts_rate_get_20429(client: Client) -> None:
    slow = await Sandbox.start(Clock(1), limits=Limits(requests_per_second=1))
    client.http_client.url = slow.twilio_url
    account = Client(slow.account_sid, slow.auth_token, http_client=client.http_client)
    await account.messages.list_async()
    with pytest.raises(TwilioRestException) as refused:
        await text(account, slow)
    await slow.stop()
    assert (refused.value.status, refused.value.code) == (429, 20429)


async def test_the_sync_client_works_as_well(sandbox: Sandbox) -> None:
    class Loopback(TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
            url = url.replace("https://api.twilio.com", sandbox.twilio_url)
            return super().request(method, url, *args, **kwargs)

    http = Loopback(timeout=5)
    client = Client(sandbox.account_sid, sandbox.auth_token, http_client=http)
    fields = {"to": LI, "from_": sandbox.numbers[0], "body": "好"}
    sent = await asyncio.to_thread(client.messages.create, **fields)
    http.session.close()
    assert sandbox.book.find(sent.sid) is not None


@pytest.mark.parametrize(
    ("body", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 81, 2), ("好" * 70, 1), ("好" * 71, 2), ("😀" * 36, 2)],
)
def test_segments_are_counted_as_carriers_do(body: str, count: int) -> None:
    assert segments(body) == count


async def test_receipts_are_shuffled_and_doubled_on_purpose(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    sandbox.faults.shuffled = sandbox.faults.doubled = 0.5
    for number in range(20):
        await text(client, sandbox, body=str(number), status_callback=committee.url + "/sms")
    await until(lambda: len(committee.to("/sms")) > 50)
    by_sid: dict[str, list[str]] = {}
    for receipt in committee.to("/sms"):
        by_sid.setdefault(receipt["MessageSid"], []).append(receipt["MessageStatus"])
    assert any(states[0] == "delivered" for states in by_sid.values())
    assert any(len(states) > len(set(states)) for states in by_sid.values())


async def test_a_receipt_that_fails_is_not_repeated_but_noted(
    sandbox: Sandbox, client: Client, committee: Any, until: Until
) -> None:
    committee.status = 500
    await text(client, sandbox, status_callback=committee.url + "/sms")
    await until(lambda: len(sandbox.book.notes) == 2)
    assert len(committee.to("/sms")) == 2
    assert sandbox.book.receipts == {500: 2}
