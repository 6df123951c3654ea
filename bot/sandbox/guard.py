"""The guard: the sandbox stays on loopback and never runs beside live credentials."""

import hmac
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

BOT_TOKEN = re.compile(r"\d{6,12}:[A-Za-z0-9_-]{30,50}")
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class LiveCredentialsError(Exception):
    """The sandbox was asked to run beside what looks like a live account."""


def on_loopback(url: str) -> bool:
    """Say whether an http(s) URL leads to this machine only."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    return is_local(parts.hostname)


def is_local(host: str) -> bool:
    """Say whether a host name or address is this machine's loopback."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_allowed(header: str, port: int) -> bool:
    """Say whether a Host header names this server, which a page behind DNS rebinding does not."""
    host, _, given = header.rpartition(":") if not header.endswith("]") else (header, "", "")
    return host.strip("[]").lower() in LOCAL_NAMES and given == str(port)


def refuse_live(
    settings: Mapping[str, str | None], *, telegram_token: str, account_sid: str
) -> None:
    """Raise LiveCredentialsError if settings hold anything that the sandbox did not issue.

    settings: names in any case. A value is looked at when it has the shape of a bot token or an
    account sid, or when its name ends in telegram_token, account_sid, base_url, api_url or
    twilio_url; the rest is ignored; empty values pass.
    """
    for name, value in settings.items():
        if value:
            _refuse_one(name.lower(), value, telegram_token, account_sid)


def _refuse_one(name: str, value: str, telegram_token: str, account_sid: str) -> None:
    a_token = BOT_TOKEN.fullmatch(value) or name.endswith(("telegram_token", "bot_token"))
    an_account = ACCOUNT_SID.fullmatch(value) or name.endswith("account_sid")
    if a_token and not same(value, telegram_token):
        raise LiveCredentialsError(
            f"The sandbox will not run beside a live Telegram token: unset {name} and start again."
        )
    if an_account and not same(value, account_sid):
        raise LiveCredentialsError(
            f"The sandbox will not run beside a live Twilio account: unset {name} and start again."
        )
    if name.endswith(("base_url", "api_url", "twilio_url")) and not on_loopback(value):
        raise LiveCredentialsError(
            f"The sandbox talks to this machine only: {name} must be a loopback address."
        )


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
