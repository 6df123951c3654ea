"""What an alert leaves behind, in a town of a few people whose figures are worked out by hand."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from content import aftermath, confirmation, coverage, curve, doorstep, outcome, store, task
from content.confirmation import Act
from content.delivery import AttemptState
from content.knock import Found
from content.message import Kind
from content.notice import Notice
from content.people import Resident
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY


@dataclass
class Town:
    """Chat confirms after 2 minutes, SMS is delivered after 1, a call is a machine, one has none."""

    session: Session
    now: datetime
    notice: Notice
    chat: UUID
    sms: UUID
    call: UUID
    nobody: UUID

    def at(self, minutes: float) -> datetime:
        return self.now + timedelta(minutes=minutes)


@pytest.fixture
def town(session: Session, now: datetime) -> Town:
    who = [
        outbox.resident(session, now, "李明", chat="11"),
        outbox.resident(session, now, "赵静", room="3-2-502", mobile="+8613800000001"),
        outbox.resident(session, now, "王奶奶", landlines=["+8657116881266"]),
        outbox.resident(session, now, "=SUM(1)"),
    ]
    made = outbox.tell(session, now)
    town = Town(session, now, made, *who)
    jobs = {job.recipient_id: job for job in outbox.take(session, now)}
    for job in jobs.values():
        outcome.accepted(session, job.ref, job.ref[:8], now)
    session.flush()
    for minutes, state in ((1, AttemptState.DELIVERED),):
        outcome.receipt(session, jobs[town.sms].ref, state, town.at(minutes))
    confirmation.by_ref(session, jobs[town.chat].ref, Act.BUTTON, SOMEBODY, town.at(2))
    call = jobs[town.call].ref
    outcome.receipt(session, call, AttemptState.ANSWERED, town.at(0.5), machine=True)
    outcome.receipt(session, call, AttemptState.COMPLETED, town.at(2))
    session.flush()
    return town


def test_a_curve_says_when_each_share_was_contacted_reached_and_settled(town: Town) -> None:
    total = curve.curves(town.session, town.notice.id).total
    assert {step: list(total.minutes[step]) for step in curve.STEPS} == {
        "contacted": [0.0, 0.0, 0.0],
        "reached": [1.0, 2.0],
        "confirmed": [2.0],
        # who cannot be told at all is on the door-knock list at once
        "settled": [0.0, 2.0],
    }
    assert total.all_until("settled") == {50: 2.0, 90: None, 100: None}
    assert (total.share("reached", 1.5), total.share("reached", 2.0)) == (0.25, 0.5)


def test_each_kind_has_its_own_curve_over_everybody(town: Town) -> None:
    kinds = {one.name: one for one in curve.curves(town.session, town.notice.id).kinds}
    assert list(kinds) == [Kind.CHAT, Kind.SMS, Kind.CALL]
    assert (kinds["chat"].people, list(kinds["chat"].minutes["confirmed"])) == (4, [2.0])
    assert list(kinds["sms"].minutes["reached"]) == [1.0]
    assert list(kinds["call"].minutes["reached"]) == []


def test_the_curves_end_where_the_live_figures_stand(town: Town) -> None:
    total = curve.curves(town.session, town.notice.id).total
    live = coverage.live(town.session, town.notice.id, town.at(3)).total
    assert [len(total.minutes[step]) for step in curve.STEPS] == [
        live.contacted,
        live.reached,
        live.confirmed,
        live.settled,
    ]


def test_failures_are_counted_by_kind_and_reason_in_tries_and_people(town: Town) -> None:
    (job,) = [j for j in outbox.take(town.session, town.at(10), CALL) if j.recipient_id == town.sms]
    outcome.failed(town.session, job.ref, Reason.NUMBER_INVALID, town.at(10), permanent=True)
    town.session.flush()
    found = aftermath.failures(town.session, [town.notice.id])
    assert {(one.kind, one.word, one.attempts, one.people) for one in found} == {
        (Kind.CALL, "reason.machine", 1, 1),
        (Kind.CALL, "reason.number_invalid", 1, 1),
    }


def test_a_wrong_number_is_listed_with_its_last_four_digits_only(town: Town) -> None:
    resident = town.session.get_one(Resident, (store.community(town.session), town.sms))
    resident.number = "17"
    (job,) = [j for j in outbox.take(town.session, town.at(10), CALL) if j.recipient_id == town.sms]
    outcome.failed(town.session, job.ref, Reason.NUMBER_INVALID, town.at(10), permanent=True)
    town.session.flush()
    (one,) = aftermath.wrong(town.session, [town.notice.id])
    assert (one.number, one.name, one.kind, one.ending) == ("17", "赵静", Kind.CALL, "0001")
    assert (one.reason, one.contact, one.tries) == (Reason.NUMBER_INVALID, "", 1)
    assert "赵静" not in repr(one)
    assert "0001" not in repr(one)


def test_a_contact_s_wrong_number_is_named_as_theirs(session: Session, now: datetime) -> None:
    outbox.contact(session, outbox.resident(session, now), "+8613900000009", now)
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    outcome.failed(session, job.ref, Reason.NUMBER_INVALID, now, permanent=True)
    session.flush()
    (one,) = aftermath.wrong(session, [made.id])
    assert (one.contact, one.ending) == ("王强", "0009")


def test_a_visit_says_why_and_what_came_of_it(town: Town) -> None:
    doorstep.press(town.session, town.notice.id, town.nobody, Found.AWAY, SOMEBODY, town.at(30))
    (one,) = aftermath.visits(town.session, town.notice.id)
    assert (one.name, one.outcome, one.at) == ("=SUM(1)", "away", town.at(30))
    assert (one.why, one.listed_at) == ((None, "reason.no_path"), town.now)
    doorstep.press(town.session, town.notice.id, town.nobody, Found.DONE, SOMEBODY, town.at(60))
    (one,) = aftermath.visits(town.session, town.notice.id)
    assert (one.outcome, one.at) == ("confirmed", town.at(60))


def test_help_is_told_with_who_took_it_and_when(town: Town) -> None:
    confirmation.at_door(
        town.session, town.notice.id, town.nobody, SOMEBODY, town.at(5), help_=True
    )
    (opened,) = task.waiting(town.session)
    task.take(town.session, opened.id, SOMEBODY, town.at(7))
    town.session.flush()
    (one,) = aftermath.helps(town.session, [town.notice.id])
    assert (one.opened_at, one.taken_at, one.done_at) == (town.at(5), town.at(7), None)


def test_calls_are_billed_by_the_begun_minute_and_sms_by_the_segment(town: Town) -> None:
    used = {
        one.kind: (one.taken, one.billed) for one in aftermath.units(town.session, [town.notice.id])
    }
    # the machine was on the line from 0:30 to 2:00
    assert used[Kind.CALL] == (1, 2)
    assert used[Kind.CHAT] == (1, 1)
    assert used[Kind.SMS][0] == 1
    assert used[Kind.SMS][1] >= 1


def test_the_first_contact_of_each_counts_for_its_sender(town: Town) -> None:
    outbox.take(town.session, town.at(60))
    found = aftermath.first_contacts(town.session, town.notice.id)
    assert [(sender, count, at) for sender, count, at in found] == [
        ("telegram", 1, town.now),
        ("twilio_sms", 1, town.now),
        ("twilio_voice", 1, town.now),
    ]


def test_whoever_was_told_again_without_knowing_is_counted(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    (first,) = outbox.take(session, now, CHAT)
    outcome.unknown(session, first.ref, now, repeat=True)
    session.flush()
    (second,) = outbox.take(session, now + timedelta(seconds=5), CHAT)
    outcome.accepted(session, second.ref, "2", now)
    session.flush()
    assert aftermath.twice(session, [made.id]) == {Kind.CHAT: 1}
    assert SMS.kind not in Counter(aftermath.twice(session, [made.id]))
