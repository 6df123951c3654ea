"""The web: providers' webhooks, checked, kept and answered at once; and whether we are well."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from sqlalchemy import text

from bot import inbox
from bot.web import voice
from channels.base import BadEventError, Channel
from channels.base import Request as Raw
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content.clock import Clock
from content.store import Store

log = structlog.get_logger("web")

LARGEST = 256 * 1024
"""Bytes of a request body; Telegram's and Twilio's are far smaller."""
_XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the webhooks need."""

    store: Store
    clock: Clock
    channels: Mapping[str, Channel]
    telegram_secret: str = field(repr=False)


def make(hooks: Hooks) -> FastAPI:
    """Return the application; nothing is documented to strangers."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        await hooks.store.query(lambda session: session.execute(text("SELECT 1")))
        return {"status": "ok"}

    @app.post("/hooks/{name}")
    async def telegram(name: str, request: Request) -> Response:
        return await _telegram(hooks, name, request)

    @app.post("/hooks/{name}/{path:path}")
    async def twilio(name: str, path: str, request: Request) -> Response:
        return await _twilio(hooks, name, path, request)

    return app


async def _telegram(hooks: Hooks, name: str, request: Request) -> Response:
    channel = hooks.channels.get(name)
    if not isinstance(channel, Telegram):
        raise HTTPException(404)
    given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode()
    wanted = hooks.telegram_secret.encode()
    if not wanted or not hmac.compare_digest(given, wanted):
        raise HTTPException(403, "The secret token is missing or wrong.")
    await _keep(hooks, channel, Raw("", _json(await _body(request))))
    return Response()


async def _twilio(hooks: Hooks, name: str, path: str, request: Request) -> Response:
    channel = hooks.channels.get(name)
    if not isinstance(channel, TwilioSms | TwilioVoice):
        raise HTTPException(404)
    form = _form(await _body(request))
    if not channel.valid(path, form, request.headers.get("X-Twilio-Signature", "")):
        raise HTTPException(403, "The signature is missing or wrong.")
    raw = Raw(path, dict(form))
    if isinstance(channel, TwilioVoice) and path.startswith(("script/", "key/")):
        return await _speak(hooks, channel, raw)
    if isinstance(channel, TwilioVoice) and path == "inbound":
        return await _answer(hooks, channel, raw)
    await _keep(hooks, channel, raw)
    return Response("<Response/>", media_type=_XML)


async def _speak(hooks: Hooks, channel: TwilioVoice, raw: Raw) -> Response:
    """Answer a call in progress: the key is kept before the answer is given."""
    ref = raw.path.split("/")[1]
    found = await hooks.store.query(lambda session: voice.message(session, ref))
    if found is None:
        raise HTTPException(404)
    message, machine = found
    if raw.path.startswith("key/"):
        await _keep(hooks, channel, raw)
    try:
        answer = channel.twiml(message, raw, machine=machine)
    except BadEventError as error:
        raise HTTPException(400, str(error)) from error
    return Response(answer, media_type=_XML)


async def _answer(hooks: Hooks, channel: TwilioVoice, raw: Raw) -> Response:
    """Answer somebody who calls us: with the notice that waits for them, or with the duty phone."""
    await _keep(hooks, channel, raw)
    now, number = hooks.clock.now(), str(raw.data.get("From", ""))
    ref, message = await hooks.store.query(lambda session: voice.waiting(session, number))
    if message is not None:
        said = channel.twiml(message, Raw(f"script/{ref}"))
    else:
        said = await hooks.store.query(lambda session: voice.nothing(session, number, now))
    return Response(said, media_type=_XML)


async def _keep(hooks: Hooks, channel: Channel, raw: Raw) -> None:
    """Commit the raw event before the provider is told that we have it."""
    try:
        await hooks.store.write(lambda session: inbox.keep(session, channel, raw, hooks.clock))
    except BadEventError as error:
        log.warning("web.refused", sender=channel.name, error=str(error))
        raise HTTPException(400, str(error)) from error


async def _body(request: Request) -> bytes:
    """Read the body up to `LARGEST`, without trusting what its header says."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise HTTPException(413, "The body is too large.")
        parts.append(part)
    return b"".join(parts)


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is not JSON in UTF-8.") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "The body is not a JSON object.")
    return value


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise HTTPException(400, "The body is not a form in UTF-8.") from error
    return dict(pairs)
