"""Tasks in chat: who takes one, and when it is done; the page itself shows it."""

import uuid

from bot.commands import cases, ids, publishing, spread
from bot.turn import Acknowledge, Effect, Rewrite, Rows, Say, Turn
from content import cap, notice, outcome, pager, phrase, task, worklist
from content.identity import IdentityError
from content.message import Action, Button, Written
from content.notice import NoticeKind
from content.staff import Staff
from content.task import Task, TaskError, TaskKind

_SHOWN = 20
"""Tasks in one answer, the urgent first."""
_STEPS = ("take", "done")


def show(turn: Turn) -> list[Effect]:
    """Send the open tasks about somebody at home, each with its buttons."""
    member = turn.staff()
    if member is None:
        return [Say(turn.chat, _word("staff.unknown"))]
    try:
        found = worklist.of(turn.session, member, turn.now)
    except IdentityError as error:
        return [Say(turn.chat, str(error))]
    if not found:
        return [Say(turn.chat, _word("tasks.none"))]
    lead = Say(turn.chat, _word("tasks.count", count=len(found)))
    rows = (task.get(turn.session, one.id) for one in found[:_SHOWN])
    return [lead, *(Say(turn.chat, _text(turn, one), _buttons(one)) for one in rows)]


def press(turn: Turn, ref: str, value: str) -> list[Effect]:
    """Take `take` or `done`, under the page that `ref` has brought or in the list (`take.id`)."""
    step, _, named = value.partition(".")
    if step in publishing.DECIDES and turn.staff() is not None:
        return publishing.decide(turn, value)
    errand = _listed_one(turn, named) if named and step in _STEPS else of_attempt(turn, ref)
    if turn.staff() is None or errand is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    if value in cases.WORDS:
        return cases.page(turn, errand, value)
    if value in publishing.WORDS:
        return publishing.press(turn, errand, value)
    if value == "draft":
        return [Acknowledge(turn.event.callback_id), *spread.draft(turn, errand)]
    return _step(turn, ref, errand, step)


def _step(turn: Turn, ref: str, errand: uuid.UUID, step: str) -> list[Effect]:
    try:
        if step == "take":
            take(turn, errand, ref)
            said = _word("page.taken_by_you")
        else:
            finish(turn, errand)
            said = _word("page.finished")
    except TaskError as error:
        said = str(error)
    return [Acknowledge(turn.event.callback_id, said), *_redrawn(turn, ref, errand)]


def take(turn: Turn, errand: uuid.UUID, ref: str) -> None:
    """Give the task to who acts, and stop calling the others to it."""
    taken = task.take(turn.session, errand, turn.actor(), turn.now)
    if taken.kind is TaskKind.CASE:
        cases.own(turn, taken)
    attempt = outcome.by_ref(turn.session, ref) if ref else None
    mine = attempt.recipient_id if attempt is not None else turn.actor().id
    pager.answered(turn.session, errand, mine, turn.now)


def finish(turn: Turn, errand: uuid.UUID) -> None:
    """Close the task; nobody is called to it any more."""
    task.done(turn.session, errand, "done", turn.actor(), turn.now)
    pager.answered(turn.session, errand, turn.actor().id, turn.now)


def of_attempt(turn: Turn, ref: str) -> uuid.UUID | None:
    """Return the task that a page is about; None where the attempt is no page of a task."""
    attempt = outcome.by_ref(turn.session, ref)
    made = notice.get(turn.session, attempt.notice_id) if attempt else None
    if made is None or made.kind is not NoticeKind.PAGE:
        return None
    return made.subject_id


def _listed_one(turn: Turn, named: str) -> uuid.UUID | None:
    """Return the task of a button in the list, if who presses it may see it."""
    member = turn.staff()
    if member is None:
        return None
    try:
        return worklist.find(turn.session, member, turn.now, ids.long(named).hex).id
    except (ValueError, IdentityError):
        return None


def _redrawn(turn: Turn, ref: str, errand: uuid.UUID) -> list[Effect]:
    """Change the message that was pressed: it shows who has taken the task, and when."""
    one = task.get(turn.session, errand)
    if not turn.event.message_id or one.kind not in worklist.PERSONAL:
        return []
    text, rows = _text(turn, one), _buttons(one, ref)
    return [Rewrite(turn.chat, turn.event.message_id, text, rows, ref)]


def _text(turn: Turn, one: Task) -> str:
    """Return what the page of a task says, and who has taken it when."""
    told = worklist.history(one, _name(turn, one.taken_by), cap.zone(turn.session))
    return "\n".join((pager.text(turn.session, one, turn.now), *told))


def _buttons(one: Task, ref: str = "") -> Rows:
    """Return what can still be done; under a page its `ref` says of what, in the list the id."""
    if one.done_at is not None:
        return ()
    about = "" if ref else f".{ids.short(one.id)}"
    free = one.taken_at is None or task.slipped(one)
    steps = ((_word("button.take"), "take"),) if free else ()
    steps = (*steps, (_word("page.done_button"), "done"))
    return (tuple(Button(label, Action.TASK, f"{step}{about}") for label, step in steps),)


def _name(turn: Turn, staff_id: uuid.UUID | None) -> str:
    found = turn.session.get(Staff, (turn.community.community_id, staff_id)) if staff_id else None
    return found.name if found is not None else _word("page.somebody_of_us")


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
