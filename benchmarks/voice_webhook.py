"""Keys that arrive while the database is locked: how fast a web answers, and that all are kept."""

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from crash_house import environment, free_port, locked
from delivery_town import CALLED, CALLED_HOMES, Access, announce, build
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from channels import route
from content import acceptance, cap, claim, expansion, ladder
from content.acceptance import Taken
from content.alert import Severity
from content.call import At
from content.clock import Clock
from content.inbound import Inbound
from content.message import Kind
from content.pace import Sender
from content.store import Store

PUBLIC, TOKEN, NUMBER = "https://linxun.example.org", "a-token-of-the-benchmark", "+12025550100"
LOCKED = 3.0
"""Seconds for which nobody can write."""
RATE = 50
"""Keys a second."""
_KEYS = "1231"
_START = 60.0


@dataclass(frozen=True, slots=True)
class Figures:
    """How long the answers took (ms), how many keys were sent, and how many of them are kept."""

    answers: Sequence[float] = field(repr=False)
    refused: int
    sent: int
    kept: int


async def measure(folder: Path, rounds: int) -> Figures:
    """Lock the database so often, and press keys in as many calls as are in progress."""
    url = f"sqlite:///{folder / 'linxun.sqlite3'}"
    access = await asyncio.to_thread(build, url, folder / "linxun.key", 0)
    store = access.open()
    calls = _calls(store, access)
    validator = RequestValidator(TOKEN)
    answers: list[float] = []
    codes: list[int] = []
    pressed = 0

    async def press(client: aiohttp.ClientSession, number: int) -> None:
        ref, sid = calls[number % len(calls)]
        at = At("cmn-start", number // len(calls) % 6)
        path = f"/hooks/twilio_voice/key/{ref}/{at}"
        form = {
            "CallSid": sid,
            "Digits": _KEYS[number % len(_KEYS)],
            "To": "+8621000",
            "From": NUMBER,
        }
        signature = validator.compute_signature(PUBLIC + path, form)
        began = time.perf_counter()
        async with client.post(path, data=form, headers={"X-Twilio-Signature": signature}) as found:
            await found.read()
            codes.append(found.status)
        answers.append(1000 * (time.perf_counter() - began))

    async def begin(client: aiohttp.ClientSession, ref: str, sid: str) -> None:
        """Fetch what a call says, as Twilio does when somebody picks up."""
        path = f"/hooks/twilio_voice/script/{ref}"
        form = {"CallSid": sid, "To": "+8621000", "From": NUMBER}
        signature = validator.compute_signature(PUBLIC + path, form)
        async with client.post(path, data=form, headers={"X-Twilio-Signature": signature}) as found:
            codes.append(found.status)

    async with _web(folder, access) as url, aiohttp.ClientSession(url) as client:
        for ref, sid in calls:
            await begin(client, ref, sid)
        for _ in range(rounds):
            async with locked(access.url), asyncio.TaskGroup() as pressing:
                ends = time.monotonic() + LOCKED
                while time.monotonic() < ends:
                    pressing.create_task(press(client, pressed))
                    pressed += 1
                    await asyncio.sleep(1 / RATE)
            await _kept(store, pressed)
        kept = await _kept(store, pressed)
    store.close()
    return Figures(answers, sum(code != 200 for code in codes), pressed, kept)


def _calls(store: Store, access: Access) -> list[tuple[str, str]]:
    """Return (ref, provider's id) of calls that are in progress, one to each who is called."""
    announce(store, access, CALLED, Severity.SEVERE)
    now = Clock().now()
    calls = Sender("twilio_voice", Kind.CALL, 10_000.0)
    while True:
        with store.begin() as session:
            if expansion.grow(session, now, CALLED_HOMES) is None:
                break
    with store.begin() as session:
        kinds = frozenset({Kind.CALL})
        route.route(session, ladder.load(), kinds, cap.zone(session), now, CALLED_HOMES)
    taken: list[Taken] = []
    with store.begin() as session:
        while jobs := claim.claim(session, calls, 100, now):
            taken += [Taken(job.ref, f"CA{secrets.token_hex(16)}", now) for job in jobs]
    with store.begin() as session:
        acceptance.record(session, taken)
    return [(one.ref, one.provider_id) for one in taken]


async def _kept(store: Store, wanted: int) -> int:
    """Return how many keys are in the database, once it has had time to take them."""
    query = select(func.count()).where(Inbound.sender == "twilio_voice", Inbound.path.like("key/%"))
    found, ends = 0, time.monotonic() + 30
    while found < wanted and time.monotonic() < ends:
        await asyncio.sleep(0.1)
        found = await store.query(lambda session: session.scalar(query) or 0)
    return found


@contextlib.asynccontextmanager
async def _web(folder: Path, access: Access) -> AsyncIterator[str]:
    """Run `linxun web` as a process of its own."""
    port = free_port()
    settings = {
        "database_url": access.url,
        "key_file": access.keys,
        "port": str(port),
        "public_url": PUBLIC,
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": TOKEN,
        "twilio_api_url": "http://127.0.0.1:9",
        "twilio_voice_from": NUMBER,
        "link_test_minutes": "0",
        "log_level": "ERROR",
    }
    with (folder / "web.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "web"), env=environment(settings), cwd=folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        await _served(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _served(url: str) -> None:
    async with asyncio.timeout(_START), aiohttp.ClientSession(url) as client:
        while True:
            try:
                async with client.get("/healthz") as found:
                    if found.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
