"""Texts: SMS from queued to delivered, replies to them, and who has opted out."""

import json
import re
import secrets

from bot.sandbox.book import Direction, Kind, Message
from bot.sandbox.limits import Bucket
from bot.sandbox.params import Params, TwilioError
from bot.sandbox.phones import OnText, Phone, PhoneKind
from bot.sandbox.receipts import Receipts
from bot.sandbox.shapes import sms_params
from bot.sandbox.stage import Stage
from bot.sandbox.twiml import TwimlError, parse
from bot.sandbox.web import Answer, Web
from bot.sandbox.wire import words

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ!\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("^{}\\[~]|€\f")
STOP_WORDS = words("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT")
START_WORDS = frozenset(["START", "YES", "UNSTOP"])
ON_THE_WAY = (0.5, 4.0)
LANDLINE_LATER = 30006
UNKNOWN_HANDSET = 30005


def segments(body: str) -> int:
    """Return how many segments an SMS takes: GSM-7 160 or 153 each, UCS-2 70 or 67 each."""
    if all(sign in GSM or sign in GSM_DOUBLE for sign in body):
        length, single, part = len(body) + sum(sign in GSM_DOUBLE for sign in body), 160, 153
    else:
        length, single, part = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)


class Texts:
    """The SMS of one account."""

    def __init__(self, stage: Stage, web: Web, receipts: Receipts, account: str) -> None:
        self._stage = stage
        self._web = web
        self._receipts = receipts
        self._account = account
        self._paces: dict[str, Bucket] = {}
        self._callbacks: dict[str, str] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.contents: dict[str, str] = {}
        """Registered texts by their ContentSid, with {{1}} where a variable stands."""

    def create(self, params: Params) -> Message:
        """Accept an SMS that was checked already; raises TwilioError 21610, 21614, 21655, 21656."""
        to, sender = params["To"], params["From"]
        body = params.get("Body") or self._content(params)
        phone = self._stage.phones.by_number(to)
        doing = phone.behaviour.text(phone.texts) if phone else OnText(error=UNKNOWN_HANDSET)
        if (to, sender) in self.opted_out:
            raise TwilioError(21610)
        landline = phone is not None and phone.kind is PhoneKind.LANDLINE
        if landline and doing.error != LANDLINE_LATER:
            raise TwilioError(21614)
        if phone is not None:
            phone.texts += 1
        return self._queue(to, sender, body, params.get("StatusCallback", ""), doing)

    def _content(self, params: Params) -> str:
        """Fill a registered text; raises TwilioError 21655 or 21656."""
        text = self.contents.get(params["ContentSid"])
        if text is None:
            raise TwilioError(21655)
        try:
            given = json.loads(params.get("ContentVariables") or "{}")
        except ValueError as error:
            raise TwilioError(21656) from error
        whole = isinstance(given, dict) and all(isinstance(one, str) for one in given.values())
        if not whole or set(re.findall(r"\{\{(\w+)\}\}", text)) != set(given):
            raise TwilioError(21656)
        return re.sub(r"\{\{(\w+)\}\}", lambda named: str(given[named[1]]), text)

    def says(self, phone: Phone, body: str, to: str) -> Message:
        """Somebody sends an SMS to the committee's number."""
        now = self._stage.clock.now()
        entry = Message(
            Kind.SMS, Direction.IN, _sid(), to, phone.number, body, now, status="received"
        )
        entry.sent_at, entry.segments, entry.author = now, segments(body), phone.name
        self._stage.book.add(entry)
        word = body.strip().upper()
        if word in STOP_WORDS:
            self.opted_out.add((phone.number, to))
        if word in START_WORDS:
            self.opted_out.discard((phone.number, to))
        if self._stage.sms_webhook:
            self._stage.spawn(self._tell(entry))
        return entry

    def cancel(self, entry: Message) -> None:
        """Take back an SMS that waits; raises TwilioError 30409 if it has left."""
        if entry.status != "queued":
            raise TwilioError(30409)
        self._become(entry, "canceled")

    def _queue(self, to: str, sender: str, body: str, callback: str, doing: OnText) -> Message:
        now = self._stage.clock.now()
        entry = Message(Kind.SMS, Direction.OUT, _sid(), to, sender, body, now, trace=callback)
        entry.status, entry.segments = "queued", segments(body)
        self._stage.book.add(entry)
        self._callbacks[entry.sid] = callback
        wait = self._pace(sender).reserve(entry.segments)
        self._stage.later(wait, lambda: self._send(entry, doing))
        return entry

    def _pace(self, sender: str) -> Bucket:
        if sender not in self._paces:
            rate = self._stage.limits.segments_per_second
            self._paces[sender] = Bucket(self._stage.clock, rate, 1.0)
        return self._paces[sender]

    def _send(self, entry: Message, doing: OnText) -> None:
        if entry.status != "queued":
            return
        entry.sent_at = self._stage.clock.now()
        self._become(entry, "sent")
        way = self._stage.rng(entry.to, len(self._stage.book.of(entry.to))).uniform(*ON_THE_WAY)
        self._stage.later(way, lambda: self._arrive(entry, doing))

    def _arrive(self, entry: Message, doing: OnText) -> None:
        entry.error_code = doing.error
        self._become(entry, "undelivered" if doing.error else "delivered")
        phone = self._stage.phones.by_number(entry.to)
        if phone is None or doing.error or not doing.reply:
            return
        wait = self._stage.delay(phone, f"text{phone.texts}", doing.after)
        self._stage.later(wait, lambda: self._reply(phone, doing.reply, entry.sender))

    def _reply(self, phone: Phone, body: str, to: str) -> None:
        if not phone.manned:
            self.says(phone, body, to)

    def _become(self, entry: Message, status: str) -> None:
        entry.status = status
        entry.updated_at = self._stage.clock.now()
        self._stage.book.touch(entry.to)
        params = sms_params(entry, self._account)
        self._receipts.post(self._callbacks.get(entry.sid, ""), entry.sid, params)

    async def _tell(self, entry: Message) -> None:
        """Post an SMS to the committee's webhook and send what the answer says."""
        url = self._stage.sms_webhook
        answer = await self._web.call(url, sms_params(entry, self._account))
        if not answer.ok or not answer.body.strip():
            return
        try:
            replies = _replies(answer)
        except TwimlError as error:
            self._stage.book.note(self._stage.clock.now(), error.code, error.what, url)
            return
        if (entry.sender, entry.to) not in self.opted_out:
            for body in replies:
                self._queue(entry.sender, entry.to, body, "", OnText())


def _replies(answer: Answer) -> list[str]:
    if answer.content_type == "text/plain":
        return [answer.body.decode()]
    response = parse(answer.body, answer.content_type, "sms")
    bodies = ["".join(message.itertext()).strip() for message in response.iter("Message")]
    return [body for body in bodies if body]


def _sid() -> str:
    return "SM" + secrets.token_hex(16)
