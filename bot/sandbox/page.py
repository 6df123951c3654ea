"""Page: shows the virtual phones and lets a visitor act as a resident."""

import contextlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.acts import Acts
from bot.sandbox.book import Call, Direction, Entry
from bot.sandbox.calls import Calls
from bot.sandbox.guard import same
from bot.sandbox.people import People
from bot.sandbox.phones import Phone
from bot.sandbox.stage import Stage
from bot.sandbox.texts import Texts
from bot.sandbox.wire import compact

LARGEST = 64 * 1024
LARGEST_PHOTO = 1024 * 1024
SHOWN = 200
TEMPLATE = Path(__file__).with_name("page.html")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """Serves /phones and its API; what changes something needs the token in the page."""

    def __init__(
        self, stage: Stage, people: People, texts: Texts, calls: Calls, numbers: tuple[str, ...]
    ) -> None:
        self._stage = stage
        self._calls = calls
        self._numbers = numbers
        self._token = secrets.token_urlsafe(24)
        self._acts: dict[str, Callable[[Phone, dict[str, Any]], None]] = Acts(
            stage, people, texts, calls, numbers
        ).table()
        self._template = jinja2.Template(TEMPLATE.read_text("utf-8"), autoescape=True)

    def routes(self) -> list[Route]:
        """Return the routes to serve."""
        return [
            Route("/", lambda _: RedirectResponse("/phones"), methods=["GET"]),
            Route("/phones", self.show, methods=["GET"]),
            Route("/phones/api/phones", self.phones, methods=["GET"]),
            Route("/phones/api/phones/{key}", self.phone, methods=["GET"]),
            Route("/phones/api/phones/{key}/{act}", self.act, methods=["POST"]),
            Route("/phones/api/audio", self.audio, methods=["GET"]),
        ]

    async def show(self, _request: Request) -> Response:
        """Show the page, with a token that no other site can read."""
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "connect-src 'self'; media-src 'self'; img-src data:; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        text = self._template.render(nonce=nonce, token=self._token, numbers=self._numbers)
        return HTMLResponse(text, headers=HEADERS | {"Content-Security-Policy": policy})

    async def phones(self, request: Request) -> Response:
        """List the phones, or say that nothing changed since the version that is known."""
        version = self._stage.book.version
        if request.query_params.get("since") == str(version):
            return _reply(200, {"version": version, "phones": None})
        phones = [self._summary(phone) for phone in self._stage.phones]
        return _reply(200, {"version": version, "phones": phones})

    async def phone(self, request: Request) -> Response:
        """Show one phone: its owner, its call if there is one, and its messages and calls."""
        phone = self._stage.phones.by_key(request.path_params["key"])
        if phone is None:
            return _reply(404, {"error": "没有这部电话。There is no such phone."})
        version = self._stage.book.changed(phone.addresses)
        if request.query_params.get("since") == str(version):
            return _reply(200, {"version": version, "phone": None})
        entries = [entry for address in phone.addresses for entry in self._stage.book.of(address)]
        entries.sort(key=lambda entry: entry.created_at)
        thread = [_entry(entry) for entry in entries[-SHOWN:]]
        return _reply(200, {"version": version, "phone": self._summary(phone), "thread": thread})

    async def act(self, request: Request) -> Response:
        """Do what a visitor does with a phone; from then on its behaviour rests."""
        if refusal := self._foreign(request):
            return refusal
        phone = self._stage.phones.by_key(request.path_params["key"])
        act = self._acts.get(request.path_params["act"])
        if phone is None or act is None:
            return _reply(404, {"error": "没有这部电话或这个动作。No such phone or act."})
        try:
            act(phone, _given(await request.body()))
        except ValueError as error:
            return _reply(400, {"error": str(error)})
        for address in phone.addresses:
            self._stage.book.touch(address)
        return _reply(200, {"ok": True})

    async def audio(self, request: Request) -> Response:
        """Return a sound that was played in a call."""
        kept = self._calls.audio.kept(request.query_params.get("url", ""))
        if kept is None:
            return _reply(404, {"error": "录音已不在。The recording is gone."})
        return Response(kept.body, media_type=kept.content_type, headers=HEADERS)

    def _foreign(self, request: Request) -> Response | None:
        """Refuse what does not come from this page; its Host was checked already."""
        origin = request.headers.get("origin")
        here = f"http://{request.headers.get('host', '')}"
        token = request.headers.get("x-sandbox-token", "")
        if (origin is not None and origin != here) or not same(token, self._token):
            return _reply(403, {"error": "请从电话页面操作。Act from the phones page."})
        photo = request.path_params["act"] == "photo"
        most = LARGEST_PHOTO if photo else LARGEST
        if int(request.headers.get("content-length", most + 1)) > most:
            return _reply(413, {"error": "内容太长。That is too long."})
        return None

    def _summary(self, phone: Phone) -> dict[str, Any]:
        live = self._calls.on(phone)
        entries = [entry for address in phone.addresses for entry in self._stage.book.of(address)]
        last = max((entry.created_at for entry in entries), default=None)
        return {
            "key": phone.key,
            "name": phone.name,
            "number": phone.number,
            "kind": phone.kind,
            "chat": phone.chat,
            "manned": phone.manned,
            "started": phone.started,
            "blocked": phone.blocked,
            "call": live and live.call.status,
            "asked": bool(live and live.line.open),
            "count": len(entries),
            "last": last and last.isoformat(),
        }


def _given(body: bytes) -> dict[str, Any]:
    with contextlib.suppress(RecursionError):
        given = json.loads(body or b"{}")
        if isinstance(given, dict):
            return given
    raise ValueError("请发送一个对象。Send an object.")


def _entry(entry: Entry) -> dict[str, Any]:
    common = {
        "sid": entry.sid,
        "mine": entry.direction is Direction.IN,
        "at": entry.created_at.isoformat(),
        "status": entry.status,
        "error": entry.error_code,
    }
    if isinstance(entry, Call):
        script = [
            {"verb": spoken.verb, "text": spoken.text, "audio": spoken.audio}
            for spoken in entry.script
        ]
        return common | {"kind": "call", "script": script, "keys": entry.keys}
    return common | {
        "kind": entry.kind,
        "body": entry.body,
        "author": entry.author,
        "buttons": entry.buttons,
        "attachment": entry.attachment,
        "edits": entry.edits,
        "deleted": entry.deleted,
        "party": entry.sender if entry.direction is Direction.OUT else entry.to,
    }


def _reply(status: int, body: dict[str, Any]) -> Response:
    return Response(compact(body), status, HEADERS, media_type="application/json")
