from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels import sweep
from content import closing, confirmation, due, outcome, people
from content.alert import Severity
from content.confirmation import Act
from content.delivery import AttemptState, Delivery, DeliveryState
from content.event import Event
from content.message import Kind
from content.notice import NoticeState
from content.people import Need, OwnerKind
from content.place import Community
from content.reason import Reason
from content.task import Task
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

HOME = "+862100000001"


@pytest.fixture
def one_for_all(session: Session) -> Community:
    """One member's confirmation stands for the household."""
    found = session.scalars(select(Community)).one()
    found.household_confirms = True
    return found


def _state(session: Session, made: object, who: object) -> tuple[DeliveryState, Reason | None]:
    row = outbox.delivery(session, made, who)
    return row.state, row.reason


@pytest.mark.parametrize("act", list(Act))
def test_each_human_act_confirms_with_its_own_reason(
    session: Session, now: datetime, act: Act
) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    done = confirmation.by_ref(session, job.ref, act, SOMEBODY, now)
    assert done.notices == (made.id,)
    assert _state(session, made, who) == (DeliveryState.CONFIRMED, act.reason)
    assert session.scalar(select(Event.subject_id).where(Event.kind == "delivery.confirmed")) == who


def test_an_act_counts_before_our_own_commit(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, landlines=[HOME], needs=[Need.ELDERLY])
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    assert _state(session, made, who) == (DeliveryState.CONFIRMED, Reason.CONFIRMED_KEY)


def test_a_reply_does_not_confirm_a_notice_that_never_arrived(
    session: Session, now: datetime
) -> None:
    number = "+8613800000001"
    who = outbox.resident(session, now, mobile=number)
    read, lost = outbox.tell(session, now), outbox.tell(session, now)
    for _ in range(2):
        (job,) = outbox.take(session, now, SMS)
        outcome.accepted(session, job.ref, f"SM{job.notice_id}", now)
        if job.notice_id == lost.id:
            outcome.receipt(session, job.ref, AttemptState.FAILED, now, reason=Reason.UNDELIVERED)
        session.flush()
    confirmation.by_address(session, Kind.SMS, number, Act.REPLY, SOMEBODY, now)
    assert _state(session, read, who)[0] is DeliveryState.CONFIRMED
    assert _state(session, lost, who)[0] is DeliveryState.OPEN


def test_a_confirmed_resident_is_not_tried_again(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11", mobile="+8613800000001")
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now)
    assert outbox.take(session, now + timedelta(hours=1)) == []


def test_an_unknown_reference_confirms_nothing(session: Session, now: datetime) -> None:
    assert confirmation.by_ref(session, "0" * 32, Act.BUTTON, SOMEBODY, now) is None


@pytest.mark.parametrize("ends", [NoticeState.SUPERSEDED, NoticeState.CANCELLED])
def test_an_act_on_an_ended_notice_is_late(
    session: Session, now: datetime, ends: NoticeState
) -> None:
    about = outbox.alert(session, now)
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now, alert_id=about)
    (job,) = outbox.take(session, now, CHAT)
    closing.supersede(session, about, ends, now)
    done = confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now)
    assert done.late
    assert _state(session, made, who)[0] is not DeliveryState.CONFIRMED


def test_a_second_press_changes_nothing(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now)
    again = confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now + timedelta(minutes=1))
    assert (again.notices, again.late) == ((), False)
    assert outbox.delivery(session, made, who).confirmed_at == now


def test_a_call_for_help_opens_one_task_however_often(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    for _ in range(3):
        confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now, help_=True)
    (task,) = session.scalars(select(Task))
    assert (task.resident_id, task.urgent) == (who, True)
    assert outbox.delivery(session, made, who).needs_help


class TestByAddress:
    """A reply names no notice: it stands for what was sent to that number."""

    def test_it_confirms_every_live_notice_sent_there(
        self, session: Session, now: datetime
    ) -> None:
        who = outbox.resident(session, now, mobile="+8613800000001")
        made = [outbox.tell(session, now) for _ in range(2)]
        for job in outbox.take(session, now, SMS):
            outcome.accepted(session, job.ref, "SM1", now)
        outbox.take(session, now, SMS)
        done = confirmation.by_address(
            session, Kind.SMS, "+8613800000001", Act.REPLY, SOMEBODY, now
        )
        assert set(done.notices) == {one.id for one in made}
        assert {_state(session, one, who)[0] for one in made} == {DeliveryState.CONFIRMED}

    def test_it_confirms_for_each_resident_whose_number_it_is(
        self, session: Session, now: datetime
    ) -> None:
        couple = [outbox.resident(session, now, mobile="+8613800000001") for _ in range(2)]
        made = outbox.tell(session, now)
        (job,) = outbox.take(session, now, SMS)
        outcome.accepted(session, job.ref, "SM1", now)
        confirmation.by_address(session, Kind.SMS, "+8613800000001", Act.REPLY, SOMEBODY, now)
        assert {_state(session, made, one)[0] for one in couple} == {DeliveryState.CONFIRMED}

    def test_another_number_confirms_nothing(self, session: Session, now: datetime) -> None:
        who = outbox.resident(session, now, mobile="+8613800000001")
        made = outbox.tell(session, now)
        outbox.take(session, now, SMS)
        for kind, value in ((Kind.SMS, "+8613800000002"), (Kind.CHAT, "+8613800000001")):
            confirmation.by_address(session, kind, value, Act.REPLY, SOMEBODY, now)
        assert _state(session, made, who) == (DeliveryState.OPEN, None)

    def test_what_was_not_sent_there_yet_stays_open(self, session: Session, now: datetime) -> None:
        who = outbox.resident(session, now, mobile="+8613800000001")
        made = outbox.tell(session, now)
        confirmation.by_address(session, Kind.SMS, "+8613800000001", Act.REPLY, SOMEBODY, now)
        assert _state(session, made, who) == (DeliveryState.OPEN, None)

    def test_ones_own_number_counts_before_being_somebodys_contact(
        self, session: Session, now: datetime
    ) -> None:
        who = outbox.resident(session, now, landlines=[HOME])
        outbox.contact(session, who, HOME, now)
        made = outbox.tell(session, now)
        for hours in range(4):
            for job in outbox.take(session, now + timedelta(hours=hours), CALL):
                outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
        owners = {one.address_id for one in outbox.attempts(session, who)}
        confirmation.by_address(session, Kind.CALL, HOME, Act.CALL_BACK, SOMEBODY, now)
        assert len(owners) == 2
        assert _state(session, made, who) == (
            DeliveryState.CONFIRMED,
            Reason.CONFIRMED_CALL_BACK,
        )


class TestContact:
    """A contact's key 1 is a promise to tell the resident."""

    def _promise(
        self, session: Session, now: datetime, severity: Severity, *needs: Need
    ) -> tuple[object, object]:
        who = outbox.resident(session, now, needs=needs)
        outbox.contact(session, who, "+8613900000001", now)
        made = outbox.tell(session, now, severity)
        (job,) = outbox.take(session, now, CALL)
        confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
        outbox.route(session, now)
        return made, who

    def test_it_ends_the_ladder_and_is_counted_apart(self, session: Session, now: datetime) -> None:
        made, who = self._promise(session, now, Severity.SEVERE)
        assert _state(session, made, who) == (DeliveryState.PASSED_ON, Reason.PASSED_ON)
        assert outbox.delivery(session, made, who).confirmed_at is None

    @pytest.mark.parametrize(
        ("severity", "needs"), [(Severity.EXTREME, ()), (Severity.MINOR, (Need.LIVES_ALONE,))]
    )
    def test_for_grave_alerts_and_who_lives_alone_the_door_remains(
        self, session: Session, now: datetime, severity: Severity, needs: tuple[Need, ...]
    ) -> None:
        made, who = self._promise(session, now, severity, *needs)
        assert _state(session, made, who) == (DeliveryState.DOOR, Reason.PASSED_ON)

    def test_the_resident_can_still_confirm(self, session: Session, now: datetime) -> None:
        made, who = self._promise(session, now, Severity.SEVERE)
        confirmation.at_door(session, made.id, who, SOMEBODY, now)
        assert _state(session, made, who) == (DeliveryState.CONFIRMED, Reason.CONFIRMED_DOOR)

    def test_a_promise_of_an_old_revision_is_confirmed_by_nobody_any_more(
        self, session: Session, now: datetime
    ) -> None:
        about = outbox.alert(session, now)
        who = outbox.resident(session, now)
        outbox.contact(session, who, "+8613900000001", now)
        made = outbox.tell(session, now, alert_id=about)
        (job,) = outbox.take(session, now, CALL)
        confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
        closing.supersede(session, about, NoticeState.SUPERSEDED, now)
        session.expire_all()
        assert confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now).late
        assert _state(session, made, who)[0] is DeliveryState.PASSED_ON

    def test_a_number_that_also_is_the_contacts_passes_on_for_the_other(
        self, session: Session, now: datetime
    ) -> None:
        made, who = self._promise(session, now, Severity.SEVERE)
        owner = people.owners(session, Kind.CALL, "+8613900000001")
        assert [one[0] for one in owner] == [OwnerKind.CONTACT]
        assert _state(session, made, who)[0] is not DeliveryState.CONFIRMED


class TestHousehold:
    """T4: one confirmation, household confirmation on."""

    def test_nobody_of_the_home_is_claimed_after_it(
        self, session: Session, now: datetime, one_for_all: Community
    ) -> None:
        family = [outbox.resident(session, now, landlines=[f"+86210000001{at}"]) for at in range(5)]
        neighbour = outbox.resident(session, now, room="3-2-502", landlines=["+862100000099"])
        made = outbox.tell(session, now)
        (job,) = outbox.take(session, now, CALL, permits=1)
        confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
        later = outbox.take(session, now + timedelta(hours=2), CALL)
        assert [one.recipient_id for one in later] == [neighbour]
        others = [_state(session, made, one) for one in family if one != job.recipient_id]
        assert set(others) == {(DeliveryState.CONFIRMED, Reason.CONFIRMED_HOUSEHOLD)}
        assert one_for_all.household_confirms

    def test_the_calls_of_the_others_are_superfluous(
        self, session: Session, now: datetime, one_for_all: Community
    ) -> None:
        for at in range(3):
            outbox.resident(session, now, landlines=[f"+86210000001{at}"])
        outbox.resident(session, now, room="3-2-502", landlines=["+862100000099"])
        outbox.tell(session, now, Severity.EXTREME)
        jobs = outbox.take(session, now, CALL)
        for job in jobs:
            outcome.accepted(session, job.ref, f"CA{job.to}", now)
        ringing, talking, pressed = (one for one in jobs if not one.to.endswith("99"))
        for answered in (talking, pressed):
            outcome.receipt(session, answered.ref, AttemptState.ANSWERED, now)
        confirmation.by_ref(session, pressed.ref, Act.KEY, SOMEBODY, now)
        session.flush()
        assert sweep.superfluous(session) == [("twilio_voice", f"CA{ringing.to}")]
        assert one_for_all.household_confirms

    def test_without_the_setting_each_confirms_alone(self, session: Session, now: datetime) -> None:
        for at in range(2):
            outbox.resident(session, now, landlines=[f"+86210000001{at}"])
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, CALL, permits=1)
        confirmation.by_ref(session, job.ref, Act.KEY, SOMEBODY, now)
        assert len(outbox.take(session, now + due.APART, CALL)) == 1


class TestDoor:
    def test_a_worker_confirms_at_the_door(self, session: Session, now: datetime) -> None:
        who = outbox.resident(session, now)
        made = outbox.tell(session, now)
        outbox.route(session, now)
        assert _state(session, made, who) == (DeliveryState.DOOR, Reason.NO_PATH)
        confirmation.at_door(session, made.id, who, SOMEBODY, now, help_=True)
        assert _state(session, made, who) == (DeliveryState.CONFIRMED, Reason.CONFIRMED_DOOR)
        assert session.scalar(select(Task.resident_id)) == who

    def test_nobody_is_confirmed_whom_it_was_not_for(self, session: Session, now: datetime) -> None:
        made = outbox.tell(session, now)
        stranger = outbox.resident(session, now)
        assert confirmation.at_door(session, made.id, stranger, SOMEBODY, now) is None
        assert session.scalars(select(Delivery)).all() == []
