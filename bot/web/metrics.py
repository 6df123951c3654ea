"""`/metrics`: who may read the figures, and where: they say who needs help, if only as counts."""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from fastapi import FastAPI, HTTPException, Request, Response

from bot.errors import AppError
from bot.heartbeat import SILENT
from bot.metrics import Metrics

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""What a proxy adds: behind one, everybody seems to come from this machine."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read: the bearer of the token; without a token who asks from this machine itself.

    public: the port can be reached from outside through a proxy, so only a token will do.
    """

    token: str = field(default="", repr=False)
    public: bool = False

    def allows(self, peer: str, headers: Mapping[str, str]) -> bool:
        """Say whether a request from the address `peer` may read; header names in lower case."""
        if self.token:
            kind, _, given = headers.get("authorization", "").partition(" ")
            return kind.lower() == "bearer" and hmac.compare_digest(
                given.strip().encode(), self.token.encode()
            )
        forwarded = any(name in headers for name in _FORWARDED)
        host = headers.get("host", "")
        return not (self.public or forwarded) and _here(peer) and _here(_name(host))


def show(app: FastAPI, metrics: Metrics, access: Access) -> None:
    """Serve `/metrics` beside the webhooks; who may not read is told nothing of it."""
    metrics.intake = getattr(app.state, "intake", None)

    @app.get("/metrics")
    async def read(request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.client.host if request.client else ""
        if not access.allows(peer, headers):
            raise HTTPException(404)
        text, media = await metrics.text(headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media})


async def listen(host: str, port: int, metrics: Metrics, access: Access) -> web.AppRunner:
    """Serve `/metrics` on a port of its own, and `/healthz`, until the runner is cleaned up.

    Whoever runs the process may ask whether its loops go round: that says nothing about residents.
    """

    async def read(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not access.allows(request.remote or "", headers):
            raise web.HTTPNotFound
        text, media = await metrics.text(headers.get("accept", ""))
        return web.Response(body=text, headers={"Content-Type": media})

    async def healthz(_request: web.Request) -> web.Response:
        # a provider that fails is no reason to start the process again
        works = not metrics.meter.stopped(SILENT, float("inf"))
        said = {"status": "ok" if works else "standing still"}
        return web.json_response(said, status=200 if works else 503)

    app = web.Application()
    app.router.add_get("/metrics", read)
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise AppError(
            f"Port {port} on {host} is taken or not allowed: set LINXUN_METRICS_PORT to another "
            "one; each process of a machine needs its own."
        ) from error
    return runner


def _name(host: str) -> str:
    """Return the name or address of a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _here(name: str) -> bool:
    """Say whether a name or an address is this very machine's."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
