"""/broadcast: a short dialogue that writes a draft (text, audience, severity) and previews it."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.commands import dialogue, preview
from bot.turn import Effect, Rows, Say, Turn
from content import alert as alerts
from content import clarity, identity, phrase, place, transition, wording
from content import draft as drafts
from content import review as reviews
from content.alert import Color, ReviewError, Revision, Severity, Stage, Status, Step, Urgency
from content.draft import Draft, Text
from content.message import Action, Button, Written
from content.people import Audience
from content.place import PlaceError

LASTS = timedelta(hours=24)
"""How long a broadcast is valid unless its text is changed later."""
_EVENT, _HEADLINE = 12, 40
"""Characters of what an alert is about, and of a headline that nobody has written."""
_DO = ("请", "Please", "请大家")
_CODE = re.compile(r"[Aa]\d{1,9}")
_SKIPS = frozenset({phrase.say("button.skip", one).lower() for one in Written})
_URGENT = (Severity.EXTREME, Severity.SEVERE)
_SEVERITIES: dict[str, tuple[Color | None, Severity]] = {
    **{color.value: (color, color.severity) for color in Color},
    "一般": (None, Severity.MINOR),
}


def begin(turn: Turn, text: str) -> list[Effect]:
    """Start: ask for the text, take the one that came with the command, or go on with a draft."""
    if (refused := _not_author(turn)) is not None:
        return [refused]
    if _CODE.fullmatch(text):
        return _resume(turn, text)
    if text:
        return answer(turn, "text", text, {})
    dialogue.ask(turn, "broadcast.text")
    return [_say(turn, "staff.broadcast_text")]


def _resume(turn: Turn, code: str) -> list[Effect]:
    """Go on with a draft: with its next question, or with its preview when all are answered."""
    try:
        revision = _revision(turn, code)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    if revision.stage not in (Stage.DRAFT, Stage.RETURNED):
        return [_say(turn, "staff.done_already")]
    if revision.severity is not Severity.UNKNOWN:
        return preview.show(turn, revision)
    dialogue.ask(turn, "broadcast.audience", code=code.upper())
    return [_say(turn, "staff.broadcast_audience")]


def update(turn: Turn, rest: str) -> list[Effect]:
    """Write the update of a running alert: `/update A12`, then its text as for /broadcast."""
    code, _, text = rest.replace("\n", " ", 1).partition(" ")
    if (refused := _not_author(turn)) is not None:
        return [refused]
    try:
        alert = alerts.get(turn.session, code)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    if text.strip():
        return answer(turn, "text", text.strip(), {"update": alert.code})
    dialogue.ask(turn, "broadcast.text", update=alert.code)
    return [_say(turn, "staff.broadcast_text")]


def answer(turn: Turn, step: str, text: str, data: dict[str, Any]) -> list[Effect]:
    """Take the answer to one question of the dialogue; what is refused is asked again."""
    try:
        match step:
            case "text":
                return _text(turn, text, data)
            case "english":
                return _english(turn, text, data)
            case "audience":
                return _audience(turn, text, data)
            case "severity":
                return _severity(turn, text, data)
    except (ReviewError, PlaceError) as error:
        return [Say(turn.chat, str(error))]
    return []


def press(turn: Turn, what: str, code: str) -> list[Effect]:
    """Take a button of the dialogue: skip the English, or a colour."""
    step, data = dialogue.asked(turn)
    if data.get("code") != code or step not in ("broadcast.english", "broadcast.severity"):
        return []
    return answer(turn, step.partition(".")[2], "" if what == "skip" else what, data)


def parse(text: str) -> Text:
    """Read a text: the first line is the headline, lines that begin with 请 say what to do.

    A text of one line is told in full, under a headline of its first words.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        return Text(headline=_clause(lines[0])[:_HEADLINE], description=lines[0])
    rest = lines[1:]
    todo = [line for line in rest if line.startswith(_DO)]
    return Text(
        headline=lines[0] if lines else "",
        description="\n".join(line for line in rest if line not in todo),
        instruction="\n".join(todo),
    )


def _text(turn: Turn, text: str, data: dict[str, Any]) -> list[Effect]:
    """Open the draft (or its update, or the returned one again) with the Chinese text."""
    if not any(map(str.isalnum, text)):
        return [_say(turn, "staff.refused_empty")]
    written = parse(text)
    if data.get("code"):
        revision = _revision(turn, data["code"])
        old = drafts.read(turn.session, revision)
        texts = {**old.texts, Written.HANS: _ended(written, old.event)}
        # a text that is marked as a drill makes it one; without the mark it stays what it was
        marked = drafts.marked(written.headline)
        status = old.status if marked is Status.ACTUAL else marked
        content = replace(old, texts=texts, status=status)
        reviews.edit(turn.session, turn.actor(), revision, content, turn.now)
    elif data.get("update"):
        alert = alerts.get(turn.session, data["update"])
        old = drafts.read(turn.session, alerts.current(turn.session, alert))
        texts = {Written.HANS: _ended(written, old.event)}
        content = replace(old, texts=texts, expires=turn.now + LASTS)
        revision = reviews.update(turn.session, turn.actor(), alert, content, turn.now)
    else:
        event = _event(written.headline)
        content = Draft(
            event=event,
            texts={Written.HANS: _ended(written, event)},
            expires=turn.now + LASTS,
            status=drafts.marked(written.headline),
        )
        revision = reviews.draft(turn.session, turn.actor(), content, turn.now)
    code = alerts.get(turn.session, revision.alert_id).code
    dialogue.ask(turn, "broadcast.english", code=code, short=bool(data))
    skip = Button(_word("button.skip"), Action.STAFF, f"skip.{code}")
    kept = _say(turn, "staff.broadcast_kept", code=code)
    return [
        *unclear(turn, Written.HANS, written),
        kept,
        Say(turn.chat, _word("staff.broadcast_more"), ((skip,),)),
    ]


def _ended(written: Text, event: str) -> Text:
    """Add what will be said when it is over: of the alert, whatever an update's headline says."""
    return replace(written, cancel_text=wording.cancel_text(event, Written.HANS))


def unclear(turn: Turn, language: Written, written: Text) -> list[Say]:
    """Warn of what is hard to follow, while who has written it has the words at hand."""
    warned = clarity.warnings({language: written.body})
    return [Say(turn.chat, "\n".join((_word("staff.unclear"), *warned)))] if warned else []


def _english(turn: Turn, text: str, data: dict[str, Any]) -> list[Effect]:
    revision = _revision(turn, data["code"])
    warned: list[Say] = []
    if text and text.strip().lower() not in _SKIPS:
        content = drafts.read(turn.session, revision)
        english = replace(
            parse(text), cancel_text=wording.cancel_text(content.event, Written.ENGLISH)
        )
        texts = {**content.texts, Written.ENGLISH: english}
        reviews.edit(turn.session, turn.actor(), revision, replace(content, texts=texts), turn.now)
        warned = unclear(turn, Written.ENGLISH, english)
    if data.get("short"):
        # an update, or a returned draft: audience and severity stand already
        dialogue.settle(turn)
        return [*warned, *preview.show(turn, revision)]
    dialogue.ask(turn, "broadcast.audience", code=data["code"])
    return [*warned, _say(turn, "staff.broadcast_audience")]


def _audience(turn: Turn, text: str, data: dict[str, Any]) -> list[Effect]:
    if not any(map(str.isalnum, text)):
        # nothing is not everybody
        return [_say(turn, "staff.broadcast_audience")]
    revision = _revision(turn, data["code"])
    paths = place.paths(turn.session, text)
    content = replace(drafts.read(turn.session, revision), audience=Audience(places=paths))
    reviews.edit(turn.session, turn.actor(), revision, content, turn.now)
    dialogue.ask(turn, "broadcast.severity", code=data["code"])
    buttons: Rows = tuple(
        (Button(_severity_name(word), Action.STAFF, f"{word}.{data['code']}"),)
        for word in _SEVERITIES
    )
    return [Say(turn.chat, _word("staff.broadcast_severity"), buttons)]


def _severity(turn: Turn, text: str, data: dict[str, Any]) -> list[Effect]:
    word = next((word for word in _SEVERITIES if word in text), None)
    if word is None:
        return [_say(turn, "staff.broadcast_severity")]
    color, severity = _SEVERITIES[word]
    revision = _revision(turn, data["code"])
    content = replace(
        drafts.read(turn.session, revision),
        color=color,
        severity=severity,
        urgency=Urgency.IMMEDIATE if severity in _URGENT else Urgency.EXPECTED,
    )
    reviews.edit(turn.session, turn.actor(), revision, content, turn.now)
    dialogue.settle(turn)
    return preview.show(turn, revision)


def rework(turn: Turn, code: str) -> list[Effect]:
    """Ask the author for the text again, after a return."""
    revision = _revision(turn, code)
    if revision.stage not in (Stage.DRAFT, Stage.RETURNED):
        return [_say(turn, "staff.done_already")]
    dialogue.ask(turn, "broadcast.text", code=code)
    return [_say(turn, "staff.broadcast_text")]


def _not_author(turn: Turn) -> Say | None:
    """Return the review's refusal for staff who may not write; before they have written much."""
    member = turn.staff()
    roles = identity.roles(turn.session, member.id) if member else frozenset()
    try:
        transition.permit(Step.DRAFT, roles, set(), four=False)
    except ReviewError as error:
        return Say(turn.chat, str(error))
    return None


def _revision(turn: Turn, code: str) -> Revision:
    return alerts.current(turn.session, alerts.get(turn.session, code))


def _event(headline: str) -> str:
    """Return a word or two for what it is about: the headline up to its first break."""
    bare = headline
    for word in ("【", "】", *drafts.MARKS):
        bare = bare.replace(word, "")
    return _clause(bare)[:_EVENT] or headline[:_EVENT]


def _clause(text: str) -> str:
    for mark in "，。：:！!,. ":
        text = text.split(mark, maxsplit=1)[0] or text
    return text


def _severity_name(word: str) -> str:
    key = f"color.{word}"
    return _word(key) if phrase.known(key) else _word("severity.Minor")


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def _say(turn: Turn, key: str, **values: object) -> Say:
    return Say(turn.chat, _word(key, **values))
