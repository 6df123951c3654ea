"""In which order the outbox goes out: severe before mild, first before second, the vulnerable first."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import claim, outcome
from content.alert import Severity
from content.claim import Job
from content.delivery import Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice
from content.people import Need
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CHAT, SMS

Key = tuple[int, bool, bool]
"""Severity, whether it is a second contact, whether they are not vulnerable: smaller goes first."""
PEOPLE = st.lists(st.sampled_from([(), (Need.LIVES_ALONE,), (Need.DEAF,)]), min_size=1, max_size=5)
NEWS = st.lists(st.sampled_from(Severity), min_size=1, max_size=3)
SAME = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Town:
    """People with a chat and a mobile, and what is known of them."""

    def __init__(self, session: Session, now: datetime, needs: Iterable[tuple[Need, ...]]) -> None:
        self.session = session
        self.frail = {
            outbox.resident(
                session, now, chat=f"7{at}", mobile=f"+861380000{at:04}", needs=theirs
            ): bool(theirs)
            for at, theirs in enumerate(needs)
        }
        self.told: set[tuple[uuid.UUID, uuid.UUID]] = set()

    def key(self, one: Job | Delivery) -> Key:
        severity = self.session.get_one(Notice, (self.here, one.notice_id)).severity
        who = one.notice_id, one.recipient_id
        return severity.rank, who in self.told, not self.frail[one.recipient_id]

    @property
    def here(self) -> uuid.UUID:
        return outbox.store.community(self.session)

    def take(self, kind: Kind, permits: int, now: datetime) -> list[Job]:
        """Claim, check that nobody was passed over, and have the provider take it."""
        sender = CHAT if kind is Kind.CHAT else SMS
        outbox.route(self.session, now)
        jobs = claim.claim(self.session, sender, permits, now)
        keys = [self.key(job) for job in jobs]
        assert keys == sorted(keys)
        for one in self._waiting(kind, {job.recipient_id for job in jobs}, now):
            assert not keys or self.key(one) >= keys[-1]
        for job in jobs:
            outcome.accepted(self.session, job.ref, job.ref, now)
            self.told.add((job.notice_id, job.recipient_id))
        self.session.flush()
        return jobs

    def _waiting(self, kind: Kind, busy: set[uuid.UUID], now: datetime) -> list[Delivery]:
        self.session.expire_all()
        query = select(Delivery).where(
            Delivery.state == DeliveryState.OPEN, Delivery.kind == kind, Delivery.next_at <= now
        )
        return [one for one in self.session.scalars(query) if one.recipient_id not in busy]


@SAME
@given(PEOPLE, NEWS, st.integers(1, 5))
def test_nobody_is_passed_over(
    session: Session, now: datetime, needs: list[tuple[Need, ...]], news: list[Severity], most: int
) -> None:
    with session.begin_nested() as undone:
        town = Town(session, now, needs)
        for severity in news:
            outbox.tell(session, now, severity)
        heard = 0
        while jobs := town.take(Kind.CHAT, most, now):
            heard += len(jobs)
        assert heard == len(needs) * len(news)
        undone.rollback()


@SAME
@given(PEOPLE, NEWS, NEWS, st.integers(1, 4))
def test_what_is_published_meanwhile_takes_its_place(
    session: Session,
    now: datetime,
    needs: list[tuple[Need, ...]],
    news: list[Severity],
    later: list[Severity],
    most: int,
) -> None:
    """Also where the chat is blocked at first, so that an SMS is the first contact."""
    with session.begin_nested() as undone:
        town = Town(session, now, needs)
        for severity in news:
            outbox.tell(session, now, severity)
        outbox.route(session, now)
        for job in claim.claim(session, CHAT, most, now):
            outcome.failed(session, job.ref, Reason.BLOCKED, now, permanent=True)
        town.take(Kind.CHAT, most, now)
        for severity in later:
            outbox.tell(session, now, severity)
        at = now
        for _ in range(3):
            while town.take(Kind.CHAT, most, at) or town.take(Kind.SMS, most, at):
                pass
            at += timedelta(hours=3)
        assert len(town.told) == len(needs) * (len(news) + len(later))
        undone.rollback()
