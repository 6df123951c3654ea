import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Executable
from sqlalchemy.orm import Session

from content import bare, claim, confirmation, due, outcome, pace, people
from content.alert import Severity
from content.delivery import AttemptState, Delivery, DeliveryState
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeKind, NoticeState
from content.pace import Sender
from content.people import Address, Consent, Need, Resident
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

Spoil = Callable[[Session, Notice, uuid.UUID, datetime], object]


def _cancelled(_session: Session, made: Notice, _who: uuid.UUID, _now: datetime) -> None:
    made.state = NoticeState.CANCELLED


def _over(_session: Session, made: Notice, _who: uuid.UUID, now: datetime) -> None:
    made.expires_at = now


def _confirmed(session: Session, made: Notice, who: uuid.UUID, now: datetime) -> None:
    confirmation.at_door(session, made.id, who, SOMEBODY, now)


def _opted_out(session: Session, _made: Notice, _who: uuid.UUID, now: datetime) -> None:
    people.set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now)


def _not_due(session: Session, made: Notice, who: uuid.UUID, now: datetime) -> None:
    outbox.delivery(session, made, who).next_at = now + timedelta(seconds=1)


def _ended(session: Session, made: Notice, who: uuid.UUID, _now: datetime) -> None:
    outbox.delivery(session, made, who).state = DeliveryState.SUPERSEDED


def _without_address(session: Session, made: Notice, who: uuid.UUID, _now: datetime) -> None:
    key = (made.community_id, outbox.delivery(session, made, who).address_id)
    session.delete(session.get_one(Address, key))


@pytest.mark.parametrize(
    "spoil", [_cancelled, _over, _confirmed, _opted_out, _not_due, _ended, _without_address]
)
def test_what_changed_after_routing_is_seen_before_sending(
    session: Session, now: datetime, spoil: Spoil
) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    outbox.route(session, now)
    spoil(session, made, who, now)
    session.flush()
    assert claim.claim(session, CHAT, 10, now) == []
    assert outbox.attempts(session) == []


def test_a_claim_writes_its_intent_with_a_deadline(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    (attempt,) = outbox.attempts(session, who)
    assert (attempt.ref, attempt.state, attempt.closed_at) == (
        job.ref,
        AttemptState.ATTEMPTING,
        None,
    )
    assert attempt.deadline == now + timedelta(seconds=CHAT.timeout)
    assert len(attempt.ref) == 32
    row = outbox.delivery(session, made, who)
    assert (row.kind, row.tries) == (None, 1)
    assert row.next_at > attempt.deadline


def test_what_was_claimed_is_not_claimed_again(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    assert len(outbox.take(session, now, CHAT)) == 1
    assert outbox.take(session, now, CHAT) == []


def test_the_most_severe_notice_goes_first(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    mild = outbox.tell(session, now - timedelta(hours=1), Severity.MINOR)
    grave = outbox.tell(session, now, Severity.EXTREME)
    outbox.route(session, now)
    (first,) = claim.claim(session, CHAT, 1, now)
    outcome.accepted(session, first.ref, "1", now)
    (second,) = claim.claim(session, CHAT, 1, now)
    assert [first.notice_id, second.notice_id] == [grave.id, mild.id]


@pytest.mark.parametrize("need", [Need.ELDERLY, Need.BLIND, Need.MOBILITY, Need.LIVES_ALONE])
def test_the_vulnerable_go_first(session: Session, now: datetime, need: Need) -> None:
    outbox.resident(session, now, mobile="+8613800000001")
    frail = outbox.resident(session, now, mobile="+8613800000002", needs=[need])
    outbox.tell(session, now)
    outbox.route(session, now, [CALL])
    (job,) = claim.claim(session, CALL, 1, now)
    assert job.recipient_id == frail


def test_everybody_is_contacted_once_before_anybody_twice(session: Session, now: datetime) -> None:
    told = outbox.resident(session, now, chat="11", mobile="+8613800000001")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    later = now + timedelta(hours=1)
    untold = outbox.resident(session, now, mobile="+8613800000002")
    session.flush()
    outbox.expansion.restart(session, made.id)
    outbox.expansion.expand(session, made, later)
    outbox.route(session, later)
    order = [claim.claim(session, SMS, 1, later)[0].recipient_id for _ in range(2)]
    assert order == [untold, told]


def test_one_number_has_one_open_attempt(session: Session, now: datetime) -> None:
    outbox.resident(session, now, landlines=["+862100000001"], needs=[Need.ELDERLY])
    first, second = (outbox.tell(session, now).id for _ in range(2))
    heard = []
    for minute in range(2):
        (job,) = outbox.take(session, now + timedelta(seconds=minute), CALL)
        heard.append(job.notice_id)
        outcome.receipt(session, job.ref, AttemptState.COMPLETED, now)
    assert set(heard) == {first, second}


def test_who_has_several_notices_keeps_nobody_else_waiting(session: Session, now: datetime) -> None:
    for chat in ("11", "12"):
        outbox.resident(session, now, chat=chat)
    urgent = [outbox.tell(session, now).id for _ in range(2)]
    outbox.tell(session, now, Severity.MINOR)
    outbox.route(session, now)
    jobs = claim.claim(session, CHAT, 2, now)
    assert {job.to for job in jobs} == {"11", "12"}
    assert {job.notice_id for job in jobs} <= set(urgent)


def test_a_late_call_keeps_its_number_busy(session: Session, now: datetime) -> None:
    outbox.resident(session, now, landlines=["+862100000001"], needs=[Need.ELDERLY])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    for state in (AttemptState.ACCEPTED, AttemptState.RINGING, AttemptState.ANSWERED):
        outcome.receipt(session, job.ref, state, now)
    later = now + timedelta(hours=1)
    assert outbox.take(session, later, CALL) == []
    outcome.hang_up(session, job.ref, later)
    assert len(outbox.take(session, later, CALL)) == 1


def test_no_more_calls_than_lines(session: Session, now: datetime) -> None:
    two = Sender("twilio_voice", Kind.CALL, 1000.0, 2, 60)
    for at in range(5):
        outbox.resident(session, now, room=f"3-2-50{at}", landlines=[f"+86210000000{at}"])
    outbox.tell(session, now)
    first = outbox.take(session, now, two)
    assert len(first) == 2
    outcome.receipt(session, first[0].ref, AttemptState.COMPLETED, now)
    assert len(outbox.take(session, now, two)) == 1


@pytest.mark.parametrize("rate", [0.5, 1.0, 9.0])
def test_starts_keep_the_pace_of_the_sender(session: Session, now: datetime, rate: float) -> None:
    slow = Sender("telegram", Kind.CHAT, rate, None, 60)
    for at in range(24):
        outbox.resident(session, now, chat=str(1000 + at))
    outbox.tell(session, now)
    outbox.route(session, now)
    seconds, taken = 2, 0
    for tick in range(seconds * 10):
        taken += len(claim.claim(session, slow, 100, now + timedelta(seconds=tick / 10)))
    # what starts at the very beginning and within the last window comes on top
    assert rate * seconds <= taken <= rate * (seconds + pace.WINDOW) + 1


def test_an_idle_sender_saves_no_starts_up(session: Session, now: datetime) -> None:
    slow = Sender("telegram", Kind.CHAT, 4.0, None, 60)
    for at in range(9):
        outbox.resident(session, now, chat=str(1000 + at))
    outbox.tell(session, now)
    assert len(outbox.take(session, now, slow)) == 1
    assert len(outbox.take(session, now + timedelta(hours=1), slow)) == 1


def test_a_paused_sender_starts_nothing_until_the_pause_is_over(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    pace.pause(session, CHAT.name, now + timedelta(seconds=30))
    pace.pause(session, CHAT.name, now + timedelta(seconds=10))
    assert outbox.take(session, now + timedelta(seconds=29), CHAT) == []
    assert len(outbox.take(session, now + timedelta(seconds=30), CHAT)) == 1


def test_who_opted_out_is_still_answered_when_asking(session: Session, now: datetime) -> None:
    address = bare.address(session, Kind.CHAT, "77", now)
    people.set_consent(session, Kind.CHAT, "77", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    for kind in (NoticeKind.ANSWER, NoticeKind.CORRECTION):
        made = outbox.make(session, now, kind=kind, confirms=False)
        outbox.expansion.direct(session, made, [address], now)
    session.flush()
    kinds = [
        session.get_one(Notice, (made.community_id, job.notice_id)).kind
        for job in claim.claim(session, CHAT, 10, now)
    ]
    assert kinds == [NoticeKind.ANSWER]


def test_a_job_speaks_the_residents_language_to_their_contact(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, "Ann", written=Written.ENGLISH)
    session.get_one(Resident, (claim.store.community(session), who)).spoken = Spoken.ENGLISH
    outbox.contact(session, who, "+8613900000001", now)
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    assert (job.to, job.spoken, job.alone) == ("+8613900000001", Spoken.ENGLISH, "Ann")


def test_a_claim_of_one_community_leaves_the_other_alone(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    outbox.route(session, now)
    here = session.info["community_id"]
    session.info["community_id"] = uuid.uuid4()
    taken = claim.claim(session, CHAT, 10, now)
    session.info["community_id"] = here
    assert taken == []
    assert len(claim.claim(session, CHAT, 10, now)) == 1


def test_when_something_is_due_is_known_by_kind(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    assert due.next_due(session)[None] == now
    outbox.route(session, now)
    assert due.next_due(session) == {Kind.CHAT: now}
    assert claim.job(session, "0" * 32) is None


def test_a_reason_of_the_last_try_stays_with_the_attempt(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    outcome.failed(session, job.ref, Reason.BLOCKED, now, permanent=True)
    assert [one.reason for one in outbox.attempts(session, who)] == [Reason.BLOCKED]
    assert session.get(Delivery, (uuid.uuid4(), job.notice_id, who)) is None


@pytest.mark.parametrize(
    "query",
    [due._next_due(), due._priorities(routed=True), due._priorities(routed=False)],
    ids=["next", "claim", "route"],
)
def test_a_look_at_what_is_due_is_compiled_once(query: Executable) -> None:
    assert query._generate_cache_key() is not None


def test_a_claim_that_finds_nothing_writes_nothing(session: Session, now: datetime) -> None:
    claim.claim(session, CHAT, 10, now)
    session.flush()
    assert claim.claim(session, CHAT, 10, now + timedelta(hours=1)) == []
    assert not session.dirty


def test_a_job_shows_neither_its_number_nor_a_name(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="7001002003")
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    assert job.to == "7001002003"
    assert job.to not in repr(job)
