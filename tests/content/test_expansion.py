import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from content import closing, confirmation, expansion, outcome, review
from content.alert import Severity
from content.confirmation import Act
from content.delivery import Delivery, DeliveryState
from content.notice import NoticeState
from content.people import Audience, Need, Resident
from tests.content import outbox
from tests.content.office import of, published, said, staffed
from tests.content.outbox import CHAT, SOMEBODY


def _rows(session: Session, made: object) -> list[Delivery]:
    query = select(Delivery).where(Delivery.notice_id == made.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _many(session: Session, now: datetime, count: int) -> list[uuid.UUID]:
    return [
        outbox.resident(
            session, now, chat=f"{900 + at}", needs=[Need.ELDERLY] if at % 3 == 0 else []
        )
        for at in range(count)
    ]


def test_everybody_in_the_audience_gets_one_delivery(session: Session, now: datetime) -> None:
    inside = outbox.resident(session, now, room="3-2-501")
    outbox.resident(session, now, room="4-1-101")
    made = outbox.tell(session, now, audience=Audience(places=("/3/",)))
    assert [row.recipient_id for row in _rows(session, made)] == [inside]
    assert (made.expected, made.expanded, made.cursor) == (1, 1, None)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_expansion_goes_on_where_it_stopped(
    session: Session, now: datetime, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", chunk)
    ids = _many(session, now, 7)
    made = outbox.tell(session, now)
    while made.id in expansion.unfinished(session):
        before = len(_rows(session, made))
        expansion.expand(session, made, now)
        assert len(_rows(session, made)) - before <= chunk
    assert {row.recipient_id for row in _rows(session, made)} == set(ids)
    assert made.expanded == made.expected == len(ids)


def test_the_vulnerable_are_expanded_first(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 3)
    ids = _many(session, now, 7)
    made = outbox.tell(session, now)
    assert {row.recipient_id for row in _rows(session, made)} == {ids[0], ids[3], ids[6]}


def test_a_repeated_expansion_leaves_who_has_a_delivery_as_they_are(
    session: Session, now: datetime
) -> None:
    (who,) = _many(session, now, 1)
    made = outbox.tell(session, now)
    outbox.delivery(session, made, who).state = DeliveryState.DOOR
    expansion.restart(session, made.id)
    assert expansion.expand(session, made, now) == 0
    assert outbox.delivery(session, made, who).state is DeliveryState.DOOR


def test_a_missing_row_is_found_and_made_again(session: Session, now: datetime) -> None:
    ids = _many(session, now, 3)
    made = outbox.tell(session, now)
    assert expansion.short(session, now) == []
    session.execute(delete(Delivery).where(Delivery.recipient_id == ids[1]))
    assert expansion.short(session, now) == [made.id]
    expansion.restart(session, made.id)
    expansion.expand(session, made, now)
    assert {row.recipient_id for row in _rows(session, made)} == set(ids)


def test_who_is_erased_while_it_runs_is_not_missed_for_ever(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 2)
    ids = _many(session, now, 4)
    made = outbox.tell(session, now)
    left = set(ids) - {row.recipient_id for row in _rows(session, made)}
    gone = session.get_one(Resident, (made.community_id, left.pop()))
    gone.erased_at = now
    while made.cursor:
        expansion.expand(session, made, now)
    for notice_id in expansion.short(session, now):
        expansion.restart(session, notice_id)
    assert made.cursor is None
    assert expansion.short(session, now) == []


def test_a_notice_that_ended_meanwhile_is_not_expanded_further(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 1)
    _many(session, now, 2)
    made = outbox.tell(session, now)
    made.state = NoticeState.EXPIRED
    assert expansion.expand(session, made, now) == 0
    assert len(_rows(session, made)) == 1


def test_the_more_severe_notice_is_expanded_first(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 1)
    _many(session, now, 3)
    mild = outbox.tell(session, now, Severity.MINOR)
    grave = outbox.tell(session, now + timedelta(minutes=1), Severity.EXTREME)
    assert expansion.unfinished(session) == [grave.id, mild.id]


def _ending(
    session: Session, now: datetime, state: NoticeState, monkeypatch: pytest.MonkeyPatch
) -> uuid.UUID:
    """End an alert to three people, whose deliveries are closed one by one; return the alert."""
    for where in (expansion, closing):
        monkeypatch.setattr(where, "CHUNK", 1)
    _many(session, now, 3)
    about = outbox.alert(session, now)
    outbox.tell(session, now, Severity.MODERATE, alert_id=about)
    closing.supersede(session, about, state, now)
    return about


@pytest.mark.parametrize(
    ("severity", "first"), [(Severity.EXTREME, "grow"), (Severity.MINOR, "close")]
)
def test_a_more_severe_notice_does_not_wait_until_another_is_closed(
    session: Session, now: datetime, severity: Severity, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ending(session, now, NoticeState.CANCELLED, monkeypatch)
    made = outbox.tell(session, now, severity)
    before = len(_rows(session, made))
    expansion.grow(session, now)
    assert (len(_rows(session, made)) > before) is (first == "grow")
    while expansion.grow(session, now) is not None:
        pass
    assert len(_rows(session, made)) == 3


def test_an_update_that_is_more_severe_waits_until_the_old_one_is_closed(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = _ending(session, now, NoticeState.SUPERSEDED, monkeypatch)
    made = outbox.tell(session, now, Severity.EXTREME, touched=about, alert_id=about)
    before = len(_rows(session, made))
    expansion.grow(session, now)
    assert len(_rows(session, made)) == before


def test_an_erased_resident_gets_nothing(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now)
    made = outbox.make(session, now)
    session.get_one(Resident, (made.community_id, who)).erased_at = now
    assert expansion.enqueue(session, made, outbox.EVERYBODY, now) == 0


def test_an_ended_notice_is_not_expanded_further(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 1)
    _many(session, now, 3)
    about = outbox.alert(session, now)
    made = outbox.tell(session, now, alert_id=about)
    closing.supersede(session, about, NoticeState.CANCELLED, now)
    session.refresh(made)
    assert made.id not in expansion.unfinished(session)
    assert {row.state for row in _rows(session, made)} == {DeliveryState.CANCELLED}


def test_publishing_twice_tells_once(session: Session, now: datetime) -> None:
    office = staffed(session, now)
    row, first = published(session, office, now)
    again = review.publish(session, office.publisher, row, now)
    assert again.id == first.id
    assert session.scalar(select(func.count()).select_from(Delivery)) == first.expected


class TestHalfSent:
    """T5: somebody has the alert, somebody else does not yet."""

    @pytest.fixture
    def half(self, session: Session, now: datetime) -> tuple[uuid.UUID, ...]:
        told = outbox.resident(session, now, chat="11")
        untold = outbox.resident(session, now, chat="12")
        about = outbox.alert(session, now)
        first = outbox.tell(session, now, alert_id=about)
        outbox.route(session, now)
        session.execute(
            Delivery.__table__.update()
            .where(Delivery.recipient_id == untold)
            .values(next_at=now + timedelta(minutes=5))
        )
        (job,) = outbox.take(session, now, CHAT)
        assert job.recipient_id == told
        return about, first.id, told, untold

    def test_a_cancel_reaches_whoever_had_any_attempt_and_stops_the_rest(
        self, session: Session, now: datetime, half: tuple[uuid.UUID, ...]
    ) -> None:
        about, first, told, untold = half
        closing.supersede(session, about, NoticeState.CANCELLED, now)
        over = outbox.tell(session, now, audience=None, touched=about, alert_id=about)
        assert [row.recipient_id for row in _rows(session, over)] == [told]
        later = now + timedelta(hours=1)
        asked = {(job.notice_id, job.recipient_id) for job in outbox.take(session, later)}
        assert (first, untold) not in asked

    def test_an_unknown_outcome_counts_as_told(
        self, session: Session, now: datetime, half: tuple[uuid.UUID, ...]
    ) -> None:
        about, _, told, _ = half
        outcome.unknown(session, outbox.attempts(session)[0].ref, now)
        closing.supersede(session, about, NoticeState.CANCELLED, now)
        over = outbox.tell(session, now, audience=None, touched=about, alert_id=about)
        assert [row.recipient_id for row in _rows(session, over)] == [told]

    def test_an_update_reaches_those_who_had_nothing_and_ends_the_old_one(
        self, session: Session, now: datetime, half: tuple[uuid.UUID, ...]
    ) -> None:
        about, first, told, untold = half
        closing.supersede(session, about, NoticeState.SUPERSEDED, now)
        newer = outbox.tell(session, now, touched=about, alert_id=about)
        assert {row.recipient_id for row in _rows(session, newer)} == {told, untold}
        old = select(Delivery.state).where(Delivery.notice_id == first)
        assert set(session.scalars(old)) == {DeliveryState.SUPERSEDED}

    def test_an_update_for_another_place_still_reaches_who_was_told(
        self, session: Session, now: datetime, half: tuple[uuid.UUID, ...]
    ) -> None:
        about, _, told, _ = half
        other = outbox.resident(session, now, room="9-1-101")
        closing.supersede(session, about, NoticeState.SUPERSEDED, now)
        newer = outbox.tell(
            session, now, audience=Audience(places=("/9/",)), touched=about, alert_id=about
        )
        assert {row.recipient_id for row in _rows(session, newer)} == {told, other}

    def test_a_later_revision_waits_until_the_earlier_one_is_taken(
        self, session: Session, now: datetime, half: tuple[uuid.UUID, ...]
    ) -> None:
        about, _, told, _ = half
        flying = outbox.attempts(session)[0].ref
        closing.supersede(session, about, NoticeState.SUPERSEDED, now)
        outbox.tell(session, now, touched=about, alert_id=about)
        assert told not in {job.recipient_id for job in outbox.take(session, now, CHAT)}
        outcome.accepted(session, flying, "77", now)
        assert told in {job.recipient_id for job in outbox.take(session, now, CHAT)}


def test_an_old_confirmation_stands_for_an_update_without_action_in_every_chunk(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = staffed(session, now)
    row, first = published(session, office, now)
    who = list(session.scalars(select(Resident.id)))
    for one in who:
        confirmation.at_door(session, first.id, one, SOMEBODY, now)
    monkeypatch.setattr(expansion, "CHUNK", 1)
    content = replace(said(office.draft, "停电取消了一半，不用做什么。"), no_action=True)
    row = review.update(session, office.author, of(session, row), content, now)
    newer = review.publish(session, office.publisher, row, now, emergency=True)
    while newer.cursor:
        expansion.expand(session, newer, now)
    assert len(who) > 1
    assert [row.confirmed_at for row in _rows(session, newer)] == [now] * len(who)


def test_a_new_confirmation_outlives_the_next_chunk(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 1)
    one, _ = _many(session, now, 2)
    about = outbox.alert(session, now)
    outbox.tell(session, now, alert_id=about)
    newer = outbox.make(session, now, alert_id=about)
    expansion.enqueue(session, newer, outbox.EVERYBODY, now, about, keep=True)
    later = now + timedelta(minutes=1)
    confirmation.at_door(session, newer.id, one, SOMEBODY, later)
    while newer.cursor:
        expansion.expand(session, newer, later)
    assert outbox.delivery(session, newer, one).confirmed_at == later
    assert outbox.delivery(session, newer, one).reason is Act.DOOR.reason


@pytest.mark.parametrize(
    ("before", "seconds", "then"),
    [
        pytest.param(1_000, 0.04, 1_000, id="just right"),
        pytest.param(1_000, 0.05, 800, id="too slow"),
        pytest.param(1_000, 0.025, 1_600, id="faster"),
        pytest.param(600, 0.001, 1_200, id="at most twice as many"),
        pytest.param(1_900, 0.001, expansion.CHUNK, id="never more than a chunk"),
        pytest.param(1_000, 60.0, 500, id="never so few that the commits cost more than the rows"),
        pytest.param(500, 0.0, 1_000, id="in no time"),
    ],
)
def test_a_chunk_is_as_large_as_fits_into_a_brief_transaction(
    before: int, seconds: float, then: int
) -> None:
    assert expansion.chunk(before, seconds) == then
