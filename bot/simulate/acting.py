"""What deeds do to the ledger: the records that receipts and people write, each at its time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bot.simulate.behaviour import Deed
from content import (
    acceptance,
    bulk,
    confirmation_bulk,
    missed,
    outcome_bulk,
    people,
    store,
)
from content.acceptance import Taken
from content.claim import Job
from content.confirmation import Act
from content.confirmation_bulk import Acted
from content.delivery import Attempt, AttemptState
from content.event import Actor, Door
from content.message import Kind
from content.outcome_bulk import Report
from content.people import Consent
from content.reason import Reason


@dataclass(frozen=True, slots=True)
class CalledBack:
    """Somebody has called the number from which they were called, and pressed 1."""

    number: str
    actor: Actor
    at: datetime


Entry = Taken | Acted | CalledBack | Report | Callable[[Session, datetime], object]
"""One thing that has happened, to be written; what has no class of its own writes itself."""

UNHEARD = frozenset({Deed.ANSWERED, Deed.DELIVERED})
"""What a provider reports and nothing depends on: writing it would take half the time."""

NEWS: dict[Deed, tuple[AttemptState, Reason | None]] = {
    Deed.MACHINE: (AttemptState.ANSWERED, None),
    Deed.BUSY: (AttemptState.FAILED, Reason.BUSY),
    Deed.NO_ANSWER: (AttemptState.FAILED, Reason.NO_ANSWER),
    Deed.COMPLETED: (AttemptState.COMPLETED, None),
    Deed.INVALID: (AttemptState.FAILED, Reason.NUMBER_INVALID),
    Deed.RECALLED: (AttemptState.FAILED, Reason.CANCELLED_CALL),
}
"""What a provider reports."""
ENDS = frozenset({Deed.BUSY, Deed.NO_ANSWER, Deed.COMPLETED, Deed.INVALID, Deed.RECALLED})
"""After these nothing holds the line."""
CONFIRMS = frozenset({Deed.RECEIVED, Deed.HELP, Deed.CALLED_BACK})
_DOORS = {Kind.CHAT: Door.CHAT, Kind.SMS: Door.SMS, Kind.CALL: Door.PHONE}


def entry(job: Job, provider_id: str, deed: Deed, at: datetime, sequence: int) -> Entry:
    """Return what a deed writes about this attempt."""
    if deed in NEWS:
        state, reason = NEWS[deed]
        machine = deed is Deed.MACHINE
        return Report(job.ref, state, at, provider_id, reason, machine, sequence)
    if deed is Deed.OPTED_OUT:
        return lambda session, now: people.set_consent(
            session, job.kind, job.to, Consent.WITHDRAWN, _DOORS[job.kind], _actor(job), now
        )
    if deed is Deed.CALLED_BACK:
        return CalledBack(job.to, _actor(job), at)
    # An SMS names only its number in the inbox; here a number is one person's, and so the attempt
    # says it.
    act = {Kind.CHAT: Act.BUTTON, Kind.SMS: Act.REPLY}.get(job.kind, Act.KEY)
    return Acted(job.ref, act, _actor(job), at, help_=deed is Deed.HELP)


def write(session: Session, entries: Sequence[tuple[datetime, Entry]]) -> None:
    """Write what has happened, each at its instant: what is alike together, in its order."""
    said = [one for _, one in entries]
    acceptance.record(session, [one for one in said if isinstance(one, Taken)])
    confirmation_bulk.by_refs(session, [one for one in said if isinstance(one, Acted)])
    _call_back(session, [one for one in said if isinstance(one, CalledBack)])
    outcome_bulk.receipts(session, [one for one in said if isinstance(one, Report)])
    for at, one in entries:
        if not isinstance(one, Taken | Acted | CalledBack | Report):
            one(session, at)


def closed(session: Session, refs: Iterable[str]) -> Sequence[Row[str, str]]:
    """Return (reference, sender) of those of these attempts of which nothing more is expected."""
    rows = acceptance.REFS.at(bulk.dialect(session))
    query = select(Attempt.ref, Attempt.sender).select_from(rows)
    mine = query.join(Attempt, Attempt.ref == rows.c.ref).where(
        Attempt.community_id == store.community(session), Attempt.closed_at.is_not(None)
    )
    return session.execute(mine, acceptance.REFS.pack(session, [(ref,) for ref in refs])).all()


def _call_back(session: Session, called: Sequence[CalledBack]) -> None:
    """Confirm what each of these numbers still waits for."""
    acts = [
        Acted(ref, Act.CALL_BACK, one.actor, one.at)
        for one in called
        for ref in missed.refs(session, one.number)
    ]
    confirmation_bulk.by_refs(session, acts)


def _actor(job: Job) -> Actor:
    return Actor(_DOORS[job.kind])
