"""The loop guard: how much the house says by itself to one number or chat in an hour.

Two machines that answer each other would never end, and each SMS costs money. What is said beyond
the guard is not lost but left unsaid: the question is taken down all the same. An emergency and a
cry for help are always heard, and answered; beyond the guard the very same advice only again after
five minutes.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import event, store
from content.event import HOUSE, Event
from content.message import Kind

HOUR = timedelta(hours=1)
SAME = timedelta(minutes=5)
"""How long the same urgent advice is not repeated beyond the guard."""
_SAID, _CLOSED = "answer.given", "answer.guarded"


@dataclass(frozen=True, slots=True)
class Limits:
    """Automatic answers to one number or chat in an hour.

    A person may ask a lot in a chat, and press their way through a dialogue: one a minute is as
    much as anybody reads. An SMS costs money, and it is there that machines answer.
    """

    others: int = 10
    chat: int = 60

    def of(self, kind: Kind) -> int:
        """Return the limit of a kind."""
        return self.chat if kind is Kind.CHAT else self.others


class Pass(StrEnum):
    """What may be said."""

    SAY = "say"
    LAST = "last"
    """This is the last answer within the hour: it should say so."""
    REST = "rest"
    """Nothing more."""


def given(
    session: Session, subject: uuid.UUID, what: str, now: datetime, limit: int, *, urgent: bool
) -> Pass:
    """Say whether something may be said to `subject` by itself now, and take note that it is.

    subject: the address, or what stands for a chat that has none; what: the name of the sentence.
    """
    told = _told(session, subject, now - HOUR, limit)
    if len(told) >= limit:
        if not urgent or said(session, subject, what, now - SAME):
            return Pass.REST
        event.add(session, HOUSE, _SAID, subject, now, what=what)
        return Pass.SAY
    event.add(session, HOUSE, _SAID, subject, now, what=what)
    if len(told) + 1 < limit:
        return Pass.SAY
    event.add(session, HOUSE, _CLOSED, subject, now, limit=limit)
    return Pass.SAY if urgent else Pass.LAST


def said(session: Session, subject: uuid.UUID, what: str, since: datetime) -> bool:
    """Say whether this very sentence was said to `subject` by itself since then."""
    return any(one.data.get("what") == what for one in _told(session, subject, since, 100))


def closed(session: Session, since: datetime) -> int:
    """Return at how many numbers and chats we fell silent since then."""
    query = select(func.count(Event.subject_id.distinct())).where(
        Event.community_id == store.community(session),
        Event.kind == _CLOSED,
        Event.at > since,
    )
    return session.scalar(query) or 0


def stranger(session: Session, kind: Kind, value: str) -> uuid.UUID:
    """Return what stands for a number or chat that is no address of ours, or a group."""
    return uuid.UUID(store.digest(session, f"guard:{kind}:{value}"))


def _told(session: Session, subject: uuid.UUID, since: datetime, limit: int) -> list[Event]:
    query = (
        select(Event)
        .where(Event.community_id == store.community(session))
        .where(Event.subject_id == subject, Event.kind == _SAID, Event.at > since)
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))
