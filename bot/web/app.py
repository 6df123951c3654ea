"""The web: providers' webhooks, checked, kept and answered at once; and whether we are well."""

import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import text

from bot import inbox
from bot.sounds import Sounds, SoundsError
from bot.web import hotline, voice
from bot.web.intake import Intake, UnkeptError
from bot.web.reading import AwayError, Reader
from bot.web.voice import Calls
from channels.base import BadEventError, Channel
from channels.base import Request as Raw
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content.clock import Clock
from content.journal import Journal
from content.store import Store

log = structlog.get_logger("web")

LARGEST = 256 * 1024
"""Bytes of a request body; Telegram's and Twilio's are far smaller."""
_XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the webhooks need; without a journal they keep nothing while the database is away."""

    store: Store
    clock: Clock
    channels: Mapping[str, Channel]
    telegram_secret: str = field(repr=False)
    journal: Journal | None = None
    sounds: Sounds | None = None


@dataclass(frozen=True, slots=True)
class _Rooms:
    hooks: Hooks
    intake: Intake
    reader: Reader
    calls: Calls


def make(hooks: Hooks) -> FastAPI:
    """Return the application; nothing is documented to strangers."""
    reader = Reader(hooks.store)
    calls = Calls(reader, _number(hooks))
    rooms = _Rooms(hooks, Intake(hooks.store, hooks.journal), reader, calls)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        rooms.intake.start()
        yield
        await rooms.intake.stop()

    if hooks.sounds is not None:
        hooks.sounds.serve(hooks.channels.values())
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.intake = rooms.intake

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": await _health(rooms)}

    @app.post("/hooks/{name}")
    async def telegram(name: str, request: Request) -> Response:
        return await _telegram(rooms, name, request)

    @app.post("/hooks/{name}/{path:path}")
    async def twilio(name: str, path: str, request: Request) -> Response:
        return await _twilio(rooms, name, path, request)

    @app.api_route("/sounds/{ref}/{name}/{until}/{signature}.wav", methods=["GET", "HEAD"])
    async def sound(ref: str, name: str, until: str, signature: str) -> Response:
        return await _sound(rooms, (ref, name, until, signature))

    return app


async def _sound(rooms: _Rooms, address: tuple[str, str, str, str]) -> Response:
    """Return what a call plays, whole or a range of it, to whoever has the signed address."""
    if rooms.hooks.sounds is None:
        raise HTTPException(404)
    try:
        path = await rooms.hooks.sounds.fetch(*address, rooms.calls.find)
    except SoundsError as error:
        raise HTTPException(error.status, str(error)) from error
    except AwayError as error:
        raise HTTPException(503, "The database does not answer.") from error
    return FileResponse(
        path, media_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"}
    )


async def _health(rooms: _Rooms) -> str:
    """Say where events are kept: `ok` or `journal`; with neither we are not well."""
    try:
        await rooms.reader.read(lambda session: session.execute(text("SELECT 1")))
    except AwayError as error:
        if rooms.hooks.journal is None:
            raise HTTPException(503, "The database does not answer.") from error
        return "journal"
    return "journal" if rooms.intake.away else "ok"


async def _telegram(rooms: _Rooms, name: str, request: Request) -> Response:
    channel = rooms.hooks.channels.get(name)
    if not isinstance(channel, Telegram):
        raise HTTPException(404)
    given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode()
    wanted = rooms.hooks.telegram_secret.encode()
    if not wanted or not hmac.compare_digest(given, wanted):
        raise HTTPException(403, "The secret token is missing or wrong.")
    await _keep(rooms, channel, Raw("", _json(await _body(request))))
    return Response()


async def _twilio(rooms: _Rooms, name: str, path: str, request: Request) -> Response:
    channel = rooms.hooks.channels.get(name)
    if not isinstance(channel, TwilioSms | TwilioVoice):
        raise HTTPException(404)
    form = _form(await _body(request))
    if not channel.valid(path, form, request.headers.get("X-Twilio-Signature", "")):
        raise HTTPException(403, "The signature is missing or wrong.")
    if isinstance(channel, TwilioVoice) and path.startswith(
        ("script/", "key/", "wait/", *hotline.PATHS)
    ):
        try:
            return Response(await _talk(rooms, channel, path, form), media_type=_XML)
        except BadEventError as error:
            raise HTTPException(400, str(error)) from error
    await _keep(rooms, channel, Raw(path, dict(form)))
    return Response("<Response/>", media_type=_XML)


async def _talk(rooms: _Rooms, channel: TwilioVoice, path: str, form: Mapping[str, str]) -> str:
    """Return what is said next in a call, in any case within a second; raises BadEventError."""
    times, raw = voice.waited(path, form)
    try:
        if raw.path == "inbound":
            return await _answer(rooms, channel, raw)
        if raw.path.startswith(hotline.PATHS):
            return await _hotline(rooms, channel, raw)
        return await _speak(rooms, channel, raw)
    except AwayError:
        return voice.moment(channel, raw, times)


def _number(hooks: Hooks) -> str:
    """Return the number from which we call by Twilio; empty: we do not."""
    callers = (one for one in hooks.channels.values() if isinstance(one, TwilioVoice))
    return next((one.number for one in callers), "")


async def _speak(rooms: _Rooms, channel: TwilioVoice, raw: Raw) -> str:
    """Go on with a call: the key is kept before the answer is given, and before we give up."""
    what, _, rest = raw.path.partition("/")
    told, away = None, None
    try:
        told = await rooms.calls.script(rest.split("/")[0])
    except AwayError as error:
        away = error
    if told is None and away is None:
        raise HTTPException(404)
    if what == "key":
        await _keep(rooms, channel, raw)
    if told is None:
        raise away or AwayError
    return voice.next_(channel, raw, told)


async def _answer(rooms: _Rooms, channel: TwilioVoice, raw: Raw) -> str:
    """Answer somebody who calls us: with the notice that waits for them, or with the hotline."""
    await _keep(rooms, channel, raw)
    return await rooms.calls.back(channel, raw, rooms.hooks.clock.now())


async def _hotline(rooms: _Rooms, channel: TwilioVoice, raw: Raw) -> str:
    """Go on with a call to us; what was said or pressed in it is kept first."""
    if hotline.carries(raw):
        await _keep(rooms, channel, raw)
    return await rooms.calls.hotline(channel, raw, rooms.hooks.clock.now())


async def _keep(rooms: _Rooms, channel: Channel, request: Raw) -> None:
    """Have the raw event on the disk before the provider is told that we have it."""
    try:
        await rooms.intake.keep(inbox.raw(channel, request, rooms.hooks.clock))
    except BadEventError as error:
        log.warning("web.refused", sender=channel.name, error=str(error))
        raise HTTPException(400, str(error)) from error
    except UnkeptError as error:
        headers = {"Retry-After": "1"}
        raise HTTPException(503, "Neither database nor disk: try again.", headers) from error


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
