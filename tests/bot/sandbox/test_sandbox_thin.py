from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.phones import PRESSES_1, TAPS_RECEIVED, Behaviour, Phone


async def test_a_resident_taps_the_button_under_a_message(sandbox, bot):
    sandbox.phones.add(Phone("李明", chat=501, behaviour=Behaviour(chats=(TAPS_RECEIVED,))))
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("收到", callback_data="ack:abc")]])
    await bot.send_message(501, "暴雨红色预警", reply_markup=keys)
    updates = await bot.get_updates(timeout=5)
    assert updates[0].callback_query.data == "ack:abc"
    assert await updates[0].callback_query.answer("谢谢")


async def test_a_call_is_answered_and_key_1_is_pressed(sandbox, client, committee, until):
    sandbox.phones.add(Phone("王奶奶", "+862155550001", behaviour=Behaviour(calls=(PRESSES_1,))))
    committee.answers["/voice"] = (
        "text/xml",
        '<Response><Gather numDigits="1" action="/keys"><Say language="cmn-CN" '
        'voice="Polly.Zhiyu">暴雨红色预警，请按1。</Say></Gather></Response>',
    )
    call = await client.calls.create_async(
        to="+862155550001",
        from_=sandbox.numbers[0],
        url=committee.url + "/voice",
        status_callback=committee.url + "/status?ref=abc",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )
    await until(lambda: len(committee.to("/status")) == 4)
    assert committee.to("/keys")[0]["Digits"] == "1"
    assert [post["CallStatus"] for post in committee.to("/status")] == [
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]
    assert sandbox.book.find(call.sid).keys == ["1"]
    assert sandbox.book.notes == []


async def test_an_sms_is_delivered_with_receipts(sandbox, client, committee, until):
    sandbox.phones.add(Phone("李明", "+862155550001"))
    await client.messages.create_async(
        to="+862155550001",
        from_=sandbox.numbers[0],
        body="你好",
        status_callback=committee.url + "/sms",
    )
    await until(lambda: len(committee.to("/sms")) == 2)
    assert [post["MessageStatus"] for post in committee.to("/sms")] == ["sent", "delivered"]
