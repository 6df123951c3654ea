"""The desk: hears what residents ask, and never leaves a question without an answer."""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import event, phrase, store
from content.alert import Severity
from content.base import new_id
from content.event import HOUSE, Actor
from content.message import Written
from content.notice import NoticeKind
from content.people import Address, OwnerKind, Resident
from content.place import Community
from content.task import Task, TaskKind
from verification import answer, case, facts, gate, match, telling
from verification import text as texts
from verification.case import Case, Heard, Question, State
from verification.fact import Fact, FactState, FactVersion, Refused, Statement
from verification.gate import Emergency, Intent
from verification.index import Index, key
from verification.match import Decision, Outcome
from verification.slots import Polarity

PER_HOUR = 20
"""Automatic answers to one address in an hour: two robots must not talk for ever."""
_CLAIMS = 20
"""Claims of one letter that are looked at."""
_SOON = timedelta(minutes=5)
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the desk makes of a text: emergency, intent, decision, and a letter's claims."""

    intent: Intent
    decision: Decision
    emergency: Emergency | None = None
    parts: tuple[tuple[str, Decision], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a question. The notices leave through the outbox by themselves.

    `group_text` is what a group may read: an answer or "being checked", never a list.
    `number` is the question's own, or its case's; `notices` may be empty in a group.
    """

    question_id: uuid.UUID
    state: State
    why: str
    number: int
    notices: tuple[uuid.UUID, ...] = ()
    group_text: str = ""


def judge(
    index: Index, text: str, now: datetime, zone: ZoneInfo, area: str | None = None
) -> Judgement:
    """Decide on a text without doing anything: what `hear` does and `linxun ask` shows."""
    decide = functools.partial(match.decide, index=index, now=now, zone=zone, area=area)
    whole = decide(text)
    parts: tuple[tuple[str, Decision], ...] = ()
    claims = texts.claims(text)[:_CLAIMS]
    if whole.outcome is not Outcome.ANSWER and len(claims) > 1:
        parts = tuple((claim, decide(claim)) for claim in claims)
        if not any(part.outcome is Outcome.ANSWER for _, part in parts):
            whole = _better(whole, parts)
            parts = ()
    return Judgement(gate.intent(text), whole, gate.emergency(text), parts)


def hear(session: Session, base: facts.Base, question: Question, now: datetime) -> Reply:
    """Answer a question, ask back, or take it down as a case; everything in one transaction."""
    facts.refresh(session, base)
    zone = _zone(session)
    judged = judge(base.index, question.matter, now, zone, question.area)
    heard = case.record(session, question, _digest(session, question, now, zone), now)
    heard.decision = _kept(judged)
    if _too_many(session, heard, now):
        return _rest(session, heard, now)
    sent = _warn(session, heard, judged.emergency, now)
    reply = _respond(session, heard, judged, question, now)
    return _with(reply, sent)
