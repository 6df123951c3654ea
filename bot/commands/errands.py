"""Tasks in chat: who takes one, and when it is done."""

import uuid

from bot.commands import cases, publishing, spread
from bot.turn import Acknowledge, Effect, Turn
from content import notice, outcome, pager, phrase, task
from content.message import Written
from content.notice import NoticeKind
from content.task import TaskError, TaskKind


def press(turn: Turn, ref: str, value: str) -> list[Effect]:
    """Take `take` or `done` under the page that the attempt `ref` has brought."""
    if value.partition(".")[0] in publishing.DECIDES and turn.staff() is not None:
        return publishing.decide(turn, value)
    errand = of_attempt(turn, ref)
    if turn.staff() is None or errand is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    if value in cases.WORDS:
        return cases.page(turn, errand, value)
    if value in publishing.WORDS:
        return publishing.press(turn, errand, value)
    if value == "draft":
        return [Acknowledge(turn.event.callback_id), *spread.draft(turn, errand)]
    try:
        if value == "take":
            take(turn, errand, ref)
            said = _word("page.taken_by_you")
        else:
            task.done(turn.session, errand, "done", turn.actor(), turn.now)
            said = _word("page.finished")
    except TaskError as error:
        said = str(error)
    return [Acknowledge(turn.event.callback_id, said)]


def take(turn: Turn, errand: uuid.UUID, ref: str) -> None:
    """Give the task to who acts, and stop calling the others to it."""
    taken = task.take(turn.session, errand, turn.actor(), turn.now)
    if taken.kind is TaskKind.CASE:
        cases.own(turn, taken)
    attempt = outcome.by_ref(turn.session, ref)
    if attempt is not None:
        pager.answered(turn.session, errand, attempt.recipient_id, turn.now)


def of_attempt(turn: Turn, ref: str) -> uuid.UUID | None:
    """Return the task that a page is about; None where the attempt is no page of a task."""
    attempt = outcome.by_ref(turn.session, ref)
    made = notice.get(turn.session, attempt.notice_id) if attempt else None
    if made is None or made.kind is not NoticeKind.PAGE:
        return None
    return made.subject_id


def _word(key: str) -> str:
    return phrase.say(key, Written.HANS)
