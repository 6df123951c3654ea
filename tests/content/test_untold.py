"""What is asked for by phone is told by phone: a call that nobody hears is made again."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import (
    bare,
    callback,
    confirmation,
    identity,
    inbound,
    outcome,
    outcome_bulk,
    pager,
    untold,
)
from content.alert import Severity
from content.confirmation import Act
from content.delivery import AttemptState, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice, NoticeKind
from content.outcome_bulk import Report
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import Task, TaskKind
from tests.content import outbox
from tests.content.outbox import CALL, SMS, SOMEBODY

S = AttemptState
NUMBER = "+8613800000001"
HERE = callback.Call("twilio_voice", "CA2")
NIGHT = timedelta(hours=12, minutes=50)
"""From a morning at nine to ten to ten in the evening."""


def asked(session: Session, now: datetime, kind: NoticeKind = NoticeKind.ANSWER) -> Notice:
    made = outbox.make(session, now, Severity.MINOR, kind=kind, confirms=False, hours=48)
    outbox.expansion.direct(session, made, [bare.address(session, Kind.CALL, NUMBER, now)], now)
    return made


def standing(session: Session, made: Notice) -> Delivery:
    who = bare.address(session, Kind.CALL, NUMBER, made.made_at)
    return outbox.delivery(session, made, who)


def rings(session: Session, now: datetime, *reports: Report) -> str:
    """Let the call that is due be taken, and report so of it; return its reference."""
    (job,) = outbox.take(session, now, CALL)
    outcome.accepted(session, job.ref, "CA1", now)
    outcome_bulk.receipts(
        session,
        [Report(job.ref, one.state, now, "CA1", one.reason, one.machine) for one in reports],
    )
    return job.ref


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BUSY = Report("", S.FAILED, LONG_AGO, reason=Reason.BUSY)
TALKS = Report("", S.ANSWERED, LONG_AGO)
ENDS = Report("", S.COMPLETED, LONG_AGO)
HINT = Report("", S.ANSWERED, LONG_AGO, machine=True)


@pytest.mark.parametrize("kind", untold.KINDS)
def test_a_call_is_told_when_it_was_heard_and_not_when_it_was_queued(
    session: Session, now: datetime, kind: NoticeKind
) -> None:
    made = asked(session, now, kind)
    ref = rings(session, now, TALKS)
    assert standing(session, made).state is DeliveryState.OPEN
    outcome_bulk.receipts(session, [Report(ref, S.COMPLETED, now)])
    row = standing(session, made)
    assert (row.state, row.reason) == (DeliveryState.DONE, Reason.HANDED_OVER)


@pytest.mark.parametrize("reports", [(BUSY,), (TALKS, HINT, ENDS), (TALKS, ENDS, HINT)])
def test_who_was_busy_or_had_a_machine_is_called_again_after_a_wait(
    session: Session, now: datetime, reports: tuple[Report, ...]
) -> None:
    made = asked(session, now)
    rings(session, now, *reports)
    assert outbox.take(session, now + timedelta(seconds=119), CALL) == []
    rings(session, now + timedelta(seconds=121), TALKS, ENDS)
    assert standing(session, made).state is DeliveryState.DONE


def test_after_the_last_try_staff_have_a_task_with_the_number(
    session: Session, now: datetime
) -> None:
    made, at = asked(session, now), now
    for wait in untold.WAITS:
        rings(session, at, BUSY)
        at += timedelta(seconds=wait + 1)
    outbox.route(session, at)
    row = standing(session, made)
    assert (row.state, row.reason, row.tries) == (DeliveryState.FAILED, Reason.BUSY, 4)
    (one,) = session.scalars(select(Task)).all()
    assert (one.kind, one.notice_id) == (TaskKind.SERVICE, made.id)
    assert "13800000001" in one.note.replace(" ", "")


def test_staff_are_called_to_such_a_task_like_to_any_other(session: Session, now: datetime) -> None:
    outbox.resident(session, now, mobile=NUMBER)
    made = asked(session, now)
    untold.give_staff(session, made.id, standing(session, made).recipient_id, now)
    (one,) = session.scalars(select(Task)).all()
    assert (one.resident_id is not None, one.place_id is not None) == (True, True)
    identity.add_staff(session, "主任", [Role.ADMIN], now)
    assert pager.call_out(session, now) == 1


def test_it_is_not_called_again_at_night(session: Session, now: datetime) -> None:
    asked(session, now)
    evening = now + NIGHT
    rings(session, evening - timedelta(minutes=21), BUSY)
    assert outbox.take(session, evening, CALL) == []
    assert outbox.take(session, now + timedelta(hours=21, minutes=59), CALL) == []
    assert len(outbox.take(session, now + timedelta(hours=22, minutes=1), CALL)) == 1


def test_what_would_be_over_by_then_is_given_to_staff_at_once(
    session: Session, now: datetime
) -> None:
    made = asked(session, now)
    rings(session, now, BUSY)
    made.expires_at = now + timedelta(hours=14)
    outbox.route(session, now + NIGHT)
    assert standing(session, made).state is DeliveryState.FAILED
    assert len(session.scalars(select(Task)).all()) == 1


def test_a_number_that_was_called_often_enough_rests(session: Session, now: datetime) -> None:
    made = asked(session, now)
    rings(session, now, BUSY)
    at, kinds = now + timedelta(minutes=3), frozenset({Kind.CALL})
    outbox.steps.route(session, outbox.LADDERS, kinds, outbox.ZONE, at, hourly=1)
    assert standing(session, made).next_at > at


def test_an_answer_by_sms_is_told_when_it_was_handed_over(session: Session, now: datetime) -> None:
    made = outbox.make(session, now, kind=NoticeKind.ANSWER, confirms=False)
    address = bare.address(session, Kind.SMS, NUMBER, now)
    outbox.expansion.direct(session, made, [address], now)
    (job,) = outbox.take(session, now, SMS)
    outcome.accepted(session, job.ref, "SM1", now)
    assert outbox.delivery(session, made, address).state is DeliveryState.DONE


@pytest.mark.parametrize("human", [True, False])
def test_every_order_of_the_same_receipts_ends_the_same(
    session: Session, now: datetime, human: bool
) -> None:
    """T3: doubled and shuffled, before our own commit and after it."""
    of = (TALKS, ENDS, TALKS if human else HINT, ENDS)
    ends = set()
    for order in permutations(("ours", *of)):
        with session.begin_nested() as point:
            made = asked(session, now)
            (job,) = outbox.take(session, now, CALL)
            for one in order:
                if isinstance(one, str):
                    outcome.accepted(session, job.ref, "CA1", now)
                else:
                    outcome.receipt(session, job.ref, one.state, now, machine=one.machine)
            row = standing(session, made)
            ends.add((row.state, row.reason, row.kind))
            point.rollback()
    state = (DeliveryState.DONE, Reason.HANDED_OVER) if human else (DeliveryState.OPEN, None)
    assert ends == {(*state, None)}


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))), ids=str)
def test_whoever_presses_a_key_is_no_machine(
    session: Session, now: datetime, order: tuple[int, ...]
) -> None:
    made = asked(session, now)
    ref = rings(session, now)
    acts = (
        lambda: confirmation.by_ref(session, ref, Act.KEY, SOMEBODY, now),
        lambda: outcome.receipt(session, ref, S.ANSWERED, now, machine=True),
        lambda: outcome.receipt(session, ref, S.COMPLETED, now),
    )
    for one in order:
        acts[one]()
    row = standing(session, made)
    assert (row.state, row.reason) == (DeliveryState.DONE, Reason.HANDED_OVER)


@pytest.mark.parametrize("late", [True, False])
def test_the_end_of_a_call_counts_whenever_it_is_told(
    session: Session, now: datetime, late: bool
) -> None:
    """A number that does not exist, says the network; and then somebody has listened all the same."""
    made = asked(session, now)
    gone = Report("", S.FAILED, now, reason=Reason.NUMBER_INVALID)
    ref = rings(session, now, gone)
    if late:
        outbox.route(session, now + timedelta(minutes=1))
        assert standing(session, made).state is DeliveryState.FAILED
    outcome.receipt(session, ref, S.COMPLETED, now)
    assert standing(session, made).state is DeliveryState.DONE
    assert [one.outcome for one in session.scalars(select(Task))] == (["told"] if late else [])


def test_who_calls_us_between_two_tries_hears_it_and_is_called_no_more(
    session: Session, now: datetime
) -> None:
    made = asked(session, now)
    rings(session, now, BUSY)
    later = now + timedelta(minutes=1)
    assert callback.due(session, NUMBER) == made.id
    callback.hold(session, NUMBER, later + timedelta(minutes=6))
    assert outbox.take(session, later + timedelta(minutes=5), CALL) == []
    callback.told(session, made.id, NUMBER, HERE, later)
    assert standing(session, made).state is DeliveryState.DONE


@pytest.mark.parametrize(
    ("asks_in_it", "state"), [(True, DeliveryState.DONE), (False, DeliveryState.OPEN)]
)
def test_what_a_caller_has_not_asked_in_their_call_is_told_to_the_number_all_the_same(
    session: Session, now: datetime, *, asks_in_it: bool, state: DeliveryState
) -> None:
    """The number of a caller can be forged: nobody loses an answer to who pretends to be them."""
    begun = now - timedelta(minutes=1) if asks_in_it else now + timedelta(minutes=1)
    made = asked(session, now)
    inbound.keep(session, "twilio_voice", "CA2:inbound", "inbound", {}, begun)
    inbound.keep(
        session, "twilio_voice", f"CA2:told:{made.id.hex}-0-cmn:cmn-start.0", "", {}, begun
    )
    later = now + timedelta(minutes=2)
    callback.told(session, made.id, NUMBER, HERE, later)
    assert standing(session, made).state is state
    # it is not told twice in one call
    assert callback.due(session, NUMBER, HERE) is None
    callback.hold(session, NUMBER, later)
    assert len(outbox.take(session, later, CALL)) == (0 if asks_in_it else 1)


def test_help_in_such_a_call_is_for_the_residents_of_the_number(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, mobile=NUMBER)
    (one,) = helped(session, now)
    assert (one.resident_id, one.kind, one.urgent) == (who, TaskKind.HELP, True)


def test_help_in_such_a_call_of_a_stranger_names_the_number(
    session: Session, now: datetime
) -> None:
    (one,) = helped(session, now)
    assert (one.resident_id, one.subject_id is not None) == (None, True)
    assert "13800000001" in one.note.replace(" ", "")


def test_help_in_such_a_call_of_a_contact_is_for_whom_they_stand(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, "李明")
    outbox.contact(session, who, NUMBER, now)
    (one,) = helped(session, now)
    assert one.resident_id == who
    assert "李明" in one.note
    assert "王强" in one.note


def helped(session: Session, now: datetime) -> list[Task]:
    """Press 3 twice in a call that tells an answer."""
    asked(session, now)
    ref = rings(session, now, TALKS)
    for _ in range(2):
        confirmation.by_ref(session, ref, Act.KEY, SOMEBODY, now, help_=True)
    return list(session.scalars(select(Task)))


def test_only_what_was_asked_for_is_waited_for() -> None:
    assert untold.wait(NoticeKind.PAGE, Kind.CALL) == 0
    assert not untold.waits(OwnerKind.STAFF, 120)
