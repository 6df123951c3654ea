"""Answers that wait for their publisher, in chat: have a look, publish."""

import uuid

from bot.turn import Acknowledge, Effect, Say, Turn
from content import phrase, task
from content.message import Written
from content.task import TaskError
from verification import agreement, facts, replay, settlement, shelf
from verification.fact import Fact, Refused
from verification.replay import Replay

WORDS = frozenset({"publish", "look", "return"})
"""The values of the buttons under a page that calls a publisher."""


def press(turn: Turn, task_id: uuid.UUID, value: str) -> list[Effect]:
    """Publish, show or send back the fact of a task; a task about many names the command."""
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
        lines = (_shown(turn, fact), *_beside(turn, fact), _replayed(_trial(turn, fact)))
        return [done, Say(turn.chat, "\n".join(lines))]
    actor = turn.actor()
    if value == "return":
        settlement.send_back(turn.session, fact, actor, turn.now)
        return [done, Say(turn.chat, _word("page.returned"))]
    tried = _trial(turn, fact)
    told = settlement.publish(turn.session, fact, actor, turn.now, base=turn.house.base)
    replay.note(turn.session, fact.id, tried, actor, turn.now)
    said = _word("page.published", count=told)
    return [done, Say(turn.chat, f"{said}\n{_replayed(tried)}")]


def _trial(turn: Turn, fact: Fact) -> Replay:
    return replay.trial(turn.session, turn.house.base, shelf.candidate(turn.session, fact))


def _replayed(done: Replay) -> str:
    """Return what a fact would have answered, in one line."""
    counts = {"answered": done.answered, "conflicts": done.conflicts, "different": done.different}
    return _word("page.replayed", asked=done.asked, **counts)


def _beside(turn: Turn, fact: Fact) -> list[str]:
    """Return what is published on the same matter, a line each."""
    return [
        _word(
            "page.contradicts" if one.contradicts else "page.near",
            claim=one.fact.claim,
            verdict=_word(f"verdict.{one.fact.verdict}"),
        )
        for one in agreement.near(turn.session, fact, turn.now, turn.house.base)
    ]


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
