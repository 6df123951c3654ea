"""What neighbours ask about, in chat: one button from its answer to the draft of an alert."""

import contextlib
import uuid

from bot.commands import preview
from bot.config import Settings
from bot.turn import Effect, Rows, Say, Turn
from content import alert as alerts
from content import draft as drafts
from content import pager, phrase, place, store, task
from content.alert import ReviewError
from content.message import Action, Button, Written
from content.task import TaskError
from verification import broadcast
from verification.case import Case
from verification.fact import Refused
from verification.trends import Rule, Subject


def rule(settings: Settings) -> Rule:
    """Return from the settings when something is asked about more than usual."""
    return Rule(settings.trend_hours, settings.trend_askers, settings.trend_days)


def draft(turn: Turn, task_id: uuid.UUID) -> list[Effect]:
    """Draft the alert to those who ask, and show it as any draft is shown; take the task."""
    try:
        about = task.get(turn.session, task_id).subject_id
        if about is None:
            return []
        # who may not write leaves nothing half-written behind
        with turn.session.begin_nested():
            made = broadcast.draft(turn.session, turn.actor(), *_subject(turn, about), turn.now)
    except (Refused, ReviewError, TaskError) as refused:
        return [Say(turn.chat, str(refused))]
    _take(turn, task_id)
    code = alerts.get(turn.session, made.alert_id).code
    audience = drafts.read(turn.session, made).audience.places
    again: Rows = ((Button(_word("staff.rework"), Action.STAFF, f"rework.{code}"),),)
    places = "、".join(place.named(turn.session, audience)) or _word("broadcast.everybody")
    ready = _word("broadcast.ready", code=code, places=places)
    return [Say(turn.chat, ready, again), *preview.show(turn, made)]


def _subject(turn: Turn, about: uuid.UUID) -> tuple[Subject, uuid.UUID]:
    found = turn.session.get(Case, (store.community(turn.session), about))
    return (Subject.CASE if found else Subject.FACT), about


def _take(turn: Turn, task_id: uuid.UUID) -> None:
    with contextlib.suppress(TaskError):
        mine = task.take(turn.session, task_id, turn.actor(), turn.now).taken_by
        if mine is not None:
            pager.answered(turn.session, task_id, mine, turn.now)


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
