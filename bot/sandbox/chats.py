"""Chats: private chats, groups, messages and files as Telegram keeps them."""

import mimetypes
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import markup
from bot.sandbox.book import Direction, Kind, Message
from bot.sandbox.fields import Refusal, Values
from bot.sandbox.phones import Phone
from bot.sandbox.stage import Stage

BOT_ID = 7_000_000_001
USERNAME = "linxun_sandbox_bot"


@dataclass(slots=True, eq=False)
class Group:
    """A group chat; id is negative; the bot sees what privacy mode lets it see."""

    id: int
    title: str
    members: list[Phone] = field(default_factory=list)
    has_bot: bool = True
    kicked: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file that was sent: its content, its path under /file/ and its MIME type."""

    id: str
    path: str
    mime: str
    content: bytes


class Chats:
    """Messages, groups and files of one bot."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.groups: dict[int, Group] = {}
        self.messages: dict[tuple[int, int], Values] = {}
        self.files: dict[str, File] = {}
        self.queries: dict[str, tuple[int, int]] = {}
        self.toasts: dict[str, str] = {}
        self._entries: dict[tuple[int, int], Message] = {}
        self._ids = 0
        self.bot: Values = {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "邻讯",
            "username": USERNAME,
        }

    def reachable(self, chat_id: int | str) -> Values:
        """Return the chat a bot may write to; raises Refusal 400 or 403 as Telegram does."""
        if not isinstance(chat_id, int):
            raise Refusal(400, "Bad Request: chat not found")
        if group := self.groups.get(chat_id):
            return self.in_group(group)
        phone = self._stage.phones.by_chat(chat_id)
        if phone is None:
            raise Refusal(400, "Bad Request: chat not found")
        if phone.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not phone.started:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        return self.private(phone)

    @staticmethod
    def in_group(group: Group) -> Values:
        """Return a group as a Chat; raises Refusal 403 if the bot is not in it."""
        if group.kicked:
            raise Refusal(403, "Forbidden: bot was kicked from the group chat")
        if not group.has_bot:
            raise Refusal(403, "Forbidden: bot is not a member of the group chat")
        return {"id": group.id, "type": "group", "title": group.title}

    def write(self, chat: Values, content: Values) -> Values:
        """Put a message of the bot into a chat, and into the book."""
        message = self.put(self.bot, chat, content)
        labels = markup.buttons(content.get("reply_markup"))
        entry = Message(
            Kind.CHAT,
            Direction.OUT,
            str(message["message_id"]),
            str(chat["id"]),
            str(BOT_ID),
            said(content),
            self._stage.clock.now(),
            trace=" ".join(data for _, data in labels),
            status="delivered",
            buttons=labels,
            attachment=attachment(content),
            author="邻讯",
        )
        self._entries[chat["id"], message["message_id"]] = entry
        self._stage.book.add(entry)
        return message

    def edit(self, message: Values, changes: Values) -> None:
        """Replace parts of a message of the bot."""
        for name, value in changes.items():
            if value in (None, []):
                message.pop(name, None)
            else:
                message[name] = value
        message["edit_date"] = int(self._stage.clock.now().timestamp())
        entry = self._entries[message["chat"]["id"], message["message_id"]]
        entry.body = said(message)
        entry.buttons = markup.buttons(message.get("reply_markup"))
        entry.edits += 1
        self._stage.book.touch(entry.to)

    def delete(self, chat_id: int, message_id: int) -> None:
        """Take a message away; raises Refusal 400 if there is none."""
        message = self.messages.pop((chat_id, message_id), None)
        if message is None:
            raise Refusal(400, "Bad Request: message to delete not found")
        message.pop("reply_markup", None)
        if entry := self._entries.get((chat_id, message_id)):
            entry.deleted = True
            self._stage.book.touch(str(chat_id))

    def keep(self, content: bytes, name: str, mime: str = "") -> File:
        """Keep a file and return it."""
        self._ids += 1
        mime = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        suffix = mimetypes.guess_extension(mime) or ""
        file = File(f"AgACAg{self._ids:012d}", f"files/file_{self._ids}{suffix}", mime, content)
        self.files[file.id] = file
        return file

    def put(self, sender: Values, chat: Values, content: Values) -> Values:
        """Keep one message of anybody and return it."""
        self._ids += 1
        message = {
            "message_id": self._ids,
            "from": sender,
            "chat": chat,
            "date": self.date(),
        } | content
        self.messages[chat["id"], self._ids] = message
        return message

    @staticmethod
    def private(phone: Phone) -> Values:
        """Return somebody's private chat as a Chat."""
        return {"id": phone.chat, "type": "private", "first_name": phone.name}

    def date(self) -> int:
        """Return the present instant as Telegram writes it."""
        return int(self._stage.clock.now().timestamp())


def said(message: Values) -> str:
    """Return a message's text or caption, or an empty text."""
    return str(message.get("text") or message.get("caption") or "")


def describe(what: str, file: File, name: str, **facts: Any) -> Any:
    """Return a file as it appears in a message; what: photo, voice, audio or document."""
    base: Values = {
        "file_id": file.id,
        "file_unique_id": file.id[6:],
        "file_size": len(file.content),
    }
    if what == "photo":
        return [base | {"width": 1280, "height": 960}]
    if what in {"voice", "audio"}:
        return base | {"duration": facts.get("duration", 1), "mime_type": file.mime}
    return base | {"file_name": name or "file", "mime_type": file.mime}


def attachment(content: Values) -> str:
    """Return which kind of file a message carries, or an empty text."""
    return next((what for what in ("photo", "voice", "audio", "document") if what in content), "")
