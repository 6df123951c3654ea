"""The end of a notice: its open deliveries are closed, in short, resumable steps."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from content import bulk, store
from content import notice as notices
from content.delivery import Delivery, DeliveryState, deliveries
from content.notice import Notice, NoticeState
from content.reason import Reason

CHUNK = 2_000
"""Deliveries closed in one transaction at most."""
_IDS = bulk.Table("ids", {"id": deliveries.c.recipient_id.type})
_START = "-"
_CLOSED_AS = {
    NoticeState.SUPERSEDED: (DeliveryState.SUPERSEDED, Reason.SUPERSEDED),
    NoticeState.CANCELLED: (DeliveryState.CANCELLED, Reason.CANCELLED),
    NoticeState.EXPIRED: (DeliveryState.EXPIRED, Reason.EXPIRED),
}


def supersede(
    session: Session, alert_id: uuid.UUID, state: NoticeState, now: datetime
) -> list[uuid.UUID]:
    """End every live notice of an alert and its open deliveries; return the notices' ids."""
    query = (
        update(Notice)
        .where(Notice.community_id == store.community(session), Notice.alert_id == alert_id)
        .where(Notice.state == NoticeState.LIVE)
        .values(state=state)
        .returning(Notice.id)
    )
    ended = list(session.scalars(query))
    close(session, ended, now)
    return ended


def close(session: Session, notice_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Close the open deliveries of notices that have ended; a large one is left to `go_on`."""
    for notice_id in notice_ids:
        ended = notices.get(session, notice_id)
        session.refresh(ended)
        ended.cursor = _START
        go_on(session, ended, now)


def unfinished(session: Session) -> Notice | None:
    """Return an ended notice whose deliveries are not all closed yet."""
    query = (
        select(Notice)
        .where(Notice.community_id == store.community(session), notices.is_growing)
        .where(Notice.state != NoticeState.LIVE)
        .order_by(Notice.made_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).first()


def go_on(session: Session, notice: Notice, now: datetime, most: int = CHUNK) -> None:
    """Close the next deliveries of an ended notice, in the order of their recipients."""
    size = min(most, CHUNK)
    becomes, reason = _CLOSED_AS[notice.state]
    # a new revision takes over the door-knock list; a cancellation leaves it as it was
    ends = [DeliveryState.OPEN]
    if notice.state is NoticeState.SUPERSEDED:
        ends.append(DeliveryState.DOOR)
    mine = (Delivery.community_id == notice.community_id, Delivery.notice_id == notice.id)
    page = select(Delivery.recipient_id).where(*mine).order_by(Delivery.recipient_id).limit(size)
    if notice.cursor not in (None, _START):
        page = page.where(Delivery.recipient_id > uuid.UUID(notice.cursor))
    found = sorted(row[0] for row in bulk.Query(page).read(session))
    ids = _IDS.at(bulk.dialect(session))
    session.execute(
        update(deliveries)
        .where(deliveries.c.community_id == notice.community_id)
        .where(deliveries.c.notice_id == notice.id, deliveries.c.state.in_(ends))
        .where(deliveries.c.recipient_id.in_(select(ids.c.id)))
        .values(state=becomes, reason=reason, closed_at=now, kind=null()),
        _IDS.pack(session, [(one,) for one in found]),
    )
    notice.cursor = str(found[-1]) if len(found) == size else None
    session.flush()
    # what this session has read of them is no longer so
    for one in list(session.identity_map.values()):
        if isinstance(one, Delivery) and one.notice_id == notice.id:
            session.expire(one)
