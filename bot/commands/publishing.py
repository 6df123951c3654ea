"""Answers that wait for their publisher, in chat: have a look, publish."""

import uuid

from bot.turn import Acknowledge, Effect, Say, Turn
from content import phrase, task
from content.message import Written
from content.task import TaskError
from verification import facts, settlement
from verification.fact import Fact, Refused

WORDS = frozenset({"publish", "look"})
"""The values of the buttons under a page that calls a publisher."""


def press(turn: Turn, task_id: uuid.UUID, value: str) -> list[Effect]:
    """Publish the fact that a task is about, or show it; a task about many names the command."""
    note = turn.event.callback_id
    try:
        errand = task.get(turn.session, task_id)
        if errand.done_at is not None:
            return [Acknowledge(note, _word("page.publish_over"))]
        if errand.subject_id is None:
            return [Acknowledge(note, _word("page.publish_many"))]
        return _do(turn, errand.subject_id, value)
    except (Refused, TaskError) as refused:
        return [Acknowledge(note), Say(turn.chat, str(refused))]


def _do(turn: Turn, fact_id: uuid.UUID, value: str) -> list[Effect]:
    fact = facts.get(turn.session, fact_id)
    done = Acknowledge(turn.event.callback_id)
    if value == "look":
        return [done, Say(turn.chat, _shown(turn, fact))]
    told = settlement.publish(turn.session, fact, turn.actor(), turn.now)
    return [done, Say(turn.chat, _word("page.published", count=told))]


def _shown(turn: Turn, fact: Fact) -> str:
    """Return a signed version as its publisher must see it: all that residents will read."""
    version = facts.current(turn.session, fact, fact.signed)
    values = {
        "answer.claim": {
            "claim": version.claim,
            "verdict": _word(f"verdict.{version.verdict}"),
        },
        "answer.source": {"source": version.source},
        "answer.expert": {"expert": version.expert},
    }
    lines = [_word(key, **said) for key, said in values.items() if all(said.values())]
    return "\n".join((version.truth, *lines, version.explanation)).strip()


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
