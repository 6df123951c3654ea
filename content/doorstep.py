"""At the door: what a worker presses settles the delivery, and a wrong press is taken back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import confirmation, event, knock, pager, store, task
from content import notice as notices
from content.base import new_id
from content.delivery import Delivery, DeliveryState
from content.event import Actor
from content.knock import Found, Knock, last
from content.notice import NoticeState
from content.task import Task, TaskKind

TWICE = timedelta(minutes=1)
"""Within so long the same press by the same worker is one press."""


class Became(StrEnum):
    """What became of a press, or of taking one back."""

    NEW = "new"
    AGAIN = "again"
    """The same worker has pressed the same just now."""
    SETTLED = "settled"
    """Somebody was faster, or the resident has confirmed: nothing has changed."""
    OVER = "over"
    """The notice has been replaced or has ended."""
    GONE = "gone"
    """There is no such card."""
    NOT_YOURS = "not_yours"
    """Somebody else's press: who pressed it, or the office, may take it back."""
    UNDONE = "undone"
    HELPED = "helped"
    """Undone, but somebody is on the way to help: that goes on."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of a press, and the knock that counts now; None where there is none."""

    became: Became
    knock: Knock | None = None


def press(
    session: Session,
    notice_id: uuid.UUID,
    recipient_id: uuid.UUID,
    found: Found,
    actor: Actor,
    now: datetime,
) -> Pressed:
    """Write down what was found at a door, and settle the delivery by it.

    Nobody home leaves it on the list; a cry for help is heard whatever has become of the notice.
    """
    delivery = _locked(session, notice_id, recipient_id)
    if delivery is None:
        return Pressed(Became.GONE)
    before = last(session, notice_id, recipient_id)
    if _twice(before, found, actor, now):
        return Pressed(Became.AGAIN, before)
    opens = delivery.state in confirmation.OPEN and not _repeats(delivery, found)
    if not opens and found not in (Found.HELP, Found.NOTE):
        replaced = delivery.state is DeliveryState.SUPERSEDED
        return Pressed(Became.OVER if replaced else Became.SETTLED, before)
    undo = _standing(session, delivery)
    _settle(session, delivery, found, actor, now)
    session.flush()
    if found is Found.HELP:
        undo["task"] = _task(session, delivery, now)
    made = _write(session, delivery, found, actor, now)
    made.undo = undo
    return Pressed(Became.NEW, made)


def take_back(
    session: Session, knock_id: uuid.UUID, actor: Actor, now: datetime, *, office: bool = False
) -> Pressed:
    """Undo a press, so that the card is as it was before it: the last one, by who pressed it.

    office: whoever acts may take back anybody's.
    """
    made = session.get(Knock, (store.community(session), knock_id))
    if made is None:
        return Pressed(Became.GONE)
    # a press that another process is writing just now is waited for, and then seen
    delivery = _locked(session, made.notice_id, made.recipient_id)
    session.refresh(made)
    if delivery is None or made.undone_at is not None:
        return Pressed(Became.GONE)
    newest = last(session, made.notice_id, made.recipient_id)
    if newest is not made:
        return Pressed(Became.SETTLED, newest)
    if made.by != actor.id and not office:
        return Pressed(Became.NOT_YOURS, made)
    if notices.get(session, made.notice_id).state is NoticeState.SUPERSEDED:
        return Pressed(Became.OVER, made)
    made.undone_at = now
    told = {"notice": str(made.notice_id), "found": made.found.value}
    event.add(session, actor, "door.undone", made.recipient_id, now, **told)
    stood = made.undo.get("stood", {})
    stays = _helped(session, made, actor, now)
    if made.found is Found.HELP and not stays:
        delivery.needs_help = stood[str(made.recipient_id)]["help"]
    for recipient, before in stood.items():
        _restore(session, made, uuid.UUID(recipient), before, now)
    session.flush()
    return Pressed(Became.HELPED if stays else Became.UNDONE, made)


def remark(session: Session, made: Knock, text: str) -> None:
    """Add a line to a knock's note; who comes to help reads it as well."""
    knock.remark(made, text)
    if opened := made.undo.get("task"):
        task.remark(task.get(session, uuid.UUID(opened)), text)


def _twice(before: Knock | None, found: Found, actor: Actor, now: datetime) -> bool:
    if before is None or found is Found.NOTE:
        return False
    same = before.found is found and before.by == actor.id
    return same and now - before.at < TWICE


def _repeats(delivery: Delivery, found: Found) -> bool:
    """Say whether a refusal is told of who has refused already: only another end changes it."""
    refused = delivery.state is DeliveryState.REFUSED
    return refused and found in (Found.REFUSED, Found.AWAY)


def _settle(
    session: Session, delivery: Delivery, found: Found, actor: Actor, now: datetime
) -> None:
    if found in (Found.DONE, Found.HELP):
        key = (delivery.notice_id, delivery.recipient_id)
        confirmation.at_door(session, *key, actor, now, help_=found is Found.HELP)
        return
    if found is Found.REFUSED:
        confirmation.refuse(delivery, now)
    said = {"notice": str(delivery.notice_id), "found": found.value}
    event.add(session, actor, "door.tried", delivery.recipient_id, now, **said)


def _write(
    session: Session, delivery: Delivery, found: Found, actor: Actor, now: datetime
) -> Knock:
    made = Knock(
        community_id=delivery.community_id,
        id=new_id(),
        notice_id=delivery.notice_id,
        recipient_id=delivery.recipient_id,
        found=found,
        by=actor.id,
        door=actor.door,
        at=now,
        note="",
    )
    session.add(made)
    session.flush()
    return made


def _standing(session: Session, delivery: Delivery) -> dict[str, Any]:
    """Return how a delivery stands, and those of the same home that a confirmation may end too."""
    home: Sequence[Delivery] = [delivery]
    if delivery.place_id is not None and delivery.state in confirmation.OPEN:
        query = select(Delivery).where(
            Delivery.community_id == delivery.community_id,
            Delivery.notice_id == delivery.notice_id,
            Delivery.place_id == delivery.place_id,
            Delivery.state.in_(confirmation.OPEN),
        )
        home = session.scalars(query).all()
    return {"stood": {str(one.recipient_id): _stands(one) for one in home}}


def _stands(delivery: Delivery) -> dict[str, Any]:
    ends = (delivery.closed_at, delivery.confirmed_at)
    closed, confirmed = (at.isoformat() if at else None for at in ends)
    return {
        "state": delivery.state.value,
        "reason": delivery.reason.value if delivery.reason else None,
        "closed": closed,
        "confirmed": confirmed,
        "help": delivery.needs_help,
    }


def _restore(
    session: Session, made: Knock, recipient_id: uuid.UUID, stood: dict[str, Any], now: datetime
) -> None:
    """Let a delivery stand as before the press, unless something else has ended it since."""
    delivery = _locked(session, made.notice_id, recipient_id)
    if delivery is None:
        return
    if delivery.closed_at != made.at or delivery.state.value == stood["state"]:
        return
    confirmation.reopen(
        delivery,
        DeliveryState(stood["state"]),
        stood["reason"],
        *(
            datetime.fromisoformat(stood[at]) if stood[at] else None
            for at in ("closed", "confirmed")
        ),
        now=now,
    )


def _locked(session: Session, notice_id: uuid.UUID, recipient_id: uuid.UUID) -> Delivery | None:
    """Return a delivery as it stands now, for nobody else to change until this is written."""
    key = (store.community(session), notice_id, recipient_id)
    return session.get(Delivery, key, with_for_update=True, populate_existing=True)


def _task(session: Session, delivery: Delivery, now: datetime) -> str:
    """Return the id of the task that was opened just now; "" where an older one stands for it."""
    query = select(Task.id).where(
        Task.community_id == delivery.community_id,
        Task.kind == TaskKind.HELP,
        Task.resident_id == delivery.recipient_id,
        Task.opened_at == now,
        Task.done_at.is_(None),
    )
    found = session.scalars(query).first()
    return found.hex if found else ""


def _helped(session: Session, made: Knock, actor: Actor, now: datetime) -> bool:
    """Close the task that a press has opened; True where that must go on.

    Somebody has taken it, or the resident has cried for help as well.
    """
    opened = made.undo.get("task")
    if not opened:
        return False
    errand = task.get(session, uuid.UUID(opened))
    cried = event.last(session, "task.again", errand.id)
    if errand.done_at is None and (errand.taken_by is not None or cried is not None):
        return True
    task.done(session, errand.id, task.TAKEN_BACK, actor, now)
    pager.answered(session, errand.id, None, now)
    return False
