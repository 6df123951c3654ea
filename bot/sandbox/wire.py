"""Wire: what all stand-ins need to write: JSON, lists of names, an answer that never arrives."""

import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


def compact(value: object) -> bytes:
    """Return a value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set, to write long lists of names down in few lines."""
    return frozenset(text.split())


class Broken(Response):
    """Breaks the connection instead of answering; needs `sandbox.abort` in the scope."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Abort the connection, and wait until the server has noticed."""
        scope["sandbox.abort"]()
        message = await receive()
        while message["type"] != "http.disconnect":
            message = await receive()
