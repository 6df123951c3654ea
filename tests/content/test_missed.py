"""Which alerts a caller has missed: the gravest first, and each once, however often it rang."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import confirmation, missed, outcome
from content.alert import Severity
from content.confirmation import Act
from content.delivery import AttemptState
from content.event import HOUSE
from content.people import Need
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL

LANDLINE = "+865718880001"


def _missed(session: Session, now: datetime, *severities: Severity) -> list[tuple[str, uuid.UUID]]:
    """Let a number miss a call about an alert of each severity; return refs and notices."""
    outbox.resident(session, now, landlines=[LANDLINE], needs=[Need.ELDERLY])
    found = []
    for turn, severity in enumerate(severities):
        at = now + timedelta(seconds=30 * turn)
        made = outbox.tell(session, at, severity)
        (job,) = outbox.take(session, at, CALL)
        outcome.receipt(session, job.ref, AttemptState.FAILED, at, reason=Reason.NO_ANSWER)
        found.append((job.ref, made.id))
    return found


def test_the_gravest_comes_first_and_of_two_the_newer(session: Session, now: datetime) -> None:
    severe, extreme, newer = _missed(
        session, now, Severity.SEVERE, Severity.EXTREME, Severity.SEVERE
    )
    order = [extreme, newer, severe]
    assert missed.refs(session, LANDLINE) == [ref for ref, _ in order]
    for at, (_, notice_id) in enumerate(order, 1):
        assert missed.refs(session, LANDLINE, notice_id) == [ref for ref, _ in order[at:]]


def test_one_that_is_confirmed_is_passed_over_and_its_place_is_known(
    session: Session, now: datetime
) -> None:
    first, second = _missed(session, now, Severity.EXTREME, Severity.SEVERE)
    confirmation.by_ref(session, first[0], Act.CALL_BACK, HOUSE, now)
    assert missed.refs(session, LANDLINE) == [second[0]]
    assert missed.refs(session, LANDLINE, first[1]) == [second[0]]
