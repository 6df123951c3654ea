"""What deeds do to the ledger: the records that receipts and people write, each at its time."""

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from bot.simulate.behaviour import Deed
from content import acceptance, bulk, confirmation, notice, outcome, people, store
from content.claim import Job
from content.confirmation import Act
from content.delivery import Attempt, AttemptState
from content.event import Actor, Door
from content.message import Kind
from content.people import Address, Consent
from content.place import Community
from content.reason import Reason

Record = Callable[[Session, datetime], object]
"""Writes one thing that has happened, at the instant it happened."""

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


def record(job: Job, provider_id: str, deed: Deed, sequence: int) -> Record:
    """Return what a deed writes about this attempt."""
    if deed in NEWS:
        return _news(job, provider_id, deed, sequence)
    if deed is Deed.OPTED_OUT:
        return lambda session, now: people.set_consent(
            session, job.kind, job.to, Consent.WITHDRAWN, _DOORS[job.kind], _actor(job), now
        )
    if deed is Deed.CALLED_BACK:
        return lambda session, now: _call_back(session, job, now)
    return _act(job, help_=deed is Deed.HELP)


def _news(job: Job, provider_id: str, deed: Deed, sequence: int) -> Record:
    state, reason = NEWS[deed]
    return lambda session, now: outcome.receipt(
        session,
        job.ref,
        state,
        now,
        provider_id=provider_id,
        reason=reason,
        machine=deed is Deed.MACHINE,
        sequence=sequence,
    )


def _act(job: Job, *, help_: bool) -> Record:
    """Confirm as the inbox does.

    An SMS names only its number there; here a number is one person's, and so the attempt says it.
    """
    act = {Kind.CHAT: Act.BUTTON, Kind.SMS: Act.REPLY}.get(job.kind, Act.KEY)
    return lambda session, now: confirmation.by_ref(
        session, job.ref, act, _actor(job), now, help_=help_
    )


def at_hand(session: Session, notice_id: uuid.UUID, refs: Collection[str]) -> list[object]:
    """Read at once what every act asks for: the session finds it while somebody holds it."""
    if len(refs) < _MANY:
        return []
    here = store.community(session)
    rows = acceptance.REFS.at(bulk.dialect(session))
    told = select(Address).select_from(rows).join(Attempt, Attempt.ref == rows.c.ref)
    mine = told.join(Address, _AT_ADDRESS).where(Attempt.community_id == here)
    given = acceptance.REFS.pack(session, [(ref,) for ref in refs])
    shared = (session.get(Community, here), notice.get(session, notice_id))
    return [*session.scalars(mine, given), *shared]


def closed(session: Session, refs: Iterable[str]) -> Sequence[Row[str, str]]:
    """Return (reference, sender) of those of these attempts of which nothing more is expected."""
    rows = acceptance.REFS.at(bulk.dialect(session))
    query = select(Attempt.ref, Attempt.sender).select_from(rows)
    mine = query.join(Attempt, Attempt.ref == rows.c.ref).where(
        Attempt.community_id == store.community(session), Attempt.closed_at.is_not(None)
    )
    return session.execute(mine, acceptance.REFS.pack(session, [(ref,) for ref in refs])).all()


_MANY = 8
_AT_ADDRESS = and_(Attempt.community_id == Address.community_id, Attempt.address_id == Address.id)


def _call_back(session: Session, job: Job, now: datetime) -> None:
    ref = confirmation.unanswered(session, job.to)
    if ref:
        confirmation.by_ref(session, ref, Act.CALL_BACK, _actor(job), now)


def _actor(job: Job) -> Actor:
    return Actor(_DOORS[job.kind])
