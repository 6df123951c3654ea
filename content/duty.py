"""Who is on duty, and on which phone."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, identity, people, store
from content.base import Base, Identified, Instant, new_id
from content.event import HOUSE, Actor
from content.message import Kind
from content.staff import Staff


class Duty(Identified, Base):
    """One member of staff on duty from `starts` to `ends` (None: until somebody else is)."""

    __tablename__ = "duty"

    staff_id: Mapped[uuid.UUID]
    starts: Mapped[datetime] = mapped_column(Instant)
    ends: Mapped[datetime | None] = mapped_column(Instant)


Index("ix_duty_starts", Duty.community_id, Duty.starts)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on duty, with the addresses under which a page reaches them, chat first."""

    staff_id: uuid.UUID
    starts: datetime
    ends: datetime | None
    address_ids: tuple[uuid.UUID, ...]


def begin(
    session: Session,
    staff_id: uuid.UUID,
    starts: datetime,
    ends: datetime | None,
    now: datetime,
    *,
    actor: Actor = HOUSE,
) -> None:
    """Put a member of staff on duty; who was on duty without an end is relieved at `starts`.

    Raises IdentityError for who has left, and ValueError when the end is not after the start.
    """
    if ends is not None and ends <= starts:
        raise ValueError("值班结束时间要晚于开始时间。 A duty must end after it starts.")
    owner = identity.staff(session, staff_id)
    here = store.community(session)
    session.execute(
        update(Duty)
        .where(Duty.community_id == here, Duty.ends.is_(None), Duty.starts <= starts)
        .values(ends=starts)
    )
    added = Duty(community_id=here, id=new_id(), staff_id=owner.id, starts=starts, ends=ends)
    session.add(added)
    event.add(session, actor, "duty.set", owner.id, now)
    session.flush()


def current(session: Session, now: datetime) -> OnDuty | None:
    """Return who is on duty now: of several, who began last; None when nobody is."""
    here = store.community(session)
    found = session.execute(
        select(Duty.staff_id, Duty.starts, Duty.ends)
        .join(Staff, (Staff.community_id == here) & (Staff.id == Duty.staff_id))
        .where(
            Duty.community_id == here,
            Duty.starts <= now,
            or_(Duty.ends.is_(None), Duty.ends > now),
            Staff.left_at.is_(None),
        )
        .order_by(Duty.starts.desc(), Duty.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    reach = people.addresses(session, [found.staff_id]).get(found.staff_id, [])
    order = sorted(reach, key=lambda address: (list(Kind).index(address.kind), address.rank))
    return OnDuty(found.staff_id, found.starts, found.ends, tuple(one.id for one in order))


def phone(session: Session, now: datetime) -> str:
    """Return the number (E.164) of who is on duty, to be said in an alert; empty without one."""
    on = current(session, now)
    reach = people.addresses(session, [on.staff_id]).get(on.staff_id, []) if on else []
    calls = [address.id for address in reach if address.kind is Kind.CALL]
    return people.value(session, calls[0]) if calls else ""
