"""What a draft would look like in every form, whom it reaches, and how long that takes."""

import math
from typing import Any

from bot.commands import pages
from bot.turn import Effect, Rows, Say, Turn
from channels import forecast as forecasts
from channels.forecast import Forecast
from content import alert as alerts
from content import bulletin, phrase, render, segment
from content import draft as drafts
from content.alert import Revision
from content.draft import Draft
from content.message import Action, Button, Kind, Message, Spoken, Written
from content.notice import NoticeKind

_SPOKEN = {Written.ENGLISH: Spoken.ENGLISH}


def show(turn: Turn, revision: Revision) -> list[Effect]:
    """Return the preview as messages; the last one has the buttons to submit or discard."""
    alert = alerts.get(turn.session, revision.alert_id)
    content = drafts.read(turn.session, revision)
    messages = forms(turn, revision, content)
    said: list[Effect] = [
        Say(turn.chat, _form(language, message)) for language, message in messages.items()
    ]
    buttons: Rows = (
        (
            Button(_word("staff.submit"), Action.STAFF, f"submit.{alert.code}"),
            Button(_word("staff.discard"), Action.STAFF, f"discard.{alert.code}"),
        ),
    )
    if pages.extreme(revision):
        urgent = Button(_word("staff.submit_urgent"), Action.STAFF, f"submit_urgent.{alert.code}")
        buttons = (*buttons, (urgent,))
    plan = forecasts.forecast(
        turn.session,
        content.audience,
        content.severity,
        turn.house.ladders,
        turn.house.senders,
        turn.now,
    )
    return [*said, Say(turn.chat, summary(alert.code, plan, messages), buttons)]


def forms(turn: Turn, revision: Revision, content: Draft) -> dict[Written, Message]:
    """Render the draft in each language it has."""
    alert = alerts.get(turn.session, revision.alert_id)
    fields = bulletin.texts(turn.session, alert, revision, content, turn.now)
    return {
        language: render.render(
            NoticeKind.ALERT, values, language, _SPOKEN.get(language, Spoken.MANDARIN)
        )
        for language, values in fields.items()
    }


def summary(code: str, plan: Forecast, messages: dict[Written, Message]) -> str:
    """Return the figures: recipients, SMS segments, missing languages, the last first contact."""
    segments = segment.measure(messages[Written.HANS].sms).segments
    by_sms = plan.first.get(Kind.SMS, 0)
    lines = [
        _word("staff.preview", code=code),
        _word("staff.preview_count", count=plan.recipients),
        *(
            f"{_word(f'kind.{kind}')}：{count}"
            for kind, count in sorted(plan.first.items())
            if kind is not Kind.DOOR
        ),
        _word("staff.preview_sms", segments=segments, total=segments * by_sms),
        *(
            _word("staff.preview_missing", language=language, count=count)
            for language, count in sorted(plan.languages.items())
            if language not in messages and language is not Written.HANT
        ),
        _word("staff.preview_finish", minutes=math.ceil(plan.seconds / 60)),
    ]
    if plan.first.get(Kind.DOOR):
        lines.append(_word("staff.preview_no_path", count=plan.first[Kind.DOOR]))
    return "\n".join(lines)


def _form(language: Written, message: Message) -> str:
    spoken = message.speech.script if message.speech else ""
    parts = (
        f"[{language}]",
        _word("staff.preview_chat"),
        message.chat,
        "",
        _word("staff.preview_text"),
        message.sms,
        "",
        _word("staff.preview_call"),
        spoken,
    )
    return "\n".join(parts)


def _word(key: str, **values: Any) -> str:
    return phrase.say(key, Written.HANS, **values)
