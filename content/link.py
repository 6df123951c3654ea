"""The links to the providers: when each was tested last, and how it went."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Instant, Owned
from content.reason import Reason


class LinkTest(Owned, Base):
    """The last test of one sender. It sends nothing to a resident and costs nothing."""

    __tablename__ = "link_test"

    sender: Mapped[str] = mapped_column(String(40), primary_key=True)
    begun_at: Mapped[datetime] = mapped_column(Instant)
    """Whoever moves this on may test: of several processes one does."""
    tested_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the last result was known."""
    ok: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[Reason | None]
    """Why it failed."""
    code: Mapped[str] = mapped_column(String(24), default="")
    """What the provider calls it."""
    milliseconds: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime | None] = mapped_column(Instant)
    """Since when it has gone like this."""
    failures: Mapped[int] = mapped_column(default=0)
    """Tests that failed in a row."""


def take(session: Session, senders: Iterable[str], every: timedelta, now: datetime) -> list[str]:
    """Return the senders whose test is due, and count them as begun: nobody else tests them."""
    taken = []
    for sender in senders:
        key = (store.community(session), sender)
        row = session.get(LinkTest, key, with_for_update=True)
        if row is None:
            row = LinkTest(community_id=key[0], sender=sender, begun_at=now)
            session.add(row)
        elif row.begun_at > now - every:
            continue
        row.begun_at = now
        taken.append(sender)
    return taken


def record(
    session: Session,
    sender: str,
    reason: Reason | None,
    now: datetime,
    *,
    code: str = "",
    milliseconds: int = 0,
) -> LinkTest:
    """Write down how a test went; no reason: it went well."""
    key = (store.community(session), sender)
    row = session.get(LinkTest, key)
    if row is None:
        row = LinkTest(community_id=key[0], sender=sender, begun_at=now, failures=0)
        session.add(row)
    ok = reason is None
    if row.tested_at is None or row.ok is not ok:
        row.since = now
    row.tested_at, row.ok, row.milliseconds = now, ok, milliseconds
    row.reason, row.code = reason, code[:24]
    row.failures = 0 if ok else (row.failures or 0) + 1
    return row


def tests(session: Session) -> list[LinkTest]:
    """Return the last test of each sender that was ever tested."""
    query = select(LinkTest).where(LinkTest.community_id == store.community(session))
    return list(session.scalars(query.order_by(LinkTest.sender)))
