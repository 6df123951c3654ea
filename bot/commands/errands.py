"""Tasks in chat: who takes one, and when it is done."""

import uuid

from bot.turn import Acknowledge, Effect, Turn
from content import phrase, task
from content.message import Written
from content.task import TaskError


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a button of a task's page: `take.<id>` or `done.<id>`."""
    step, _, task_id = value.partition(".")
    if turn.staff() is None:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    try:
        if step == "take":
            task.take(turn.session, uuid.UUID(task_id), turn.actor(), turn.now)
            said = _word("page.taken_by_you")
        else:
            task.done(turn.session, uuid.UUID(task_id), "done", turn.actor(), turn.now)
            said = _word("page.finished")
    except (TaskError, ValueError) as error:
        said = str(error) if isinstance(error, TaskError) else _word("staff.unknown")
    return [Acknowledge(turn.event.callback_id, said)]


def _word(key: str) -> str:
    return phrase.say(key, Written.HANS)
