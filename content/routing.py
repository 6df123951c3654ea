"""What the router reads of the outbox and writes back: who needs a step, and the step."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, null, or_, select, update
from sqlalchemy.orm import Session

from content import event, outcome, people, store
from content.alert import Severity
from content.claim import ASKED_FOR
from content.delivery import Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Address, AddressView, Consent, Need, OwnerKind, Resident
from content.reason import Reason


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that waits for its next step, with everything the step depends on."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    recipient_kind: OwnerKind
    severity: Severity
    expires_at: datetime
    confirms: bool
    """Whether an act is waited for: nobody is visited for less."""
    rung: int
    tries: int
    skips: Mapping[str, str]
    passed_on: bool
    failed: frozenset[uuid.UUID]
    asked: bool
    """It answers its reader, who is told although they have opted out."""
    needs: frozenset[Need]
    own: tuple[AddressView, ...]
    contacts: tuple[AddressView, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The step of one delivery; `kind` DOOR ends the ladder with its reason."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    rung: int
    tries: int
    kind: Kind
    address_id: uuid.UUID | None
    wait: int
    at: datetime
    skips: Mapping[str, str]
    reason: Reason | None = None


def due(session: Session, now: datetime, limit: int = 500) -> list[Due]:
    """Return open deliveries without a step whose time has come, the most severe first."""
    query = (
        select(Delivery, Notice, Resident.needs)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .outerjoin(
            Resident,
            and_(
                Resident.community_id == Delivery.community_id,
                Resident.id == Delivery.recipient_id,
            ),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.state == DeliveryState.OPEN, Delivery.kind.is_(None))
        .where(Delivery.next_at <= now)
        .where(Notice.state == NoticeState.LIVE)
        .order_by(Delivery.priority, Delivery.next_at)
        .limit(limit)
    )
    return _with_addresses(session, session.execute(query).all())


def plan(session: Session, plans: Iterable[Plan], now: datetime) -> None:
    """Write the steps; who has come to the end of the ladder goes on the door-knock list."""
    for one in plans:
        ends = one.kind is Kind.DOOR
        values = {
            "rung": one.rung,
            "tries": one.tries,
            "wait": one.wait,
            "skips": dict(one.skips),
            "next_at": one.at,
            "kind": None if ends else one.kind,
            "address_id": one.address_id,
        }
        if ends:
            values |= {"state": DeliveryState.DOOR, "reason": one.reason, "closed_at": now}
        if _write(session, one, values, now) and ends:
            event.add(
                session,
                event.HOUSE,
                "delivery.door",
                one.recipient_id,
                now,
                notice=str(one.notice_id),
                reason=str(one.reason),
            )


def give_up(session: Session, one: Due, reason: Reason, now: datetime) -> None:
    """End a delivery that has no door: a page to staff, an answer to an address."""
    values = {"state": DeliveryState.FAILED, "reason": reason, "closed_at": now, "kind": None}
    if _write(session, one, values, now):
        event.add(
            session,
            event.HOUSE,
            "delivery.failed",
            one.recipient_id,
            now,
            notice=str(one.notice_id),
            reason=str(reason),
        )


def unroute(session: Session) -> int:
    """Send deliveries back to the router whose address was opted out or erased since."""
    held = exists().where(
        Address.community_id == Delivery.community_id, Address.id == Delivery.address_id
    )
    asked = select(Notice.id).where(
        Notice.community_id == store.community(session), Notice.kind.in_(ASKED_FOR)
    )
    opted_out = held.where(Address.consent == Consent.WITHDRAWN)
    query = (
        update(Delivery)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.state == DeliveryState.OPEN, Delivery.kind.is_not(None))
        .where(or_(~held, and_(opted_out, Delivery.notice_id.not_in(asked))))
        .values(kind=null(), address_id=null())
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(query).rowcount)  # type: ignore[attr-defined]


def _write(session: Session, one: Plan | Due, values: Mapping[str, object], now: datetime) -> bool:
    """Write a step decided at `now`; False where the delivery has moved on since it was read."""
    done = session.execute(
        update(Delivery)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == one.notice_id, Delivery.recipient_id == one.recipient_id)
        # whoever has confirmed in the meantime stays confirmed
        .where(Delivery.state == DeliveryState.OPEN, Delivery.kind.is_(None))
        # what another worker has routed and claimed in the meantime is not due any more
        .where(Delivery.next_at <= now)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _with_addresses(
    session: Session, rows: Sequence[tuple[Delivery, Notice, frozenset[Need]]]
) -> list[Due]:
    recipients = [row[0].recipient_id for row in rows]
    own = people.addresses(session, recipients) | _bare(session, recipients)
    contacts = people.contacts(session, recipients)
    theirs = people.addresses(session, [one.id for many in contacts.values() for one in many])
    failed = outcome.failures(session, [(row[0].notice_id, row[0].recipient_id) for row in rows])
    return [
        Due(
            notice_id=delivery.notice_id,
            recipient_id=delivery.recipient_id,
            recipient_kind=delivery.recipient_kind,
            severity=notice.severity,
            expires_at=notice.expires_at,
            confirms=notice.confirms,
            rung=delivery.rung,
            tries=delivery.tries,
            skips=delivery.skips,
            passed_on=delivery.reason is Reason.PASSED_ON,
            failed=failed[(delivery.notice_id, delivery.recipient_id)],
            asked=notice.kind in ASKED_FOR,
            needs=needs or frozenset(),
            own=tuple(own.get(delivery.recipient_id, ())),
            contacts=tuple(
                address
                for contact in contacts.get(delivery.recipient_id, ())
                for address in theirs.get(contact.id, ())
            ),
        )
        for delivery, notice, needs in rows
    ]


def _bare(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[AddressView]]:
    """Return the addresses that are recipients themselves, whoever owns them."""
    query = select(
        Address.id, Address.owner_id, Address.kind, Address.digest, Address.rank, Address.consent
    ).where(Address.community_id == store.community(session), Address.id.in_(ids))
    return {row.id: [AddressView(*row)] for row in session.execute(query)}
