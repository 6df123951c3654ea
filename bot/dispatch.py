"""Which room handles an event: a receipt, a key, a button, a command, a question."""

from collections.abc import Callable

from bot import acts
from bot.commands import (
    ask,
    cases,
    doors,
    errands,
    hotline,
    lessons,
    readings,
    remarks,
    resident,
    review,
    words,
)
from bot.turn import Acknowledge, Effect, Turn, guarded
from channels.base import EventKind
from content.message import Action, Kind
from verification.case import Attachment

_ROOMS: dict[str, Callable[[Turn, str], list[Effect]]] = {
    Action.STAFF: review.press,
    Action.DOOR: doors.press,
    Action.CASE: cases.press,
    Action.LESSON: lessons.press,
}
"""Buttons whose value says everything, and the rooms that take them."""


def dispatch(turn: Turn, file: Attachment | None) -> list[Effect]:
    """Return what is to be said at once after an event has been handled."""
    if turn.event.step:
        return hotline.take(turn, file)
    return guarded(turn, _handled(turn, file))


def _handled(turn: Turn, file: Attachment | None) -> list[Effect]:
    match turn.event.kind:
        case EventKind.RECEIPT:
            return acts.receipt(turn)
        case EventKind.KEY:
            return acts.key(turn)
        case EventKind.BUTTON:
            return _button(turn)
        case EventKind.BLOCKED:
            return acts.blocked(turn)
        case EventKind.MEDIA:
            return _media(turn, file)
        case EventKind.TEXT:
            return _text(turn)
        case EventKind.JOINED | EventKind.ENDED | EventKind.UNREACHED:
            return resident.group_hello(turn) if turn.event.group else []


def _media(turn: Turn, file: Attachment | None) -> list[Effect]:
    if (kept := readings.taken(turn, file)) is not None:
        return kept
    noted = remarks.taken(turn, turn.event.text, file)
    return ask.media(turn, file) if noted is None else noted


def _button(turn: Turn) -> list[Effect]:
    action, _, rest = turn.event.key.partition(":")
    ref, _, value = rest.partition(":")
    if action in _ROOMS:
        return _ROOMS[action](turn, value)
    match action:
        case Action.RECEIVED | Action.HELP:
            return acts.button(turn, Action(action), ref)
        case Action.CHOOSE | Action.NONE_OF_THESE:
            return ask.choose(turn, ref, value if action == Action.CHOOSE else "none")
        case Action.USEFUL:
            return ask.useful(turn, ref)
        case Action.JOIN | Action.FORGET:
            return resident.press(turn, action, value)
        case Action.TASK:
            return errands.press(turn, ref, value)
    return [Acknowledge(turn.event.callback_id)]


def _text(turn: Turn) -> list[Effect]:
    text = turn.event.text.strip()
    if turn.event.group:
        return ask.group(turn)
    if turn.kind is Kind.CHAT and text.startswith("/") and not turn.event.forwarded:
        return words.command(turn, text)
    if (noted := remarks.taken(turn, text)) is not None:
        return noted
    if turn.kind is Kind.CHAT and (awaited := words.awaited(turn, text)) is not None:
        return awaited
    # what somebody else has written confirms nothing
    if turn.event.forwarded:
        return ask.question(turn)
    short = acts.replied(turn, text)
    short = ask.marked(turn, text) if short is None else short
    return ask.question(turn) if short is None else short
