"""Web: requests from the stand-ins to the committee's own server, never further than loopback."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.guard import on_loopback
from bot.sandbox.stage import Stage

TIMEOUT = 15.0
CONNECTIONS = 32
IDLE = 2.0
"""Real seconds until an idle connection is closed, before the other side does it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 when nothing did, with the reason as text in body."""

    status: int
    content_type: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request was taken."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's range of success


class Web:
    """Sends requests, signed as Twilio signs them where that is asked for.

    public_url: the address under which the providers know the committee's server; what goes there
    is signed for it and carried to `tunnel`, its address on loopback.
    """

    def __init__(self, stage: Stage, auth_token: str, public_url: str) -> None:
        self._stage = stage
        self._key = auth_token.encode()
        self._public_url = public_url.rstrip("/")
        self.tunnel = ""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def sign(self, url: str, params: Mapping[str, str]) -> str:
        """Return X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted parameters, base64."""
        text = url + "".join(name + params[name] for name in sorted(params))
        return base64.b64encode(hmac.new(self._key, text.encode(), sha1).digest()).decode()

    async def call(self, url: str, params: Mapping[str, str], method: str = "POST") -> Answer:
        """Send Twilio's parameters, signed, as a form or in the query."""
        if method == "GET":
            if params:
                url += ("&" if "?" in url else "?") + urlencode(params)
            return await self._request("GET", url, None, {"X-Twilio-Signature": self.sign(url, {})})
        headers = {
            "X-Twilio-Signature": self.sign(url, params),
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        return await self._request("POST", url, urlencode(params).encode(), headers)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST a body as it is."""
        return await self._request("POST", url, body, headers)

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        target = self._target(url)
        if not target:
            return self._failed(url, "the sandbox sends nothing beyond this machine")
        try:
            async with self._session.request(
                method, target, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
                answer = Answer(response.status, response.content_type, content)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            return self._failed(url, f"no answer ({type(error).__name__})")
        self._stage.book.receipts[answer.status] += 1
        if not answer.ok:
            self._stage.book.note(self._stage.clock.now(), 11200, f"HTTP {answer.status}", url)
        return answer

    def _target(self, url: str) -> str:
        if self._public_url and self.tunnel and url.startswith(self._public_url + "/"):
            return self.tunnel.rstrip("/") + url.removeprefix(self._public_url)
        return url if on_loopback(url) else ""

    def _failed(self, url: str, why: str) -> Answer:
        self._stage.book.receipts[0] += 1
        self._stage.book.note(self._stage.clock.now(), 11200, why, url)
        return Answer(0, "", why.encode())
