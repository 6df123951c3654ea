"""While somebody talks to us the ladder stands still; its wait begins when they hang up."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from content import outcome, outcome_bulk
from content.claim import Job
from content.delivery import AttemptState
from content.notice import Notice
from content.outcome_bulk import Report
from content.people import Need
from content.reason import Reason
from content.talk import LONGEST
from tests.content import outbox
from tests.content.outbox import CALL

WAIT = timedelta(minutes=4)
ANSWERED, COMPLETED, FAILED = AttemptState.ANSWERED, AttemptState.COMPLETED, AttemptState.FAILED


def _called(session: Session, now: datetime) -> tuple[Notice, uuid.UUID, Job]:
    who = outbox.resident(
        session, now, landlines=["+862100000001", "+862100000002"], needs=[Need.ELDERLY]
    )
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    return made, who, job


def _report(
    session: Session, job: Job, state: AttemptState, at: datetime, *, many: bool, **other: Reason
) -> None:
    if many:
        outcome_bulk.receipts(session, [Report(job.ref, state, at, "CA1", **other)])
    else:
        outcome.receipt(session, job.ref, state, at, **other)
    session.flush()


@pytest.mark.parametrize("many", [False, True], ids=["one", "together"])
def test_nobody_else_is_called_while_somebody_talks(
    session: Session, now: datetime, *, many: bool
) -> None:
    made, who, job = _called(session, now)
    _report(session, job, ANSWERED, now + timedelta(seconds=20), many=many)
    assert outbox.take(session, now + WAIT + timedelta(minutes=2), CALL) == []
    row = outbox.delivery(session, made, who)
    assert row.next_at == now + timedelta(seconds=20) + LONGEST


@pytest.mark.parametrize("many", [False, True], ids=["one", "together"])
def test_the_wait_begins_when_they_hang_up(session: Session, now: datetime, *, many: bool) -> None:
    made, who, job = _called(session, now)
    _report(session, job, ANSWERED, now + timedelta(seconds=20), many=many)
    _report(session, job, COMPLETED, now + timedelta(seconds=100), many=many)
    # told again, and late: nothing moves any more
    _report(session, job, COMPLETED, now + timedelta(seconds=300), many=many)
    row = outbox.delivery(session, made, who)
    assert row.next_at == now + timedelta(seconds=100) + WAIT


@pytest.mark.parametrize("many", [False, True], ids=["one", "together"])
def test_a_phone_that_nobody_picks_up_is_tried_again_after_the_wait_from_the_call_on(
    session: Session, now: datetime, *, many: bool
) -> None:
    made, who, job = _called(session, now)
    at = now + timedelta(seconds=42)
    _report(session, job, FAILED, at, many=many, reason=Reason.NO_ANSWER)
    assert outbox.delivery(session, made, who).next_at == now + WAIT


def test_an_old_call_holds_nothing_that_was_begun_since(session: Session, now: datetime) -> None:
    made, who, job = _called(session, now)
    outcome.receipt(session, job.ref, FAILED, now, reason=Reason.NO_ANSWER)
    (newer,) = outbox.take(session, now + WAIT, CALL)
    outcome.accepted(session, newer.ref, "CA2", now + WAIT)
    before = outbox.delivery(session, made, who).next_at
    outcome_bulk.receipts(session, [Report(job.ref, COMPLETED, now + WAIT, "CA1")])
    session.flush()
    assert outbox.delivery(session, made, who).next_at == before


def test_a_call_whose_end_nobody_reports_lets_the_ladder_go_on(
    session: Session, now: datetime
) -> None:
    made, who, job = _called(session, now)
    _report(session, job, ANSWERED, now + timedelta(seconds=20), many=False)
    swept = now + timedelta(minutes=3)
    outcome.hang_up(session, job.ref, swept)
    session.flush()
    row = outbox.delivery(session, made, who)
    session.refresh(row)
    assert row.next_at == swept + WAIT
