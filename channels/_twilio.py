"""What SMS and calls by Twilio share: the client, its errors, signatures and callback addresses."""

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from channels._http import Pool, form
from channels.base import BadEventError, Receipt, Request, SendError, State
from content.reason import Reason

API = "https://api.twilio.com"
OK, THROTTLED, SERVER_ERROR = 200, 429, 500
PAUSE = 1.0
"""Seconds to pause after a 429 that names no time."""
SKEW = timedelta(seconds=5)
"""How far Twilio's clock may be behind ours: it tells whole seconds, and neither is exact."""
LISTED = 50
"""How many of the latest messages or calls to one number `find` looks at."""

# reason, whether asking again cannot help -> Twilio's codes, of requests and of receipts
CODES: dict[tuple[Reason, bool], tuple[int, ...]] = {
    (Reason.NUMBER_INVALID, True): (
        *(13223, 13224, 21201, 21211, 21214, 21217, 21401, 21421, 21604, 21612, 30005),
    ),
    (Reason.LANDLINE, True): (21614, 30006),
    (Reason.NUMBER_UNREACHABLE, False): (30003,),
    (Reason.BLOCKED, True): (30004, 30450),
    (Reason.OPTED_OUT, True): (21610,),
    (Reason.REFUSED_CONTENT, True): (
        *(21602, 21605, 21617, 21618, 21654, 21655, 21656, 21658, 30007, 30019),
        *(50529, 50540, 50541, 63027, 63028),
    ),
    (Reason.REFUSED_REGION, True): (13226, 13227, 21203, 21215, 21408, 30018),
    (Reason.UNDELIVERED, False): (30008, 30009),
    (Reason.RATE_LIMITED, False): (
        *(10004, 20429, 21611, 30001, 30017, 30022, 30023, 30025, 30026, 30027),
    ),
    (Reason.PROVIDER_DOWN, False): (20500, 20503, 30020, 30021, 30410),
    (Reason.CREDENTIALS, True): (
        *(10001, 10003, 20003, 20005, 20006, 20101, 20102, 20103, 20403, 21470, 21471, 21472),
        *(30002, 63001),
    ),
    # our own number, or a number that Twilio or a trial account does not serve
    (Reason.PROVIDER_REFUSED, True): (
        *(10002, 13225, 21202, 21205, 21210, 21212, 21213, 21216, 21219, 21402, 21603, 21606),
        *(21607, 21608, 21609, 21616, 21657, 30024, 30032, 30033, 30034, 30035),
    ),
}
ERRORS = {code: meaning for meaning, codes in CODES.items() for code in codes}
WRONG_STATE = 21220

REF = re.compile(r"[A-Za-z0-9_-]{1,64}")
SID = re.compile(r"(?:SM|MM|CA)[0-9a-fA-F]{32}")


class Account:
    """One Twilio account behind one sender. `public_url` is where Twilio reaches our web server."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        public_url: str,
        name: str,
        *,
        api_url: str = "",
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        self._hooks = f"{public_url.rstrip('/')}/hooks/{name}"
        self._pool = Pool(timeout, proxy)
        self._validator = RequestValidator(auth_token)
        self._api_url = api_url.rstrip("/") or API
        self.client = Client(
            account_sid,
            auth_token,
            http_client=_Http(self._pool, self._api_url),
            # without these the client reads the process's environment
            environment={"TWILIO_REGION": "", "TWILIO_EDGE": ""},
        )

    def url(self, *path: str) -> str:
        """Return the address that Twilio is told to call."""
        return "/".join((self._hooks, *path))

    def valid(self, path: str, form: Mapping[str, str], signature: str) -> bool:
        """Say whether Twilio signed this form for our address of `path`.

        The address comes from the settings: behind a proxy the request does not know it.
        """
        return bool(self._validator.validate(self.url(path), form, signature))

    async def download(self, path: str) -> bytes:
        """Return a file of the account; raises SendError."""
        account = self.client.account_sid
        url = f"{self._api_url}/2010-04-01/Accounts/{account}/{path}"
        answer = await self._pool.request("GET", url, headers=_basic(self.client.auth))
        if answer.status != OK:
            raise _send_error(0, answer.status)
        return answer.body

    async def test(self) -> None:
        """Ask Twilio how the account is; raises SendError, also for one that is suspended."""
        with errors():
            found = await self.client.api.v2010.accounts(self.client.account_sid).fetch_async()
            status = str(found.status)
        if status != "active":
            raise SendError(Reason.PROVIDER_REFUSED, permanent=True, code=status)

    async def close(self) -> None:
        """Release connections."""
        await self._pool.close()


@contextmanager
def errors() -> Iterator[None]:
    """Turn every failure of the client into a SendError.

    The causes are left out: their texts quote numbers.
    """
    try:
        yield
    except TwilioRestException as error:
        raise _send_error(int(error.code or 0), int(error.status)) from None
    except TwilioServiceException as error:
        raise _send_error(int(error.code or 0), int(error.status)) from None
    except (TwilioException, KeyError, TypeError, ValueError, AttributeError):
        # a success, but not an answer that Twilio gives
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True) from None


def meaning(code: int, otherwise: Reason) -> tuple[Reason, bool]:
    """Return what a code of a receipt means, and whether asking again cannot help."""
    return ERRORS.get(code, (otherwise, False))


def the_one(found: list[Any], since: datetime, states: Mapping[str, State]) -> Receipt | None:
    """Return the only one made since then; raises SendError where there are several.

    `date_created` is compared because what is still queued has no date of sending yet.
    """
    from_then = since - SKEW
    recent = [one for one in found if one.date_created and one.date_created >= from_then]
    if not recent:
        return None
    if len(recent) > 1:
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True)
    return receipt(recent[0], states)


def receipt(made: Any, states: Mapping[str, State]) -> Receipt:
    """Return the receipt of a message or call; raises ValueError where Twilio gave no id."""
    if not SID.fullmatch(str(made.sid)):
        raise ValueError("no id")
    return Receipt(str(made.sid), states.get(str(made.status), State.ACCEPTED))


def route(request: Request, *known: str) -> tuple[str, str, str]:
    """Return what a callback is about, its ref and the rest of its path; raises BadEventError."""
    what, _, rest = request.path.strip("/").partition("/")
    ref, _, more = rest.partition("/")
    if what not in known or (rest and not REF.fullmatch(ref)):
        raise BadEventError("Twilio is not told to call this address.")
    return what, ref, more


def text(form: Mapping[str, object], field: str, default: str = "") -> str:
    """Return a field of a form; raises BadEventError where it is not a text."""
    value = form.get(field, default)
    if not isinstance(value, str):
        raise BadEventError(f"The field {field} is not a text.")
    return value


def number(form: Mapping[str, object], field: str) -> int:
    """Return a whole number of a form, 0 where it is missing; raises BadEventError."""
    value = text(form, field) or "0"
    if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004 - digits of 2**31
        raise BadEventError(f"The field {field} is not a whole number.")
    return int(value)


def sid(form: Mapping[str, object], field: str) -> str:
    """Return Twilio's own id; raises BadEventError where there is none."""
    value = text(form, field)
    if not SID.fullmatch(value):
        raise BadEventError(f"The field {field} is missing or is not an id of Twilio.")
    return value


def _send_error(code: int, status: int) -> SendError:
    shown = str(code or status)
    if code in ERRORS:
        reason, permanent = ERRORS[code]
        return SendError(reason, permanent=permanent, code=shown)
    if status in (401, 403):
        return SendError(Reason.CREDENTIALS, permanent=True, code=shown)
    return SendError(Reason.PROVIDER_REFUSED, permanent=True, code=shown)


class _Http(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """What the twilio library asks of an HTTP client, on our pool; `api_url` replaces Twilio's."""

    def __init__(self, pool: Pool, api_url: str) -> None:
        super().__init__(None, is_async=True, timeout=pool.timeout)
        self._pool = pool
        self._api_url = api_url

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - twilio's own signature
        allow_redirects: bool = False,
    ) -> Response:
        """Return the answer; raises SendError for what went wrong below Twilio's own errors."""
        del timeout, allow_redirects
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        answer = await self._pool.request(
            method.upper(),
            url.replace(API, self._api_url, 1) + query,
            form=form(data or {}),
            headers={**(headers or {}), **_basic(auth)},
        )
        if answer.status == THROTTLED:
            pause = _pause(answer.headers.get("Retry-After", ""))
            raise SendError(Reason.RATE_LIMITED, retry_after=pause, code="20429")
        if answer.status >= SERVER_ERROR:
            raise SendError(Reason.PROVIDER_DOWN, code=str(answer.status))
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


@cache
def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    pair = base64.b64encode(":".join(auth).encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _pause(header: str) -> float:
    try:
        return max(0.0, float(header))
    except ValueError:
        return PAUSE
