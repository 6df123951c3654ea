"""What a caller has missed: alerts that rang here, or at another phone of theirs, and wait."""

import uuid
from collections.abc import Sequence

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from content import confirmation, people, store
from content.confirmation import OPEN
from content.delivery import Attempt, Delivery
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address, OwnerKind

_PHONES = (Kind.CALL, Kind.SMS)


def refs(session: Session, number: str, after: uuid.UUID | None = None) -> list[str]:
    """Return the `ref` of the newest attempt about each notice that waits for this phone's owner.

    The gravest notice first, of equally grave ones the newest; `after`: without those up to this
    one. Who was called at another number of their own, and calls from this one, is known as well.
    """
    found = elsewhere(session, number) | _here(session, number)
    notices = _notices(session, [*found, *([after] if after else [])])
    ids = [one.id for one in sorted(notices, key=_gravest)]
    left = ids[ids.index(after) + 1 :] if after in ids else ids
    return [found[one] for one in left if one in found]


def elsewhere(session: Session, number: str) -> dict[uuid.UUID, str]:
    """Return, by notice, the `ref` of the newest call to whose number this is, at another one.

    What was said to a contact of theirs is not for them to answer.
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
        .where(Delivery.recipient_id.in_(owners), Delivery.state.in_(OPEN))
        .where(Notice.state == NoticeState.LIVE, Notice.confirms.is_(True))
        .where(Notice.kind == NoticeKind.ALERT)
    )
    open_ = {(row.notice_id, row.recipient_id) for row in session.execute(waiting)}
    if not open_:
        return {}
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
    rows = sorted(session.execute(query).all(), key=lambda row: row.id)
    return {row.notice_id: row.ref for row in rows if (row.notice_id, row.recipient_id) in open_}


def _here(session: Session, number: str) -> dict[uuid.UUID, str]:
    """Return, by notice, the `ref` of the newest attempt at this phone itself."""
    waiting = {delivery.notice_id for delivery, _ in confirmation.pending(session, _PHONES, number)}
    query = (
        select(Attempt.id, Attempt.ref, Attempt.notice_id)
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.digest == store.digest(session, number))
        .where(Attempt.kind.in_(_PHONES), Attempt.notice_id.in_(waiting))
        # a call that told several is one
        .where(Attempt.along.is_(None))
    )
    # sorted here: asked for in order, SQLite would walk back through all attempts
    return {row.notice_id: row.ref for row in sorted(session.execute(query).all())}


def _gravest(one: Notice) -> tuple[int, float, uuid.UUID]:
    return one.severity.rank, -one.made_at.timestamp(), one.id


def _notices(session: Session, ids: Sequence[uuid.UUID]) -> Sequence[Notice]:
    query = select(Notice).where(
        Notice.community_id == store.community(session), Notice.id.in_(ids)
    )
    return session.scalars(query).all()
