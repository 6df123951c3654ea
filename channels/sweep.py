"""What should have happened and did not: found on a schedule, settled, counted."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import Select, and_, bindparam, exists, func, literal, select
from sqlalchemy.orm import Session

from channels.base import Channel, Recalls, SendError
from content import cap, closing, expansion, late, notice, outcome, pace, shared, store, stray
from content.alert import Severity
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState, Receipt, is_under_way
from content.ladder import KINDS, Ladders
from content.message import Kind, Message
from content.notice import Notice, NoticeState
from content.pace import Sender
from content.routing import Key
from content.store import Store
from content.stray import Night

log = structlog.get_logger("sweep")

LONG_REST = timedelta(seconds=60)
"""A sender that its provider lets rest for longer counts as closed: the ladder goes on without."""
NO_RECEIPT = timedelta(seconds=60)
_RECALLED = 10
"""Calls that are taken back side by side."""
_AT_ONCE = 500
"""Calls that one sweep ends at most: its transaction stays short."""
_URGENT = (Severity.EXTREME, Severity.SEVERE)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found."""

    overdue: int = 0
    """Attempts past their deadline."""
    silent: int = 0
    """Attempts taken over a minute ago of which the provider has said nothing since."""
    short: int = 0
    """Notices with fewer deliveries than their audience."""
    expired: int = 0
    unrouted: int = 0
    """Deliveries sent back to the router: their address was opted out or erased."""
    late: int = 0
    """Steps of a ladder that have been due for over a minute although nothing holds them back."""
    zombie: int = 0
    """Calls of which nothing more was heard, hung up so that their line and number are free."""


@dataclass(slots=True)
class Lost:
    """An attempt whose outcome nobody recorded, with what it takes to ask for it."""

    ref: str
    sender: str
    state: AttemptState
    started_at: datetime
    to: str = field(repr=False)
    message: Message | None = field(repr=False)
    """None: it cannot be rendered, and so neither asked for nor said again."""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What takes a walk through the whole outbox to find, and is put in order afterwards."""

    silent: int = 0
    short: tuple[uuid.UUID, ...] = ()
    astray: tuple[Key, ...] = ()


def look(
    session: Session,
    now: datetime,
    senders: Sequence[Sender] = (),
    ladders: Ladders | None = None,
) -> Swept:
    """Count what stands open, and change nothing; cheap, however much waits.

    senders: those of this process, whose late steps are counted, but for those that wait for the
    end of the ladders' quiet hours.
    """
    return Swept(
        overdue=_overdue(session, now),
        late=sum(one.rows for one in late.look(session, senders, now, ladders)),
    )


def search(
    session: Session,
    now: datetime,
    senders: Sequence[Sender] = (),
    ladders: Ladders | None = None,
) -> Found:
    """Walk through the outbox for what is silent, short or astray; with a session that reads.

    ladders: their quiet hours; what would be over by their end goes another way.
    """
    strays = tuple(astray(session, now, senders, ladders))
    return Found(_silent(session, now), tuple(expansion.short(session, now)), strays)


def astray(
    session: Session, now: datetime, senders: Sequence[Sender], ladders: Ladders | None
) -> list[Key]:
    """Return what waits for a step that cannot be taken, or not in time."""
    nights = _nights(session, ladders, now) if ladders and ladders.quiet else ()
    shut = {*closed(session, senders, now)}
    if senders:
        # they were planned when the settings knew a sender for them
        shut |= {kind for kinds in KINDS.values() for kind in kinds} - {one.kind for one in senders}
    return stray.astray(session, now, shut, hourly(senders), nights)


def _nights(session: Session, ladders: Ladders, now: datetime) -> list[Night]:
    zone = cap.zone(session)
    return [
        Night(kind, severity, until)
        for kind in Kind
        for severity in Severity
        if (until := ladders.hushed_until(kind, severity, now, zone)) is not None
    ]


def mend(session: Session, now: datetime, seen: Swept, found: Found) -> Swept:
    """Expire notices, restart short expansions, end zombie calls, and reroute; in one transaction.

    What waits at an address that was opted out or erased, or for a sender that rests long, goes
    another way.
    """
    gone = notice.expire(session, now)
    closing.close(session, gone, now)
    outcome.drop(session, now)
    for notice_id in found.short:
        expansion.restart(session, notice_id)
    return replace(
        seen,
        zombie=_hang_up(session, now),
        expired=len(gone),
        unrouted=stray.unroute(session, found.astray),
        silent=found.silent,
        short=len(found.short),
    )


def hourly(senders: Sequence[Sender]) -> int | None:
    """Return how often one number may be called in an hour; None: as often as one likes."""
    return min((one.hourly for one in senders if one.hourly is not None), default=None)


def closed(session: Session, senders: Sequence[Sender], now: datetime) -> dict[Kind, datetime]:
    """Return the kinds whose senders all rest longer than a step may wait, and until when."""
    resting = pace.paused(session, now + LONG_REST)
    working = {one.kind for one in senders if one.name not in resting}
    found: dict[Kind, datetime] = {}
    for one in senders:
        if one.kind not in working:
            found[one.kind] = min(resting[one.name], found.get(one.kind, resting[one.name]))
    return found


async def settle(
    store_: Store, channels: Mapping[str, Channel], lost: Lost, clock: Clock
) -> AttemptState:
    """Find out what became of an attempt past its deadline; never resend blindly.

    The provider is asked where it can be asked. Where it cannot, severity decides: an urgent alert
    is repeated, any other is left to the next step of the ladder.
    """
    if lost.state is not AttemptState.ATTEMPTING:
        await store_.write(lambda session: outcome.hang_up(session, lost.ref, clock.now()))
        return lost.state
    channel = channels.get(lost.sender)
    try:
        if channel is None or not channel.abilities.asks or lost.message is None:
            found, known = None, False
        else:
            found, known = await channel.find(lost.to, lost.message, lost.started_at), True
    except SendError:
        found, known = None, False
    can_ask = channel is None or channel.abilities.asks
    repeat = lost.urgent and not can_ask and lost.message is not None

    def write(session: Session) -> AttemptState:
        now = clock.now()
        if found is not None:
            outcome.accepted(session, lost.ref, found.provider_id, now)
            return AttemptState.ACCEPTED
        if known:
            outcome.never_taken(session, lost.ref, now)
            return AttemptState.FAILED
        outcome.unknown(session, lost.ref, now, repeat=repeat)
        return AttemptState.UNKNOWN

    state = await store_.write(write)
    log.info("attempt.settled", ref=lost.ref, sender=lost.sender, state=str(state))
    return state


def superfluous(session: Session) -> list[tuple[str, str]]:
    """Return (sender, provider id) of calls that nobody has answered and nobody needs any more.

    Whoever confirmed, cancelled or updated may have done so on a door that knows no provider.
    """
    given = {"here": store.community(session)}
    return [
        (sender, provider_id or "") for sender, provider_id in session.execute(_needless(), given)
    ]


@cache
def _needless() -> Select[str, str | None]:
    delivery = and_(
        Delivery.community_id == Attempt.community_id,
        Delivery.notice_id == Attempt.notice_id,
        Delivery.recipient_id == Attempt.recipient_id,
    )
    ended = Delivery.state.not_in((DeliveryState.OPEN, DeliveryState.DONE))
    return (
        select(Attempt.sender, Attempt.provider_id)
        .join(Delivery, delivery)
        .where(Attempt.community_id == bindparam("here"), Attempt.kind == Kind.CALL)
        .where(is_under_way, Attempt.provider_id.is_not(None))
        .where(Attempt.state.in_(outcome.NOT_ANSWERED), ended)
        # one of the others whom the call tells may still wait for it
        .where(~shared.is_needed())
    )


async def recall(
    calls: Sequence[tuple[str, str]], channels: Mapping[str, Channel], tried: set[str]
) -> bool:
    """Take superfluous calls back, once each; False where one is to be asked again in a moment.

    One that was picked up goes on. tried: what was taken back so far, or could not be; a call that
    is over is forgotten in it.
    """
    tried.intersection_update(provider_id for _, provider_id in calls)
    left = [
        (channels[sender], provider_id)
        for sender, provider_id in calls
        if provider_id not in tried and isinstance(channels.get(sender), Recalls)
    ]
    for at in range(0, len(left), _RECALLED):
        await asyncio.gather(*(_recall(*one, tried) for one in left[at : at + _RECALLED]))
    return all(provider_id in tried for _, provider_id in left)


async def _recall(channel: Channel, provider_id: str, tried: set[str]) -> None:
    tried.add(provider_id)
    try:
        if isinstance(channel, Recalls):
            await channel.cancel(provider_id)
    except SendError as error:
        log.warning("call.not_recalled", sender=channel.name, reason=str(error))
        if not error.permanent:
            # it is asked again as long as the phone may ring
            tried.discard(provider_id)


def urgent(session: Session, notice_id: uuid.UUID) -> bool:
    """Say whether a double of this notice does less harm than its loss."""
    return notice.get(session, notice_id).severity in _URGENT


def refs(session: Session, now: datetime) -> list[tuple[str, AttemptState, datetime]]:
    """Return the attempts past their deadline: (ref, state, started)."""
    return [(one.ref, one.state, one.started_at) for one in outcome.overdue(session, now)]


def next_deadline(session: Session) -> datetime | None:
    """Return when the next of the open attempts is past its deadline; None: nothing is open."""
    query = select(func.min(Attempt.deadline)).where(
        Attempt.community_id == store.community(session), is_under_way
    )
    return session.scalar(query)


def _overdue(session: Session, now: datetime) -> int:
    """Count the requests past their deadline of which nobody has written down the end."""
    query = select(func.count()).where(
        Attempt.community_id == store.community(session),
        is_under_way,
        Attempt.deadline <= now,
        Attempt.state == AttemptState.ATTEMPTING,
    )
    return session.scalar(query) or 0


def _hang_up(session: Session, now: datetime) -> int:
    """End calls that were taken and of which nothing more is heard; return how many."""
    query = (
        select(Attempt.ref)
        .where(Attempt.community_id == store.community(session), is_under_way)
        .where(Attempt.deadline <= now, Attempt.kind == Kind.CALL)
        .where(Attempt.state != AttemptState.ATTEMPTING)
        .limit(_AT_ONCE)
    )
    zombies = session.scalars(query).all()
    for ref in zombies:
        outcome.hang_up(session, ref, now)
    return len(zombies)


def _silent(session: Session, now: datetime) -> int:
    heard = exists(
        select(literal(1)).where(
            Receipt.community_id == Attempt.community_id, Receipt.ref == Attempt.ref
        )
    )
    query = (
        select(func.count())
        .select_from(Attempt)
        .join(
            Notice, (Notice.community_id == Attempt.community_id) & (Notice.id == Attempt.notice_id)
        )
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.state == AttemptState.ACCEPTED, Attempt.accepted_at < now - NO_RECEIPT)
        .where(Notice.state == NoticeState.LIVE, Attempt.provider_id.is_not(None), ~heard)
        .where(Attempt.kind != Kind.CHAT)
    )
    return session.scalar(query) or 0
