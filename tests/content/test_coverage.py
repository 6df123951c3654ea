from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import confirmation, coverage, outcome, visit
from content.delivery import AttemptState, DeliveryState
from content.message import Kind
from content.people import Need
from content.place import PlaceKind
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CHAT, SOMEBODY


def test_reach_counts_every_resident_once(session: Session, now: datetime) -> None:
    who = [outbox.resident(session, now, chat=str(10 + at)) for at in range(4)]
    door = outbox.resident(session, now)
    made = outbox.tell(session, now)
    outbox.take(session, now, CHAT)
    confirmation.at_door(session, made.id, who[0], SOMEBODY, now, help_=True)
    (reach,) = coverage.reach(session, made.id)
    assert (reach.residents, reach.confirmed, reach.door, reach.open) == (5, 1, 1, 3)
    assert (reach.need_help, reach.passed_on, reach.other) == (1, 0, 0)
    assert coverage.counts(session, made.id)[DeliveryState.DOOR] == 1
    assert [card.recipient_id for card in visit.cards(session, made.id)] == [door]


def test_reach_by_building_adds_up(session: Session, now: datetime) -> None:
    for room in ("2-1-101", "10-1-101", "10-1-102"):
        outbox.resident(session, now, room=room)
    made = outbox.tell(session, now)
    by = coverage.reach(session, made.id, PlaceKind.BUILDING)
    assert [one.residents for one in by] == [1, 2]


def test_minutes_say_when_a_share_was_accounted_for(session: Session, now: datetime) -> None:
    who = [outbox.resident(session, now, chat=str(10 + at)) for at in range(4)]
    made = outbox.tell(session, now)
    outbox.take(session, now, CHAT)
    for minute, one in enumerate(who[:2], start=1):
        at = now + timedelta(minutes=minute)
        confirmation.at_door(session, made.id, one, SOMEBODY, at)
    (reach,) = coverage.reach(session, made.id)
    assert reach.minutes == {50: 2.0, 90: None, 100: None}


def test_the_door_list_is_in_the_order_of_a_walk(session: Session, now: datetime) -> None:
    rooms = ("10-1-101", "2-1-1101", "2-1-201", "2-2-101", "2-1-202")
    for room in rooms:
        outbox.resident(session, now, room=room)
    made = outbox.tell(session, now)
    outbox.route(session, now)
    walk = [(card.building, card.room) for card in visit.cards(session, made.id)]
    assert [room for _, room in walk] == ["201", "202", "1101", "101", "101"]
    assert [building[:1] for building, _ in walk] == ["2", "2", "2", "2", "1"]


def test_the_door_list_can_be_cut_to_one_building(session: Session, now: datetime) -> None:
    for room in ("3-1-101", "4-1-101"):
        outbox.resident(session, now, room=room)
    made = outbox.tell(session, now)
    outbox.route(session, now)
    (card,) = visit.cards(session, made.id, within=["/4/"])
    assert card.building.startswith("4")


def test_a_card_says_what_was_tried_and_why_not_the_rest(session: Session, now: datetime) -> None:
    outbox.resident(session, now, "王奶奶", chat="11", needs=[Need.MOBILITY])
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    outbox.route(session, now + timedelta(hours=1))
    (card,) = visit.cards(session, made.id)
    tried = [(one.kind, one.state, one.at) for one in card.tried]
    assert tried == [(Kind.CHAT, AttemptState.ACCEPTED, now)]
    assert card.skips == {"sms": "no_address", "call": "no_address", "contact": "no_contact"}
    assert (card.reason, card.needs) == (Reason.LADDER_EXHAUSTED, {Need.MOBILITY})
    assert "王奶奶" not in repr(card)


def test_started_counts_people_not_attempts(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11", mobile="+8613800000001")
    made = outbox.tell(session, now)
    assert coverage.started(session, made.id) == 0
    for hours in range(2):
        outbox.take(session, now + timedelta(hours=hours))
    assert (coverage.started(session, made.id), len(outbox.attempts(session))) == (1, 2)
