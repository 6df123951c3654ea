"""/cases: the queue of the experts, and what they do with a case: take, look, merge, split."""

import contextlib
import uuid
from datetime import datetime

from bot.commands import ruling
from bot.turn import Acknowledge, Effect, Rows, Say, Show, Turn
from content import mask, phrase, task
from content.message import Action, Button, Written
from content.task import Task, TaskError
from verification import case, errand, joining
from verification.case import Case, Heard
from verification.fact import Refused

WORDS = frozenset({"take_case", "show_case"})
"""The values of the buttons under a page that calls the experts to a case."""

_MOST, _LINES, _LENGTH = 10, 8, 300
"""Cases in one answer, questions of a case, and characters of a question that are shown."""


def queue(turn: Turn, rest: str) -> list[Effect]:
    """Show the open cases, the first that is due first; with a number, that case."""
    try:
        case.require_worker(turn.session, turn.actor())
        if rest.isdecimal():
            return _show(turn, case.numbered(turn.session, int(rest)))
    except Refused as refused:
        return [Say(turn.chat, str(refused))]
    found = case.open_cases(turn.session)
    if not found:
        return [_say(turn, "cases.none")]
    shown = [
        Say(turn.chat, f"{_head(turn, one)}\n{_short(one.matter)}", _buttons(turn, one))
        for one in found[:_MOST]
    ]
    more = len(found) - len(shown)
    lead = _say(turn, "cases.count", count=len(found))
    return [lead, *shown, *([_say(turn, "cases.more", count=more)] if more else [])]


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a button of the queue: `step.number`, for some steps with what it is about."""
    step, _, rest = value.partition(".")
    number, _, what = rest.partition(".")
    done = Acknowledge(turn.event.callback_id)
    try:
        case.require_worker(turn.session, turn.actor())
        if not number.isdecimal():
            return [done]
        matter = case.numbered(turn.session, int(number))
        return [done, *_step(turn, step, matter, what)]
    except Refused as refused:
        return [done, Say(turn.chat, str(refused))]
    except ValueError:
        # no button of ours: a number, verdict or id that is none
        return [done]


def page(turn: Turn, task_id: uuid.UUID, value: str) -> list[Effect]:
    """Take or show the case that a page calls to."""
    done = Acknowledge(turn.event.callback_id)
    try:
        case.require_worker(turn.session, turn.actor())
        matter = case.of_id(turn.session, task.get(turn.session, task_id).subject_id)
        return [done, *_step(turn, value.removesuffix("_case"), matter, "")]
    except (Refused, TaskError) as refused:
        return [done, Say(turn.chat, str(refused))]


def own(turn: Turn, errand: Task) -> None:
    """Let who has taken the task by phone answer for its case, if they may."""
    with contextlib.suppress(Refused):
        case.take(turn.session, case.of_id(turn.session, errand.subject_id), turn.actor(), turn.now)


def _step(turn: Turn, step: str, matter: Case, what: str) -> list[Effect]:
    match step:
        case "take":
            errand.take(turn.session, matter, turn.actor(), turn.now)
            said = _word("cases.taken", number=matter.number, clock=_clock(matter, turn.now))
            return [Say(turn.chat, said, _row(_open(matter)))]
        case "show":
            return _show(turn, matter)
        case "files":
            return _files(turn, matter)
        case "merge":
            other = case.numbered(turn.session, int(what or 0))
            joining.merge(turn.session, matter, other, turn.actor(), turn.now)
            return [_say(turn, "cases.merged", one=matter.number, number=other.number)]
        case "split":
            made = joining.split(turn.session, matter, [int(what or 0)], turn.actor(), turn.now)
            return [_say(turn, "cases.split_off", number=what, new=made.number)]
    return ruling.step(turn, step, matter, what)


def _show(turn: Turn, matter: Case) -> list[Effect]:
    """Show one case: its questions, why none was answered, the facts and cases that are near."""
    asked = case.askers(turn.session, matter)
    files = case.files(turn.session, matter)
    near = joining.near(turn.session, matter) if matter.settled_at is None else []
    candidates = ruling.candidates(turn.session, matter)
    lines = [
        _head(turn, matter),
        *(_question(heard) for heard in asked[:_LINES]),
        _word("cases.why", why=matter.why) if matter.why else "",
        _word("cases.files", kinds="、".join(one.kind for one in files)) if files else "",
        *(
            _word(
                "cases.candidate",
                number=number,
                claim=version.claim,
                verdict=_word(f"verdict.{version.verdict}"),
            )
            for number, version in enumerate(candidates, 1)
        ),
        *(_word("cases.near", number=one.number, matter=_short(one.matter)) for one in near),
    ]
    if matter.settled_at is not None:
        return [Say(turn.chat, "\n".join(filter(None, lines)))]
    use: Rows = tuple(
        (_button("cases.use", f"use.{matter.number}.{version.fact_id.hex}", number=number),)
        for number, version in enumerate(candidates, 1)
    )
    merge: Rows = tuple(
        (_button("cases.merge", f"merge.{matter.number}.{one.number}", number=one.number),)
        for one in near
    )
    apart: Rows = tuple(
        (_button("cases.split", f"split.{matter.number}.{one.number}", number=one.number),)
        for one in asked[1:_LINES]
    )
    look = _row((_button("cases.look", f"files.{matter.number}"),)) if files else ()
    rows = (*_row(_open(matter)), *look, *use, *merge, *apart)
    return [Say(turn.chat, "\n".join(filter(None, lines)), rows)]


def _files(turn: Turn, matter: Case) -> list[Effect]:
    """Show what came with a case: each file once, however often it was forwarded."""
    came = {one.reference: one for one in case.files(turn.session, matter)}
    return [Show(turn.chat, one.kind, one.reference) for one in list(came.values())[:_LINES]]


def _head(turn: Turn, matter: Case) -> str:
    """Return a case in one line: its number, its clock, how many ask, who checks it."""
    asked = len(case.askers(turn.session, matter))
    files = len(case.files(turn.session, matter))
    line = _word("cases.line", number=matter.number, clock=_clock(matter, turn.now), count=asked)
    if files:
        line += _word("cases.with_files", count=files)
    if matter.fact_id is not None:
        return line + _word("cases.ruled")
    owner = case.owner(turn.session, matter)
    return line + (_word("cases.owner", name=owner.name) if owner else _word("cases.nobody"))


def _clock(matter: Case, now: datetime) -> str:
    hours = (matter.due_at - now).total_seconds() / 3600
    if matter.settled_at is not None:
        return _word("cases.settled")
    return _word("cases.late" if hours < 0 else "cases.left", hours=max(1, round(abs(hours))))


def _buttons(turn: Turn, matter: Case) -> Rows:
    mine = turn.actor().id
    take = _button("cases.take", f"take.{matter.number}")
    show = _button("cases.show", f"show.{matter.number}")
    if matter.owner_id is None:
        return _row((take, show))
    return _row((show, *(_open(matter) if matter.owner_id == mine else ())))


def _open(matter: Case) -> tuple[Button, ...]:
    """Return the buttons of a case that waits for its ruling."""
    settle = _button("cases.settle", f"settle.{matter.number}")
    if matter.owner_id is not None:
        return (settle,)
    return (_button("cases.take", f"take.{matter.number}"), settle)


def _question(heard: Heard) -> str:
    return _word("cases.question", number=heard.number, text=_short(mask.mask(heard.text)))


def _short(text: str) -> str:
    return text[:_LENGTH] or _word("cases.no_words")


def _row(buttons: tuple[Button, ...]) -> Rows:
    return (buttons,)


def _button(key: str, value: str, **values: object) -> Button:
    return Button(_word(key, **values), Action.CASE, value)


def _say(turn: Turn, key: str, **values: object) -> Say:
    return Say(turn.chat, _word(key, **values))


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
