"""Peers: the same message through the bare libraries, and through Apprise, in a process of its own.

python benchmarks/delivery_peers.py '{"port": 1234, "name": "telegram"}'
"""

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from delivery_child import answer, commands
from delivery_provider import ACCOUNT, NUMBER, SECRET, TOKEN

from channels import telegram as adapter
from channels._twilio import Account
from content import render
from content.message import Message, Spoken, Written
from content.notice import NoticeKind

AT_ONCE = 100
"""Requests in flight, as many as the worker has."""
APPRISE_SERVICES = 8
"""Services among which Apprise's recipients are dealt out, where it uses threads."""
_FIRST = 99_000_000_000
_CALLBACK = "https://linxun.example/hooks/twilio_sms/status/"

Send = Callable[[int], Awaitable[object]]


def message() -> Message:
    """Give the message that the town is sent."""
    import delivery_town as town

    text = town.text(1)
    fields = {
        "headline": text.headline, "description": text.description,
        "instruction": text.instruction, "sender": "邻讯社区", "code": "0001", "event": "暴雨",
        "color": "", "severity": "Moderate", "status": "Actual", "msg_type": "Alert",
        "expires": "2026-11-25T23:00:00+08:00", "phone": "", "missing": "",
    }  # fmt: skip
    return render.render(NoticeKind.ALERT, fields, Written.HANS, Spoken.MANDARIN)


async def telegram(base: str, *, text_only: bool = False, stock: bool = False) -> Send:
    """Bare python-telegram-bot, on our connections or on its own."""
    from telegram import Bot
    from telegram.request import HTTPXRequest

    said = message()
    if stock:
        request = HTTPXRequest(connection_pool_size=AT_ONCE, pool_timeout=60)
        bot = Bot(TOKEN, base_url=f"{base}/bot", request=request)
    else:
        ours = adapter.Telegram(TOKEN, base_url=f"{base}/bot")
        bot = next(one for one in vars(ours).values() if isinstance(one, Bot))
    if text_only:
        return lambda number: bot.send_message(str(_FIRST + number), said.chat)

    def send(number: int) -> Awaitable[object]:
        return bot.send_message(
            str(_FIRST + number),
            said.chat,
            reply_markup=adapter.keyboard(said.buttons, secrets.token_hex(16)),
            link_preview_options=adapter.NO_PREVIEW,
        )

    return send


async def sms(base: str, *, stock: bool = False) -> Send:
    """Bare twilio, on our connections or on its own."""
    said = message()
    if stock:
        from twilio.http.async_http_client import AsyncTwilioHttpClient
        from twilio.rest import Client

        class Http(AsyncTwilioHttpClient):  # type: ignore[misc]
            async def request(self, method: str, url: str, *rest: Any, **more: Any) -> Any:
                there = url.replace("https://api.twilio.com", base, 1)
                return await super().request(method, there, *rest, **more)

        client = Client(ACCOUNT, SECRET, http_client=Http(timeout=30))
    else:
        client = Account(ACCOUNT, SECRET, "https://linxun.example", "sms", api_url=base).client

    def send(number: int) -> Awaitable[object]:
        return client.messages.create_async(  # type: ignore[no-any-return]
            to=f"+86172{number:08d}",
            from_=NUMBER,
            body=said.sms,
            status_callback=_CALLBACK + secrets.token_hex(16),
        )

    return send


async def in_flight(send: Send, count: int) -> None:
    """Send so many, with as many requests in flight as the worker has."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await send(number)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


class Apprise:
    """Apprise's own Telegram plugin, pointed at loopback and without its pause between two sends.

    With threads its recipients are dealt out to several services, which it notifies side by side.
    """

    def __init__(self, base: str, services: int) -> None:
        from apprise.plugins.telegram import NotifyTelegram

        NotifyTelegram.notify_url = f"{base}/bot"
        NotifyTelegram.request_rate_per_sec = 0
        self._services = services

    async def send(self, count: int) -> None:
        """Notify so many chats."""
        import apprise

        told = apprise.Apprise()
        for at in range(self._services):
            chats = "/".join(str(_FIRST + number) for number in range(at, count, self._services))
            told.add(f"tgram://{TOKEN}/{chats}/?image=no&detect=no")
        if self._services == 1:
            done = told.notify(body=message().chat)
        else:
            done = await told.async_notify(body=message().chat)
        if not done:
            raise ValueError("Apprise says that something was not sent")


async def _serve(base: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    if name.startswith("apprise"):
        peer = Apprise(base, APPRISE_SERVICES if name == "apprise_threads" else 1)
        work: Callable[[int], Awaitable[None]] = peer.send
    else:
        what, _, how = name.partition("_")
        make = telegram if what == "telegram" else sms
        given = {"text": {"text_only": True}, "stock": {"stock": True}}.get(how, {})
        send = await make(base, **given)

        def work(count: int) -> Awaitable[None]:
            return in_flight(send, count)

    answer({"ready": True})
    asked = commands()
    while (one := await loop.run_in_executor(None, next, asked, None)) is not None:
        await work(one["count"])
        answer({"sent": one["count"]})


def main() -> None:
    options = json.loads(sys.argv[1])
    uvloop.run(_serve(f"http://127.0.0.1:{options['port']}", options["name"]))


if __name__ == "__main__":
    main()
