"""Markup: HTML in a message as Telegram reads it, and the keyboards under a message."""

import re
from html.parser import HTMLParser
from typing import Any

from bot.sandbox.fields import Refusal, Values, check

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);|&")
COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@\w+)?")
MENTION = re.compile(r"(?<!\w)@\w{5,32}")
BUTTON_KINDS = frozenset({"url", "callback_data", "copy_text"})
MAX_DATA = 64
MAX_BUTTONS = 100


def utf16(text: str) -> int:
    """Return a text's length in UTF-16 code units, in which Telegram counts entities."""
    return len(text.encode("utf-16-le")) // 2


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[Values] = []
        self._open: list[tuple[str, int, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self._open.append((tag, utf16(self.text), dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')
        _, start, attrs = self._open.pop()
        length = utf16(self.text) - start
        if length:
            link = {"url": attrs["href"]} if attrs.get("href") else {}
            self.entities.append({"type": TAGS[tag], "offset": start, "length": length} | link)

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> None:
        self.close()
        if self._open:
            tag = self._open[-1][0]
            raise Refusal(
                400, f"Bad Request: can't parse entities: Can't find end tag for \"{tag}\""
            )


def parse(text: str, parse_mode: str | None) -> tuple[str, list[Values]]:
    """Return a text without its markup, and its entities; raises Refusal 400 on broken HTML."""
    if not parse_mode:
        return text, plain_entities(text)
    if parse_mode.lower() != "html":
        raise Refusal(400, "Bad Request: unsupported parse_mode")
    if "<" not in text and "&" not in text:
        return text, plain_entities(text)
    if re.search(r"<(?![/a-zA-Z])", text):
        raise Refusal(400, "Bad Request: can't parse entities: Unsupported start tag")
    reader = _Reader()
    # an ampersand that starts none of the four named or a numeric entity is text to Telegram
    reader.feed(ENTITY.sub(lambda found: "&amp;" if found[0] == "&" else found[0], text))
    reader.finish()
    return reader.text, reader.entities


def plain_entities(text: str) -> list[Values]:
    """Return the commands and mentions that Telegram finds in a text by itself."""
    return [
        {"type": kind, "offset": utf16(text[: found.start()]), "length": utf16(found[0])}
        for kind, pattern in (("bot_command", COMMAND), ("mention", MENTION))
        for found in pattern.finditer(text)
    ]


def keyboard(value: Values | None) -> Values | None:
    """Check any reply_markup and return it; raises Refusal 400."""
    if value is None:
        return None
    if "inline_keyboard" in value:
        return inline(value)
    for key, name in (
        ("keyboard", "ReplyKeyboardMarkup"),
        ("remove_keyboard", "ReplyKeyboardRemove"),
        ("force_reply", "ForceReply"),
    ):
        if key in value:
            return check(name, value)
    raise Refusal(400, "Bad Request: object expected as reply markup")


def inline(value: Values) -> Values:
    """Check an inline keyboard and return it; raises Refusal 400."""
    rows = check("InlineKeyboardMarkup", value)["inline_keyboard"]
    if not all(isinstance(row, list) for row in rows):
        raise Refusal(400, 'Bad Request: field "inline_keyboard" must be an Array of Arrays')
    buttons = [button for row in rows for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise Refusal(400, "Bad Request: reply markup is too long")
    for button in buttons:
        _button(button)
    return {"inline_keyboard": [row for row in rows if row]}


def _button(value: Any) -> None:
    button = check("InlineKeyboardButton", value)
    acts = [name for name in button if name not in {"text", "style", "icon_custom_emoji_id"}]
    if len(acts) != 1:
        raise Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    if acts[0] not in BUTTON_KINDS:
        raise Refusal(400, f'Bad Request: the sandbox does not play the button field "{acts[0]}"')
    if acts[0] == "callback_data" and not 1 <= len(button["callback_data"].encode()) <= MAX_DATA:
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    if acts[0] == "url" and not re.match(r"(https?|tg)://\S+", button["url"]):
        raise Refusal(400, "Bad Request: inline keyboard button URL is invalid")


def buttons(markup: Values | None) -> tuple[tuple[str, str], ...]:
    """Return (label, callback_data or url) of each inline button, in order."""
    rows = (markup or {}).get("inline_keyboard", [])
    return tuple(
        (button["text"], button.get("callback_data", button.get("url", "")))
        for row in rows
        for button in row
    )
