"""Telegram: chat messages with buttons through python-telegram-bot, on connections of our own."""

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
)
from telegram.request import BaseRequest, RequestData

from channels import _updates
from channels._http import Pool, files, form
from channels.base import Abilities, Event, Receipt, Request, SendError
from content.message import Button, Kind, Message
from content.reason import Reason

LONGEST = 4096
"""UTF-16 units: the longest text of one message."""
KINDS = ["message", "callback_query", "my_chat_member"]
"""The kinds of updates that are asked for."""
THROTTLED, SERVER_ERROR = 429, 500
PAUSE = 1.0
"""Seconds to pause after a 429 that names no time."""

# what Telegram's descriptions of 400 contain -> what it means, and whether asking again helps
REFUSALS: tuple[tuple[str, Reason, bool], ...] = (
    ("chat not found", Reason.NUMBER_INVALID, True),
    ("user not found", Reason.NUMBER_INVALID, True),
    ("peer_id_invalid", Reason.NUMBER_INVALID, True),
    ("chat_id is empty", Reason.NUMBER_INVALID, True),
    ("group chat was upgraded", Reason.NUMBER_INVALID, True),
    ("not enough rights", Reason.BLOCKED, True),
    ("have no rights", Reason.BLOCKED, True),
    ("message is too long", Reason.REFUSED_CONTENT, True),
    ("message text is empty", Reason.REFUSED_CONTENT, True),
    ("button_data_invalid", Reason.REFUSED_CONTENT, True),
)
# PTB's error -> what it means, and whether asking again cannot help
ERRORS: tuple[tuple[type[TelegramError], Reason, bool], ...] = (
    (Forbidden, Reason.BLOCKED, True),
    (InvalidToken, Reason.CREDENTIALS, True),
    (ChatMigrated, Reason.NUMBER_INVALID, True),
    (Conflict, Reason.PROVIDER_REFUSED, False),
    (BadRequest, Reason.PROVIDER_REFUSED, True),
)
UNCHANGED = "message is not modified"
TOO_OLD = "query is too old"
STOPS = re.compile(r"(?<=[。！？；!?;\n])|(?<=\. )")
"""Where a long text may be cut: after a sentence."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SEND = "sendmessage"
"""Telegram's methods know no case; spelled in its own the library warns of its slower way."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
NO_PREVIEW_JSON = NO_PREVIEW.to_json()

Rows = tuple[tuple[Button, ...], ...]

# its debug lines hold texts and chat ids
logging.getLogger("telegram").setLevel(logging.WARNING)


class Telegram:
    """One bot. `username`, without @, may be given where nobody asks `me()` before parsing."""

    kind = Kind.CHAT
    abilities = Abilities(buttons=True, links=True, replies=True)

    def __init__(
        self,
        token: str,
        *,
        base_url: str = "https://api.telegram.org/bot",
        base_file_url: str = "https://api.telegram.org/file/bot",
        proxy: str | None = None,
        name: str = "telegram",
        timeout: float = 10,
        username: str = "",
    ) -> None:
        self.name = name
        self.username = username
        self._id = token.partition(":")[0]
        self._pool = Pool(timeout, proxy)
        self._requests = _Requests(self._pool)
        self._updates_url = f"{base_url}{token}/getUpdates"
        self._bot = Bot(
            token,
            base_url=base_url,
            base_file_url=base_file_url,
            request=self._requests,
            get_updates_request=self._requests,
        )

    async def send(self, to: str, message: Message, ref: str) -> Receipt:
        """Send the chat text to the chat `to`; the receipt's id is that of its last message.

        A text beyond Telegram's limit goes out in several messages, the buttons under the last.
        """
        *first, last = split(message.chat)
        for part in first:
            await self._send(to, part, "")
        return Receipt(await self._send(to, last, _markup(message.buttons, ref)))

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Raise SendError: a bot cannot ask Telegram what it has sent."""
        del to, message, since
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True)

    def event_id(self, request: Request) -> str:
        """Return the update's number; raises BadEventError."""
        return str(_updates.number(request.data))

    def parse(self, request: Request) -> list[Event]:
        """Read one update; raises BadEventError."""
        return _updates.read(request.data, _updates.Self(self._id, self.username))

    async def close(self) -> None:
        """Release connections."""
        await self._pool.close()

    async def reply(self, chat_id: str, text: str, buttons: Rows = (), ref: str = "") -> str:
        """Answer in a chat at once and return the id of the (last) message; raises SendError."""
        *first, last = split(text)
        for part in first:
            await self._send(chat_id, part, "")
        return await self._send(chat_id, last, _markup(buttons, ref))

    async def show(self, chat_id: str, kind: str, file_id: str) -> None:
        """Show a file that was sent to us in another chat; raises SendError.

        A picture may have come as a photo or as a document: only one way takes its id.
        """
        if kind.startswith(("image/", "audio/ogg")):
            with contextlib.suppress(SendError), _errors():
                if kind.startswith("image/"):
                    await self._bot.send_photo(chat_id, file_id)
                else:
                    await self._bot.send_voice(chat_id, file_id)
                return
        with _errors():
            await self._bot.send_document(chat_id, file_id)

    async def voice(self, chat_id: str, body: bytes, seconds: float, caption: str) -> None:
        """Send a voice message: Ogg coded by Opus; raises SendError."""
        with _errors():
            await self._bot.send_voice(
                chat_id, body, duration=round(seconds), caption=caption, filename="voice.ogg"
            )

    async def edit(
        self, chat_id: str, message_id: str, text: str, buttons: Rows = (), ref: str = ""
    ) -> None:
        """Change a message of our own; the same text again is no error. Raises SendError."""
        with _errors(but=UNCHANGED):
            await self._bot.edit_message_text(
                split(text)[0],
                chat_id=chat_id,
                message_id=int(message_id),
                reply_markup=keyboard(buttons, ref),
                link_preview_options=NO_PREVIEW,
            )

    async def acknowledge(self, callback_id: str, text: str = "") -> None:
        """Stop the button's waiting sign, with a short note; too late is no error."""
        with _errors(but=TOO_OLD):
            await self._bot.answer_callback_query(callback_id, text[:200] or None)

    async def updates(self, offset: int | None, timeout: int) -> list[dict[str, Any]]:  # noqa: ASYNC109 - Telegram is told to wait
        """Wait up to `timeout` real seconds for updates from number `offset` on.

        Telegram forgets the updates below `offset`: pass the number after the last one that has
        been committed. They come raw, so that one update python-telegram-bot does not understand
        cannot hold up the rest. Raises SendError.
        """
        asked: dict[str, object] = {"timeout": timeout, "allowed_updates": json.dumps(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        with _errors():
            found: Any = await self._requests.post(
                f"{self._updates_url}?{urlencode(asked)}",
                read_timeout=timeout + self._pool.timeout,
            )
        return [update for update in found if isinstance(update, dict)]

    async def webhook(self, url: str, secret: str = "") -> None:
        """Have updates brought to `url`, or by polling where it is empty; raises SendError."""
        with _errors():
            if url:
                await self._bot.set_webhook(url, secret_token=secret or None, allowed_updates=KINDS)
            else:
                await self._bot.delete_webhook()

    async def test(self) -> None:
        """Ask Telegram who we are; raises SendError."""
        await self.me()

    async def me(self) -> tuple[int, str]:
        """Return the bot's id and username, which `parse` knows from now on; raises SendError."""
        with _errors():
            user = await self._bot.get_me()
        self._id, self.username = str(user.id), user.username or ""
        return user.id, self.username

    async def fetch(self, file_id: str) -> bytes:
        """Return the content of a file somebody sent, up to 20 MB; raises SendError."""
        with _errors():
            file = await self._bot.get_file(file_id)
            return bytes(await file.download_as_bytearray())

    async def _send(self, to: str, text: str, markup: str) -> str:
        """Send one message and return its id.

        Through the library's way to any method of the Bot API, with arguments in JSON already:
        building the objects of a message and of its answer takes longer than sending it.
        """
        asked = {"chat_id": to, "text": text, "link_preview_options": NO_PREVIEW_JSON}
        if markup:
            asked["reply_markup"] = markup
        with _errors():
            sent: Any = await self._bot.do_api_request(SEND, api_kwargs=asked)
            return str(int(sent["message_id"]))


def split(text: str) -> list[str]:
    """Cut a text into pieces that Telegram takes, at sentences where it can."""
    if len(text) <= LONGEST // 2:
        # whatever its characters take
        return [text]
    pieces = [""]
    for sentence in STOPS.split(text):
        for chunk in _chunks(sentence):
            if _units(pieces[-1] + chunk) > LONGEST:
                pieces.append("")
            pieces[-1] += chunk
    return pieces


def keyboard(rows: Rows, ref: str) -> InlineKeyboardMarkup | None:
    """Return the buttons as Telegram draws them."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(one.label, callback_data=one.data(ref)) for one in row]
            for row in rows
        ]
    )


def _markup(rows: Rows, ref: str) -> str:
    """Return the same as JSON, empty for no buttons."""
    if not rows:
        return ""
    drawn = [[{"text": one.label, "callback_data": one.data(ref)} for one in row] for row in rows]
    return json.dumps({"inline_keyboard": drawn}, ensure_ascii=False)


def _units(text: str) -> int:
    """Return the length as Telegram counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _chunks(sentence: str) -> list[str]:
    """Cut a sentence that is itself too long; half the limit, as a character may take two units."""
    if _units(sentence) <= LONGEST:
        return [sentence]
    half = LONGEST // 2
    return [sentence[at : at + half] for at in range(0, len(sentence), half)]


@contextmanager
def _errors(but: str = "") -> Iterator[None]:
    """Turn every failure into a SendError, except a description that contains `but`.

    The causes are left out: their texts may quote what was sent.
    """
    try:
        yield
    except TelegramError as error:
        if but and but in error.message.lower():
            return
        raise _send_error(error) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        # status 200, but not an answer that Telegram gives
        raise SendError(Reason.OUTCOME_UNKNOWN, unknown=True) from None


def _send_error(error: TelegramError) -> SendError:
    if isinstance(error.__cause__, SendError):
        return error.__cause__
    said = error.message.lower()
    for words, reason, permanent in REFUSALS:
        if isinstance(error, BadRequest) and words in said:
            return SendError(reason, permanent=permanent)
    for kind, reason, permanent in ERRORS:
        if isinstance(error, kind):
            return SendError(reason, permanent=permanent)
    return SendError(Reason.OUTCOME_UNKNOWN, unknown=True)


class _Requests(BaseRequest):
    """What python-telegram-bot asks of an HTTP client, on our pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def read_timeout(self) -> float:
        """Seconds, real."""
        return self._pool.timeout

    async def initialize(self) -> None:
        """Open the pool, which sends no request yet."""
        self._pool.open()

    async def shutdown(self) -> None:
        """Release connections."""
        await self._pool.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return the status and body; raises SendError, which PTB wraps as a cause."""
        del write_timeout, connect_timeout, pool_timeout  # the pool has its own
        sent: dict[str, Any] = {"headers": FORM}
        if request_data and request_data.contains_files:
            sent = {"upload": files(request_data.json_parameters, request_data.multipart_data)}
        elif request_data:
            sent["form"] = form(request_data.json_parameters)
        answer = await self._pool.request(
            method,
            url,
            **sent,
            wait=read_timeout if isinstance(read_timeout, int | float) else None,
        )
        if answer.status == THROTTLED:
            raise SendError(Reason.RATE_LIMITED, retry_after=_pause(answer.body), code="429")
        if answer.status >= SERVER_ERROR:
            raise SendError(Reason.PROVIDER_DOWN, code=str(answer.status))
        return answer.status, answer.body

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer as PTB does, but keep a broken one out of the log."""
        try:
            found = json.loads(payload)
        except ValueError as error:
            raise TelegramError("not JSON") from error
        if not isinstance(found, dict):
            raise TelegramError("not an object")
        return found


def _pause(body: bytes) -> float:
    """Return the seconds that a 429 asks to wait."""
    try:
        return float(json.loads(body)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return PAUSE
