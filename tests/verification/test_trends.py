"""What more neighbours ask about than usual, and when staff are told."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import identity, notice, pager, people, task
from content import store as stores
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.people import Address, OwnerKind
from content.staff import Role
from content.store import Store
from content.task import TaskKind
from tests.verification.neighbours import asks, case_of, resident
from verification import trends
from verification.trends import Subject

FACT, OTHER = uuid.uuid4(), uuid.uuid4()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def session(store: Store, now: datetime) -> Iterator[Session]:
    with store.begin() as opened:
        identity.add_staff(opened, "孙干事", [Role.AUTHOR], now)
        yield opened


def street(session: Session, now: datetime, *buildings: int) -> list[uuid.UUID]:
    """One resident more in each of these buildings."""
    return [resident(session, building, 101 + i, now) for i, building in enumerate(buildings)]


def pages(session: Session, now: datetime) -> list[str]:
    """Watch, call out, and return what every page so far says."""
    trends.watch(session, now)
    pager.call_out(session, now)
    made = select(Notice.id).where(Notice.kind == NoticeKind.PAGE).order_by(Notice.id)
    return [notice.texts(session, one)[Written.HANS]["text"] for one in session.scalars(made)]


def test_three_residents_who_ask_about_the_same_are_a_spike(
    session: Session, now: datetime
) -> None:
    for chat in street(session, now, 3, 3, 5):
        asks(session, chat, now, fact=FACT)
    (found,) = trends.spikes(session, now)
    assert (found.subject, found.id, found.askers) == (Subject.FACT, FACT, 3)
    assert found.buildings == ("/3/", "/5/")


def test_fifty_messages_of_one_resident_are_one_resident(session: Session, now: datetime) -> None:
    one, two = street(session, now, 3, 5)
    for _ in range(50):
        asks(session, one, now, fact=FACT)
    asks(session, two, now, fact=FACT)
    assert trends.spikes(session, now) == []


def test_an_open_case_spikes_too_and_a_settled_one_no_more(session: Session, now: datetime) -> None:
    opened = [
        case_of(session, asks(session, chat, now), now) for chat in street(session, now, 1, 2, 3)
    ]
    (found,) = trends.spikes(session, now)
    assert (found.subject, found.id) == (Subject.CASE, opened[0].id)
    opened[0].settled_at = now
    session.flush()
    assert trends.spikes(session, now) == []


def test_what_was_asked_before_the_window_is_over(session: Session, now: datetime) -> None:
    for chat in street(session, now, 1, 2, 3):
        asks(session, chat, now - 3 * HOUR, fact=FACT)
    assert trends.spikes(session, now) == []


def test_what_is_asked_about_all_the_time_is_no_spike(session: Session, now: datetime) -> None:
    chats = street(session, now, 1, 2, 3)
    for step in range(24):
        for chat in chats:
            asks(session, chat, now - step * 2 * HOUR, fact=FACT)
    assert trends.spikes(session, now) == []
    for chat in street(session, now, 4, 5, 6, 7, 8, 9, 10, 11):
        asks(session, chat, now, fact=FACT)
    assert [found.askers for found in trends.spikes(session, now)] == [11]


def test_many_buildings_are_a_spike_where_many_askers_are_usual(
    session: Session, now: datetime
) -> None:
    usual = [resident(session, 1, 101 + number, now) for number in range(8)]
    for step in range(1, 24):
        for chat in usual:
            asks(session, chat, now - step * 2 * HOUR, fact=FACT)
    for chat in street(session, now, 2, 3, 4, 5, 6, 7, 8, 9):
        asks(session, chat, now, fact=FACT)
    # other matters are asked about less, so that eight is much for none but this one
    for matter in range(40):
        asks(session, usual[matter % 8], now - DAY, fact=uuid.uuid4())
    (found,) = trends.spikes(session, now)
    assert len(found.buildings) == 8


@pytest.mark.parametrize(
    ("usual", "least"), [(0.0, 1), (0.1, 3), (0.5, 5), (3.0, 11), (100.0, 133)]
)
def test_the_bound_is_the_least_count_that_is_rare(usual: float, least: int) -> None:
    assert trends.bound(usual, 0.001) == least


def test_what_is_usual_is_counted_once_an_hour(session: Session, now: datetime) -> None:
    usual = trends.Usual()
    for moment in (now, now + HOUR / 2, now + HOUR):
        for chat in (
            resident(session, 3, int(moment.timestamp()) % 9000 + room, now) for room in (1, 2, 3)
        ):
            asks(session, chat, moment, fact=FACT)
        trends.spikes(session, moment, usual=usual)
        assert usual.at == (now if moment < now + HOUR else moment)


def test_one_person_with_two_numbers_is_one(session: Session, now: datetime) -> None:
    one, two = street(session, now, 3, 5)
    owner = session.get_one(Address, (stores.community(session), one)).owner_id
    also = people.add_address(session, OwnerKind.RESIDENT, owner, Kind.SMS, "+8613800000009", now)
    for chat in (one, two, also):
        asks(session, chat, now, fact=FACT)
    assert trends.spikes(session, now) == []


def waiting(session: Session, now: datetime, *buildings: int) -> None:
    """Let one resident more of each building ask about the same open case."""
    for chat in street(session, now, *buildings):
        case_of(session, asks(session, chat, now), now)


def test_staff_are_paged_once_with_who_asks_where_and_what(session: Session, now: datetime) -> None:
    waiting(session, now, 3, 4, 5)
    (text,) = pages(session, now)
    assert all(part in text for part in ("3位居民", "3号楼、4号楼、5号楼", "水厂怎么了"))
    assert len(pages(session, now)) == 1
    assert [one.kind for one in task.waiting(session)] == [TaskKind.TREND]


def test_staff_are_paged_again_when_it_has_doubled(session: Session, now: datetime) -> None:
    waiting(session, now, 3, 3, 3)
    assert len(pages(session, now)) == 1
    for chat in [resident(session, 3, room, now) for room in (201, 202)]:
        case_of(session, asks(session, chat, now), now)
    assert len(pages(session, now)) == 1
    case_of(session, asks(session, resident(session, 3, 203, now), now), now)
    assert len(pages(session, now)) == 2
    assert "6位居民" in pages(session, now)[1]


def test_staff_are_paged_again_when_another_building_joins(session: Session, now: datetime) -> None:
    waiting(session, now, 3, 3, 3)
    assert len(pages(session, now)) == 1
    case_of(session, asks(session, resident(session, 8, 101, now), now), now)
    assert [len(pages(session, now)) for _ in range(2)] == [2, 2]


def test_a_new_spike_on_another_day_is_paged_anew(session: Session, now: datetime) -> None:
    chats = [resident(session, 3, room, now) for room in (101, 102, 103, 104)]
    for chat in chats:
        case_of(session, asks(session, chat, now), now)
    assert len(pages(session, now)) == 1
    later = now + 26 * HOUR
    for chat in chats:
        case_of(session, asks(session, chat, later), later)
    assert len(trends.watch(session, later)) == 1
