from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import lease


def test_one_process_holds_a_duty_until_its_time_is_over(session: Session, now: datetime) -> None:
    assert lease.hold(session, "sweep", "a", now, 15)
    assert not lease.hold(session, "sweep", "b", now + timedelta(seconds=14), 15)
    assert lease.hold(session, "sweep", "b", now + timedelta(seconds=15), 15)
    assert not lease.hold(session, "sweep", "a", now + timedelta(seconds=16), 15)


def test_who_renews_in_time_keeps_the_duty(session: Session, now: datetime) -> None:
    for seconds in range(0, 60, 10):
        assert lease.hold(session, "sweep", "a", now + timedelta(seconds=seconds), 15)
    assert not lease.hold(session, "sweep", "b", now + timedelta(seconds=64), 15)


def test_a_duty_that_was_given_back_is_free_at_once(session: Session, now: datetime) -> None:
    lease.hold(session, "sweep", "a", now, 15)
    lease.drop(session, "sweep", "b")
    assert not lease.hold(session, "sweep", "b", now, 15)
    lease.drop(session, "sweep", "a")
    assert lease.hold(session, "sweep", "b", now, 15)


def test_duties_are_held_one_by_one(session: Session, now: datetime) -> None:
    assert lease.hold(session, "sweep", "a", now, 15)
    assert lease.hold(session, "poll:telegram", "b", now, 15)
