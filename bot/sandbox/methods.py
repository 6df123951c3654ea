"""Methods: what each Bot API method does, once its fields are read."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox import markup
from bot.sandbox.chats import USERNAME, Chats, File, describe
from bot.sandbox.fields import Refusal, Values, check
from bot.sandbox.guard import on_loopback
from bot.sandbox.limits import Bucket
from bot.sandbox.residents import Residents
from bot.sandbox.stage import Stage
from bot.sandbox.updates import Updates

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_TOAST = 200
MAX_COMMANDS = 100
MAX_DOWNLOAD = 20 * 1024 * 1024
SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)


class Methods:
    """The methods of one bot over its chats; they raise Refusal as Telegram would."""

    def __init__(self, stage: Stage, chats: Chats, updates: Updates, residents: Residents) -> None:
        self._stage = stage
        self._chats = chats
        self._updates = updates
        self._residents = residents
        limits = stage.limits
        self._all = Bucket(stage.clock, limits.chats_per_second, limits.chats_per_second or 1)
        self._each: dict[int, Bucket] = {}
        self.commands: list[Values] = []

    def table(self) -> dict[str, Callable[[Values], Awaitable[object]]]:
        """Return every method by its name."""
        return {
            "getMe": self.get_me,
            "getUpdates": self._updates.poll,
            "setWebhook": self.set_webhook,
            "deleteWebhook": self.delete_webhook,
            "getWebhookInfo": self.webhook_info,
            "sendMessage": self.send_message,
            "editMessageText": self.edit_text,
            "editMessageReplyMarkup": self.edit_markup,
            "answerCallbackQuery": self.answer_query,
            "sendVoice": lambda values: self.send_file("voice", values),
            "sendAudio": lambda values: self.send_file("audio", values),
            "sendDocument": lambda values: self.send_file("document", values),
            "sendPhoto": lambda values: self.send_file("photo", values),
            "getFile": self.get_file,
            "setMyCommands": self.set_commands,
            "getChat": self.get_chat,
            "deleteMessage": self.delete_message,
        }

    async def get_me(self, _values: Values) -> Values:
        """Return the bot."""
        return self._chats.bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    async def set_webhook(self, values: Values) -> bool:
        """Post updates to an address on loopback or https from now on."""
        url, secret = values["url"], values.get("secret_token", "")
        if not url.startswith("https://") and not on_loopback(url):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided")
        if not SECRET.fullmatch(secret):
            raise Refusal(400, "Bad Request: secret token contains unallowed characters")
        if values.get("drop_pending_updates"):
            self._updates.drop()
        self._updates.allow(values.get("allowed_updates"))
        self._updates.set_webhook(url, secret)
        return True

    async def delete_webhook(self, values: Values) -> bool:
        """Go back to polling."""
        if values.get("drop_pending_updates"):
            self._updates.drop()
        self._updates.set_webhook("", "")
        return True

    async def webhook_info(self, _values: Values) -> Values:
        """Tell where updates are posted."""
        return self._updates.info()

    async def send_message(self, values: Values) -> Values:
        """Send a text."""
        text, entities = _text(values["text"], values, MAX_TEXT, "message text is empty")
        return self._send(values, {"text": text} | ({"entities": entities} if entities else {}))

    async def send_file(self, what: str, values: Values) -> Values:
        """Send a photo, voice note, audio or document with a caption."""
        given = values[what]
        file, name = self._file(given)
        # what was sent before stays what it was
        what = _shown_as(what, file.content) if isinstance(given, tuple) else what
        content = {what: describe(what, file, name, duration=values.get("duration", 1))}
        if values.get("caption"):
            content["caption"], entities = _text(
                values["caption"], values, MAX_CAPTION, "", "message caption is too long"
            )
            content |= {"caption_entities": entities} if entities else {}
        return self._send(values, content)

    async def edit_text(self, values: Values) -> Values:
        """Replace a message's text and its buttons; refuse what changes nothing."""
        message = self._own(values)
        if "text" not in message:
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        text, entities = _text(values.get("text", ""), values, MAX_TEXT, "message text is empty")
        return self._edit(message, values, {"text": text, "entities": entities})

    async def edit_markup(self, values: Values) -> Values:
        """Replace a message's buttons only; refuse what changes nothing."""
        return self._edit(self._own(values), values, {})

    async def answer_query(self, values: Values) -> bool:
        """Tell the person who pressed a button that it was heard."""
        query = values["callback_query_id"]
        if query not in self._chats.queries:
            raise Refusal(
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
            )
        if len(values.get("text", "")) > MAX_TOAST:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        self._chats.toasts[query] = values.get("text", "")
        return True

    async def get_file(self, values: Values) -> Values:
        """Tell the path of a file."""
        file = self._chats.files.get(values["file_id"])
        if file is None:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.content) > MAX_DOWNLOAD:
            raise Refusal(400, "Bad Request: file is too big")
        return {
            "file_id": file.id,
            "file_unique_id": file.id[6:],
            "file_size": len(file.content),
            "file_path": file.path,
        }

    async def set_commands(self, values: Values) -> bool:
        """Keep the list of commands that a menu shows."""
        commands = [check("BotCommand", command) for command in values["commands"]]
        if len(commands) > MAX_COMMANDS:
            raise Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        if not all(COMMAND.fullmatch(command["command"]) for command in commands):
            raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
        if not all(1 <= len(command["description"]) <= 256 for command in commands):  # noqa: PLR2004 - Telegram's own limit
            raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands = commands
        return True

    async def get_chat(self, values: Values) -> Values:
        """Describe a chat."""
        chat = self._chats.reachable(values["chat_id"])
        gifts = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"), False
        ) | {"gifts_from_channels": False}
        return chat | {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": gifts,
        }

    async def delete_message(self, values: Values) -> bool:
        """Take a message away."""
        self._chats.delete(self._chats.reachable(values["chat_id"])["id"], values["message_id"])
        return True

    # what they share

    def _send(self, values: Values, content: Values) -> Values:
        chat = self._chats.reachable(values["chat_id"])
        board = markup.keyboard(values.get("reply_markup"))
        if "link_preview_options" in values:
            check("LinkPreviewOptions", values["link_preview_options"])
        if replied := self._replied(chat, values.get("reply_parameters")):
            content["reply_to_message"] = replied
        self._limit(chat["id"])
        if board and board.get("inline_keyboard"):
            content["reply_markup"] = board
        message = self._chats.write(chat, content)
        self._residents.read(chat["id"], message)
        return message

    def _replied(self, chat: Values, given: Values | None) -> Values | None:
        if given is None:
            return None
        asked = check("ReplyParameters", given)
        message = self._chats.messages.get((chat["id"], asked["message_id"]))
        if message is None and not asked.get("allow_sending_without_reply"):
            raise Refusal(400, "Bad Request: message to be replied not found")
        shown = message or {}
        return {name: value for name, value in shown.items() if name != "reply_to_message"} or None

    def _limit(self, chat_id: int) -> None:
        limits = self._stage.limits
        if chat_id not in self._each:
            rate = limits.one_chat_per_second
            bucket = Bucket(self._stage.clock, rate, limits.one_chat_burst)
            if chat_id < 0:
                minute = limits.group_per_minute
                bucket = Bucket(self._stage.clock, minute and minute / 60, minute or 1)
            self._each[chat_id] = bucket
        if wait := max(self._each[chat_id].take(), self._all.take()):
            seconds = max(1, int(wait + 0.999))
            raise Refusal(
                429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}
            )

    def _own(self, values: Values) -> Values:
        if "chat_id" not in values or "message_id" not in values:
            raise Refusal(400, "Bad Request: message identifier is not specified")
        chat = self._chats.reachable(values["chat_id"])
        message = self._chats.messages.get((chat["id"], values["message_id"]))
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if message["from"].get("username") != USERNAME:
            raise Refusal(400, "Bad Request: message can't be edited")
        return message

    def _edit(self, message: Values, values: Values, changes: Values) -> Values:
        board = values.get("reply_markup")
        rows = markup.inline(board) if board is not None else None
        changes["reply_markup"] = rows if rows and rows["inline_keyboard"] else None
        if all((message.get(name) or None) == (value or None) for name, value in changes.items()):
            raise Refusal(400, NOT_MODIFIED)
        self._limit(message["chat"]["id"])
        self._chats.edit(message, changes)
        return message

    def _file(self, given: Any) -> tuple[File, str]:
        if isinstance(given, tuple):
            name, content, mime = given
            if not content:
                raise Refusal(400, "Bad Request: file must be non-empty")
            return self._chats.keep(content, name, mime), name
        file = self._chats.files.get(given)
        if file is None:
            raise Refusal(400, "Bad Request: wrong remote file identifier specified")
        return file, ""


def _shown_as(what: str, content: bytes) -> str:
    """Return what Telegram makes of a file: a sound it cannot play is shown as a document."""
    compressed = content.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3")) or content[4:8] == b"ftyp"
    opus = content.startswith(b"OggS") and b"OpusHead" in content[:100]
    plays = {"voice": compressed or opus, "audio": compressed}
    return what if plays.get(what, True) else "document"


def _text(
    text: str,
    values: Values,
    limit: int,
    empty: str,
    long: str = "message is too long",
) -> tuple[str, list[Values]]:
    """Return a text without markup and its entities; raises Refusal 400 if it cannot be sent."""
    plain, entities = markup.parse(text, values.get("parse_mode"))
    if empty and not plain.strip():
        raise Refusal(400, f"Bad Request: {empty}")
    if len(plain) > limit:
        raise Refusal(400, f"Bad Request: {long}")
    return plain, values.get("entities") or entities
