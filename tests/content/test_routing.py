from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import bare, confirmation, people, privacy, routing
from content.alert import Severity
from content.delivery import DeliveryState
from content.event import Event
from content.message import Kind
from content.notice import NoticeKind, NoticeState
from content.people import Consent, Need
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CHAT, SOMEBODY


def test_what_is_due_comes_most_severe_first(session: Session, now: datetime) -> None:
    frail = outbox.resident(session, now, chat="12", needs=[Need.ELDERLY])
    other = outbox.resident(session, now, chat="11")
    mild = outbox.tell(session, now, Severity.MINOR)
    grave = outbox.tell(session, now, Severity.EXTREME)
    found = [(one.notice_id, one.recipient_id) for one in routing.due(session, now)]
    pairs = [(made.id, who) for made in (grave, mild) for who in (frail, other)]
    assert found == pairs


@pytest.mark.parametrize("state", [one for one in NoticeState if one is not NoticeState.LIVE])
def test_what_is_not_live_is_not_routed(
    session: Session, now: datetime, state: NoticeState
) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now).state = state
    session.flush()
    assert routing.due(session, now) == []


def test_a_step_is_not_due_before_its_time(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    outbox.delivery(session, made, who).next_at = now + timedelta(seconds=1)
    session.flush()
    assert routing.due(session, now) == []
    assert len(routing.due(session, now + timedelta(seconds=1))) == 1


def test_the_end_of_the_ladder_is_the_door_with_an_event(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now)
    made = outbox.tell(session, now)
    outbox.route(session, now)
    row = outbox.delivery(session, made, who)
    told = session.scalars(select(Event).where(Event.kind == "delivery.door")).one()
    assert (row.state, row.reason, row.closed_at) == (DeliveryState.DOOR, Reason.NO_PATH, now)
    assert (told.subject_id, told.data["reason"]) == (who, "no_path")


def test_nobody_is_visited_for_what_asks_for_nothing(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now)
    made = outbox.tell(session, now, confirms=False)
    outbox.route(session, now)
    row = outbox.delivery(session, made, who)
    assert (row.state, row.reason) == (DeliveryState.FAILED, Reason.NO_PATH)


def test_who_opted_out_everywhere_is_visited(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, "赵静", chat="11")
    people.set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    made = outbox.tell(session, now)
    assert outbox.take(session, now) == []
    row = outbox.delivery(session, made, who)
    assert (row.state, row.skips["chat"]) == (DeliveryState.DOOR, Reason.OPTED_OUT)


def test_who_is_erased_is_neither_told_nor_visited(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11", mobile="+8613800000001")
    made = outbox.tell(session, now)
    outbox.route(session, now)
    privacy.erase(session, who, SOMEBODY, now)
    assert outbox.take(session, now + timedelta(days=1)) == []
    row = outbox.delivery(session, made, who)
    assert (row.state, row.reason) == (DeliveryState.CANCELLED, Reason.ERASED)


def test_a_plan_does_not_undo_a_confirmation(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    seen = routing.due(session, now)
    confirmation.at_door(session, made.id, who, SOMEBODY, now)
    session.flush()
    routing.give_up(session, seen[0], Reason.NO_PATH, now)
    assert outbox.delivery(session, made, who).state is DeliveryState.CONFIRMED


def test_one_delivery_that_lost_its_ladder_does_not_hold_up_the_rest(
    session: Session, now: datetime
) -> None:
    lost = outbox.resident(session, now, chat="11")
    other = outbox.resident(session, now, chat="12")
    made = outbox.tell(session, now)
    outbox.delivery(session, made, lost).rung = 12
    jobs = outbox.take(session, now, CHAT)
    assert [job.recipient_id for job in jobs] == [other]
    assert outbox.delivery(session, made, lost).state is DeliveryState.DOOR


def test_an_answer_goes_to_a_bare_address(session: Session, now: datetime) -> None:
    address = bare.address(session, Kind.CHAT, "77", now)
    made = outbox.make(session, now, kind=NoticeKind.ANSWER, confirms=False)
    outbox.expansion.direct(session, made, [address], now)
    (job,) = outbox.take(session, now, CHAT)
    assert (job.to, job.recipient_id) == ("77", address)


def test_only_what_is_asked_for_is_taken_at_once(session: Session, now: datetime) -> None:
    for at in range(5):
        outbox.resident(session, now, chat=str(10 + at))
    outbox.tell(session, now)
    assert len(routing.due(session, now, limit=2)) == 2
