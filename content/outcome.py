"""What became of an attempt: recorded once, moved only forward, in whatever order news comes."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, and_, exists, func, select, update
from sqlalchemy.orm import Session

from content import acceptance, bulk, pace, report, shared, store, talk, untold
from content.acceptance import Taken
from content.delivery import (
    KEYS,
    Attempt,
    AttemptState,
    Delivery,
    DeliveryState,
    Receipt,
    has_reports,
    is_under_way,
)
from content.message import Kind
from content.people import Address, OwnerKind
from content.reason import Reason
from content.talk import Talk

_TRANSIENT = 3
"""Failures of the provider on one step that cost no try; after that the ladder goes on."""
_BACKOFF = (5, 20, 60)
_PATIENCE = timedelta(seconds=60)
"""How long the pauses that a provider asks for may keep somebody on one step."""
_SPENT = 99
"""More tries than any step has."""
_OTHERS = (Reason.RATE_LIMITED, Reason.NEVER_TAKEN)
"""Not failures of the step: a pause that was asked for, a request that never arrived."""
NOT_ANSWERED = (AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.RINGING)


def accepted(session: Session, ref: str, provider_id: str, now: datetime) -> None:
    """Record that the provider took the attempt; the wait for a confirmation begins."""
    # what waits to be written would be forgotten with what was read
    session.flush()
    acceptance.record(session, [Taken(ref, provider_id, now)])
    session.expire_all()


def failed(session: Session, ref: str, reason: Reason, now: datetime, *, permanent: bool) -> None:
    """Record that the provider refused the attempt: go on at once, or try again after a pause."""
    attempt = by_ref(session, ref, lock=True)
    if attempt is None or attempt.state is not AttemptState.ATTEMPTING:
        return
    for one in _told(session, attempt):
        _end(one, AttemptState.FAILED, reason, now)
        if permanent:
            _advance(session, one, now, spent=True)
        else:
            _again(session, one, now)


def throttled(session: Session, ref: str, until: datetime, now: datetime) -> None:
    """Record that the provider asked for a pause: it costs no try, and slows the whole sender.

    But not for ever: after a minute of pauses on one step the ladder goes on, if there is one.
    """
    attempt = by_ref(session, ref, lock=True)
    if attempt is None or attempt.state is not AttemptState.ATTEMPTING:
        return
    pace.pause(session, attempt.sender, until)
    first = Attempt.started_at <= now - _PATIENCE
    for one in _told(session, attempt):
        _end(one, AttemptState.FAILED, Reason.RATE_LIMITED, now)
        session.flush()
        bare = one.recipient_id == one.address_id
        if not bare and _count(session, one, Attempt.reason == Reason.RATE_LIMITED, first):
            _advance(session, one, now, spent=True)
        else:
            _give_back(session, one, until)


def never_taken(session: Session, ref: str, now: datetime) -> None:
    """Record that the provider, when asked, knows nothing of the attempt.

    It costs no try, but not for ever: a provider that takes nothing must not hold up the ladder.
    """
    attempt = by_ref(session, ref, lock=True)
    if attempt is None or attempt.state is not AttemptState.ATTEMPTING:
        return
    for one in _told(session, attempt):
        _end(one, AttemptState.FAILED, Reason.NEVER_TAKEN, now)
        if _count(session, one, Attempt.reason == Reason.NEVER_TAKEN) < _TRANSIENT:
            _give_back(session, one, now)
        else:
            _advance(session, one, now)


def unknown(session: Session, ref: str, now: datetime, *, repeat: bool = False) -> None:
    """Record that nobody can say what became of it: the ladder goes on after its wait.

    `repeat` sends it again at once instead, one time on each step: for the most urgent alerts a
    double does less harm, but a provider that never answers must not hold up the next step.
    """
    attempt = by_ref(session, ref, lock=True)
    if attempt is None or attempt.state is not AttemptState.ATTEMPTING:
        return
    for one in _told(session, attempt):
        _end(one, AttemptState.UNKNOWN, Reason.OUTCOME_UNKNOWN, now)
        _wait_out(session, one, now, repeat=repeat)


def _wait_out(session: Session, attempt: Attempt, now: datetime, *, repeat: bool) -> None:
    if (delivery := _last(session, attempt)) is None:
        return
    if repeat and _count(session, attempt, Attempt.state == AttemptState.UNKNOWN) == 1:
        _give_back(session, attempt, now)
    elif delivery.recipient_kind is OwnerKind.BARE and not delivery.wait:
        # after an outage the router may have planned it again
        _close(delivery, DeliveryState.FAILED, Reason.OUTCOME_UNKNOWN, now)
        delivery.kind = None
    elif delivery.kind is None:
        delivery.next_at = min(
            delivery.next_at, attempt.started_at + timedelta(seconds=delivery.wait)
        )


def receipt(
    session: Session,
    ref: str,
    state: AttemptState,
    now: datetime,
    *,
    provider_id: str = "",
    reason: Reason | None = None,
    machine: bool = False,
    sequence: int = 0,
) -> bool:
    """Keep what a provider reported and move the attempt forward; False for an unknown one."""
    session.add(
        Receipt(
            community_id=store.community(session),
            ref=ref,
            provider_id=provider_id,
            state=state,
            reason=reason,
            machine=machine,
            sequence=sequence,
            at=now,
        )
    )
    attempt = by_ref(session, ref, lock=True)
    if attempt is None:
        return False
    attempt.provider_id = attempt.provider_id or provider_id or None
    _take(session, attempt, now)
    for one in _told(session, attempt):
        one.machine = one.machine or machine
        _move(session, one, state, now, reason)
        if direct(one) and (delivery := delivery_of(session, one)):
            untold.judge(session, one, delivery, now)
    return True


def direct(attempt: Attempt) -> bool:
    """Say whether a call told an address itself, and not a person by their ladder."""
    return attempt.kind is Kind.CALL and attempt.recipient_id == attempt.address_id


def _move(
    session: Session, attempt: Attempt, state: AttemptState, now: datetime, reason: Reason | None
) -> None:
    before = attempt.state
    if not report.raise_to(attempt, state, now, reason):
        return
    if before is AttemptState.FAILED:
        _wait_on(session, attempt)
    elif report.ends_step(attempt.kind, state, reason):
        _advance(session, attempt, now)
    elif talk.holds(attempt.kind, state) and (delivery := _waiting(session, attempt)):
        delivery.next_at = talk.until(delivery.next_at, delivery.wait, state, now)


def _told(session: Session, attempt: Attempt) -> tuple[Attempt, ...]:
    """Return the attempt, and those of the others who are told by the same call."""
    return attempt, *shared.others(session, attempt)


def by_ref(session: Session, ref: str, *, lock: bool = False) -> Attempt | None:
    """Return the attempt with this reference; whoever goes on to change it takes its lock."""
    seen: dict[str, Attempt] = session.info.setdefault("attempts", {})
    if ref not in seen:
        query = select(Attempt).where(
            Attempt.community_id == store.community(session), Attempt.ref == ref
        )
        found = session.scalars(query.with_for_update() if lock else query).first()
        if found is not None:
            seen[ref] = found
    return seen.get(ref)


def prefetch(session: Session, refs: Collection[str]) -> None:
    """Load and lock these attempts and their deliveries at once: what follows finds them here."""
    given = {"here": store.community(session)}
    given |= acceptance.REFS.pack(session, [(ref,) for ref in refs])
    found = session.execute(acceptance.rows_of(bulk.dialect(session)), given).all()
    session.info.setdefault("attempts", {}).update({one.ref: one for one, _ in found})
    # the session itself holds rows only as long as somebody else does
    session.info["deliveries"] = [delivery for _, delivery in found]


def delivery_of(session: Session, attempt: Attempt) -> Delivery | None:
    """Return the delivery that an attempt belongs to."""
    return session.get(Delivery, (attempt.community_id, attempt.notice_id, attempt.recipient_id))


def overdue(session: Session, now: datetime, limit: int = 100) -> Sequence[Attempt]:
    """Return the attempts past their deadline that are still open, oldest first."""
    query = (
        select(Attempt)
        .where(Attempt.community_id == store.community(session), is_under_way)
        .where(Attempt.deadline <= now)
        .order_by(Attempt.deadline)
        .limit(limit)
    )
    return session.scalars(query).all()


def hang_up(session: Session, ref: str, now: datetime) -> None:
    """End a call of which nothing more was heard, so that its line and number are free again.

    The ladder, which stood still while somebody talked, goes on from now.
    """
    attempt = by_ref(session, ref, lock=True)
    if attempt is not None and attempt.closed_at is None:
        attempt.closed_at = now
        attempt.reason = attempt.reason or Reason.OUTCOME_UNKNOWN
        session.flush()
        if talk.holds(attempt.kind, attempt.state):
            talk.hold(session, [Talk(ref, AttemptState.COMPLETED, now)])


def drop(session: Session, now: datetime) -> int:
    """Close what is overdue at addresses that were erased: nobody can be asked about them."""
    held = exists().where(
        Address.community_id == Attempt.community_id, Address.id == Attempt.address_id
    )
    query = (
        update(Attempt)
        .where(Attempt.community_id == store.community(session), is_under_way)
        .where(Attempt.deadline <= now, ~held)
        .values(state=AttemptState.UNKNOWN, reason=Reason.OUTCOME_UNKNOWN, closed_at=now, digest="")
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(query).rowcount)  # type: ignore[attr-defined]


def _take(session: Session, attempt: Attempt, now: datetime) -> None:
    """Let the delivery know, once, that a provider has this attempt."""
    if attempt.accepted_at is not None:
        return
    session.flush()
    acceptance.record(session, [Taken(attempt.ref, attempt.provider_id or "", now)])
    session.refresh(attempt)
    delivery = delivery_of(session, attempt)
    if delivery is not None:
        session.refresh(delivery)


def _wait_on(session: Session, attempt: Attempt) -> None:
    """Let the delivery wait for an attempt that was given up, unless another has begun since."""
    if (delivery := _last(session, attempt)) is None:
        return
    session.flush()
    acceptance.wait_on(session, attempt, attempt.accepted_at or attempt.started_at)
    session.refresh(delivery)


def _end(attempt: Attempt, state: AttemptState, reason: Reason, now: datetime) -> None:
    attempt.state, attempt.reason, attempt.closed_at = state, reason, now


def _close(delivery: Delivery, state: DeliveryState, reason: Reason, now: datetime) -> None:
    delivery.state, delivery.reason, delivery.closed_at = state, reason, now


def _waiting(session: Session, attempt: Attempt) -> Delivery | None:
    """Return the delivery if it still waits for this very attempt."""
    delivery = _last(session, attempt)
    return delivery if delivery is not None and delivery.kind is None else None


def _last(session: Session, attempt: Attempt) -> Delivery | None:
    """Return the delivery if it is open and has no newer attempt, whatever is planned next."""
    if (found := delivery_of(session, attempt)) is None or found.state is not DeliveryState.OPEN:
        return None
    newer = select(func.count()).where(
        Attempt.community_id == attempt.community_id,
        Attempt.notice_id == attempt.notice_id,
        Attempt.recipient_id == attempt.recipient_id,
        # not by the key: it would read all that the community has tried since
        Attempt.id + 0 > attempt.id,
    )
    # attempts are written at once, nothing waits in the session that could be newer
    with session.no_autoflush:
        return None if session.scalar(newer) else found


def _advance(session: Session, attempt: Attempt, now: datetime, *, spent: bool = False) -> None:
    """Go on with the ladder at once; an address without a ladder has failed.

    A hopeless number costs no try: the same step may have another one. `spent` ends the step.
    """
    delivery = _waiting(session, attempt)
    if delivery is None:
        return
    waits = untold.waits(delivery.recipient_kind, delivery.wait)
    if delivery.recipient_kind is OwnerKind.BARE and not waits:
        _close(delivery, DeliveryState.FAILED, attempt.reason or Reason.UNDELIVERED, now)
    elif attempt.reason in report.HOPELESS:
        _give_back(session, attempt, now)
    else:
        delivery.tries = _SPENT if spent else delivery.tries
        delivery.next_at = now + timedelta(seconds=delivery.wait if waits and not spent else 0)


def _give_back(session: Session, attempt: Attempt, at: datetime) -> None:
    """Undo the try: the router may send the same step again from `at` on."""
    delivery = _waiting(session, attempt)
    if delivery is not None:
        delivery.tries = max(0, delivery.tries - 1)
        delivery.next_at = at


def _again(session: Session, attempt: Attempt, now: datetime) -> None:
    """Try again after a pause; the provider's own failures cost a try only when they go on."""
    real = Attempt.reason.not_in(_OTHERS)
    failures = _count(session, attempt, Attempt.state == AttemptState.FAILED, real) or 1
    if failures >= _TRANSIENT:
        _advance(session, attempt, now)
    else:
        _give_back(session, attempt, now + timedelta(seconds=_BACKOFF[failures - 1]))


def _count(session: Session, attempt: Attempt, *which: ColumnElement[bool]) -> int:
    """Return how many such attempts there are on the attempt's step."""
    query = select(func.count()).where(
        Attempt.community_id == attempt.community_id,
        Attempt.notice_id == attempt.notice_id,
        Attempt.recipient_id == attempt.recipient_id,
        Attempt.rung == attempt.rung,
        *which,
    )
    return session.scalar(query) or 0


def failures(
    session: Session, keys: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> dict[tuple[uuid.UUID, uuid.UUID], frozenset[uuid.UUID]]:
    """Return, by (notice, recipient), the addresses that cannot work; absent: none."""
    found: dict[tuple[uuid.UUID, uuid.UUID], set[uuid.UUID]] = defaultdict(set)
    given = {"here": store.community(session)} | KEYS.pack(session, keys)
    for notice_id, recipient_id, address_id in _failures(bulk.dialect(session)).read(
        session, **given
    ):
        found[notice_id, recipient_id].add(address_id)
    return {key: frozenset(some) for key, some in found.items()}


@cache
def _failures(dialect: str) -> bulk.Query:
    keys = KEYS.at(dialect)
    query = (
        select(keys.c.notice_id, keys.c.recipient_id, Attempt.address_id)
        .join(
            Attempt,
            and_(
                Attempt.notice_id == keys.c.notice_id,
                Attempt.recipient_id == keys.c.recipient_id,
            ),
        )
        .where(Attempt.community_id == keys.c.here)
        .where(Attempt.state == AttemptState.FAILED, Attempt.reason.in_(report.HOPELESS))
    )
    return bulk.Query(query)


def ref_of(session: Session, provider_id: str) -> str:
    """Return the reference of the attempt that a provider knows by its own id; "" if unknown."""
    query = select(Attempt.ref).where(
        Attempt.community_id == store.community(session),
        Attempt.provider_id == provider_id,
        # its index holds only these
        has_reports,
    )
    return (session.scalar(query) if provider_id else None) or ""
