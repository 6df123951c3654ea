"""/record: a member of staff reads an alert out in a voice message, and calls play it."""

from bot import aloud
from bot.commands import dialogue, preview
from bot.outlook import Outlook
from bot.turn import Effect, Say, Turn
from content import alert as alerts
from content import draft as drafts
from content import identity, phrase, recording
from content.alert import ReviewError, Revision
from content.message import Kind, Spoken, Written
from verification.case import Attachment

_ASKED = "reading"
_LANGUAGES = {
    Spoken.MANDARIN: ("cmn", "普通话", "mandarin"),
    Spoken.CANTONESE: ("yue", "粤语", "白话", "广东话", "cantonese"),
    Spoken.ENGLISH: ("en", "英语", "英文", "english"),
}


def begin(turn: Turn, rest: str) -> list[Effect]:
    """/record A12, /record A12 粤语: ask for the voice message."""
    code, _, name = rest.partition(" ")
    language = _language(name.strip().lower())
    member = turn.staff()
    if member is None or not recording.MAKERS & identity.roles(turn.session, member.id):
        role = phrase.say("staff.role_author", Written.HANS)
        return [_say(turn, "staff.not_allowed", role=role)]
    if not code or language is None:
        return [_say(turn, "staff.reading_which")]
    try:
        revision = _current(turn, code)
        text = drafts.read(turn.session, revision).texts[recording.written(language)].body
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    except KeyError:
        return [_say(turn, "staff.reading_no_text")]
    dialogue.ask(turn, _ASKED, code=code.upper(), language=language)
    return [_say(turn, "staff.reading_ask", code=code.upper()), Say(turn.chat, text)]


def taken(turn: Turn, file: Attachment | None) -> list[Effect] | None:
    """Keep a voice message that was asked for; None: it is meant as something else."""
    if turn.kind is not Kind.CHAT or turn.event.group or turn.staff() is None:
        return None
    what, data = dialogue.asked(turn)
    if what != _ASKED or file is None or not file.kind.startswith("audio/"):
        return None
    if file.data is None:
        return [_say(turn, "staff.reading_lost")]
    language = Spoken(data["language"])
    try:
        revision = _current(turn, data["code"])
        kept = recording.keep(turn.session, turn.actor(), revision, language, file.data, turn.now)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    dialogue.settle(turn)
    seconds = round(kept.seconds)
    said = _say(turn, "staff.reading_kept", code=data["code"], seconds=seconds)
    return [said, *_heard(turn, revision, language)]


def _heard(turn: Turn, revision: Revision, language: Spoken) -> list[Effect]:
    """Return the call as it sounds with the reading."""
    content = drafts.read(turn.session, revision)
    draft = Outlook(turn.session, revision, content, turn.now, turn.house.texting)
    readings = aloud.readings(turn.session, revision)
    forms = draft.spoken(language)
    return [preview.heard(turn, forms, readings)] if forms.speech else []


def _current(turn: Turn, code: str) -> Revision:
    return alerts.current(turn.session, alerts.get(turn.session, code))


def _language(name: str) -> Spoken | None:
    if not name:
        return Spoken.MANDARIN
    return next((one for one, names in _LANGUAGES.items() if name in names), None)


def _say(turn: Turn, key: str, **values: object) -> Say:
    return Say(turn.chat, phrase.say(key, Written.HANS, **values))
