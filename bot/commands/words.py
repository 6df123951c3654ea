"""Commands in the chat, and plain texts that answer what somebody was just asked."""

from collections.abc import Callable
from typing import Any

from bot.commands import (
    ask,
    broadcast,
    cases,
    dialogue,
    doors,
    errands,
    lessons,
    menu,
    readings,
    resident,
    review,
    ruling,
    status,
)
from bot.turn import Effect, Say, Turn
from content import phrase
from content.message import Written

_STAFF: dict[str, Callable[[Turn, str], list[Effect]]] = {
    "/broadcast": broadcast.begin,
    "/update": broadcast.update,
    "/cancel": review.cancel,
    "/doors": doors.show,
    "/record": readings.begin,
    "/tasks": lambda turn, _: errands.show(turn),
    "/cases": cases.queue,
    "/lessons": lambda turn, _: lessons.show(turn),
    "/status": status.show,
}
"""What staff can do by a command, and the rooms that do it."""


def command(turn: Turn, text: str) -> list[Effect]:
    """Do a command; a new command gives up the question that was open."""
    word, rest = (*text.split(maxsplit=1), "", "")[:2]
    word = word.partition("@")[0].lower()
    rest = rest.strip()
    open_, data = dialogue.asked(turn)
    dialogue.settle(turn)
    if word == "/cancel" and not rest and open_ and turn.staff() is not None:
        return _given_up(turn, open_, data)
    if word in _STAFF:
        return _staff(turn, word, rest)
    match word:
        case "/start":
            return resident.start(turn, rest)
        case "/stop":
            return resident.stop(turn)
        case "/forget":
            return resident.forget(turn)
        case "/check":
            matter = ask.asked(turn).matter
            return ask.question(turn) if matter else [_say(turn, "intent.empty")]
    if (member := turn.staff()) is not None:
        return [Say(turn.chat, menu.said(turn.session, member))]
    return [_say(turn, "join.help")]


def awaited(turn: Turn, text: str) -> list[Effect] | None:
    """Take a text as the answer to the open question, or as a code; None: it is something else."""
    what, data = dialogue.asked(turn)
    room, _, step = what.partition(".")
    if room == "broadcast" and turn.staff() is not None:
        return broadcast.answer(turn, step, text, data)
    if room == "review" and turn.staff() is not None:
        return review.answer(turn, step, text, data)
    if room == "ruling" and turn.staff() is not None:
        return ruling.answer(turn, step, text, data)
    return resident.typed(turn, text)


def _staff(turn: Turn, word: str, rest: str) -> list[Effect]:
    if turn.staff() is None:
        return [_say(turn, "staff.unknown")]
    return _STAFF[word](turn, rest)


def _given_up(turn: Turn, what: str, data: dict[str, Any]) -> list[Effect]:
    """Say that the open question is given up, and that a half-written draft is kept."""
    done = [_say(turn, "staff.given_up")]
    if what.startswith("broadcast.") and data.get("code"):
        done.append(_say(turn, "staff.broadcast_kept", code=data["code"]))
    return [*done]


def _say(turn: Turn, key: str, **values: object) -> Say:
    language = Written.HANS if turn.staff() else turn.language()
    return Say(turn.chat, phrase.say(key, language, **values))
