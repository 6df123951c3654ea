from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import claim, often, outcome, people, routing, store, stray
from content.delivery import AttemptState
from content.message import Kind
from content.pace import Sender
from content.reason import Reason
from tests.content import outbox

NUMBER = "+862100000001"
TWICE = Sender("twilio_voice", Kind.CALL, 1000.0, timeout=60, hourly=2)


def _ring(session: Session, now: datetime, times: int) -> None:
    """Call the landline for so many notices, and let it ring in vain."""
    for _ in range(times):
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, TWICE)
        outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.NO_ANSWER)


def _tired(session: Session, now: datetime) -> set[str]:
    return often.called(session, [store.digest(session, NUMBER)], now, 2)


def test_a_number_rests_when_it_has_rung_often_within_an_hour(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, landlines=[NUMBER])
    _ring(session, now, 1)
    assert not _tired(session, now)
    _ring(session, now, 1)
    assert _tired(session, now)
    assert not _tired(session, now + timedelta(hours=1, seconds=1))


def test_a_call_that_no_provider_took_did_not_ring(session: Session, now: datetime) -> None:
    outbox.resident(session, now, landlines=[NUMBER])
    outbox.tell(session, now)
    for _ in range(3):
        (job,) = outbox.take(session, now, TWICE)
        outcome.throttled(session, job.ref, now, now)
    assert not _tired(session, now)


def test_who_waits_at_a_number_that_rests_goes_another_way(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, landlines=[NUMBER])
    _ring(session, now, 1)
    outbox.tell(session, now)
    outbox.route(session, now, [TWICE])
    _ring(session, now, 1)
    assert claim.claim(session, TWICE, 10, now) == []
    (found,) = stray.astray(session, now, hourly=2)
    assert stray.unroute(session, [found]) == 1
    later = now + timedelta(hours=1)
    (due,) = [one for one in routing.due(session, now, hourly=2) if one.notice_id == found[0]]
    assert due.rested == {one.id for one in people.addresses(session, [who])[who]}
    assert stray.astray(session, later, hourly=2) == []


def test_it_is_the_number_that_rests_whichever_sender_has_called_it(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, landlines=[NUMBER])
    _ring(session, now, 1)
    for _ in range(2):
        outbox.tell(session, now)
    outbox.route(session, now, [TWICE])
    other = replace(TWICE, name="sip_voice")
    (job,) = claim.claim(session, other, 10, now)
    outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.NO_ANSWER)
    assert claim.claim(session, other, 10, now) == []
