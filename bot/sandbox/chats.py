"""Chats: private chats and groups as Telegram keeps them, and what people do in them."""

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import markup
from bot.sandbox.book import Direction, Kind, Message
from bot.sandbox.fields import Refusal, Values
from bot.sandbox.phones import Phone
from bot.sandbox.stage import Stage
from bot.sandbox.updates import Updates

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
    """Messages, groups and files of one bot; the methods named by a verb are what people do."""

    def __init__(self, stage: Stage, updates: Updates) -> None:
        self._stage = stage
        self._updates = updates
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

    def add_group(self, id: int, title: str, members: Iterable[Phone] = ()) -> Group:  # noqa: A002 - Telegram's word
        """Open a group chat with the bot and some people in it; id must be negative."""
        if id >= 0 or id in self.groups:
            raise ValueError("A group's id is negative and its own.")
        group = self.groups[id] = Group(id, title, list(members))
        return group

    # what the bot does

    def reachable(self, chat_id: int | str) -> Values:
        """Return the chat a bot may write to; raises Refusal 400 or 403 as Telegram does."""
        if not isinstance(chat_id, int):
            raise Refusal(400, "Bad Request: chat not found")
        if group := self.groups.get(chat_id):
            return self._group_chat(group)
        phone = self._stage.phones.by_chat(chat_id)
        if phone is None:
            raise Refusal(400, "Bad Request: chat not found")
        if phone.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not phone.started:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        return self._private_chat(phone)

    @staticmethod
    def _group_chat(group: Group) -> Values:
        if group.kicked:
            raise Refusal(403, "Forbidden: bot was kicked from the group chat")
        if not group.has_bot:
            raise Refusal(403, "Forbidden: bot is not a member of the group chat")
        return {"id": group.id, "type": "group", "title": group.title}

    def write(self, chat: Values, content: Values) -> tuple[Values, Message]:
        """Put a message of the bot into a chat; returns it and its entry in the book."""
        message = self._message(self.bot, chat, content)
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
            attachment=_attachment(content),
            author="邻讯",
        )
        self._entries[chat["id"], message["message_id"]] = entry
        self._stage.book.add(entry)
        return message, entry

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
        if self.messages.pop((chat_id, message_id), None) is None:
            raise Refusal(400, "Bad Request: message to delete not found")
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

    # what people do

    def starts(self, phone: Phone, payload: str = "") -> Values:
        """Somebody presses Start, perhaps from a deep link with a payload."""
        phone.started = True
        if phone.blocked:
            self.unblocks(phone)
        return self.says(phone, f"/start {payload}".strip())

    def says(
        self, phone: Phone, text: str, *, group: Group | None = None, reply_to: int | None = None
    ) -> Values:
        """Somebody writes a text, in private or in a group, perhaps as a reply to a message id."""
        content: Values = {"text": text}
        if entities := markup.plain_entities(text):
            content["entities"] = entities
        return self._arrives(phone, content, group, reply_to)

    def forwards(
        self, phone: Phone, text: str, *, origin: str = "", group: Group | None = None
    ) -> Values:
        """Somebody forwards a text whose first sender is hidden behind the name `origin`."""
        source = {
            "type": "hidden_user",
            "sender_user_name": origin or "家庭群",
            "date": self._now(),
        }
        return self._arrives(phone, {"text": text, "forward_origin": source}, group, None)

    def sends(
        self,
        phone: Phone,
        what: str,
        content: bytes,
        *,
        name: str = "",
        mime: str = "",
        caption: str = "",
        group: Group | None = None,
    ) -> Values:
        """Somebody sends a file; what: photo, voice or document."""
        file = self.keep(content, name, mime or {"photo": "image/jpeg"}.get(what, ""))
        described = describe(what, file, name)
        extra = {"caption": caption} if caption else {}
        return self._arrives(phone, {what: described} | extra, group, None)

    def presses(self, phone: Phone, chat_id: int, message_id: int, data: str) -> str:
        """Somebody presses a button; returns the query's id.

        Raises ValueError if the message has no button with this callback_data any more.
        """
        message = self.messages.get((chat_id, message_id))
        held = message.get("reply_markup", {}).get("inline_keyboard", []) if message else []
        if not message or all(b.get("callback_data") != data for row in held for b in row):
            raise ValueError("This message has no such button any more.")
        self._ids += 1
        query_id = f"{BOT_ID}{self._ids}"
        self.queries[query_id] = (chat_id, message_id)
        query = {
            "id": query_id,
            "from": user(phone),
            "message": dict(message),
            "chat_instance": str(chat_id),
            "data": data,
        }
        self._updates.put("callback_query", query)
        return query_id

    def blocks(self, phone: Phone) -> None:
        """Somebody blocks the bot."""
        phone.blocked = True
        self._member(phone, self._private_chat(phone), "member", "kicked")

    def unblocks(self, phone: Phone) -> None:
        """Somebody lets the bot write again."""
        phone.blocked = False
        self._member(phone, self._private_chat(phone), "kicked", "member")

    def removes_bot(self, phone: Phone, group: Group) -> None:
        """Somebody throws the bot out of a group."""
        self._member(phone, self._group_chat(group), "member", "kicked")
        group.kicked = True

    # below: how it is kept

    def _arrives(
        self, phone: Phone, content: Values, group: Group | None, reply_to: int | None
    ) -> Values:
        chat = self._group_chat(group) if group else self._private_chat(phone)
        replied = self.messages.get((chat["id"], reply_to)) if reply_to else None
        if replied:
            shown = {name: value for name, value in replied.items() if name != "reply_to_message"}
            content = content | {"reply_to_message": shown}
        message = self._message(user(phone), chat, content)
        self._write_down(phone, chat, message)
        if group is None:
            phone.started = True
        if group is None or _visible(message):
            self._updates.put("message", message)
        return message

    def _write_down(self, phone: Phone, chat: Values, message: Values) -> None:
        entry = Message(
            Kind.CHAT,
            Direction.IN,
            f"{chat['id']}:{message['message_id']}",
            str(BOT_ID),
            str(chat["id"]),
            said(message),
            self._stage.clock.now(),
            status="received",
            attachment=_attachment(message),
            author=phone.name,
        )
        self._stage.book.add(entry)

    def _message(self, sender: Values, chat: Values, content: Values) -> Values:
        self._ids += 1
        message = {
            "message_id": self._ids,
            "from": sender,
            "chat": chat,
            "date": self._now(),
        } | content
        self.messages[chat["id"], self._ids] = message
        return message

    def _member(self, phone: Phone, chat: Values, old: str, new: str) -> None:
        change = {
            "chat": chat,
            "from": user(phone),
            "date": self._now(),
            "old_chat_member": self._membership(old),
            "new_chat_member": self._membership(new),
        }
        self._updates.put("my_chat_member", change)
        self._stage.book.touch(str(chat["id"]))

    def _membership(self, status: str) -> Values:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": self.bot, "status": status} | until

    @staticmethod
    def _private_chat(phone: Phone) -> Values:
        return {"id": phone.chat, "type": "private", "first_name": phone.name}

    def _now(self) -> int:
        return int(self._stage.clock.now().timestamp())


def said(message: Values) -> str:
    """Return a message's text or caption, or an empty text."""
    return str(message.get("text") or message.get("caption") or "")


def user(phone: Phone) -> Values:
    """Return the Telegram user behind a phone."""
    return {
        "id": phone.chat,
        "is_bot": False,
        "first_name": phone.name,
        "language_code": phone.language,
    }


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


def _attachment(content: Values) -> str:
    return next((what for what in ("photo", "voice", "audio", "document") if what in content), "")


def _visible(message: Values) -> bool:
    """Say whether a bot in privacy mode sees this message of a group."""
    replied = message.get("reply_to_message", {})
    if replied.get("from", {}).get("id") == BOT_ID:
        return True
    text = said(message)
    if f"@{USERNAME}" in text.lower():
        return True
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return bool(markup.COMMAND.fullmatch(first)) and "@" not in first
