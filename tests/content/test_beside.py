"""Contacts are told after the resident could not be reached, or together with them."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from channels import sweep
from content import (
    aftermath,
    claim,
    closing,
    compose,
    confirmation,
    coverage,
    expansion,
    missed,
    outcome,
    store,
)
from content.alert import Severity
from content.claim import Job
from content.confirmation import Act
from content.confirmation_bulk import Acted, by_refs
from content.delivery import AttemptState, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeState
from content.people import Contact, Need, Told
from content.reason import Reason
from content.task import Task
from tests.content import outbox
from tests.content.outbox import CALL, SOMEBODY

GRANDMOTHER, DAUGHTER = "+862100000001", "+8613900000001"


def _family(session: Session, now: datetime, **other: object) -> tuple[uuid.UUID, uuid.UUID]:
    """王奶奶, and her daughter, who is told together with her."""
    who = outbox.resident(
        session, now, "王奶奶", landlines=[GRANDMOTHER], needs=[Need.ELDERLY], **other
    )
    contact = outbox.contact(session, who, DAUGHTER, now)
    session.get_one(Contact, (store.community(session), contact)).told = Told.WITH
    session.flush()
    return who, contact


def _told(
    session: Session, now: datetime, severity: Severity = Severity.SEVERE
) -> tuple[Notice, uuid.UUID, dict[str, Job]]:
    who, _ = _family(session, now)
    made = outbox.tell(session, now, severity)
    jobs = {job.to: job for job in outbox.take(session, now, CALL)}
    for job in jobs.values():
        outcome.accepted(session, job.ref, f"CA{job.to}", now)
    return made, who, jobs


def test_a_contact_is_told_together_with_the_resident(session: Session, now: datetime) -> None:
    _, _, jobs = _told(session, now)
    assert set(jobs) == {GRANDMOTHER, DAUGHTER}
    speech = compose.message(session, compose.reader(jobs[DAUGHTER])).speech
    assert speech is not None
    assert speech.sentences[:2] == ("您是王奶奶的紧急联系人。", "我们也在通知王奶奶本人。")


def test_what_is_said_to_them_is_the_same_whenever_it_is_asked_for(
    session: Session, now: datetime
) -> None:
    _, _, jobs = _told(session, now)
    asked = claim.job(session, jobs[DAUGHTER].ref)
    assert asked is not None
    assert compose.reader(asked) == compose.reader(jobs[DAUGHTER])


def test_a_contact_who_is_told_afterwards_waits_for_their_step(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, landlines=[GRANDMOTHER], needs=[Need.ELDERLY])
    outbox.contact(session, who, DAUGHTER, now)
    outbox.tell(session, now)
    assert [job.to for job in outbox.take(session, now, CALL)] == [GRANDMOTHER]


@pytest.mark.parametrize("many", [False, True], ids=["one", "together"])
def test_their_key_1_passes_it_on_and_ends_the_ladder_of_the_resident(
    session: Session, now: datetime, *, many: bool
) -> None:
    made, who, jobs = _told(session, now)
    if many:
        by_refs(session, [Acted(jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now)])
    else:
        confirmation.by_ref(session, jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now)
    session.flush()
    row = outbox.delivery(session, made, who)
    assert (row.state, row.reason) == (DeliveryState.PASSED_ON, Reason.PASSED_ON)
    assert sweep.superfluous(session)
    assert outbox.take(session, now + timedelta(hours=1), CALL) == []


def test_for_what_is_extreme_the_door_remains(session: Session, now: datetime) -> None:
    made, who, jobs = _told(session, now, Severity.EXTREME)
    confirmation.by_ref(session, jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now)
    outbox.route(session, now)
    row = outbox.delivery(session, made, who)
    assert (row.state, row.reason) == (DeliveryState.DOOR, Reason.PASSED_ON)


def test_their_key_3_opens_a_task_for_the_resident(session: Session, now: datetime) -> None:
    _, who, jobs = _told(session, now)
    confirmation.by_ref(session, jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now, help_=True)
    session.flush()
    (opened,) = session.query(Task).all()
    assert opened.resident_id == who


def test_their_reply_names_no_notice_and_passes_on_all_the_same(
    session: Session, now: datetime
) -> None:
    made, who, _ = _told(session, now)
    confirmation.by_address(session, Kind.CALL, DAUGHTER, Act.REPLY, SOMEBODY, now)
    assert outbox.delivery(session, made, who).state is DeliveryState.PASSED_ON


def test_they_can_call_back_when_their_own_try_is_long_over(
    session: Session, now: datetime
) -> None:
    made, who, jobs = _told(session, now)
    outcome.receipt(session, jobs[DAUGHTER].ref, AttemptState.FAILED, now, reason=Reason.NO_ANSWER)
    later = now + timedelta(minutes=6)
    outbox.route(session, later)
    (ref,) = missed.refs(session, DAUGHTER)
    confirmation.by_ref(session, ref, Act.CALL_BACK, SOMEBODY, later)
    assert outbox.delivery(session, made, who).state is DeliveryState.PASSED_ON


def test_the_residents_own_key_confirms_for_them_alone(session: Session, now: datetime) -> None:
    made, who, jobs = _told(session, now)
    confirmation.by_ref(session, jobs[GRANDMOTHER].ref, Act.KEY, SOMEBODY, now)
    assert outbox.delivery(session, made, who).state is DeliveryState.CONFIRMED
    again = confirmation.by_ref(session, jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now)
    assert again is not None
    assert again.again
    states = {row.state for row in session.query(Delivery).all()}
    assert states == {DeliveryState.CONFIRMED, DeliveryState.PASSED_ON}


def test_a_contact_who_was_told_counts_as_nobody_reached(session: Session, now: datetime) -> None:
    made, _, jobs = _told(session, now)
    outcome.receipt(session, jobs[DAUGHTER].ref, AttemptState.ANSWERED, now)
    session.flush()
    live = coverage.live(session, made.id, now)
    assert (live.expected, live.total.residents, live.total.reached) == (1, 1, 0)
    (kind,) = live.kinds
    assert (kind.contacted, coverage.started(session, made.id)) == (1, 1)
    assert coverage.counts(session, made.id) == {DeliveryState.OPEN: 1}


def test_their_wrong_number_is_named_as_theirs(session: Session, now: datetime) -> None:
    made, _, jobs = _told(session, now)
    outcome.receipt(
        session, jobs[DAUGHTER].ref, AttemptState.FAILED, now, reason=Reason.NUMBER_INVALID
    )
    session.flush()
    (wrong,) = aftermath.wrong(session, [made.id])
    assert (wrong.name, wrong.contact) == ("王奶奶", "王强")


def test_a_short_expansion_is_known_although_contacts_are_told_too(
    session: Session, now: datetime
) -> None:
    made, who, _ = _told(session, now)
    session.delete(outbox.delivery(session, made, who))
    session.flush()
    assert expansion.short(session, now) == [made.id]
    expansion.restart(session, made.id)
    expansion.expand(session, made, now)
    assert outbox.delivery(session, made, who).state is DeliveryState.OPEN


def test_one_call_tells_the_contact_of_two(session: Session, now: datetime) -> None:
    _family(session, now)
    other = outbox.resident(session, now, "李爷爷", room="3-2-502")
    contact = outbox.contact(session, other, DAUGHTER, now)
    session.get_one(Contact, (store.community(session), contact)).told = Told.WITH
    made = outbox.tell(session, now)
    jobs = {job.to: job for job in outbox.take(session, now, CALL)}
    assert set(jobs[DAUGHTER].names) == {"王奶奶", "李爷爷"}
    confirmation.by_ref(session, jobs[DAUGHTER].ref, Act.KEY, SOMEBODY, now)
    assert outbox.delivery(session, made, other).state is DeliveryState.PASSED_ON


def _cancelled(session: Session, made: Notice, now: datetime) -> set[str]:
    """The numbers that are called to say that it is over."""
    closing.supersede(session, made.alert_id, NoticeState.CANCELLED, now)
    outbox.tell(session, now, audience=None, touched=made.alert_id, alert_id=made.alert_id)
    return {job.to for job in outbox.take(session, now, CALL)}


@pytest.mark.parametrize("tried", [GRANDMOTHER, DAUGHTER])
def test_a_cancellation_goes_to_whichever_of_the_two_was_tried(
    session: Session, now: datetime, tried: str
) -> None:
    who, contact = _family(session, now)
    made = outbox.tell(session, now, alert_id=outbox.alert(session, now))
    other = who if tried == DAUGHTER else contact
    outbox.delivery(session, made, other).next_at = now + timedelta(minutes=5)
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    told = _cancelled(session, made, now)
    assert tried in told
    assert DAUGHTER not in told or tried == DAUGHTER


def test_a_contact_who_was_called_in_the_residents_place_hears_that_it_is_over(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, needs=[Need.ELDERLY])
    outbox.contact(session, who, DAUGHTER, now)
    made = outbox.tell(session, now, alert_id=outbox.alert(session, now))
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    assert job.to == DAUGHTER
    assert DAUGHTER in _cancelled(session, made, now)


def test_whoever_reached_themselves_their_contact_is_told_no_cancellation(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, landlines=[GRANDMOTHER], needs=[Need.ELDERLY])
    outbox.contact(session, who, DAUGHTER, now)
    made = outbox.tell(session, now, alert_id=outbox.alert(session, now))
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    assert _cancelled(session, made, now) == {GRANDMOTHER}
