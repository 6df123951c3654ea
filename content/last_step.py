"""The end of the ladder: the door-knock list, written for many at once."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, null, update
from sqlalchemy.orm import Session

from content import bulk, event
from content.delivery import DeliveryState, deliveries, is_open
from content.event import Happened
from content.reason import Reason


class Listed(NamedTuple):
    """A delivery that nothing is left for but a visit, and why."""

    notice_id: uuid.UUID
    recipient_id: uuid.UUID
    rung: int
    tries: int
    skips: Mapping[str, str]
    reason: Reason | None


def visit(session: Session, listed: Sequence[Listed], now: datetime) -> None:
    """Put deliveries on the door-knock list, unless they have moved on since they were read."""
    if not listed:
        return
    given = {"now": now} | _LISTED.pack(session, listed)
    done = session.execute(_to_doors(bulk.dialect(session)), given)
    why = {(one.notice_id, one.recipient_id): str(one.reason) for one in listed}
    event.add_all(
        session,
        [
            Happened(
                now,
                event.HOUSE,
                "delivery.door",
                recipient_id,
                {"notice": str(notice_id), "reason": why[notice_id, recipient_id]},
            )
            for notice_id, recipient_id in done.all()
        ],
    )


def still(now: Any) -> tuple[Any, ...]:
    """Return the SQL conditions that a delivery waits for its next step, as when it was read."""
    # whoever has confirmed in the meantime stays confirmed; what another worker has routed and
    # claimed in the meantime is not due any more
    return is_open, deliveries.c.kind.is_(None), deliveries.c.next_at <= now


_LISTED = bulk.Table("listed", {name: deliveries.c[name].type for name in Listed._fields})


@cache
def _to_doors(dialect: str) -> Any:
    rows, table = _LISTED.at(dialect), deliveries.c
    now = bindparam("now", type_=table.closed_at.type)
    return (
        update(deliveries)
        .where(table.community_id == rows.c.here)
        .where(table.notice_id == rows.c.notice_id, table.recipient_id == rows.c.recipient_id)
        .where(*still(now))
        .values(
            state=DeliveryState.DOOR,
            closed_at=now,
            kind=null(),
            **{name: rows.c[name] for name in ("rung", "tries", "skips", "reason")},
        )
        # only who is listed now is written down
        .returning(table.notice_id, table.recipient_id)
    )
