"""When a link is tested, and what is kept of it."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import link
from content.reason import Reason

EVERY = timedelta(minutes=3)


def test_of_several_processes_one_tests_a_link(session: Session, now: datetime) -> None:
    assert link.take(session, ["sms", "telegram"], EVERY, now) == ["sms", "telegram"]
    assert link.take(session, ["sms", "telegram"], EVERY, now) == []
    assert link.take(session, ["sms"], EVERY, now + EVERY) == ["sms"]


def test_failures_in_a_row_are_counted_from_the_first(session: Session, now: datetime) -> None:
    for minute, reason in enumerate([None, Reason.TIMEOUT, Reason.PROVIDER_DOWN]):
        link.record(session, "sms", reason, now + timedelta(minutes=minute), milliseconds=12)
    (row,) = link.tests(session)
    assert (row.ok, row.failures, row.reason) == (False, 2, Reason.PROVIDER_DOWN)
    assert (row.since, row.tested_at) == (now + timedelta(minutes=1), now + timedelta(minutes=2))


def test_a_link_that_works_again_has_no_failures(session: Session, now: datetime) -> None:
    link.record(session, "sms", Reason.CREDENTIALS, now, code="20003")
    row = link.record(session, "sms", None, now + EVERY)
    assert (row.ok, row.failures, row.reason, row.code) == (True, 0, None, "")
    assert row.since == now + EVERY
