"""Telegram's updates: reading one JSON object into the events of the house."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from channels.base import BadEventError, Event, EventKind, Media

CHECK = "/check"
"""The command that asks the bot in a group."""
GONE = frozenset({"kicked", "left"})
HERE = frozenset({"member", "administrator", "creator"})
MIMES = {
    "photo": "image/jpeg",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
    "document": "application/octet-stream",
}
"""What somebody can send, in the order it is looked for -> what it is where they do not say.

Telegram sends an animation as a document too, so the document comes last.
"""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Self:
    """Who the bot is: its id and username, without @ and possibly unknown."""

    id: str
    username: str = ""


def number(update: Json) -> int:
    """Return the update's number; raises BadEventError."""
    found = update.get("update_id")
    if not isinstance(found, int) or isinstance(found, bool):
        raise BadEventError("This is not an update of Telegram: it has no update_id.")
    return found


def read(update: Json, bot: Self) -> list[Event]:
    """Return the events of one update, none for a kind that says nothing to us.

    Raises BadEventError.
    """
    number(update)
    try:
        if "message" in update:
            return list(_message(update["message"], bot))
        if "callback_query" in update:
            return [_button(update["callback_query"])]
        if "my_chat_member" in update:
            return list(_membership(update["my_chat_member"]))
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise BadEventError("This update of Telegram is broken: a field is missing.") from error
    return []


def _message(message: Json, bot: Self) -> Iterator[Event]:
    chat, person = message["chat"], message.get("from")
    if person is None or person.get("is_bot"):
        return
    base = _base(person, chat)
    words = _words(message)
    media = _media(message)
    if not words and media is None:
        return
    addressed = base.group and _addressed(message, words, bot)
    if base.group and not addressed:
        return
    yield replace(
        base,
        kind=EventKind.MEDIA if media else EventKind.TEXT,
        text=words,
        addressed=addressed,
        quoted=_quoted(message),
        replied=_replied(message),
        replied_id=str((message.get("reply_to_message") or {}).get("message_id", "")),
        forwarded="forward_origin" in message or "forward_date" in message,
        message_id=str(int(message["message_id"])),
        media=media,
    )


def _button(query: Json) -> Event:
    message: Json = query.get("message") or {}
    data = _text(query.get("data", ""))
    parts = data.split(":")
    return replace(
        _base(query["from"], message.get("chat") or query["from"]),
        kind=EventKind.BUTTON,
        key=data,
        ref=parts[1] if len(parts) > 1 else "",
        callback_id=_text(query["id"]),
        message_id=str(message.get("message_id", "")),
    )


def _membership(change: Json) -> Iterator[Event]:
    """Say that the bot was blocked or let in again; in a group: removed or added."""
    status = change["new_chat_member"]["status"]
    before = change.get("old_chat_member", {}).get("status")
    base = _base(change["from"], change["chat"])
    if status in GONE:
        yield replace(base, kind=EventKind.BLOCKED)
    elif status in HERE and before not in HERE:
        yield replace(base, kind=EventKind.JOINED)


def _base(person: Json, chat: Json) -> Event:
    group = chat.get("type", "private") != "private"
    names = (_text(person.get("first_name", "")), _text(person.get("last_name", "")))
    return Event(
        EventKind.TEXT,
        address=str(int(person["id"])),
        chat=str(int(chat["id"])) if group else "",
        group=group,
        language=_text(person.get("language_code", "")),
        name=" ".join(name for name in names if name),
    )


def _addressed(message: Json, words: str, bot: Self) -> bool:
    """Whether a message in a group is meant for the bot: /check, a mention, or a reply to it."""
    replied = (message.get("reply_to_message") or {}).get("from") or {}
    if str(replied.get("id", "")) == bot.id:
        return True
    command, _, named = (words.split() or [""])[0].lower().partition("@")
    if command == CHECK:
        return not named or named == bot.username.lower()
    return any(_mentions(entity, words, bot) for entity in _entities(message))


def _mentions(entity: Json, words: str, bot: Self) -> bool:
    if entity["type"] == "text_mention":
        return str(entity["user"]["id"]) == bot.id
    if entity["type"] != "mention" or not bot.username:
        return False
    # offsets count UTF-16 units
    units = words.encode("utf-16-le")
    start, end = 2 * int(entity["offset"]), 2 * (int(entity["offset"]) + int(entity["length"]))
    return units[start:end].decode("utf-16-le").lower() == f"@{bot.username}".lower()


def _entities(message: Json) -> list[Json]:
    return list(message.get("entities") or message.get("caption_entities") or [])


def _words(message: Json) -> str:
    return _text(message.get("text") or message.get("caption") or "")


def _quoted(message: Json) -> str:
    """Return what was replied to: the passage that was marked, else the whole text."""
    marked = message.get("quote") or {}
    return _text(marked.get("text", "")) or _words(message.get("reply_to_message") or {})


def _replied(message: Json) -> str:
    """Return the data of the first button under the message that was replied to."""
    markup = (message.get("reply_to_message") or {}).get("reply_markup") or {}
    buttons = [one for row in markup.get("inline_keyboard") or () for one in row]
    return next((_text(one["callback_data"]) for one in buttons if "callback_data" in one), "")


def _media(message: Json) -> Media | None:
    for kind, mime in MIMES.items():
        if message.get(kind):
            found = message[kind]
            # a photo comes in several sizes, the largest last
            file = found[-1] if isinstance(found, list) else found
            return Media(
                _text(file["file_id"]),
                _text(file.get("mime_type") or mime),
                _text(file.get("file_name") or ""),
                int(file.get("file_size") or 0),
            )
    return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value
