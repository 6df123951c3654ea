import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import task
from content.event import HOUSE, Actor, Door, Event
from content.store import Store
from content.task import TaskError, TaskKind

ANNA, BEN = (Actor(Door.CHAT, uuid.uuid4()) for _ in range(2))


def test_a_second_cry_for_help_is_the_same_task(store: Store, now: datetime) -> None:
    who = uuid.uuid4()
    with store.begin() as session:
        first = task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who, note="摔倒了")
        for note in ("请回电", "摔倒了"):
            second = task.add(
                session, TaskKind.HELP, HOUSE, now, resident_id=who, urgent=True, note=note
            )
        assert first is second
        assert (second.urgent, second.note) == (True, "摔倒了\n请回电")
        assert second.due_at == now + timedelta(minutes=10)


def test_a_number_that_a_second_cry_names_is_not_lost(store: Store, now: datetime) -> None:
    who = uuid.uuid4()
    with store.begin() as session:
        first = task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who)
        for _ in range(2):
            task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who, note="请回电138。")
        assert first.note == "请回电138。"


def test_after_it_is_done_a_new_cry_is_a_new_task(store: Store, now: datetime) -> None:
    who = uuid.uuid4()
    with store.begin() as session:
        first = task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who)
        task.done(session, first.id, "helped", ANNA, now)
        assert task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who) is not first


def test_a_task_is_taken_by_one_person(store: Store, now: datetime) -> None:
    with store.begin() as session:
        opened = task.add(session, TaskKind.SERVICE, HOUSE, now)
        task.take(session, opened.id, ANNA, now)
        assert task.take(session, opened.id, ANNA, now).taken_by == ANNA.id
        with pytest.raises(TaskError, match="colleague"):
            task.take(session, opened.id, BEN, now)


def test_a_task_that_is_done_cannot_be_taken(store: Store, now: datetime) -> None:
    with store.begin() as session:
        opened = task.add(session, TaskKind.SERVICE, HOUSE, now)
        task.done(session, opened.id, "helped", ANNA, now)
        with pytest.raises(TaskError, match="done already"):
            task.take(session, opened.id, BEN, now)


def test_overdue_is_what_nobody_took_in_time(store: Store, now: datetime) -> None:
    with store.begin() as session:
        left = task.add(session, TaskKind.EMERGENCY, HOUSE, now)
        taken = task.add(session, TaskKind.EMERGENCY, HOUSE, now)
        task.add(session, TaskKind.SERVICE, HOUSE, now)
        task.take(session, taken.id, ANNA, now)
        assert task.overdue(session, now + timedelta(minutes=5)) == [left]
        assert task.overdue(session, now + timedelta(minutes=4)) == []


def test_the_urgent_wait_first(store: Store, now: datetime) -> None:
    with store.begin() as session:
        task.add(session, TaskKind.SERVICE, HOUSE, now)
        urgent = task.add(session, TaskKind.EMERGENCY, HOUSE, now + timedelta(minutes=1))
        assert task.waiting(session)[0] is urgent


def test_a_note_loses_identity_numbers_and_no_event_holds_it(store: Store, now: datetime) -> None:
    with store.begin() as session:
        note = "我摔倒了，身份证11010519491231002X"
        opened = task.add(session, TaskKind.HELP, HOUSE, now, note=note)
        assert opened.note == "我摔倒了，身份证***"
        assert not any("摔倒" in str(kept.data) for kept in session.scalars(select(Event)))


def test_an_unknown_task_is_a_sentence(store: Store, now: datetime) -> None:
    with store.begin() as session, pytest.raises(TaskError, match="no such task"):
        task.done(session, uuid.uuid4(), "helped", ANNA, now)


class TestLate:
    """Somebody who waits for help is not forgotten: staff are told again, ever more seldom."""

    def _told(self, session: Session, start: datetime) -> list[int]:
        minutes = range(0, 200, 5)
        return [at for at in minutes if task.late(session, start + timedelta(minutes=at))]

    def test_help_that_nobody_takes_is_told_of_again_and_again(
        self, store: Store, now: datetime
    ) -> None:
        with store.begin() as session:
            task.add(session, TaskKind.HELP, HOUSE, now, urgent=True)
            assert self._told(session, now) == [10, 20, 40, 80, 160]

    def test_what_hurts_nobody_is_told_of_once(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            task.add(session, TaskKind.CASE, HOUSE, now - timedelta(hours=4))
            assert self._told(session, now) == [0]

    def test_help_that_was_taken_must_be_done_in_time(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            opened = task.add(session, TaskKind.HELP, HOUSE, now, urgent=True)
            task.take(session, opened.id, ANNA, now + timedelta(minutes=5))
            assert self._told(session, now) == [65, 125]
            task.done(session, opened.id, "helped", ANNA, now + timedelta(minutes=200))
            assert task.late(session, now + timedelta(days=1)) == []

    def test_only_what_slipped_may_be_taken_over(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            opened = task.add(session, TaskKind.HELP, HOUSE, now, urgent=True)
            task.take(session, opened.id, ANNA, now)
            later = now + timedelta(minutes=61)
            with pytest.raises(TaskError, match="colleague"):
                task.take(session, opened.id, BEN, later)
            ((_, why),) = task.late(session, later)
            assert why is task.Late.UNDONE
            assert task.take(session, opened.id, BEN, later).taken_by == BEN.id

    def test_the_hours_are_set_by_the_committee(self, store: Store, now: datetime) -> None:
        times = task.Times(timedelta(minutes=3), timedelta(minutes=7))
        with store.begin() as session:
            opened = task.add(session, TaskKind.HELP, HOUSE, now, urgent=True)
            task.take(session, opened.id, ANNA, now)
            assert task.late(session, now + timedelta(minutes=6), times) == []
            assert len(task.late(session, now + timedelta(minutes=7), times)) == 1


def test_under_an_update_it_is_still_the_same_cry(store: Store, now: datetime) -> None:
    who, first, second = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with store.begin() as session:
        one = task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who, notice_id=first)
        assert (
            task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who, notice_id=second) is one
        )
