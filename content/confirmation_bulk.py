"""Many acts at once: most of them change one delivery and no more, and are written together."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Update, and_, null, select, update
from sqlalchemy.orm import Session

from content import acceptance, bulk, confirmation, event, outcome, shared, store
from content.confirmation import OPEN, Act
from content.delivery import Attempt, Delivery, DeliveryState, deliveries
from content.event import Actor, Happened
from content.notice import Notice, NoticeState
from content.people import Address, OwnerKind, Resident
from content.place import Community


@dataclass(frozen=True, slots=True)
class Acted:
    """Somebody has answered an attempt."""

    ref: str
    act: Act
    actor: Actor
    at: datetime
    help_: bool = False


class _Row(NamedTuple):
    """An attempt that was answered, and what its delivery and notice say."""

    ref: str
    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    state: DeliveryState
    notice: NoticeState
    accepted: bool
    owner: OwnerKind | None
    shared: bool

    @property
    def waits(self) -> bool:
        """Say whether an act still confirms."""
        return self.state in OPEN and self.notice is not NoticeState.SUPERSEDED

    @property
    def plain(self) -> bool:
        """Say whether an act closes the delivery at most."""
        # a contact may have been told in a delivery of their own
        return bool(self.accepted and not self.shared) and self.owner is not OwnerKind.CONTACT


def by_refs(session: Session, acted: Sequence[Acted]) -> None:
    """Confirm the deliveries of many attempts, by the rules of `confirmation.by_ref`.

    Acts are given in their order. Help, a contact's promise, a shared number, a household that
    confirms together and an attempt that no provider was known to have are seen to one by one,
    after the others.
    """
    if not acted:
        return
    session.flush()
    together = session.get_one(Community, store.community(session)).household_confirms
    rows = {row.ref: row for row in _rows(session, acted)}
    told: dict[tuple[uuid.UUID, uuid.UUID], list[tuple[_Row, Acted]]] = defaultdict(list)
    for one in acted:
        if (row := rows.get(one.ref)) is not None:
            told[row.notice_id, row.recipient_id].append((row, one))
    plain, singly = [], {}
    for key, some in told.items():
        if together or any(one.help_ or not row.plain for row, one in some):
            singly[key] = [one for _, one in some]
        elif some[0][0].waits:
            # whoever acts again has confirmed already
            plain.append(some[0])
    _write(session, plain)
    _one_by_one(session, [one for some in singly.values() for one in some], singly)


def _rows(session: Session, acted: Sequence[Acted]) -> list[_Row]:
    given: dict[str, Any] = acceptance.REFS.pack(session, [(one.ref,) for one in acted])
    return [_Row._make(row) for row in _answered(bulk.dialect(session)).read(session, **given)]


def _write(session: Session, plain: Sequence[tuple[_Row, Acted]]) -> None:
    if not plain:
        return
    ends = [(row.notice_id, row.recipient_id, one.act.reason, one.at) for row, one in plain]
    session.execute(_confirmed(bulk.dialect(session)), _ENDS.pack(session, ends))
    event.add_all(
        session,
        [
            Happened(
                one.at,
                one.actor,
                "delivery.confirmed",
                row.recipient_id,
                {"notice": str(row.notice_id), "act": one.act.value},
            )
            for row, one in plain
        ],
    )
    session.expire_all()


def _one_by_one(
    session: Session, acted: Sequence[Acted], told: Collection[tuple[uuid.UUID, uuid.UUID]]
) -> None:
    """See to some acts, with all that they ask for read before."""
    if not acted:
        return
    refs = {one.ref for one in acted}
    outcome.prefetch(session, refs)
    here = store.community(session)
    given = acceptance.REFS.pack(session, [(ref,) for ref in refs])
    # the session itself holds rows only as long as somebody else does
    held = [
        session.get(Community, here),
        *(session.get(Notice, (here, one)) for one in {notice_id for notice_id, _ in told}),
        *session.execute(_whose(bulk.dialect(session)), given),
    ]
    for one in acted:
        confirmation.by_ref(session, one.ref, one.act, one.actor, one.at, help_=one.help_)
    del held


_ENDS = bulk.Table(
    "ends",
    {
        "notice_id": deliveries.c.notice_id.type,
        "recipient_id": deliveries.c.recipient_id.type,
        "reason": deliveries.c.reason.type,
        "at": deliveries.c.closed_at.type,
    },
)


@cache
def _answered(dialect: str) -> bulk.Query:
    refs = acceptance.REFS.at(dialect)
    query: Any = (
        select(
            *(Attempt.ref, Attempt.notice_id, Attempt.recipient_id),
            *(Delivery.state.label("state"), Notice.state.label("notice")),
            Attempt.accepted_at.is_not(None).label("accepted"),
            *(Address.owner_kind, shared.is_shared().label("shared")),
        )
        .select_from(refs)
        .join(Attempt, and_(Attempt.community_id == refs.c.here, Attempt.ref == refs.c.ref))
        .join(
            Delivery,
            and_(
                Delivery.community_id == Attempt.community_id,
                Delivery.notice_id == Attempt.notice_id,
                Delivery.recipient_id == Attempt.recipient_id,
            ),
        )
        .join(
            Notice,
            and_(Notice.community_id == Attempt.community_id, Notice.id == Attempt.notice_id),
        )
        .outerjoin(
            Address,
            and_(Address.community_id == Attempt.community_id, Address.id == Attempt.address_id),
        )
        .order_by(Attempt.id)  # whoever waits for a row holds none that is waited for
        .with_for_update(of=(Attempt, Delivery))
    )
    return bulk.Query(query)


@cache
def _whose(dialect: str) -> Any:
    """Return the query for the addresses that were tried, and the residents who are told."""
    refs = acceptance.REFS.at(dialect)
    return (
        select(Address, Resident)
        .select_from(refs)
        .join(Attempt, and_(Attempt.community_id == refs.c.here, Attempt.ref == refs.c.ref))
        .outerjoin(
            Address,
            and_(Address.community_id == Attempt.community_id, Address.id == Attempt.address_id),
        )
        .outerjoin(
            Resident,
            and_(
                Resident.community_id == Attempt.community_id,
                Resident.id == Attempt.recipient_id,
            ),
        )
    )


@cache
def _confirmed(dialect: str) -> Update:
    rows, table = _ENDS.at(dialect), deliveries.c
    return (
        update(deliveries)
        .where(table.community_id == rows.c.here)
        .where(table.notice_id == rows.c.notice_id, table.recipient_id == rows.c.recipient_id)
        .values(
            state=DeliveryState.CONFIRMED,
            reason=rows.c.reason,
            closed_at=rows.c.at,
            confirmed_at=rows.c.at,
            kind=null(),
        )
    )
