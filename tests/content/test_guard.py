"""The loop guard: so much by itself in an hour, and never a cry for help unanswered."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from content import guard
from content.event import Event
from content.guard import Pass
from content.message import Kind
from content.store import Store

SOMEBODY, ANOTHER = uuid.uuid4(), uuid.uuid4()


class Talk:
    """What the guard lets through, minute by minute."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.store = store
        self.now = now

    def says(
        self,
        minute: float,
        what: str = "question",
        *,
        to: uuid.UUID = SOMEBODY,
        urgent: bool = False,
    ) -> Pass:
        at = self.now + timedelta(minutes=minute)
        with self.store.begin() as session:
            return guard.given(session, to, what, at, 3, urgent=urgent)

    def closed(self) -> int:
        with self.store.read() as session:
            kinds = session.scalars(select(Event.kind).where(Event.subject_id == SOMEBODY))
            return list(kinds).count("answer.guarded")


@pytest.fixture
def talk(store: Store, now: datetime) -> Talk:
    return Talk(store, now)


def test_the_last_answer_within_the_hour_is_known_to_be_the_last(talk: Talk) -> None:
    assert [talk.says(0) for _ in range(5)] == [Pass.SAY, Pass.SAY, Pass.LAST, Pass.REST, Pass.REST]


def test_staff_can_see_that_the_guard_has_closed(talk: Talk) -> None:
    for _ in range(5):
        talk.says(0)
    assert talk.closed() == 1


def test_the_hour_glides(talk: Talk) -> None:
    for minute in (0, 20, 40):
        talk.says(minute)
    assert [talk.says(minute) for minute in (59, 61, 62)] == [Pass.REST, Pass.LAST, Pass.REST]


def test_what_was_not_said_does_not_count(talk: Talk) -> None:
    for minute in range(60):
        talk.says(minute)
    assert talk.says(62) is Pass.SAY


def test_one_robot_does_not_silence_us_for_others(talk: Talk) -> None:
    for _ in range(5):
        talk.says(0)
    assert talk.says(0, to=ANOTHER) is Pass.SAY


def test_beyond_the_guard_the_same_advice_is_given_again_after_five_minutes(talk: Talk) -> None:
    for _ in range(3):
        talk.says(0)
    minutes = (0, 1, 4, 5, 6, 11)
    passed = [talk.says(minute, "emergency.fire", urgent=True) for minute in minutes]
    assert passed == [Pass.SAY, Pass.REST, Pass.REST, Pass.SAY, Pass.REST, Pass.SAY]
    assert talk.says(11, "emergency.gas", urgent=True) is Pass.SAY


def test_what_is_urgent_is_never_the_sentence_that_says_goodbye(talk: Talk) -> None:
    assert {talk.says(0, "confirm.help", urgent=True) for _ in range(3)} == {Pass.SAY}


def test_a_stranger_is_told_apart_by_a_hash_that_fits_no_address(store: Store) -> None:
    with store.begin() as session:
        mine = guard.stranger(session, Kind.CHAT, "1999")
        assert mine == guard.stranger(session, Kind.CHAT, "1999")
        assert mine != guard.stranger(session, Kind.SMS, "1999")
