"""What an update and a cancellation do to what was told before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert, review
from content.alert import Stage, Status
from content.base import new_id
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.draft import Text
from content.message import Kind, Written
from content.notice import Notice, NoticeState, texts
from content.people import Audience, Need, Resident
from content.store import Store
from tests.content.office import Office, of, published, said, staffed, through


def touch(session: Session, notice: Notice, now: datetime) -> Resident:
    """Try the first resident of a notice once, with an unknown outcome."""
    resident = session.scalars(select(Resident).order_by(Resident.number)).first()
    assert resident is not None
    attempt = Attempt(
        community_id=notice.community_id,
        notice_id=notice.id,
        recipient_id=resident.id,
        address_id=new_id(),
        digest="0" * 32,
        kind=Kind.SMS,
        sender="sms",
        ref=new_id().hex,
        rung=0,
        state=AttemptState.UNKNOWN,
        started_at=now,
        deadline=now,
    )
    session.add(attempt)
    session.flush()
    return resident


def states(session: Session, notice: Notice) -> set[DeliveryState]:
    query = select(Delivery.state).where(Delivery.notice_id == notice.id)
    return set(session.scalars(query))


def test_an_update_ends_the_old_one_and_goes_to_who_was_tried_as_well(
    session: Session, office: Office, now: datetime
) -> None:
    row, old = published(session, office, now)
    touched = touch(session, old, now)
    nobody_else = replace(office.draft, audience=Audience(needs=frozenset({Need.DEAF})))
    session.scalars(select(Resident).where(Resident.number == "2")).one().needs = frozenset(
        {Need.DEAF}
    )
    session.flush()
    newer = review.update(session, office.author, of(session, row), nobody_else, now)
    review.verify(session, office.verifier, newer, now)
    review.edit(session, office.editor, newer, nobody_else, now)
    made = review.publish(session, office.publisher, newer, now)
    told = set(session.scalars(select(Delivery.recipient_id).where(Delivery.notice_id == made.id)))
    assert len(told - {touched.id}) == 1
    assert states(session, old) == {DeliveryState.SUPERSEDED}
    assert (row.stage, old.state) == (Stage.SUPERSEDED, NoticeState.SUPERSEDED)


def test_a_cancel_goes_at_once_to_who_was_tried_and_to_nobody_else(
    session: Session, office: Office, now: datetime
) -> None:
    row, old = published(session, office, now)
    touched = touch(session, old, now)
    made = review.cancel(session, office.publisher, of(session, row), now)
    assert list(
        session.scalars(select(Delivery.recipient_id).where(Delivery.notice_id == made.id))
    ) == [touched.id]
    assert states(session, old) == {DeliveryState.CANCELLED}
    assert texts(session, made.id)[Written.HANS]["description"] == "暴雨已经过去。"


def test_a_second_cancel_changes_nothing(session: Session, office: Office, now: datetime) -> None:
    row, _ = published(session, office, now)
    first = review.cancel(session, office.publisher, of(session, row), now)
    assert review.cancel(session, office.publisher, of(session, row), now).id == first.id
    assert len(alert.revisions(session, of(session, row))) == 2


def test_a_cancel_stops_an_update_that_is_still_in_review(
    session: Session, office: Office, now: datetime
) -> None:
    row, _ = published(session, office, now)
    newer = review.update(session, office.author, of(session, row), office.draft, now)
    with pytest.raises(review.ReviewError, match="还有一版没有发布"):
        review.update(session, office.author, of(session, row), office.draft, now)
    review.cancel(session, office.publisher, of(session, row), now)
    assert newer.stage is Stage.CANCELLED
    with pytest.raises(review.ReviewError, match="已经取消"):
        review.update(session, office.author, of(session, row), office.draft, now)


def test_nothing_unpublished_is_cancelled(session: Session, office: Office, now: datetime) -> None:
    row = through(session, office, now)
    with pytest.raises(review.ReviewError, match="还没有发布"):
        review.cancel(session, office.publisher, of(session, row), now)


def test_an_old_confirmation_stands_for_an_update_that_asks_nothing(
    session: Session, office: Office, now: datetime
) -> None:
    row, old = published(session, office, now)
    one = session.scalars(select(Delivery).where(Delivery.notice_id == old.id)).first()
    assert one is not None
    one.state, one.confirmed_at = DeliveryState.CONFIRMED, now
    asks_nothing = replace(said(office.draft, "今晚8点起3号楼停电。雨小了。"), no_action=True)
    newer = review.update(session, office.author, of(session, row), asks_nothing, now)
    made = review.publish(session, office.publisher, newer, now, emergency=True)
    query = select(Delivery.recipient_id).where(
        Delivery.notice_id == made.id, Delivery.confirmed_at.is_not(None)
    )
    assert list(session.scalars(query)) == [one.recipient_id]


def test_a_drill_and_every_language_are_frozen_into_the_notice(
    session: Session, office: Office, now: datetime
) -> None:
    english = Text("Storm", "Power cut from 8 pm.", "Stay in.", "It is over.")
    both = {**office.draft.texts, Written.ENGLISH: english}
    drill = replace(office.draft, texts=both, status=Status.EXERCISE)
    _, made = published(session, replace(office, draft=drill), now)
    frozen = texts(session, made.id)
    assert set(frozen) == {Written.HANS, Written.ENGLISH}
    assert frozen[Written.ENGLISH]["status"] == made.status == Status.EXERCISE
    assert frozen[Written.ENGLISH]["expires"] == "2026-07-20T15:00:00+08:00"


def test_two_publishers_at_the_same_moment_publish_once(file_store: Store, now: datetime) -> None:
    with file_store.begin() as session:
        office = staffed(session, now)
        row = through(session, office, now)

    def click(_: int) -> UUID:
        with file_store.begin() as session:
            return review.publish(session, office.publisher, row, now).id

    with ThreadPoolExecutor(4) as pool:
        notices = set(pool.map(click, range(4)))
    with file_store.read() as session:
        assert {one.id for one in session.scalars(select(Notice))} == notices
        assert len(notices) == 1
