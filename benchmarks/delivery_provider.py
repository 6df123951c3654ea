"""A provider on loopback, in a process of its own: takes Telegram's and Twilio's sends, and counts.

    python benchmarks/delivery_provider.py [--port 0]

Speaks HTTP/1.1 with keep-alive, straight on the transport: it must not be what the measured side
waits for. Writes its port as the first line, and ends when its standard input does. It refuses what
the real ones refuse of the requests that are made here: a wrong path, token or password, a missing
field. `GET /counts`, `/arrivals?since=N`, `/reset` and `/set?latency=SECONDS&rate=N` are for who
measures.
"""

import argparse
import asyncio
import base64
import json
import sys
import time
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

TOKEN = "4200000000:" + "bench" * 7
ACCOUNT = "AC" + "b" * 32
SECRET = "loopback"  # noqa: S105 - it opens nothing
NUMBER = "+15550006666"
PASSWORD = b"Basic " + base64.b64encode(f"{ACCOUNT}:{SECRET}".encode())
SENDS = {
    f"/bot{TOKEN}/sendMessage".encode(): "chat",
    # methods know no case
    f"/bot{TOKEN}/sendmessage".encode(): "chat",
    f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json".encode(): "sms",
    f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json".encode(): "call",
}
ME = f"/bot{TOKEN}/getMe".encode()
SELF = f"/2010-04-01/Accounts/{ACCOUNT}.json".encode()
WANTED = {"chat": ("chat_id", "text"), "sms": ("To", "From", "Body"), "call": ("To", "From", "Url")}
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           429: "Too Many Requests"}  # fmt: skip
NOW = "Thu, 01 Jan 2026 00:00:00 +0000"
_SAME = 4_096
"""Texts that are kept as they are answered: everybody is sent the same one."""

Fields = dict[str, str]


class Ledger:
    """What has arrived: when, by which method, to whom."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.rate = 0.0
        self.refused = 0
        self.clear()

    def clear(self) -> None:
        self.at = array("d")
        self.kinds: list[str] = []
        self.to: list[str] = []
        self._free = 0.0

    def add(self, kind: str, to: str) -> int:
        self.at.append(time.time())
        self.kinds.append(kind)
        self.to.append(to)
        return len(self.at)

    def full(self) -> bool:
        """Say whether the limit is reached: one more than its rate in a second is refused."""
        now = time.monotonic()
        if not self.rate:
            return False
        if self._free > now + 1:
            return True
        self._free = max(self._free, now) + 1 / self.rate
        return False

    def counts(self) -> dict[str, Any]:
        kinds = {kind: self.kinds.count(kind) for kind in ("chat", "sms", "call")}
        return {"arrived": len(self.at), "refused": self.refused, **kinds}

    def arrivals(self, since: int) -> dict[str, Any]:
        return {"at": list(self.at[since:]), "kind": self.kinds[since:], "to": self.to[since:]}


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end]
            size = _length(head)
            if len(self._rest) < end + 4 + size:
                return
            body = self._rest[end + 4 : end + 4 + size]
            self._rest = self._rest[end + 4 + size :]
            answer = self._answer(head, body)
            if self._ledger.latency:
                asyncio.get_running_loop().call_later(self._ledger.latency, self._write, answer)
            else:
                self._transport.write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _answer(self, head: bytes, body: bytes) -> bytes:
        verb, path, _ = head[: head.find(b"\r\n")].split(b" ", 2)
        kind = SENDS.get(path)
        if kind is not None and verb == b"POST":
            return self._take(kind, head, body)
        if path == ME:
            return _http(200, _ok({"id": 42, "is_bot": True, "first_name": "b", "username": "b"}))
        if path == SELF and PASSWORD in head:
            return _http(200, json.dumps({"sid": ACCOUNT, "status": "active"}).encode())
        control = CONTROLS.get(urlsplit(path.decode()).path)
        if control is None:
            return _http(404, b'{"ok":false,"error_code":404,"description":"Not Found"}')
        asked = dict(parse_qsl(urlsplit(path.decode()).query))
        return _http(200, json.dumps(control(self._ledger, asked)).encode())

    def _take(self, kind: str, head: bytes, body: bytes) -> bytes:
        if kind != "chat" and PASSWORD not in head:
            return _http(401, b'{"code":20003,"message":"Authenticate","status":401}')
        fields = _json(body) if body[:1] == b"{" else _form(body)
        missing = [name for name in WANTED[kind] if not fields.get(name)]
        if missing:
            self._ledger.refused += 1
            return _http(400, _missing(kind, missing[0]))
        if self._ledger.full():
            self._ledger.refused += 1
            return _http(429, THROTTLED, b"Retry-After: 1\r\n")
        number = self._ledger.add(kind, unquote(fields[WANTED[kind][0]]))
        return ANSWERS[kind](number, fields)


def _length(head: bytes) -> int:
    at = head.find(b"Content-Length:")
    if at < 0:
        at = head.lower().find(b"content-length:")
    if at < 0:
        return 0
    end = head.find(b"\r\n", at)
    return int(head[at + 15 : end if end >= 0 else None])


def _form(body: bytes) -> Fields:
    """Cut a form into its fields as they were quoted: what is not looked at is not read."""
    fields = {}
    for pair in body.decode("ascii").split("&"):
        name, _, value = pair.partition("=")
        fields[name] = value
    return fields


def _json(body: bytes) -> Fields:
    found = json.loads(body)
    # a text with % is quoted twice otherwise
    quoted = {name: str(value).replace("%", "%25") for name, value in found.items()}
    return {name: value.replace("+", "%2B") for name, value in quoted.items()}


@lru_cache(_SAME)
def _text(quoted: str) -> str:
    return json.dumps(unquote_plus(quoted), ensure_ascii=True)


def _ok(result: object) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode()


def _missing(kind: str, name: str) -> bytes:
    if kind == "chat":
        said = {"ok": False, "error_code": 400, "description": f"Bad Request: {name} is empty"}
        return json.dumps(said).encode()
    return json.dumps({"code": 21604, "message": f"{name} is missing", "status": 400}).encode()


def _http(status: int, body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status, REASONS[status].encode(), more, len(body), body
    )  # fmt: skip


def _chat(number: int, fields: Fields) -> bytes:
    chat = unquote(fields["chat_id"])
    markup = unquote_plus(fields.get("reply_markup", ""))
    more = f',"reply_markup":{markup}' if markup else ""
    return _http(
        200,
        (
            f'{{"ok":true,"result":{{"message_id":{number},"date":{int(time.time())},'
            f'"from":{{"id":42,"is_bot":true,"first_name":"b","username":"b"}},'
            f'"chat":{{"id":{int(chat)},"type":"private","first_name":"b"}},'
            f'"text":{_text(fields["text"])}{more}}}}}'
        ).encode(),
    )


def _sms(number: int, fields: Fields) -> bytes:
    sid = f"SM{number:032x}"
    return _http(
        201,
        (
            f'{{"sid":"{sid}","account_sid":"{ACCOUNT}","api_version":"2010-04-01",'
            f'"body":{_text(fields["Body"])},"to":{_text(fields["To"])},'
            f'"from":{_text(fields["From"])},"status":"queued","direction":"outbound-api",'
            f'"date_created":"{NOW}","date_updated":"{NOW}","date_sent":null,'
            '"num_segments":"1","num_media":"0","price":null,"price_unit":"USD",'
            '"error_code":null,"error_message":null,"messaging_service_sid":null,'
            f'"uri":"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",'
            f'"subresource_uris":{{"media":"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"}}}}'
        ).encode(),
    )


def _call(number: int, fields: Fields) -> bytes:
    sid = f"CA{number:032x}"
    to, sender = _text(fields["To"]), _text(fields["From"])
    return _http(
        201,
        (
            f'{{"sid":"{sid}","account_sid":"{ACCOUNT}","api_version":"2010-04-01",'
            f'"to":{to},"to_formatted":{to},"from":{sender},"from_formatted":{sender},'
            f'"phone_number_sid":"PN{0:032x}","status":"queued","direction":"outbound-api",'
            f'"date_created":"{NOW}","date_updated":"{NOW}","start_time":null,"end_time":null,'
            '"duration":null,"price":null,"price_unit":"USD","answered_by":null,'
            '"parent_call_sid":null,"annotation":null,"forwarded_from":null,"group_sid":null,'
            '"caller_name":null,"queue_time":"0","trunk_sid":null,'
            f'"uri":"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json","subresource_uris":{{}}}}'
        ).encode(),
    )


ANSWERS: dict[str, Callable[[int, Fields], bytes]] = {"chat": _chat, "sms": _sms, "call": _call}
THROTTLED = json.dumps(
    {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
        "code": 20429,
        "status": 429,
    }
).encode()


def _reset(ledger: Ledger, asked: Fields) -> dict[str, Any]:
    del asked
    counted = ledger.counts()
    ledger.clear()
    return counted


def _set(ledger: Ledger, asked: Fields) -> dict[str, Any]:
    ledger.latency = float(asked.get("latency", ledger.latency))
    ledger.rate = float(asked.get("rate", ledger.rate))
    return {"latency": ledger.latency, "rate": ledger.rate}


CONTROLS: dict[str, Callable[[Ledger, Fields], dict[str, Any]]] = {
    "/counts": lambda ledger, _: ledger.counts(),
    "/arrivals": lambda ledger, asked: ledger.arrivals(int(asked.get("since", 0))),
    "/reset": _reset,
    "/set": _set,
}


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    ledger = Ledger()
    server = await loop.create_server(lambda: Provider(ledger), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(options.port))
    else:
        uvloop.run(_serve(options.port))


if __name__ == "__main__":
    main()
