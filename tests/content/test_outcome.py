import itertools
import uuid
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from content import bare, event, outcome, pace, people, routing, stray
from content.alert import Severity
from content.claim import Job
from content.delivery import AttemptState, Delivery, DeliveryState, Receipt
from content.message import Kind
from content.notice import NoticeKind
from content.people import Consent, Need
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

S = AttemptState
SMS_STORY = ((S.ACCEPTED, None), (S.SENT, None), (S.DELIVERED, None))
SMS_FAILURE = ((S.ACCEPTED, None), (S.SENT, None), (S.FAILED, Reason.NUMBER_UNREACHABLE))
CALL_STORY = ((S.ACCEPTED, None), (S.RINGING, None), (S.ANSWERED, None), (S.COMPLETED, None))
OURS = ("ours", None)
"""Our own commit of the provider's answer, among the receipts."""


def _one(session: Session, now: datetime, sender: pace.Sender = CHAT, **who: object) -> Job:
    numbers = {"chat": "11", "mobile": "+8613800000001", "landlines": ["+862100000001"]}
    if sender is CALL:
        numbers = {"mobile": "+8613800000001", "landlines": ["+862100000001"]}
        who = {"needs": [Need.ELDERLY]} | who
    elif sender is SMS:
        numbers = {"mobile": "+8613800000001"}
    outbox.resident(session, now, **(numbers | who))
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, sender)
    return job


def _state(session: Session, ref: str) -> tuple[object, ...]:
    session.flush()
    one = outcome.by_ref(session, ref)
    return one.state, one.reason, one.machine, one.provider_id, one.closed_at is None


def _play(session: Session, ref: str, now: datetime, story: tuple[tuple[str, object], ...]) -> None:
    for state, reason in story:
        if state == "ours":
            outcome.accepted(session, ref, "SM1", now)
        else:
            outcome.receipt(session, ref, state, now, provider_id="SM1", reason=reason)
        session.flush()


class TestReceipts:
    """T3: whatever order news comes in, the attempt ends the same."""

    @pytest.mark.parametrize("story", [SMS_STORY, SMS_FAILURE], ids=["delivered", "failed"])
    def test_every_order_of_an_sms_ends_the_same(
        self, session: Session, now: datetime, story: tuple[tuple[S, Reason | None], ...]
    ) -> None:
        job, ends = _one(session, now, SMS), set()
        for order in itertools.permutations((OURS, *story)):
            with session.begin_nested() as point:
                _play(session, job.ref, now, order)
                ends.add(_state(session, job.ref))
                point.rollback()
            session.expire_all()
        assert ends == {(*story[-1], False, "SM1", False)}

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(order=st.permutations([OURS, *CALL_STORY, *CALL_STORY]))
    def test_every_order_of_a_doubled_call_ends_the_same(
        self, session: Session, now: datetime, order: list[tuple[str, None]]
    ) -> None:
        with session.begin_nested() as point:
            job = _one(session, now, CALL)
            _play(session, job.ref, now, tuple(order))
            end = _state(session, job.ref)
            point.rollback()
        assert end == (S.COMPLETED, None, False, "SM1", False)

    def test_a_final_state_never_goes_back(self, session: Session, now: datetime) -> None:
        job = _one(session, now, SMS)
        _play(session, job.ref, now, (*SMS_STORY, *SMS_FAILURE))
        assert _state(session, job.ref)[:2] == (S.DELIVERED, None)

    def test_a_failure_after_a_delivery_does_not_move_the_ladder(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, SMS)
        _play(session, job.ref, now, (OURS, *SMS_STORY))
        before = session.scalar(select(Delivery.next_at))
        _play(session, job.ref, now, SMS_FAILURE)
        assert session.scalar(select(Delivery.next_at)) == before > now

    def test_every_raw_receipt_is_kept(self, session: Session, now: datetime) -> None:
        job = _one(session, now, SMS)
        _play(session, job.ref, now, (*SMS_STORY, *SMS_STORY))
        assert session.scalar(select(func.count()).select_from(Receipt)) == 6

    def test_a_receipt_for_nobody_is_kept_and_harms_nothing(
        self, session: Session, now: datetime
    ) -> None:
        assert outcome.receipt(session, "0" * 32, S.DELIVERED, now) is False
        assert session.scalar(select(Receipt.ref)) == "0" * 32

    def test_a_machine_is_a_hint_that_stays(self, session: Session, now: datetime) -> None:
        job = _one(session, now, CALL)
        outcome.receipt(session, job.ref, S.ANSWERED, now, machine=True)
        outcome.receipt(session, job.ref, S.COMPLETED, now)
        assert _state(session, job.ref)[:3] == (S.COMPLETED, None, True)


@pytest.mark.parametrize("machine", [False, True])
def test_a_call_that_ends_without_a_key_confirms_nothing(
    session: Session, now: datetime, machine: bool
) -> None:
    job = _one(session, now, CALL)
    for state, _ in CALL_STORY:
        outcome.receipt(session, job.ref, state, now, machine=machine and state is S.ANSWERED)
    row = session.scalars(select(Delivery)).one()
    assert (row.state, row.confirmed_at) == (DeliveryState.OPEN, None)
    (again,) = outbox.take(session, now + timedelta(hours=1), CALL)
    assert again.recipient_id == job.recipient_id


class TestRefused:
    def test_a_permanent_failure_goes_on_at_once_and_is_remembered(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        outcome.failed(session, job.ref, Reason.BLOCKED, now, permanent=True)
        (following,) = outbox.take(session, now, CHAT, SMS, CALL)
        (failed,) = outcome.failures(session, [(job.notice_id, job.recipient_id)]).values()
        assert following.kind is Kind.SMS
        assert failed == {outbox.attempts(session)[0].address_id}

    def test_a_permanent_failure_spends_every_try_of_its_step(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CALL)
        outcome.failed(session, job.ref, Reason.CREDENTIALS, now, permanent=True)
        (following,) = outbox.take(session, now, CALL)
        assert following.to != job.to

    def test_another_number_takes_the_place_of_a_wrong_one(
        self, session: Session, now: datetime
    ) -> None:
        who = outbox.resident(session, now)
        for rank, number in enumerate(("+8613900000001", "+8613900000002")):
            outbox.contact(session, who, number, now, rank)
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, CALL)
        outcome.failed(session, job.ref, Reason.NUMBER_INVALID, now, permanent=True)
        (following,) = outbox.take(session, now, CALL)
        assert [job.to, following.to] == ["+8613900000001", "+8613900000002"]

    def test_a_transient_failure_waits_longer_each_time_and_then_goes_on(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        at, waits = now, []
        for _ in range(2):
            outcome.failed(session, job.ref, Reason.PROVIDER_DOWN, at, permanent=False)
            due = session.scalars(select(Delivery.next_at)).one()
            waits.append(due - at)
            at = due
            (job,) = outbox.take(session, at, CHAT)
        outcome.failed(session, job.ref, Reason.PROVIDER_DOWN, at, permanent=False)
        assert timedelta() < waits[0] < waits[1]
        assert [one.kind for one in outbox.take(session, at, CHAT, SMS)] == [Kind.SMS]

    def test_a_pause_asked_for_spends_no_try_and_slows_the_sender(
        self, session: Session, now: datetime
    ) -> None:
        job, at = _one(session, now, CHAT), now
        for _ in range(4):
            until = at + timedelta(seconds=7)
            outcome.throttled(session, job.ref, until, at)
            assert outbox.take(session, at, CHAT) == []
            at = until
            (job,) = outbox.take(session, at, CHAT)
        row = session.scalars(select(Delivery)).one()
        assert (job.kind, row.tries, row.rung) == (Kind.CHAT, 1, 0)

    def test_pauses_asked_for_do_not_count_as_failures(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        for _ in range(3):
            outcome.throttled(session, job.ref, now, now)
            (job,) = outbox.take(session, now, CHAT)
        outcome.failed(session, job.ref, Reason.PROVIDER_DOWN, now, permanent=False)
        assert outbox.take(session, now, CHAT, SMS) == []

    def test_a_minute_of_pauses_ends_the_step(self, session: Session, now: datetime) -> None:
        job = _one(session, now, CHAT)
        for seconds in (0, 20, 40):
            at = now + timedelta(seconds=seconds)
            outcome.throttled(session, job.ref, at, at)
            (job,) = outbox.take(session, at, CHAT)
        later = now + timedelta(seconds=61)
        outcome.throttled(session, job.ref, later, later)
        (following,) = outbox.take(session, later, CHAT, SMS)
        assert following.kind is Kind.SMS

    def test_a_failure_after_the_provider_took_it_changes_nothing(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, SMS)
        outcome.receipt(session, job.ref, S.SENT, now, provider_id="SM1")
        outcome.failed(session, job.ref, Reason.TIMEOUT, now, permanent=True)
        assert _state(session, job.ref)[:2] == (S.SENT, None)

    def test_a_busy_phone_is_called_again_after_the_wait(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CALL)
        outcome.accepted(session, job.ref, "CA1", now)
        outcome.receipt(session, job.ref, S.FAILED, now, reason=Reason.BUSY)
        assert outbox.take(session, now + timedelta(minutes=1), CALL) == []
        (again,) = outbox.take(session, now + timedelta(minutes=5), CALL)
        assert again.to == job.to

    def test_a_number_that_does_not_exist_is_not_called_again(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CALL)
        outcome.accepted(session, job.ref, "CA1", now)
        outcome.receipt(session, job.ref, S.FAILED, now, reason=Reason.NUMBER_INVALID)
        (following,) = outbox.take(session, now, CALL)
        assert following.to != job.to


class TestUnknown:
    def test_a_late_receipt_settles_an_unknown_attempt(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, SMS)
        outcome.unknown(session, job.ref, now)
        assert _state(session, job.ref)[:2] == (S.UNKNOWN, Reason.OUTCOME_UNKNOWN)
        _play(session, job.ref, now, SMS_STORY)
        assert _state(session, job.ref)[:2] == (S.DELIVERED, None)
        assert session.scalars(select(Delivery.first_at)).one() == now

    def test_the_ladder_goes_on_after_its_wait(self, session: Session, now: datetime) -> None:
        job = _one(session, now, CHAT)
        later = now + timedelta(seconds=CHAT.timeout)
        outcome.unknown(session, job.ref, later)
        wait = session.scalars(select(Delivery.wait)).one()
        assert outbox.take(session, later, CHAT, SMS) == []
        (following,) = outbox.take(session, now + timedelta(seconds=wait), CHAT, SMS)
        assert following.kind is Kind.SMS

    def test_an_urgent_one_is_repeated_where_nobody_can_be_asked(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        outcome.unknown(session, job.ref, now, repeat=True)
        (again,) = outbox.take(session, now, CHAT)
        assert (again.kind, again.to) == (job.kind, job.to)

    def test_a_chat_that_never_answers_holds_up_the_next_step_only_once(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        for _ in range(2):
            assert job.kind is Kind.CHAT
            outcome.unknown(session, job.ref, now, repeat=True)
            later = job.at + timedelta(seconds=session.scalars(select(Delivery.wait)).one())
            taken = outbox.take(session, now, CHAT, SMS) or outbox.take(session, later, CHAT, SMS)
            (job,) = taken
        assert job.kind is Kind.SMS

    def test_what_the_provider_never_took_is_sent_again_at_no_cost(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, SMS)
        for _ in range(2):
            outcome.never_taken(session, job.ref, now)
            (job,) = outbox.take(session, now, SMS)
        assert session.scalars(select(Delivery.tries)).one() == 1

    def test_a_provider_that_takes_nothing_does_not_hold_up_the_ladder(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, SMS)
        for _ in range(3):
            assert job.kind is Kind.SMS
            outcome.never_taken(session, job.ref, now)
            (job,) = outbox.take(session, now, SMS, CALL)
        assert job.kind is Kind.CALL

    def test_the_ladder_goes_on_although_the_sweep_never_ran(
        self, session: Session, now: datetime
    ) -> None:
        job = _one(session, now, CHAT)
        later = now + timedelta(hours=1)
        (following,) = outbox.take(session, later, SMS)
        assert following.recipient_id == job.recipient_id

    def test_an_answer_to_an_address_ends_as_failed(self, session: Session, now: datetime) -> None:
        address = bare.address(session, Kind.CHAT, "77", now)
        made = outbox.make(session, now, kind=NoticeKind.ANSWER, confirms=False)
        outbox.expansion.direct(session, made, [address], now)
        (job,) = outbox.take(session, now, CHAT)
        outcome.unknown(session, job.ref, now)
        row = outbox.delivery(session, made, address)
        assert (row.state, row.reason) == (DeliveryState.FAILED, Reason.OUTCOME_UNKNOWN)

    @pytest.mark.parametrize("after", [outcome.never_taken, outcome.unknown])
    def test_what_is_settled_stays_settled(
        self, session: Session, now: datetime, after: object
    ) -> None:
        job = _one(session, now, SMS)
        _play(session, job.ref, now, (OURS,))
        after(session, job.ref, now)
        assert _state(session, job.ref)[0] is S.ACCEPTED

    def test_a_later_news_of_an_old_step_does_not_hold_up_the_next(
        self, session: Session, now: datetime
    ) -> None:
        old = _one(session, now, CHAT)
        later = now + timedelta(hours=1)
        (sms,) = outbox.take(session, later, SMS)
        outcome.accepted(session, sms.ref, "SM1", later)
        before = session.scalars(select(Delivery.next_at)).one()
        outcome.accepted(session, old.ref, "1", later + timedelta(minutes=1))
        assert session.scalars(select(Delivery.next_at)).one() == before


def test_what_asks_for_nothing_is_done_when_it_is_taken(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="11")
    made = outbox.tell(session, now, confirms=False)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    row = outbox.delivery(session, made, who)
    assert (row.state, row.reason) == (DeliveryState.DONE, Reason.HANDED_OVER)


def test_who_opted_out_after_routing_goes_back_to_the_router(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11", mobile="+8613800000001")
    outbox.tell(session, now)
    outbox.route(session, now)
    people.set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    assert stray.unroute(session, stray.astray(session, now)) == 1
    (job,) = outbox.take(session, now, CHAT, SMS)
    assert (job.kind, session.scalars(select(Delivery.skips)).one()) == (
        Kind.SMS,
        {"chat": Reason.OPTED_OUT},
    )


def test_an_address_that_is_gone_after_routing_goes_back_to_the_router(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11", mobile="+8613800000001")
    outbox.tell(session, now)
    outbox.route(session, now)
    session.execute(delete(people.Address).where(people.Address.kind == Kind.CHAT))
    assert stray.unroute(session, stray.astray(session, now)) == 1
    (job,) = outbox.take(session, now, CHAT, SMS)
    assert job.kind is Kind.SMS


@pytest.mark.parametrize(
    ("kind", "ends"),
    [(NoticeKind.CORRECTION, DeliveryState.FAILED), (NoticeKind.ANSWER, DeliveryState.OPEN)],
)
def test_who_opted_out_is_answered_but_not_told_of_a_correction(
    session: Session, now: datetime, kind: NoticeKind, ends: DeliveryState
) -> None:
    address = bare.address(session, Kind.CHAT, "77", now)
    made = outbox.make(session, now, kind=kind, confirms=False)
    outbox.expansion.direct(session, made, [address], now)
    people.set_consent(session, Kind.CHAT, "77", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    stray.unroute(session, stray.astray(session, now))
    outbox.route(session, now)
    assert outbox.delivery(session, made, address).state is ends


def test_a_step_decided_before_another_worker_claimed_changes_nothing(
    session: Session, now: datetime
) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    (read,) = routing.due(session, now)
    (job,) = outbox.take(session, now, CHAT)
    outcome.accepted(session, job.ref, "1", now)
    kinds = frozenset({CHAT.kind})
    stale = outbox.steps.step(read, outbox.LADDERS, kinds, outbox.ZONE, now)
    routing.plan(session, [stale], now)
    assert session.scalars(select(Delivery.kind)).one() is None


def test_a_step_that_is_not_taken_is_not_in_the_book(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    (read,) = routing.due(session, now)
    outbox.take(session, now, CHAT)
    routing.give_up(session, read, Reason.NO_PATH, now)
    session.flush()
    assert (
        session.scalars(select(event.Event).where(event.Event.kind == "delivery.failed")).all()
        == []
    )


def test_an_unknown_reference_changes_nothing(session: Session, now: datetime) -> None:
    nobody = uuid.uuid4().hex
    outcome.accepted(session, nobody, "1", now)
    outcome.failed(session, nobody, Reason.BUSY, now, permanent=True)
    outcome.throttled(session, nobody, now, now)
    outcome.never_taken(session, nobody, now)
    outcome.unknown(session, nobody, now)
    outcome.hang_up(session, nobody, now)
    assert outbox.attempts(session) == []
    assert (outcome.ref_of(session, ""), Severity.EXTREME.rank) == ("", 0)
