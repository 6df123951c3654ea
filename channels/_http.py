"""One pool of connections to a provider, whose failures say whether a request had gone out.

Everything that goes wrong below HTTP becomes a `SendError` here, once for all adapters: before the
request was written it is transient, afterwards the provider may have taken it (`unknown`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from urllib.parse import quote_plus

import aiohttp
from aiohttp import FormData
from yarl import URL

from channels.base import SendError
from content.reason import Reason

LARGEST = 20 * 1024 * 1024
"""Bytes: the largest body that is read; Telegram's own limit for files."""
NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
_LONG = 100
"""Characters of a value that is worth keeping quoted: a message goes to thousands of people."""
GATEWAYS = frozenset({502, 504})
"""The provider's door answered, its inside did not: the request may have been taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pool:
    """Connections to one provider, opened on first use. `timeout` is in real seconds."""

    def __init__(self, timeout: float, proxy: str | None = None) -> None:
        self.timeout = timeout
        self._proxy = proxy or None
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        form: str = "",
        upload: FormData | None = None,
        headers: Mapping[str, str] | None = None,
        wait: float | None = None,
    ) -> Answer:
        """Return the answer of any status but 502 and 504; raises SendError.

        url: with its query, already quoted. form: a form, already quoted; upload: one with files.
        wait: seconds to wait for the answer where that is not the pool's timeout (long polling).
        """
        try:
            async with self.open().request(
                method,
                URL(url, encoded=True),
                data=upload or (form.encode() if form else None),
                headers=headers,
                proxy=self._proxy,
                timeout=self._patience(wait or self.timeout),
                allow_redirects=False,
            ) as response:
                body = await _read(response)
        except NEVER_SENT:
            # the cause is left out: its text may hold an address of the provider with a token in it
            raise SendError(Reason.PROVIDER_DOWN) from None
        except TimeoutError:
            raise SendError(Reason.TIMEOUT, unknown=True) from None
        except (aiohttp.ClientError, OSError):
            raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True) from None
        if response.status in GATEWAYS:
            raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True, code=str(response.status))
        return Answer(response.status, response.headers, body)

    async def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def open(self) -> aiohttp.ClientSession:
        """Return the session of the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _patience(self, wait: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=self.timeout + wait, connect=self.timeout, sock_read=wait
        )


def form(fields: Mapping[str, object]) -> str:
    """Return a form as it is sent: quoted; a field with several values stands several times."""
    return "&".join(f"{name}={value}" for name, value in _quoted(fields))


def files(
    fields: Mapping[str, object], named: Mapping[str, tuple[str, bytes | IO[bytes], str]]
) -> FormData:
    """Return a form with files: field -> name of the file, content, MIME type."""
    made = FormData()
    for name, value in fields.items():
        made.add_field(name, str(value))
    for name, (filename, body, mime) in named.items():
        made.add_field(name, body, filename=filename, content_type=mime)
    return made


def _quoted(fields: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, given in fields.items():
        for one in given if isinstance(given, list | tuple) else (given,):
            value = str(one)
            yield name, _kept(value) if len(value) > _LONG else quote_plus(value)


@lru_cache(256)
def _kept(value: str) -> str:
    return quote_plus(value)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], response.content_length or 0
    if size <= LARGEST:
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > LARGEST:
                break
            parts.append(part)
    if size > LARGEST:
        raise SendError(Reason.PROVIDER_REFUSED, permanent=True, code="too_large")
    return b"".join(parts)
