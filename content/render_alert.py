"""Render an alert: who speaks, what to do, why, until when; drills, updates and all-clears."""

from collections.abc import Mapping
from typing import Any

from content.form import Key, Parts
from content.message import Action, Written
from content.phrase import known, say
from content.plain import chinese, moment, sentence

Fields = Mapping[str, Any]

_STATUS = {"Exercise": "exercise", "Test": "test"}
_CHANGE = {"Update": "update", "Cancel": "cancel"}


def parts(fields: Fields, language: Written, alone: str) -> Parts:
    """Return the parts of an alert; `alone` is the resident whose contact reads it."""
    status = _STATUS.get(fields.get("status", ""), "")
    change = _CHANGE.get(fields.get("msg_type", ""), "")
    over = change == "cancel"
    return Parts(
        language=language,
        status=status,
        lines=_lines(fields, language, alone, status, change),
        brief=_brief(fields, language, alone, change),
        spare=(sentence(fields.get("description", ""), language),),
        tail=_tail(fields, language, over=over),
        opening=_opening(fields, language),
        said=_said(fields, language, alone, change),
        prompt=((_prompt(alone, over=over), ""),),
        answers=_answers(language, alone, over=over),
        phone=fields.get("phone", ""),
        buttons=(_buttons(alone, over=over),),
        notices=(status or change,) if status or change else _plainly(alone),
        severity="" if over or status else fields.get("severity", ""),
    )


def _plainly(alone: str) -> tuple[str, ...]:
    """Return which registered texts are for a first alert; one for contacts is the better one."""
    return ("contact", "alert") if alone else ("alert",)


def _lines(
    fields: Fields, language: Written, alone: str, status: str, change: str
) -> tuple[str, ...]:
    sender = fields.get("sender") or say("call.opening_plain", language)
    head = _marks(fields, language, change) + sender
    expires = "" if change == "cancel" else fields.get("expires", "")
    labelled = (
        ("do", "instruction", fields.get("instruction", "")),
        ("", "description", fields.get("description", "")),
        ("until", "until", moment(expires, language)),
        ("phone", "phone", fields.get("phone", "")),
        ("code", "code", fields.get("code", "")),
    )
    return (
        head,
        say(f"status.{status}", language) if status else "",
        _headline(fields, language, change),
        _level(fields, language),
        _contact("frame", fields, language, alone),
        say(f"alert.{change}", language) if change else "",
        *(
            say(f"alert.{key}", language, **{name: value}) if key else value
            for key, name, value in labelled
            if value
        ),
    )


def _contact(form: str, fields: Fields, language: Written, alone: str) -> str:
    """Return what tells a contact whose they are, and whether we could reach them; else nothing."""
    beside = "with_" if fields.get("beside") else ""
    return say(f"contact.{beside}{form}", language, alone=alone) if alone else ""


def _marks(fields: Fields, language: Written, change: str) -> str:
    """Return what stands before everything: a change, and that it may have come before."""
    again = say("mark.again", language) if fields.get("again") else ""
    return again + (say(f"mark.{change}", language) if change else "")


def _level(fields: Fields, language: Written) -> str:
    """Return colour and severity, where they were given and it is not the end of the alert."""
    if fields.get("msg_type") == "Cancel":
        return ""
    keys = (f"color.{fields.get('color', '')}", f"severity.{fields.get('severity', '')}")
    words = [say(key, language) for key in keys if known(key) and key != "severity.Unknown"]
    between = ", " if language is Written.ENGLISH else "，"
    return say("alert.level", language, level=between.join(words)) if words else ""


def _sender(fields: Fields, language: Written) -> str:
    """Return the sender's name; empty where an English voice could not say it.

    One Chinese character would also make a whole English SMS three times as dear.
    """
    sender: str = fields.get("sender", "")
    return "" if language is Written.ENGLISH and chinese(sender) else sender


def _opening(fields: Fields, language: Written) -> str:
    sender = _sender(fields, language)
    return say("call.opening" if sender else "call.opening_plain", language, sender=sender)


def _headline(fields: Fields, language: Written, change: str) -> str:
    """Return the headline; at the end of an alert so that nobody takes it for a new one."""
    headline: str = fields.get("headline", "")
    return say("alert.over", language, headline=headline) if change == "cancel" else headline


def _brief(fields: Fields, language: Written, alone: str, change: str) -> str:
    told = sentence(fields.get("instruction", "") or fields.get("description", ""), language)
    sender = _sender(fields, language)
    return "".join(
        (
            say("sms.sender" if sender else "sms.sender_plain", language, sender=sender),
            _marks(fields, language, change),
            _contact("sms", fields, language, alone),
            sentence(_headline(fields, language, change), language),
            told,
        )
    )


def _tail(fields: Fields, language: Written, *, over: bool) -> str:
    space = " " if language is Written.ENGLISH else ""
    phone = fields.get("phone", "")
    call = say("sms.phone", language, phone=phone) + space if phone and not over else ""
    return call + say("sms.received" if over else "sms.reply", language)


def _said(fields: Fields, language: Written, alone: str, change: str) -> tuple[str, ...]:
    """Return the script: what it is, what to do before why, until when."""
    over, headline = change == "cancel", fields.get("headline", "")
    until = "" if over else moment(fields.get("expires", ""), language, year=False)
    why = fields.get("description", "")
    do = fields.get("instruction", "")
    return (
        _contact("speech", fields, language, alone),
        say("call.again", language) if fields.get("again") else "",
        say(f"call.{change}", language) if change else "",
        say("call.over", language, headline=headline) if over and headline else headline,
        f"{say('call.do', language)} {do}" if do else "",
        f"{say('call.why', language)} {why}" if why and do else why,
        say("call.until", language, until=until) if until else "",
    )


def _prompt(alone: str, *, over: bool) -> str:
    if over:
        return "call.prompt_plain"
    return "call.prompt_contact" if alone else "call.prompt"


def _answers(language: Written, alone: str, *, over: bool) -> dict[str, str]:
    received, help_ = ("passed_on", "visit") if alone else ("received", "help")
    keys = {"1": received} if over else {"1": received, "3": help_}
    return {key: say(f"call.{name}", language) for key, name in keys.items()}


def _buttons(alone: str, *, over: bool) -> tuple[Key, ...]:
    received = ("button.tell" if alone else "button.received", Action.RECEIVED, "")
    help_ = ("button.visit" if alone else "button.help", Action.HELP, "")
    return (received,) if over else (received, help_)
