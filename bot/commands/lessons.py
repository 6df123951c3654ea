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
from verification.learning import FactNegative, Learned, Lesson

_MOST, _SHOWN = 10, 2
"""Lessons in one answer, and past questions that are shown for a wording."""

Row = FactNegative | FactVariant
Act = Callable[[Session, Row, Actor, datetime], None]


def show(turn: Turn) -> list[Effect]:
    """Show the wordings that wait for a decision, each with its buttons."""
    found = learning.everything(turn.session, VariantState.PROPOSED)
    if not found:
        return [Say(turn.chat, _word("lesson.none"))]
    shown = [Say(turn.chat, _text(one), _buttons(one.id.hex, *_offered(one))) for one in found]
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
        said = _tried(turn, row) if name in ("try", "accept") else ""
        act(turn.session, row, turn.actor(), turn.now)
    except Refused as refused:
        return [done, Say(turn.chat, str(refused))]
    again = ("undo",) if name in ("accept", "reject") else ("accept", "reject")
    lines = (said, _word(f"lesson.{name}_done"))
    return [done, Say(turn.chat, "\n".join(filter(None, lines)), _buttons(row.id.hex, *again))]


def _look(session: Session, row: Row, actor: Actor, now: datetime) -> None:
    """Decide nothing: what the wording would have answered is all that is asked."""


def _tried(turn: Turn, row: Row) -> str:
    """Return what a wording would have answered of the past questions, with an example or two."""
    found = learning.tried(turn.session, turn.house.base, row)
    if not found.asked:
        return ""
    counts = {
        "answered": found.answered,
        "conflicts": found.conflicts,
        "different": found.different,
    }
    shown = (hit.text for hit in found.hits[:_SHOWN])
    return "\n".join((_word("page.replayed", asked=found.asked, **counts), *shown))


def _offered(one: Learned) -> tuple[str, ...]:
    return ("try",) * (one.lesson is Lesson.MEANS) + ("accept", "reject")


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


_ACTS: dict[str, Act] = {
    "try": _look,
    "accept": learning.accept,
    "reject": learning.reject,
    "undo": learning.undo,
}
