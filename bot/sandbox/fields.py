"""Fields: which parameters each Bot API method takes, and a strict reading of them."""

import json
from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

_TO = "business_connection_id:string chat_id:chat! message_thread_id:integer "
_TOPIC = "direct_messages_topic_id:integer "
_SENT = (
    "disable_notification:boolean protect_content:boolean allow_paid_broadcast:boolean "
    "message_effect_id:string suggested_post_parameters:object reply_parameters:object "
    "reply_markup:object"
)
_CAPTION = "caption:string parse_mode:string caption_entities:array "
_EDIT = (
    "business_connection_id:string chat_id:chat message_id:integer inline_message_id:string "
    "reply_markup:object"
)

# name:kind, with ! where the field is required
_METHODS = {
    "getMe": "",
    "getUpdates": "offset:integer limit:integer timeout:integer allowed_updates:array",
    "setWebhook": (
        "url:string! certificate:file ip_address:string max_connections:integer "
        "allowed_updates:array drop_pending_updates:boolean secret_token:string"
    ),
    "deleteWebhook": "drop_pending_updates:boolean",
    "getWebhookInfo": "",
    "sendMessage": (
        _TO + _TOPIC + "text:string! parse_mode:string entities:array link_preview_options:object "
    )
    + _SENT,
    "editMessageText": _EDIT
    + (
        " text:string parse_mode:string entities:array link_preview_options:object"
        " rich_message:object"
    ),
    "editMessageReplyMarkup": _EDIT,
    "answerCallbackQuery": (
        "callback_query_id:string! text:string show_alert:boolean url:string cache_time:integer"
    ),
    "sendVoice": _TO + _TOPIC + _CAPTION + "voice:file! duration:integer " + _SENT,
    "sendAudio": _TO
    + _TOPIC
    + _CAPTION
    + "audio:file! duration:integer performer:string title:string thumbnail:file "
    + _SENT,
    "sendDocument": _TO
    + _TOPIC
    + _CAPTION
    + "document:file! thumbnail:file disable_content_type_detection:boolean "
    + _SENT,
    "sendPhoto": _TO
    + _TOPIC
    + _CAPTION
    + "photo:file! show_caption_above_media:boolean has_spoiler:boolean "
    + _SENT,
    "getFile": "file_id:string!",
    "setMyCommands": "commands:array! scope:object language_code:string",
    "getChat": "chat_id:chat!",
    "deleteMessage": "chat_id:chat! message_id:integer!",
}

_OBJECTS = {
    "InlineKeyboardMarkup": "inline_keyboard:array!",
    "InlineKeyboardButton": (
        "text:string! icon_custom_emoji_id:string style:string url:string callback_data:string "
        "web_app:object login_url:object switch_inline_query:string "
        "switch_inline_query_current_chat:string switch_inline_query_chosen_chat:object "
        "copy_text:object callback_game:object pay:boolean"
    ),
    "ReplyKeyboardMarkup": (
        "keyboard:array! is_persistent:boolean resize_keyboard:boolean one_time_keyboard:boolean "
        "input_field_placeholder:string selective:boolean"
    ),
    "ReplyKeyboardRemove": "remove_keyboard:boolean! selective:boolean",
    "ForceReply": "force_reply:boolean! input_field_placeholder:string selective:boolean",
    "ReplyParameters": (
        "message_id:integer! chat_id:chat allow_sending_without_reply:boolean quote:string "
        "quote_parse_mode:string quote_entities:array quote_position:integer "
        "checklist_task_id:integer poll_option_id:string"
    ),
    "LinkPreviewOptions": (
        "is_disabled:boolean url:string prefer_small_media:boolean prefer_large_media:boolean "
        "show_above_text:boolean"
    ),
    "BotCommand": "command:string! description:string!",
}

# real fields that this stand-in does not play: refused rather than silently ignored
UNPLAYED = frozenset(
    {
        "business_connection_id",
        "message_thread_id",
        "direct_messages_topic_id",
        "message_effect_id",
        "suggested_post_parameters",
        "inline_message_id",
        "rich_message",
        "certificate",
        "allow_paid_broadcast",
    }
)


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A request that Telegram refuses, with its error code, description and parameters."""

    def __init__(
        self, code: int, description: str, parameters: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


Table = dict[str, tuple[str, bool]]


def _table(text: str) -> Table:
    pairs = (entry.partition(":") for entry in text.split())
    return {name: (kind.rstrip("!"), kind.endswith("!")) for name, _, kind in pairs}


METHODS: dict[str, Table] = {name: _table(text) for name, text in _METHODS.items()}
OBJECTS: dict[str, Table] = {name: _table(text) for name, text in _OBJECTS.items()}


def read(method: str, given: Mapping[str, Any], *, from_form: bool) -> Values:
    """Return a method's parameters as typed values.

    given: text from a form or a query (from_form), or values from JSON; files stay what they are.
    Raises Refusal 400 on unknown, missing or mistyped fields.
    """
    table = METHODS[method]
    return _read(table, given, from_form=from_form, where=method)


def check(name: str, value: object) -> Values:
    """Return a nested object after checking its fields; raises Refusal 400."""
    if not isinstance(value, dict):
        raise Refusal(400, f"Bad Request: {name} must be an object")
    return _read(OBJECTS[name], value, from_form=False, where=name)


def _read(table: Table, given: Mapping[str, Any], *, from_form: bool, where: str) -> Values:
    for name in given:
        if name not in table:
            raise Refusal(400, f'Bad Request: unknown field "{name}" in {where}')
        if name in UNPLAYED:
            raise Refusal(400, f'Bad Request: the sandbox does not play the field "{name}"')
    for name, (_, required) in table.items():
        if required and given.get(name) in (None, ""):
            what = "message text" if name == "text" else name
            raise Refusal(400, f"Bad Request: {what} is empty")
    return {
        name: _typed(name, table[name][0], value, from_form=from_form)
        for name, value in given.items()
    }


def _typed(name: str, kind: str, value: object, *, from_form: bool) -> object:
    try:
        if from_form and isinstance(value, str) and kind not in {"string", "file"}:
            value = _from_text(kind, value)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, _TYPES[kind]):
        raise Refusal(400, f'Bad Request: field "{name}" must be of type {kind}')
    if kind in {"integer", "chat"} and isinstance(value, bool):
        raise Refusal(400, f'Bad Request: field "{name}" must be of type {kind}')
    if kind in {"string", "object", "array"} and not _encodable(value):
        raise Refusal(400, "Bad Request: strings must be encoded in UTF-8")
    return value


def _encodable(value: object) -> bool:
    """Say whether a value holds no half of a surrogate pair, which JSON can smuggle in."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_text(kind: str, value: str) -> object:
    if kind == "integer":
        return int(value)
    if kind == "chat":
        return value if value.startswith("@") else int(value)
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    return json.loads(value)


_TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "chat": (int, str),
    "object": dict,
    "array": list,
    "file": (str, tuple),
}
