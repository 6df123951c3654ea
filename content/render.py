"""Render: what is said to one person, from a notice's fields to every form a channel needs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from content import named, render_alert, render_desk
from content.form import Key, Parts, finish
from content.message import Action, Message, Spoken, Written
from content.notice import NoticeKind
from content.phrase import say
from content.plain import chinese, clean, dialled, moment, sentence

LIMITS = {
    "description": 1800,
    "instruction": 800,
    "text": 3000,
    "truth": 600,
    "phone": 24,
    "code": 24,
}
"""Characters of a field that are told; any other field has 200."""
_LIMIT = 200
_NUMBER = re.compile(r"\+\d{5,15}", re.ASCII)
_MAIN = ("headline", "description", "instruction", "text", "truth", "claim")


def render(
    kind: NoticeKind,
    fields: Mapping[str, Any],
    written: Written,
    spoken: Spoken,
    *,
    alone: str = "",
    names: Sequence[str] = (),
) -> Message:
    """Return the message for a person who reads `written` and hears `spoken`.

    `alone` is the name of the resident whose contact the person is, where they are one; `names` are
    all whom a call tells (or whose contact it calls), where there are several. The fields
    may be Chinese for a reader of English: then one phrase in English goes before them. Unknown
    and missing fields are passed over.
    """
    words = {name: clean(value, LIMITS.get(name, _LIMIT)) for name, value in fields.items()}
    number = words.get("phone", "")
    words["phone"] = dialled(number)
    language = _language(words, written)
    whose = named.listed(names, language) if alone and names else clean(alone, 40)
    parts = _PARTS[kind](words, language, whose)
    if _NUMBER.fullmatch(number) and "0" not in parts.answers:
        parts = replace(parts, person=number)
    notices = parts.notices or (str(kind),)
    parts = replace(parts, notices=notices, words=_words(words, parts.language, whose))
    return finish(named.call(parts, names) if names and not alone else parts, written, spoken)


def _words(fields: Mapping[str, Any], language: Written, alone: str) -> dict[str, str]:
    """Return the fields that are texts as one registered SMS text may name them."""
    found = {name: value for name, value in fields.items() if isinstance(value, str)}
    found["instruction"] = found.get("instruction") or found.get("description", "")
    found["expires"] = moment(found.get("expires", ""), language, year=False)
    return {**found, "alone": alone}


def _language(fields: Mapping[str, Any], reader: Written) -> Written:
    """Return the language of the frame: the reader's, but Chinese around a Chinese text."""
    if reader is not Written.ENGLISH:
        return Written.HANS
    text = "".join(str(fields.get(name, "")) for name in _MAIN)
    text += "".join(str(one.get("claim", "")) for one in _entries(fields))
    foreign = fields.get("missing") == "1" or (text != "" and chinese(text))
    return Written.HANS if foreign else reader


def _entries(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = (*(fields.get("options") or ()), *(fields.get("parts") or ()))
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _reply(fields: Mapping[str, Any], language: Written, alone: str) -> Parts:
    del alone
    text = fields.get("text", "")
    return Parts(
        language=language,
        lines=(text,),
        brief=sentence(text, language),
        opening=say("call.opening_plain", language),
        said=(text,),
        prompt=(("call.prompt_plain", ""),),
        answers={"1": say("call.received", language)},
    )


def _page(fields: Mapping[str, Any], language: Written, alone: str) -> Parts:
    del alone
    text = fields.get("text", "")
    grave = fields.get("urgent") == "1"
    urgent = say("page.urgent", language) if grave else ""
    return Parts(
        language=language,
        lines=(urgent + text,),
        brief=urgent + sentence(text, language),
        opening=say("call.opening_plain", language),
        said=(say("call.urgent", language) if grave else "", text),
        prompt=(("call.prompt_page", ""),),
        answers={"1": say("call.taken", language)},
        buttons=_steps(fields) or ((("button.take", Action.RECEIVED, ""),),),
    )


def _steps(fields: Mapping[str, Any]) -> tuple[tuple[Key, ...], ...]:
    """Return a row for each step that a page offers: the phrase of its label and its value."""
    steps = (one for one in fields.get("steps") or () if isinstance(one, Mapping))
    return tuple(((str(one["label"]), Action(one["action"]), str(one["value"])),) for one in steps)


_PARTS: dict[NoticeKind, Callable[[Mapping[str, Any], Written, str], Parts]] = {
    NoticeKind.ALERT: render_alert.parts,
    NoticeKind.ANSWER: render_desk.answer,
    NoticeKind.CASE: render_desk.case,
    NoticeKind.CORRECTION: render_desk.correction,
    NoticeKind.REPLY: _reply,
    NoticeKind.PAGE: _page,
}
