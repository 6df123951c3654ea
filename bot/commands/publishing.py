"""Answers that wait for their publisher, in chat: look, publish, send back, settle what clashes."""

import uuid

from bot.turn import Acknowledge, Effect, Say, Turn
from content import phrase, task
from content.message import Action, Button, Written
from content.task import TaskError
from verification import agreement, facts, link, replay, settlement, shelf
from verification.agreement import Contradicts
from verification.contradiction import Near
from verification.fact import Fact, Refused
from verification.replay import Replay

WORDS = frozenset({"publish", "look", "return"})
"""The values of the buttons under a page that calls a publisher."""
DECIDES = frozenset({"beside", "replace"})
"""What may be done about a contradiction; the value is `step.task`, for no page has brought it."""


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
    except Contradicts as clash:
        return [Acknowledge(note), _choice(turn, clash, task_id)]
    except (Refused, TaskError) as refused:
        return [Acknowledge(note), Say(turn.chat, str(refused))]


def decide(turn: Turn, value: str) -> list[Effect]:
    """Settle the contradictions of a fact one way or the other, and publish it."""
    step, _, name = value.partition(".")
    try:
        errand = uuid.UUID(name)
        asked = task.get(turn.session, errand)
        if step in DECIDES and asked.done_at is None and asked.subject_id is not None:
            _settle(turn, facts.get(turn.session, asked.subject_id), step)
    except ValueError as refused:
        return [Acknowledge(turn.event.callback_id), Say(turn.chat, str(refused))]
    return press(turn, errand, "publish")


def _settle(turn: Turn, fact: Fact, step: str) -> None:
    how = link.beside if step == "beside" else link.replace
    for one in agreement.clashes(turn.session, fact, turn.now, turn.house.base):
        other = facts.get(turn.session, uuid.UUID(one.fact.id))
        how(turn.session, fact, other, turn.actor(), turn.now)


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
    facts.require_publisher(turn.session, actor)
    tried = _trial(turn, fact)
    told = settlement.publish(turn.session, fact, actor, turn.now, base=turn.house.base)
    replay.note(turn.session, fact.id, tried, actor, turn.now)
    said = _word("page.published", count=told)
    return [done, Say(turn.chat, f"{said}\n{_replayed(tried)}")]


def _choice(turn: Turn, clash: Contradicts, task_id: uuid.UUID) -> Say:
    """Ask what is to be done about a contradiction."""
    lines = [_line(one) for one in clash.others]
    rows = tuple(
        (Button(_word(f"page.{step}_button"), Action.TASK, f"{step}.{task_id.hex}"),)
        for step in ("beside", "replace")
    )
    return Say(turn.chat, "\n".join((*lines, _word("page.decide"))), rows)


def _trial(turn: Turn, fact: Fact) -> Replay:
    return replay.trial(turn.session, turn.house.base, shelf.candidate(turn.session, fact))


def _replayed(done: Replay) -> str:
    """Return what a fact would have answered, in one line."""
    counts = {"answered": done.answered, "conflicts": done.conflicts, "different": done.different}
    return _word("page.replayed", asked=done.asked, **counts)


def _beside(turn: Turn, fact: Fact) -> list[str]:
    """Return what is published on the same matter, a line each."""
    nearby = agreement.near(turn.session, fact, turn.now, turn.house.base)
    return [_line(one) for one in nearby]


def _line(one: Near) -> str:
    key = "page.contradicts" if one.contradicts else "page.near"
    return _word(key, claim=one.fact.claim, verdict=_word(f"verdict.{one.fact.verdict}"))


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
