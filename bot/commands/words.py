"""Commands in the chat, and plain texts that answer what somebody was just asked."""

from typing import Any

from bot.commands import (
    ask,
    broadcast,
    cases,
    dialogue,
    doors,
    lessons,
    resident,
    review,
    ruling,
    status,
)
from bot.turn import Effect, Say, Turn
from content import phrase
from content.message import Written


def command(turn: Turn, text: str) -> list[Effect]:
    """Do a command; a new command gives up the question that was open."""
    word, rest = (*text.split(maxsplit=1), "", "")[:2]
    word = word.partition("@")[0].lower()
    rest = rest.strip()
    open_, data = dialogue.asked(turn)
    dialogue.settle(turn)
    if word == "/cancel" and not rest and open_ and turn.staff() is not None:
        return _given_up(turn, open_, data)
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
        case "/broadcast" | "/status" | "/cancel" | "/update" | "/doors" | "/cases" | "/lessons":
            return _staff(turn, word, rest)
    return [_say(turn, "staff.commands" if turn.staff() else "join.help")]


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
    match word:
        case "/broadcast":
            return broadcast.begin(turn, rest)
        case "/update":
            return broadcast.update(turn, rest)
        case "/cancel":
            return review.cancel(turn, rest)
        case "/doors":
            return doors.show(turn, rest)
        case "/cases":
            return cases.queue(turn, rest)
        case "/lessons":
            return lessons.show(turn)
    return status.show(turn, rest)


def _given_up(turn: Turn, what: str, data: dict[str, Any]) -> list[Effect]:
    """Say that the open question is given up, and that a half-written draft is kept."""
    done = [_say(turn, "staff.given_up")]
    if what.startswith("broadcast.") and data.get("code"):
        done.append(_say(turn, "staff.broadcast_kept", code=data["code"]))
    return [*done]


def _say(turn: Turn, key: str, **values: object) -> Say:
    language = Written.HANS if turn.staff() else turn.language()
    return Say(turn.chat, phrase.say(key, language, **values))
