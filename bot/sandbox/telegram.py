"""Telegram: the Bot API on loopback, as strict as the real one."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox import fields
from bot.sandbox.chats import Chats
from bot.sandbox.fields import Refusal, Values
from bot.sandbox.guard import same
from bot.sandbox.methods import Methods
from bot.sandbox.stage import Stage
from bot.sandbox.wire import Broken, compact

LARGEST = 50 * 1024 * 1024
SMALL = 1024 * 1024
Method = Callable[[Values], Awaitable[object]]


class Telegram:
    """Serves /bot<token>/<method> and /file/bot<token>/<path>."""

    def __init__(self, stage: Stage, chats: Chats, methods: Methods, token: str) -> None:
        self._stage = stage
        self._chats = chats
        self._token = token
        self._methods: dict[str, Method] = methods.table()
        self._lower = {name.lower(): name for name in self._methods}

    def routes(self) -> list[Route]:
        """Return the routes to serve."""
        return [
            Route("/bot{token}/{method}", self.answer, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self.file, methods=["GET"]),
        ]

    async def answer(self, request: Request) -> Response:
        """Answer one call of a method with Telegram's envelope."""
        try:
            return _reply(200, {"ok": True, "result": await self._result(request)})
        except Refusal as refusal:
            self._stage.book.refuse("telegram", refusal.code)
            body = {"ok": False, "error_code": refusal.code, "description": refusal.description}
            if refusal.parameters:
                body["parameters"] = dict(refusal.parameters)
            return _reply(refusal.code, body)
        except BrokenConnectionError:
            return Broken()

    async def file(self, request: Request) -> Response:
        """Serve the content of a file that getFile told the path of."""
        if not same(request.path_params["token"], self._token):
            return _reply(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        path = request.path_params["path"]
        for file in self._chats.files.values():
            if file.path == path:
                return Response(file.content, media_type=file.mime)
        return _reply(404, {"ok": False, "error_code": 404, "description": "Not Found"})

    async def _result(self, request: Request) -> object:
        if not same(request.path_params["token"], self._token):
            raise Refusal(401, "Unauthorized")
        name = self._lower.get(request.path_params["method"].lower())
        if name is None:
            raise Refusal(404, "Not Found: method not found")
        given, from_form = await _given(request)
        values = fields.read(name, given, from_form=from_form)
        if not name.startswith(("send", "edit")):
            return await self._methods[name](values)
        return await self._faulty(self._methods[name], values)

    async def _faulty(self, method: Method, values: Values) -> object:
        fault = self._stage.faults.telegram
        if fault.latency:
            await asyncio.sleep(fault.latency)
        if fault.take_error():
            raise Refusal(500, "Internal Server Error")
        if wait := fault.throttled(self._stage.clock.now()):
            raise too_many(wait)
        dropping = fault.take_drop()
        result = await method(values)
        if fault.lag:
            await asyncio.sleep(fault.lag)
        if dropping:
            raise BrokenConnectionError
        return result


class BrokenConnectionError(Exception):
    """The request was done, and its answer must not arrive."""


def too_many(wait: float) -> Refusal:
    """Return Telegram's 429 with the whole seconds to wait."""
    seconds = max(1, int(wait + 0.999))
    return Refusal(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


async def _given(request: Request) -> tuple[dict[str, Any], bool]:
    """Return the parameters from query, form, multipart or JSON, and whether they are text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    query: dict[str, Any] = dict(request.query_params)
    if int(request.headers.get("content-length", 0)) > (LARGEST if "multipart" in kind else SMALL):
        raise Refusal(413, "Request Entity Too Large")
    if kind == "multipart/form-data":
        async with request.form(max_part_size=SMALL) as form:
            return query | await _parts(dict(form)), True
    body = await request.body()
    try:
        text = body.decode()
        if kind == "application/json" and text:
            given = json.loads(text)
            if not isinstance(given, dict):
                raise Refusal(400, "Bad Request: object expected")
            return query | given, False
        return query | dict(parse_qsl(text, keep_blank_values=True, errors="strict")), True
    except UnicodeDecodeError as error:
        raise Refusal(400, "Bad Request: strings must be encoded in UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise Refusal(400, "Bad Request: can't parse JSON") from error


async def _parts(form: dict[str, Any]) -> dict[str, Any]:
    """Replace uploads by (name, content, MIME type), and attach:// by what it points to."""
    parts: dict[str, Any] = {}
    for name, value in form.items():
        if isinstance(value, UploadFile):
            parts[name] = (value.filename or "", await value.read(), value.content_type or "")
        else:
            parts[name] = value
    attached: set[str] = set()
    for name, value in parts.items():
        if isinstance(value, str) and value.startswith("attach://"):
            source = value.removeprefix("attach://")
            parts[name] = parts.get(source, "")
            attached.add(source)
    return {name: value for name, value in parts.items() if name not in attached}


def _reply(status: int, body: object) -> Response:
    return Response(compact(body), status, media_type="application/json")
