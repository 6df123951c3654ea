"""Confirmed is a human act: a button, a key, a reply, a call back, a knock at the door."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from content import cry, event, outcome, shared, store, task, untold
from content.alert import Severity
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.event import Actor, Door
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, Contact, Need, OwnerKind, Resident
from content.place import Community
from content.reason import Reason

_WAITING = (DeliveryState.OPEN, DeliveryState.DOOR, DeliveryState.PASSED_ON)
OPEN = (*_WAITING, DeliveryState.REFUSED)
"""States in which an act still confirms: who would not listen at the door may do so later."""
_REACHED = or_(Attempt.state != AttemptState.FAILED, Attempt.kind == Kind.CALL)
"""A message that failed was never read: a reply to another one does not confirm it. A call that
was missed can be returned."""


class Act(StrEnum):
    """What a person did."""

    BUTTON = "button"
    KEY = "key"
    REPLY = "reply"
    CALL_BACK = "call_back"
    DOOR = "door"

    @property
    def reason(self) -> Reason:
        """Return the reason with which a delivery ends by this act."""
        return Reason(f"confirmed_{self.value}")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What an act has settled; calls that it made superfluous are taken back by the worker."""

    notices: tuple[uuid.UUID, ...] = ()
    late: bool = False
    """The notice has been replaced or cancelled: the act confirms nothing."""
    again: bool = False
    """It was confirmed before; nothing has changed."""


def by_ref(
    session: Session, ref: str, act: Act, actor: Actor, now: datetime, *, help_: bool = False
) -> Confirmed | None:
    """Confirm the delivery of this attempt; None for an unknown reference.

    What answers a call at a shared number confirms for each whom the call named.
    """
    attempt = outcome.by_ref(session, ref)
    if attempt is None:
        return None
    if attempt.accepted_at is None:
        # whoever answers it has it: that settles what became of it
        outcome.accepted(session, ref, "", now)
    untold.heard(session, attempt, now)
    told = [_meant(session, one) for one in (attempt, *shared.others(session, attempt))]
    waits = [
        (delivery, address)
        for delivery, address in told
        if delivery is not None and delivery.state in OPEN and not _replaced(session, delivery)
    ]
    if waits:
        return _confirm(session, waits, act, actor, now, help_=help_)
    delivery, address = told[0]
    _done_with(session, delivery, address, now)
    if help_ and delivery is not None:
        # whoever asks for help needs it, whatever has become of the notice
        _help(session, delivery, actor, now)
    settled = delivery is not None and delivery.state is DeliveryState.CONFIRMED
    return Confirmed(late=not settled, again=settled)


def _meant(session: Session, attempt: Attempt) -> tuple[Delivery | None, Address | None]:
    """Return whose delivery an act on this attempt concerns, and the address that was tried."""
    here = attempt.community_id
    address = session.get(Address, (here, attempt.address_id))
    if address is None or address.owner_id != attempt.recipient_id:
        return outcome.delivery_of(session, attempt), address
    if address.owner_kind is not OwnerKind.CONTACT:
        return outcome.delivery_of(session, attempt), address
    # told together with the resident: what they promise concerns the resident
    contact = session.get(Contact, (here, address.owner_id))
    whose = contact.resident_id if contact is not None else attempt.recipient_id
    return session.get(Delivery, (here, attempt.notice_id, whose)), address


def _replaced(session: Session, delivery: Delivery) -> bool:
    """Say whether a newer revision has taken the notice's place: an act on the old one is late."""
    told = session.get_one(Notice, (delivery.community_id, delivery.notice_id))
    return told.state is NoticeState.SUPERSEDED


def by_address(
    session: Session,
    kind: Kind,
    value: str,
    act: Act,
    actor: Actor,
    now: datetime,
    *,
    help_: bool = False,
) -> Confirmed:
    """Confirm every live notice last attempted at this number or chat, for each whose it is.

    Whoever has confirmed before and asks for help now is helped all the same.
    """
    found = pending(session, (kind,), value)
    if found:
        return _confirm(session, found, act, actor, now, help_=help_)
    before = pending(session, (kind,), value, (DeliveryState.CONFIRMED,))
    if help_:
        for delivery, _ in before:
            _help(session, delivery, actor, now)
    return Confirmed(again=bool(before))


def asked_at(session: Session, kind: Kind, value: str) -> datetime | None:
    """Return when the newest notice that waits for an act was sent to this number or chat."""
    waiting = {delivery.notice_id for delivery, _ in pending(session, (kind,), value)}
    query = select(func.max(Attempt.started_at)).where(
        Attempt.community_id == store.community(session),
        Attempt.digest == store.digest(session, value),
        Attempt.kind == kind,
        Attempt.notice_id.in_(waiting),
    )
    return session.scalar(query)


def at_door(
    session: Session,
    notice_id: uuid.UUID,
    recipient_id: uuid.UUID,
    actor: Actor,
    now: datetime,
    *,
    help_: bool = False,
) -> Confirmed | None:
    """Confirm what a worker has said at the door; None where there is no such delivery."""
    delivery = session.get(Delivery, (store.community(session), notice_id, recipient_id))
    if delivery is None:
        return None
    if delivery.state not in OPEN:
        if help_:
            _help(session, delivery, actor, now)
        return Confirmed(late=delivery.state is not DeliveryState.CONFIRMED)
    return _confirm(session, [(delivery, None)], Act.DOOR, actor, now, help_=help_)


def refuse(delivery: Delivery, now: datetime) -> None:
    """Close the delivery of who would not listen at the door: that is no confirmation."""
    _close(delivery, DeliveryState.REFUSED, Reason.REFUSED_DOOR, now)


def reopen(
    delivery: Delivery,
    state: DeliveryState,
    reason: str | None,
    closed_at: datetime | None,
    confirmed_at: datetime | None,
    *,
    now: datetime,
) -> None:
    """Let a delivery stand as before a press that was taken back; an open one goes on at once."""
    delivery.state, delivery.reason = state, Reason(reason) if reason else None
    delivery.closed_at, delivery.confirmed_at = closed_at, confirmed_at
    if state is DeliveryState.OPEN:
        delivery.kind, delivery.next_at = None, now


def pending(
    session: Session, kinds: Sequence[Kind], value: str, states: Sequence[DeliveryState] = OPEN
) -> list[tuple[Delivery, Address | None]]:
    """Return the deliveries of live notices in these states with an attempt at this address.

    A page is no notice to confirm: it is answered by taking its task.
    """
    query = (
        select(Delivery, Address)
        .select_from(Attempt)
        .outerjoin(
            Contact,
            and_(Contact.community_id == Attempt.community_id, Contact.id == Attempt.recipient_id),
        )
        .join(
            Delivery,
            and_(
                Delivery.community_id == Attempt.community_id,
                Delivery.notice_id == Attempt.notice_id,
                # who is told together with the resident answers for them
                Delivery.recipient_id == func.coalesce(Contact.resident_id, Attempt.recipient_id),
            ),
        )
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .join(
            Address,
            and_(Address.community_id == Attempt.community_id, Address.id == Attempt.address_id),
        )
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.digest == store.digest(session, value), Attempt.kind.in_(kinds))
        .where(_REACHED)
        .where(Notice.state == NoticeState.LIVE, Notice.confirms.is_(True))
        .where(Notice.kind == NoticeKind.ALERT)
        .where(Delivery.state.in_(states))
        # an own number stands after a contact's, and so counts where a number is both
        .order_by(Address.owner_kind != OwnerKind.CONTACT, Attempt.id)
    )
    found: dict[tuple[uuid.UUID, uuid.UUID], tuple[Delivery, Address | None]] = {
        (delivery.notice_id, delivery.recipient_id): (delivery, address)
        for delivery, address in session.execute(query)
    }
    for delivery, address in _sharers(session, kinds, value, states):
        found[delivery.notice_id, delivery.recipient_id] = (delivery, address)
    return list(found.values())


def _sharers(
    session: Session, kinds: Sequence[Kind], value: str, states: Sequence[DeliveryState]
) -> list[tuple[Delivery, Address | None]]:
    """Return the same for residents who share the number and were not sent the notice yet."""
    sent = select(Attempt.notice_id).where(
        Attempt.community_id == store.community(session),
        Attempt.digest == store.digest(session, value),
        Attempt.kind.in_(kinds),
        _REACHED,
    )
    owners = select(Address).where(
        Address.community_id == store.community(session),
        Address.digest == store.digest(session, value),
        Address.kind.in_(kinds),
        Address.owner_kind == OwnerKind.RESIDENT,
    )
    # asked for by their ids: a join would walk through everybody whom the notice goes to
    theirs = {one.owner_id: one for one in session.scalars(owners)}
    query = (
        select(Delivery)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.recipient_id.in_(theirs), Delivery.notice_id.in_(sent))
        .where(Notice.state == NoticeState.LIVE, Notice.confirms.is_(True))
        .where(Notice.kind == NoticeKind.ALERT, Delivery.state.in_(states))
    )
    return [(one, theirs[one.recipient_id]) for one in session.scalars(query)]


def _confirm(
    session: Session,
    found: Sequence[tuple[Delivery, Address | None]],
    act: Act,
    actor: Actor,
    now: datetime,
    *,
    help_: bool,
) -> Confirmed:
    for delivery, address in found:
        if help_:
            _help(session, delivery, actor, now)
        if address is not None and address.owner_kind is OwnerKind.CONTACT:
            _pass_on(session, delivery, actor, now)
            _done_with(session, delivery, address, now)
        else:
            _settle(session, delivery, act, actor, now)
    return Confirmed(tuple(delivery.notice_id for delivery, _ in found))


def _settle(session: Session, delivery: Delivery, act: Act, actor: Actor, now: datetime) -> None:
    _close(delivery, DeliveryState.CONFIRMED, act.reason, now)
    delivery.confirmed_at = now
    _tell(session, "delivery.confirmed", delivery, actor, now, act=act.value)
    community = session.get(Community, delivery.community_id)
    if community is not None and community.household_confirms and delivery.place_id:
        _settle_household(session, delivery, actor, now)


def _settle_household(session: Session, by: Delivery, actor: Actor, now: datetime) -> None:
    query = select(Delivery).where(
        Delivery.community_id == by.community_id,
        Delivery.notice_id == by.notice_id,
        Delivery.place_id == by.place_id,
        Delivery.state.in_(_WAITING),
    )
    for other in session.scalars(query):
        _close(other, DeliveryState.CONFIRMED, Reason.CONFIRMED_HOUSEHOLD, now)
        other.confirmed_at = now
        _tell(session, "delivery.confirmed", other, actor, now, act="household")


def _pass_on(session: Session, delivery: Delivery, actor: Actor, now: datetime) -> None:
    """Count a contact's promise: it ends the ladder, but for grave alerts and who lives alone."""
    notice = session.get(Notice, (delivery.community_id, delivery.notice_id))
    resident = session.get(Resident, (delivery.community_id, delivery.recipient_id))
    grave = notice is not None and notice.severity is Severity.EXTREME
    alone = resident is not None and Need.LIVES_ALONE in resident.needs
    _tell(session, "delivery.passed_on", delivery, actor, now)
    if delivery.state is DeliveryState.REFUSED and (grave or alone):
        return
    if delivery.state is DeliveryState.DOOR:
        delivery.reason = Reason.PASSED_ON
        if grave or alone:
            return
    if grave or alone:
        # only the door is left: the router reads this reason
        delivery.reason, delivery.kind, delivery.next_at = Reason.PASSED_ON, None, now
    else:
        _close(delivery, DeliveryState.PASSED_ON, Reason.PASSED_ON, now)


def _done_with(
    session: Session, delivery: Delivery | None, address: Address | None, now: datetime
) -> None:
    """Call a contact no more who was told together with the resident and has answered."""
    if delivery is None or address is None or address.owner_kind is not OwnerKind.CONTACT:
        return
    own = session.get(Delivery, (delivery.community_id, delivery.notice_id, address.owner_id))
    if own is not None and own.state is DeliveryState.OPEN:
        _close(own, DeliveryState.PASSED_ON, Reason.PASSED_ON, now)


def _help(session: Session, delivery: Delivery, actor: Actor, now: datetime) -> None:
    """Open a task for this person, however often they press; who cries after it is done needs more.

    A task that is still open is the same cry.
    """
    delivery.needs_help = True
    if delivery.recipient_kind is OwnerKind.BARE:
        cry.from_address(session, delivery.recipient_id, delivery.notice_id, actor, now)
        return
    task.add(
        session,
        task.TaskKind.HELP,
        actor,
        now,
        resident_id=delivery.recipient_id,
        notice_id=delivery.notice_id,
        place_id=delivery.place_id,
        urgent=True,
    )


def _close(delivery: Delivery, state: DeliveryState, reason: Reason, now: datetime) -> None:
    delivery.state, delivery.reason, delivery.closed_at = state, reason, now
    delivery.kind = None


def _tell(
    session: Session, kind: str, delivery: Delivery, actor: Actor, now: datetime, **data: str
) -> None:
    who = Actor(actor.door or Door.HOUSE, actor.id)
    event.add(
        session, who, kind, delivery.recipient_id, now, notice=str(delivery.notice_id), **data
    )
