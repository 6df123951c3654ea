"""Leases: duties that must run once, whoever and wherever the processes are that could do them."""

from datetime import datetime, timedelta

from sqlalchemy import String, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Instant, Owned


class Lease(Owned, Base):
    """Who does a duty, and until when; a process that dies loses it when its time is over."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    """The duty: `sweep`, `poll:telegram`."""
    holder: Mapped[str] = mapped_column(String(64))
    """A process, by a name that is made anew at each start."""
    until: Mapped[datetime] = mapped_column(Instant)


def hold(session: Session, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take a duty or keep it for so many seconds more; False while another process has it."""
    row = {
        "community_id": store.community(session),
        "name": name,
        "holder": holder,
        "until": now + timedelta(seconds=seconds),
    }
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    taken = (
        dialect.insert(Lease)
        .values(row)
        .on_conflict_do_update(
            index_elements=[Lease.community_id, Lease.name],
            set_={"holder": holder, "until": row["until"]},
            where=or_(Lease.holder == holder, Lease.until <= now),
        )
        .returning(Lease.holder)
    )
    return session.scalar(taken) is not None


def holders(session: Session) -> dict[str, str]:
    """Return who has each duty, or had it last."""
    query = select(Lease.name, Lease.holder).where(Lease.community_id == store.community(session))
    return dict(session.execute(query).all())


def held(session: Session, now: datetime) -> set[str]:
    """Return the duties that somebody has at this moment."""
    query = select(Lease.name).where(
        Lease.community_id == store.community(session), Lease.until > now
    )
    return set(session.scalars(query))


def drop(session: Session, name: str, holder: str) -> None:
    """Give a duty back, so that another process need not wait for its end."""
    session.execute(
        delete(Lease).where(
            Lease.community_id == store.community(session),
            Lease.name == name,
            Lease.holder == holder,
        )
    )
