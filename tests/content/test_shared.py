"""A shared number rings once and tells everybody; other numbers of a home ring a minute apart."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from channels import sweep
from content import (
    claim,
    compose,
    confirmation,
    missed,
    outcome,
    outcome_bulk,
    people,
    shared,
    store,
)
from content.alert import Severity
from content.claim import Job
from content.confirmation import Act
from content.confirmation_bulk import Acted, by_refs
from content.delivery import AttemptState, DeliveryState
from content.message import Kind, Message
from content.notice import Notice
from content.outcome_bulk import Report
from content.pace import Sender
from content.people import Need, OwnerKind, Resident
from content.place import Place
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, SMS, SOMEBODY

LANDLINE = "+862100000001"
MOBILES = ("+8613800000001", "+8613800000002", "+8613800000003")
WAIT = timedelta(minutes=4)


def _couple(session: Session, now: datetime) -> tuple[uuid.UUID, uuid.UUID]:
    """王秀英 and 李建国, with one landline between them."""
    wife, husband = (
        outbox.resident(session, now, name, landlines=[LANDLINE], needs=[Need.ELDERLY])
        for name in ("王秀英", "李建国")
    )
    return wife, husband


def _called(session: Session, now: datetime) -> tuple[Job, Notice, tuple[uuid.UUID, uuid.UUID]]:
    couple = _couple(session, now)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    return job, made, couple


def _states(session: Session, made: Notice, who: tuple[uuid.UUID, ...]) -> list[DeliveryState]:
    return [outbox.delivery(session, made, one).state for one in who]


def _said(session: Session, job: Job) -> Message:
    return compose.message(session, compose.reader(job))


def test_a_shared_landline_rings_once_and_the_call_names_both(
    session: Session, now: datetime
) -> None:
    job, *_ = _called(session, now)
    speech = _said(session, job).speech
    assert speech is not None
    assert speech.opening.endswith("这个电话是打给王秀英和李建国的。")
    assert "几位都知道了请按一" in speech.prompt
    assert outbox.take(session, now + timedelta(seconds=30), CALL) == []


def test_what_a_call_says_names_them_whenever_it_is_asked_for(
    session: Session, now: datetime
) -> None:
    job, *_ = _called(session, now)
    asked = claim.job(session, job.ref)
    assert asked is not None
    assert asked.names == job.names == ("王秀英", "李建国")


def test_key_1_confirms_for_each_whom_the_call_has_named(session: Session, now: datetime) -> None:
    job, made, couple = _called(session, now)
    confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
    assert _states(session, made, couple) == [DeliveryState.CONFIRMED] * 2


def test_acts_that_are_written_together_confirm_for_each_too(
    session: Session, now: datetime
) -> None:
    job, made, couple = _called(session, now)
    by_refs(session, [Acted(job.ref, Act.KEY, SOMEBODY, now)])
    session.flush()
    assert _states(session, made, couple) == [DeliveryState.CONFIRMED] * 2


@pytest.mark.parametrize("many", [False, True], ids=["one", "together"])
def test_a_call_that_nobody_answers_is_a_try_for_each_of_them(
    session: Session, now: datetime, *, many: bool
) -> None:
    job, made, couple = _called(session, now)
    if many:
        told = [Report(job.ref, AttemptState.FAILED, now, "CA1", Reason.NO_ANSWER)]
        outcome_bulk.receipts(session, told)
    else:
        outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.NO_ANSWER)
    standing = [outbox.delivery(session, made, who) for who in couple]
    assert [(one.rung, one.tries) for one in standing] == [(0, 1)] * 2
    assert outbox.take(session, now + WAIT - timedelta(seconds=1), CALL) == []
    (again,) = outbox.take(session, now + WAIT, CALL)
    assert again.names == job.names


def test_a_number_that_does_not_exist_is_dialled_for_none_of_them_again(
    session: Session, now: datetime
) -> None:
    job, made, couple = _called(session, now)
    outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.NUMBER_INVALID)
    assert outbox.take(session, now + WAIT, CALL) == []
    assert _states(session, made, couple) == [DeliveryState.DOOR] * 2


@pytest.mark.parametrize("permanent", [True, False])
def test_a_call_that_the_provider_refuses_moves_both(
    session: Session, now: datetime, *, permanent: bool
) -> None:
    couple = _couple(session, now)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.failed(session, job.ref, Reason.PROVIDER_DOWN, now, permanent=permanent)
    tries = {outbox.delivery(session, made, who).tries for who in couple}
    assert len(tries) == 1
    assert tries != {1}


def test_a_call_under_way_holds_one_line(session: Session, now: datetime) -> None:
    job, *_ = _called(session, now)
    lines = Sender(CALL.name, Kind.CALL, 1.0, 5, 60)
    assert claim.free_lines(session, lines) == 4
    assert len(outbox.attempts(session)) == 2
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    assert claim.free_lines(session, lines) == 5


def test_a_call_is_needed_as_long_as_one_of_them_is(session: Session, now: datetime) -> None:
    wife, husband = _couple(session, now)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    confirmation.at_door(session, made.id, wife, SOMEBODY, now)
    session.flush()
    assert claim.needed(session, job)
    confirmation.at_door(session, made.id, husband, SOMEBODY, now)
    session.flush()
    assert not claim.needed(session, job)


def test_a_call_is_superfluous_when_all_of_them_have_confirmed(
    session: Session, now: datetime
) -> None:
    _, made, (wife, husband) = _called(session, now)
    confirmation.at_door(session, made.id, wife, SOMEBODY, now)
    session.flush()
    assert sweep.superfluous(session) == []
    confirmation.at_door(session, made.id, husband, SOMEBODY, now)
    session.flush()
    assert sweep.superfluous(session) == [(CALL.name, "CA1")]


def test_of_many_the_call_names_three_and_then_the_family(session: Session, now: datetime) -> None:
    for name in ("王秀英", "李建国", "李明", "李小明", "李小红"):
        outbox.resident(session, now, name, landlines=[LANDLINE])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    speech = _said(session, job).speech
    assert speech is not None
    assert speech.opening.endswith("这个电话是打给王秀英、李建国、李明和家人的。")
    assert len(outbox.attempts(session)) == 5


def test_who_lives_elsewhere_is_told_by_the_call_that_names_them(
    session: Session, now: datetime
) -> None:
    for at in range(5):
        outbox.resident(session, now, f"居民{at}", room=f"3-2-50{at}", landlines=[LANDLINE])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    (later,) = outbox.take(session, now + timedelta(seconds=1), CALL)
    assert (len(job.names), len(later.names)) == (3, 2)


def test_a_contact_of_two_hears_whose_contact_they_are(session: Session, now: datetime) -> None:
    for name in ("王秀英", "李建国"):
        who = outbox.resident(session, now, name)
        outbox.contact(session, who, "+8613900000001", now)
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    speech = _said(session, job).speech
    assert speech is not None
    assert speech.sentences[0] == "您是王秀英和李建国的紧急联系人。"


def test_who_is_sent_an_sms_is_not_named_in_the_call_of_another(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, "王秀英", landlines=[LANDLINE], needs=[Need.ELDERLY])
    outbox.resident(session, now, "李明", mobile=MOBILES[0], landlines=[LANDLINE])
    outbox.tell(session, now)
    jobs = outbox.take(session, now, CALL, SMS)
    assert [(job.kind, job.names) for job in jobs] == [(Kind.CALL, ()), (Kind.SMS, ())]


def test_a_call_that_tells_two_is_called_back_as_one(session: Session, now: datetime) -> None:
    job, *_ = _called(session, now)
    assert missed.refs(session, LANDLINE) == [job.ref]
    assert list(shared.along(session, job.ref))


def test_who_was_told_by_a_shared_call_can_call_back_from_a_phone_of_their_own(
    session: Session, now: datetime
) -> None:
    wife, husband = _couple(session, now)
    own = (OwnerKind.RESIDENT, husband, Kind.CALL, MOBILES[0])
    people.add_address(session, *own, now, rank=9)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.NO_ANSWER)
    (ref,) = missed.refs(session, MOBILES[0])
    asked = claim.job(session, ref)
    assert asked is not None
    assert asked.names == ()
    confirmation.by_ref(session, ref, Act.CALL_BACK, SOMEBODY, now)
    assert _states(session, made, (wife, husband)) == [DeliveryState.OPEN, DeliveryState.CONFIRMED]


def _at_home(session: Session, now: datetime, severity: Severity = Severity.SEVERE) -> None:
    for mobile in MOBILES:
        outbox.resident(session, now, mobile=mobile, needs=[Need.ELDERLY])
    outbox.resident(session, now, room="3-2-502", mobile="+8613800000009", needs=[Need.ELDERLY])
    outbox.tell(session, now, severity)


def test_two_members_of_one_home_are_not_called_in_the_same_minute(
    session: Session, now: datetime
) -> None:
    _at_home(session, now)
    heard = []
    for second in (0, 1, 59, 60, 61, 119, 120):
        jobs = outbox.take(session, now + timedelta(seconds=second), CALL)
        heard += [(second, MOBILES.index(job.to)) for job in jobs if job.to in MOBILES]
    assert heard == [(0, 0), (60, 1), (120, 2)]


def test_a_home_that_was_kept_waiting_is_called_a_minute_apart_all_the_same(
    session: Session, now: datetime
) -> None:
    _at_home(session, now)
    outbox.route(session, now)
    heard = []
    for second in (300, 301, 359, 360, 419, 420):
        jobs = outbox.take(session, now + timedelta(seconds=second), CALL)
        heard += [(second, MOBILES.index(job.to)) for job in jobs if job.to in MOBILES]
    assert heard == [(300, 0), (360, 1), (420, 2)]


def test_every_home_rings_once_before_any_rings_again(session: Session, now: datetime) -> None:
    _at_home(session, now)
    outbox.route(session, now)
    later = now + timedelta(minutes=10)
    order = [job.to for job in claim.claim(session, CALL, 2, later)]
    assert order == [MOBILES[0], "+8613800000009"]


def test_what_is_extreme_waits_for_no_minute(session: Session, now: datetime) -> None:
    _at_home(session, now, Severity.EXTREME)
    assert len(outbox.take(session, now, CALL)) == 4


def test_whoever_is_known_by_their_building_only_is_nobodys_housemate(
    session: Session, now: datetime
) -> None:
    for mobile in MOBILES:
        who = outbox.resident(session, now, mobile=mobile, needs=[Need.ELDERLY])
        home = session.get_one(Resident, (store.community(session), who))
        home.place_id = session.get_one(Place, (home.community_id, home.place_id)).parent_id
    session.flush()
    outbox.tell(session, now)
    assert len(outbox.take(session, now, CALL)) == 3
