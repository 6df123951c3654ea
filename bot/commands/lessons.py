"""/lessons: what residents have taught, for who answers for facts: accept, reject, undo."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from bot.turn import Acknowledge, Effect, Rows, Say, Turn
from content import phrase
from content.event import Actor
from content.message import Action, Button, Written
from verification import learning
from verification.fact import FactVariant, Refused, VariantState
from verification.learning import FactNegative, Learned

_MOST = 10
"""Lessons in one answer."""

Act = Callable[[Session, FactNegative | FactVariant, Actor, datetime], None]
_ACTS: dict[str, Act] = {
    "accept": learning.accept,
    "reject": learning.reject,
    "undo": learning.undo,
}


def show(turn: Turn) -> list[Effect]:
    """Show the wordings that wait for a decision, each with its buttons."""
    found = learning.everything(turn.session, VariantState.PROPOSED)
    if not found:
        return [Say(turn.chat, _word("lesson.none"))]
    shown = [Say(turn.chat, _text(one), _buttons(one.id.hex, "accept", "reject")) for one in found]
    more = len(found) - _MOST
    rest = [Say(turn.chat, _word("lesson.more", count=more))] if more > 0 else []
    return [*shown[:_MOST], *rest]


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a decision, `act.id`; it can be taken back at once."""
    name, _, lesson = value.partition(".")
    done = Acknowledge(turn.event.callback_id)
    act = _ACTS.get(name)
    if act is None or turn.staff() is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    try:
        row = learning.get(turn.session, lesson)
        act(turn.session, row, turn.actor(), turn.now)
    except Refused as refused:
        return [done, Say(turn.chat, str(refused))]
    again = ("accept", "reject") if name == "undo" else ("undo",)
    return [done, Say(turn.chat, _word(f"lesson.{name}_done"), _buttons(row.id.hex, *again))]


def _text(one: Learned) -> str:
    return _word(
        f"lesson.{one.lesson}", text=one.text, code=one.code, claim=one.claim, times=one.times
    )


def _buttons(lesson: str, *names: str) -> Rows:
    return (
        tuple(Button(_word(f"lesson.{name}"), Action.LESSON, f"{name}.{lesson}") for name in names),
    )


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
