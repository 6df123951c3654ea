"""Twilio: the REST API on loopback, as strict as the real one."""

import asyncio
import base64
import io
import wave
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox import params as checks
from bot.sandbox import shapes
from bot.sandbox.book import Call, Entry, Kind, Message
from bot.sandbox.calls import Calls
from bot.sandbox.guard import same
from bot.sandbox.limits import Bucket
from bot.sandbox.params import Params, TwilioError
from bot.sandbox.stage import Stage
from bot.sandbox.texts import Texts
from bot.sandbox.wire import Broken, compact

LARGEST = 256 * 1024
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
Span = tuple[str, datetime, datetime]


class Twilio:
    """Serves /2010-04-01/Accounts/{sid}.json and all below it, for one account."""

    def __init__(
        self,
        stage: Stage,
        texts: Texts,
        calls: Calls,
        account: str,
        auth_token: str,
        numbers: tuple[str, ...],
    ) -> None:
        self._stage = stage
        self._texts = texts
        self._calls = calls
        self._account = account
        self._login = base64.b64encode(f"{account}:{auth_token}".encode()).decode()
        self._numbers = numbers
        rate = stage.limits.requests_per_second
        self._requests = Bucket(stage.clock, rate, rate or 1)

    def routes(self) -> list[Route]:
        """Return the routes to serve."""
        return [
            Route("/2010-04-01/Accounts/{account}.json", self.own, methods=["GET"]),
            Route(
                "/2010-04-01/Accounts/{account}/Recordings/{name}",
                self.recording,
                methods=["GET", "DELETE"],
            ),
            Route(
                "/2010-04-01/Accounts/{account}/{rest:path}", self.answer, methods=["GET", "POST"]
            ),
        ]

    async def own(self, request: Request) -> Response:
        """Show the account itself."""
        try:
            self._let_in(request)
        except TwilioError as error:
            self._stage.book.refuse("twilio", error.code)
            return _reply(error.status, error.body())
        return _reply(200, self._shown())

    async def recording(self, request: Request) -> Response:
        """Hand out a recording as WAV, or forget it."""
        try:
            self._let_in(request)
            return self._recording(request)
        except TwilioError as error:
            self._stage.book.refuse("twilio", error.code)
            return _reply(error.status, error.body())

    def _recording(self, request: Request) -> Response:
        sid, _, ending = request.path_params["name"].partition(".")
        kept = self._stage.book.recordings
        if request.method == "DELETE" and sid in kept:
            del kept[sid]
            return Response(status_code=204)
        if sid not in kept or ending != "wav" or not self._ready(sid):
            raise TwilioError(20404)
        return Response(silence(kept[sid]), media_type="audio/x-wav")

    def _ready(self, sid: str) -> bool:
        book, now = self._stage.book, self._stage.clock.now()
        return (now - book.recorded_at.get(sid, now)).total_seconds() >= book.recording_takes

    def _shown(self) -> dict[str, Any]:
        shown = shapes.account(self._account, self._stage.clock.now())
        return shown | ({"status": "suspended"} if self._stage.faults.twilio.suspended else {})

    async def answer(self, request: Request) -> Response:
        """Answer one request, or refuse it as Twilio does."""
        try:
            self._let_in(request)
            if request.method == "GET":
                return _reply(200, self._show(request))
            return await self._faulty(request)
        except TwilioError as error:
            self._stage.book.refuse("twilio", error.code)
            return _reply(error.status, error.body())

    def _let_in(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or not same(given.strip(), self._login):
            raise TwilioError(20003)
        if request.path_params["account"] != self._account:
            raise TwilioError(20404, "no such account")
        if self._requests.take():
            raise TwilioError(20429)

    async def _faulty(self, request: Request) -> Response:
        fault = self._stage.faults.twilio
        # what has arrived is looked at even where the sender is gone by then
        await request.body()
        if fault.latency:
            await asyncio.sleep(fault.latency)
        if fault.take_error():
            raise TwilioError(20500)
        if fault.throttled(self._stage.clock.now()):
            raise TwilioError(20429)
        dropping = fault.take_drop()
        status, body = await self._change(request)
        if fault.lag:
            await asyncio.sleep(fault.lag)
        return Broken() if dropping else _reply(status, body)

    async def _change(self, request: Request) -> tuple[int, dict[str, Any]]:
        if int(request.headers.get("content-length", 0)) > LARGEST:
            raise TwilioError(20001, "the request is too large")
        text = await request.body()
        rest = request.path_params["rest"]
        if rest == "Messages.json":
            params = checks.read(text, checks.MESSAGE_CREATE)
            checks.check_message(params, self._numbers)
            return 201, shapes.message(self._texts.create(params), self._account)
        if rest == "Calls.json":
            params = checks.read(text, checks.CALL_CREATE)
            checks.check_call(params, self._numbers)
            return 201, shapes.call(self._calls.create(params), self._account)
        entry = self._find(rest)
        if isinstance(entry, Call):
            return 200, self._update_call(entry, checks.read(text, checks.CALL_UPDATE))
        return 200, self._update_message(entry, checks.read(text, checks.MESSAGE_UPDATE))

    def _update_call(self, call: Call, params: Params) -> dict[str, Any]:
        if params.get("Status") not in {"canceled", "completed"}:
            raise TwilioError(20001, "Status must be canceled or completed")
        self._calls.update(call, params["Status"])
        return shapes.call(call, self._account)

    def _update_message(self, message: Message, params: Params) -> dict[str, Any]:
        if params.get("Status", "canceled") != "canceled" or params.get("Body"):
            raise TwilioError(20001, "a message can be canceled or its Body emptied")
        if "Status" in params:
            self._texts.cancel(message)
        if "Body" in params:
            message.body = ""
        return shapes.message(message, self._account)

    def _show(self, request: Request) -> dict[str, Any]:
        rest, query = request.path_params["rest"], request.url.query
        book = self._stage.book
        if rest == "Messages.json":
            texts = [message for message in book.messages if message.kind is Kind.SMS]
            return self._list("messages", texts, checks.read(query, checks.MESSAGE_LIST))
        if rest == "Calls.json":
            return self._list("calls", book.calls, checks.read(query, checks.CALL_LIST))
        return self._shape(self._find(rest))

    def _find(self, rest: str) -> Entry:
        folder, _, name = rest.partition("/")
        entry = self._stage.book.find(name.removesuffix(".json"))
        wanted = {"Messages": Message, "Calls": Call}.get(folder)
        if entry and wanted and name.endswith(".json") and isinstance(entry, wanted):
            return entry
        raise TwilioError(20404)

    def _shape(self, entry: Entry) -> dict[str, Any]:
        if isinstance(entry, Call):
            return shapes.call(entry, self._account)
        return shapes.message(entry, self._account)

    def _list(self, name: str, entries: Iterable[Entry], params: Params) -> dict[str, Any]:
        """Return one page, newest first; fields without a date match no filter by date."""
        size, page = int(params.get("PageSize", "50")), int(params.get("Page", "0"))
        spans = _spans(params)
        found = [entry for entry in entries if _matches(entry, params, spans)][::-1]
        shown = found[page * size : (page + 1) * size]
        path = f"/2010-04-01/Accounts/{self._account}/{name.capitalize()}.json"

        def uri(number: int) -> str:
            return f"{path}?{urlencode(params | {'PageSize': str(size), 'Page': str(number)})}"

        return {
            name: [self._shape(entry) for entry in shown],
            "start": page * size,
            "end": page * size + max(0, len(shown) - 1),
            "page": page,
            "page_size": size,
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }


def silence(seconds: int) -> bytes:
    """Return a WAV of so many seconds in which nobody speaks."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000 * seconds))
    return sound.getvalue()


def _matches(entry: Entry, params: Params, spans: list[Span]) -> bool:
    if params.get("To", entry.to) != entry.to or params.get("From", entry.sender) != entry.sender:
        return False
    if "Status" in params and params["Status"] != entry.status:
        return False
    dates: dict[str, datetime | None] = (
        {"StartTime": entry.started_at, "EndTime": entry.ended_at}
        if isinstance(entry, Call)
        else {"DateSent": entry.sent_at}
    )
    return all((at := dates[name]) is not None and start <= at < end for name, start, end in spans)


def _spans(params: Params) -> list[Span]:
    """Return the spans of time that the filters ask for, both ends included as Twilio does."""
    return [
        _span(name, sign, params[name + sign])
        for name in ("DateSent", "StartTime", "EndTime")
        for sign in ("", "<", ">")
        if name + sign in params
    ]


def _span(name: str, sign: str, text: str) -> Span:
    try:
        asked = datetime.fromisoformat(text)
        asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
        whole_day = len(text) == len(date.min.isoformat())
        end = asked + (timedelta(days=1) if whole_day else timedelta(seconds=1))
    except (ValueError, OverflowError) as error:
        raise TwilioError(20001, f"{name} must look like 2026-08-01T09:00:00Z") from error
    return name, EARLIEST if sign == "<" else asked, LATEST if sign == ">" else end


def _reply(status: int, body: dict[str, Any]) -> Response:
    return Response(compact(body), status, media_type="application/json")
