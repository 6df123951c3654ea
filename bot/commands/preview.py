"""What a draft would look like in every form, whom it reaches, and how long that takes."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from bot import aloud, outlook
from bot.commands import pages
from bot.outlook import Outlook, form
from bot.turn import Effect, Foresee, Hear, House, Rows, Say, Turn
from content import alert as alerts
from content import cap, phrase, store
from content import draft as drafts
from content.alert import Revision, Stage
from content.message import Action, Button, Message, Spoken, Written


def show(turn: Turn, revision: Revision) -> list[Effect]:
    """Return the preview as messages; the author's last one has the buttons to go on."""
    content = drafts.read(turn.session, revision)
    draft = Outlook(turn.session, revision, content, turn.now, turn.house.texting)
    said: list[Effect] = []
    readings = aloud.readings(turn.session, revision)
    for language, message in draft.forms().items():
        said.append(Say(turn.chat, form(language, message)))
        said.append(heard(turn, message, readings))
    ours = revision.stage in (Stage.DRAFT, Stage.RETURNED) and turn.actor().id == revision.author_id
    buttons = _buttons(turn, revision) if ours else ()
    return [*said, Foresee(turn.chat, revision.id, turn.now, buttons)]


def heard(turn: Turn, message: Message, readings: Mapping[Spoken, str]) -> Hear:
    """Return the call as a voice message: read out by a person, or by the machine."""
    spoken = message.speech.language if message.speech else Spoken.MANDARIN
    key = "staff.preview_read" if spoken in readings else "staff.preview_spoken"
    caption = phrase.say(key, Written.HANS, language=phrase.say(f"spoken.{spoken}", Written.HANS))
    return Hear(turn.chat, aloud.lines(message, readings), caption)


def foretell(session: Session, house: House, effect: Foresee) -> Say:
    """Return the figures of a draft; reads much, and so in no transaction that writes."""
    revision = session.get_one(Revision, (store.community(session), effect.revision_id))
    content = drafts.read(session, revision)
    draft = Outlook(session, revision, content, effect.now, house.texting)
    plan = draft.forecast(house.ladders, house.senders)
    figures = draft.figures(plan, cap.zone(session), Written.HANS, house.prices)
    return Say(effect.chat, "\n".join(figures), effect.buttons)


def fit(turn: Turn, revision: Revision) -> None:
    """Raise ReviewError where a registered SMS text would refuse the draft."""
    content = drafts.read(turn.session, revision)
    outlook.fit(Outlook(turn.session, revision, content, turn.now, turn.house.texting))


def _buttons(turn: Turn, revision: Revision) -> Rows:
    code = alerts.get(turn.session, revision.alert_id).code
    rows: Rows = ((_button("submit", code), _button("discard", code)),)
    return (*rows, (_button("submit_urgent", code),)) if pages.extreme(revision) else rows


def _button(step: str, code: str) -> Button:
    return Button(phrase.say(f"staff.{step}", Written.HANS), Action.STAFF, f"{step}.{code}")
