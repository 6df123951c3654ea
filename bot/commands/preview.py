"""What a draft would look like in every form, whom it reaches, and how long that takes."""

from bot.commands import pages
from bot.outlook import Outlook, form
from bot.turn import Effect, Rows, Say, Turn
from content import alert as alerts
from content import draft as drafts
from content import phrase
from content.alert import Revision
from content.message import Action, Button, Written


def show(turn: Turn, revision: Revision) -> list[Effect]:
    """Return the preview as messages; the last one has the buttons to submit or discard."""
    content = drafts.read(turn.session, revision)
    outlook = Outlook(turn.session, revision, content, turn.now)
    said: list[Effect] = [
        Say(turn.chat, form(language, message)) for language, message in outlook.forms().items()
    ]
    plan = outlook.forecast(turn.house.ladders, turn.house.senders)
    figures = outlook.figures(plan, turn.zone, Written.HANS)
    return [*said, Say(turn.chat, "\n".join(figures), _buttons(turn, revision))]


def _buttons(turn: Turn, revision: Revision) -> Rows:
    code = alerts.get(turn.session, revision.alert_id).code
    rows: Rows = ((_button("submit", code), _button("discard", code)),)
    return (*rows, (_button("submit_urgent", code),)) if pages.extreme(revision) else rows


def _button(step: str, code: str) -> Button:
    return Button(phrase.say(f"staff.{step}", Written.HANS), Action.STAFF, f"{step}.{code}")
