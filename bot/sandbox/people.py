"""People: what the owners of phones do in their chats, each act an update for the bot."""

from collections.abc import Iterable

from bot.sandbox import markup
from bot.sandbox.book import Direction, Kind, Message, Press
from bot.sandbox.chats import BOT_ID, USERNAME, Chats, Group, attachment, describe, said
from bot.sandbox.fields import Values
from bot.sandbox.phones import Phone
from bot.sandbox.stage import Stage
from bot.sandbox.updates import Updates


class People:
    """Everybody who uses the chat app; the methods are what they do."""

    def __init__(self, stage: Stage, updates: Updates, chats: Chats) -> None:
        self._stage = stage
        self._updates = updates
        self._chats = chats
        self._pressed = 0

    def add_group(self, id: int, title: str, members: Iterable[Phone] = ()) -> Group:  # noqa: A002 - Telegram's word
        """Open a group chat with the bot and some people in it; id must be negative."""
        if id >= 0 or id in self._chats.groups:
            raise ValueError("A group's id is negative and its own.")
        group = self._chats.groups[id] = Group(id, title, list(members))
        return group

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
            "date": self._chats.date(),
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
        reply_to: int | None = None,
    ) -> Values:
        """Somebody sends a file, perhaps as a reply; what: photo, voice or document."""
        file = self._chats.keep(content, name, mime or {"photo": "image/jpeg"}.get(what, ""))
        described = describe(what, file, name)
        extra = {"caption": caption} if caption else {}
        return self._arrives(phone, {what: described} | extra, group, reply_to)

    def presses(self, phone: Phone, chat_id: int, message_id: int, data: str) -> str:
        """Somebody presses a button; returns the query's id.

        Raises ValueError if the message has no button with this callback_data any more.
        """
        message = self._chats.messages.get((chat_id, message_id))
        held = message.get("reply_markup", {}).get("inline_keyboard", []) if message else []
        if not message or all(b.get("callback_data") != data for row in held for b in row):
            raise ValueError("这条消息没有这个按钮了。This message has no such button any more.")
        self._pressed += 1
        query_id = f"{BOT_ID}{self._pressed:06d}"
        self._chats.queries[query_id] = (chat_id, message_id)
        query = {
            "id": query_id,
            "from": user(phone),
            "message": dict(message),
            "chat_instance": str(chat_id),
            "data": data,
        }
        now = self._stage.clock.now()
        self._stage.book.presses.append(Press(now, str(phone.chat), str(message_id), data))
        self._updates.put("callback_query", query)
        return query_id

    def blocks(self, phone: Phone) -> None:
        """Somebody blocks the bot."""
        phone.blocked = True
        self._member(phone, self._chats.private(phone), "member", "kicked")

    def unblocks(self, phone: Phone) -> None:
        """Somebody lets the bot write again."""
        phone.blocked = False
        self._member(phone, self._chats.private(phone), "kicked", "member")

    def removes_bot(self, phone: Phone, group: Group) -> None:
        """Somebody throws the bot out of a group."""
        self._member(phone, self._chats.in_group(group), "member", "kicked")
        group.kicked = True

    def _arrives(
        self, phone: Phone, content: Values, group: Group | None, reply_to: int | None
    ) -> Values:
        chat = self._chats.in_group(group) if group else self._chats.private(phone)
        replied = self._chats.messages.get((chat["id"], reply_to)) if reply_to else None
        if replied:
            shown = {name: value for name, value in replied.items() if name != "reply_to_message"}
            content = content | {"reply_to_message": shown}
        message = self._chats.put(user(phone), chat, content)
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
            attachment=attachment(message),
            author=phone.name,
        )
        self._stage.book.add(entry)

    def _member(self, phone: Phone, chat: Values, old: str, new: str) -> None:
        change = {
            "chat": chat,
            "from": user(phone),
            "date": self._chats.date(),
            "old_chat_member": self._membership(old),
            "new_chat_member": self._membership(new),
        }
        self._updates.put("my_chat_member", change)
        self._stage.book.touch(str(chat["id"]))

    def _membership(self, status: str) -> Values:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": self._chats.bot, "status": status} | until


def user(phone: Phone) -> Values:
    """Return the Telegram user behind a phone."""
    return {
        "id": phone.chat,
        "is_bot": False,
        "first_name": phone.name,
        "language_code": phone.language,
    }


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
