"""Who calls back from another phone of their own than the one that rang."""

from collections.abc import Sequence

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from content import people, store
from content.delivery import Attempt, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, OwnerKind

_PHONES = (Kind.CALL, Kind.SMS)


def newest(session: Session, number: str, states: Sequence[DeliveryState]) -> str:
    """Return the `ref` of the newest call to whose number this is, at another one; "" for none.

    states: those in which their delivery still waits for an act. What was said to a contact of
    theirs is not for them to answer.
    """
    owners = {
        owner_id
        for kind in _PHONES
        for owner, owner_id, _ in people.owners(session, kind, number)
        if owner is OwnerKind.RESIDENT
    }
    waiting = (
        select(Delivery.notice_id, Delivery.recipient_id)
        .join(
            Notice,
            and_(Notice.community_id == Delivery.community_id, Notice.id == Delivery.notice_id),
        )
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.recipient_id.in_(owners), Delivery.state.in_(states))
        .where(Notice.state == NoticeState.LIVE, Notice.confirms.is_(True))
        .where(Notice.kind == NoticeKind.ALERT)
    )
    open_ = {(row.notice_id, row.recipient_id) for row in session.execute(waiting)}
    if not open_:
        return ""
    # asked for by their ids: a join would walk through all attempts
    query = (
        select(Attempt.id, Attempt.ref, Attempt.notice_id, Attempt.recipient_id)
        .join(
            Address,
            and_(Address.community_id == Attempt.community_id, Address.id == Attempt.address_id),
        )
        .where(Attempt.community_id == store.community(session), Attempt.kind == Kind.CALL)
        .where(Attempt.notice_id.in_({one for one, _ in open_}))
        .where(Attempt.recipient_id.in_({who for _, who in open_}))
        .where(Address.owner_id == Attempt.recipient_id)
    )
    rows = session.execute(query).all()
    mine = [row for row in rows if (row.notice_id, row.recipient_id) in open_]
    return max(mine, key=lambda row: row.id).ref if mine else ""
