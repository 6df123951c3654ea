"""What should have happened and did not, with the real adapters and the providers' stand-ins."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.sandbox.server import Sandbox
from channels import sweep
from channels.base import Channel
from channels.sweep import Lost, Swept
from content import claim, compose, expansion, outcome, pace, privacy
from content.alert import Severity
from content.claim import Job
from content.clock import Clock
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.message import Kind, Message
from content.pace import Sender
from content.people import Consent, Need, set_consent
from content.reason import Reason
from content.store import Store
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SENDERS, SMS, SOMEBODY

NUMBER = "+8613800000001"


def tidy(session: Session, now: datetime, senders: Sequence[Sender] = ()) -> Swept:
    """Look and search, and put in order what was found, as the worker does in turn."""
    seen = sweep.look(session, now, senders, outbox.LADDERS)
    return sweep.mend(session, now, seen, sweep.search(session, now, senders, outbox.LADDERS))


def _lost(
    store: Store, now: datetime, sender: Sender, severity: Severity = Severity.SEVERE
) -> tuple[Job, Message, Lost]:
    """An attempt that was begun, and of which nothing more was written down."""
    with store.begin() as session:
        outbox.resident(session, now, chat="11", mobile="" if sender is CHAT else NUMBER)
        outbox.tell(session, now, severity)
        (job,) = outbox.take(session, now, sender)
        message = compose.message(session, compose.reader(job))
        urgent = sweep.urgent(session, job.notice_id)
    state = AttemptState.ATTEMPTING
    return job, message, Lost(job.ref, job.sender, state, now, job.to, message, urgent=urgent)


def _attempt(store: Store) -> tuple[AttemptState, Reason | None]:
    with store.read() as session:
        one = session.scalars(select(Attempt)).one()
        return one.state, one.reason


async def test_what_the_provider_has_is_taken_as_accepted(
    store: Store, sandbox: Sandbox, adapters: dict[str, Channel]
) -> None:
    clock = sandbox.stage.clock
    job, message, lost = _lost(store, clock.now(), SMS)
    sent = await adapters["twilio_sms"].send(job.to, message, job.ref)
    assert await sweep.settle(store, adapters, lost, clock) is AttemptState.ACCEPTED
    with store.read() as session:
        assert outcome.by_ref(session, job.ref).provider_id == sent.provider_id


async def test_what_the_provider_never_took_is_sent_again(
    store: Store, sandbox: Sandbox, adapters: dict[str, Channel]
) -> None:
    clock = sandbox.stage.clock
    _, _, lost = _lost(store, clock.now(), SMS)
    await sweep.settle(store, adapters, lost, clock)
    assert _attempt(store) == (AttemptState.FAILED, Reason.NEVER_TAKEN)
    with store.begin() as session:
        assert len(outbox.take(session, clock.now(), SMS)) == 1


async def test_two_that_could_be_meant_leave_it_unknown(
    store: Store, sandbox: Sandbox, adapters: dict[str, Channel]
) -> None:
    clock = sandbox.stage.clock
    job, message, lost = _lost(store, clock.now(), SMS)
    for _ in range(2):
        await adapters["twilio_sms"].send(job.to, message, job.ref)
    await sweep.settle(store, adapters, lost, clock)
    assert _attempt(store) == (AttemptState.UNKNOWN, Reason.OUTCOME_UNKNOWN)


async def test_a_provider_that_does_not_answer_leaves_it_unknown(
    store: Store, sandbox: Sandbox, adapters: dict[str, Channel]
) -> None:
    clock = sandbox.stage.clock
    _, _, lost = _lost(store, clock.now(), SMS)
    await sandbox.stop()
    await sweep.settle(store, adapters, lost, clock)
    assert _attempt(store)[0] is AttemptState.UNKNOWN


@pytest.mark.parametrize(
    ("severity", "again"),
    [
        (Severity.EXTREME, True),
        (Severity.SEVERE, True),
        (Severity.MODERATE, False),
        (Severity.MINOR, False),
    ],
)
async def test_where_nobody_can_be_asked_severity_decides(
    store: Store, now: datetime, adapters: dict[str, Channel], severity: Severity, again: bool
) -> None:
    clock = Clock(start=now)
    _, _, lost = _lost(store, now, CHAT, severity)
    assert await sweep.settle(store, adapters, lost, clock) is AttemptState.UNKNOWN
    with store.begin() as session:
        assert bool(outbox.take(session, clock.now(), CHAT)) is again


async def test_a_sender_that_is_closed_now_cannot_be_asked(store: Store, now: datetime) -> None:
    _, _, lost = _lost(store, now, SMS, Severity.EXTREME)
    assert await sweep.settle(store, {}, lost, Clock(start=now)) is AttemptState.UNKNOWN
    with store.begin() as session:
        assert outbox.take(session, now, SMS) == []


async def test_a_call_of_which_nothing_more_was_heard_frees_its_line(
    store: Store, now: datetime
) -> None:
    one_line = Sender("twilio_voice", Kind.CALL, 1000.0, 1, 60)
    with store.begin() as session:
        for at in range(2):
            outbox.resident(session, now, landlines=[f"+86210000000{at}"])
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, one_line)
        outcome.accepted(session, job.ref, "CA1", now)
    later = now + timedelta(hours=1)
    with store.read() as session:
        ((ref, state, started),) = sweep.refs(session, later)
    lost = Lost(ref, job.sender, state, started, job.to, Message(job.written, "", ""))
    await sweep.settle(store, {}, lost, Clock(start=later))
    with store.begin() as session:
        assert len(outbox.take(session, later, one_line)) == 1


def test_a_call_is_given_time_after_it_was_taken(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, landlines=[NUMBER])
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, CALL)
        just = now + timedelta(seconds=CALL.timeout)
        assert len(sweep.refs(session, just)) == 1
        outcome.accepted(session, job.ref, "CA1", now)
        session.flush()
        assert sweep.refs(session, now + timedelta(minutes=3)) == []
        assert len(sweep.refs(session, now + timedelta(minutes=5))) == 1


class TestTidy:
    def test_it_finds_nothing_where_nothing_is_wrong(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            outbox.resident(session, now, chat="11")
            outbox.tell(session, now)
            assert tidy(session, now) == Swept()

    def test_it_ends_what_is_over(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            who = outbox.resident(session, now, chat="11")
            made = outbox.tell(session, now, hours=1)
            assert tidy(session, now + timedelta(hours=1)).expired == 1
            assert outbox.delivery(session, made, who).state is DeliveryState.EXPIRED

    def test_it_restarts_an_expansion_that_lost_a_row(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            who = outbox.resident(session, now, chat="11")
            made = outbox.tell(session, now)
            session.execute(delete(Delivery))
            assert tidy(session, now).short == 1
            assert expansion.unfinished(session) == [made.id]
            expansion.expand(session, made, now)
            assert tidy(session, now).short == 0
            assert outbox.delivery(session, made, who).state is DeliveryState.OPEN

    def test_it_reroutes_who_opted_out(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            outbox.resident(session, now, chat="11")
            outbox.tell(session, now)
            outbox.route(session, now)
            set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now)
            assert tidy(session, now).unrouted == 1

    def test_it_counts_attempts_past_their_deadline(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            outbox.resident(session, now, mobile=NUMBER)
            outbox.tell(session, now)
            (job,) = outbox.take(session, now, SMS)
            deadline = now + timedelta(seconds=SMS.timeout)
            assert tidy(session, deadline - timedelta(seconds=1)).overdue == 0
            assert tidy(session, deadline).overdue == 1
            outcome.accepted(session, job.ref, "SM1", deadline)
            session.flush()
            assert tidy(session, deadline).overdue == 0

    def test_it_counts_steps_that_nobody_took(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            outbox.resident(session, now, chat="11")
            outbox.tell(session, now)
            assert tidy(session, now + timedelta(seconds=61), SENDERS).late == 1
            outbox.route(session, now)
            assert tidy(session, now + timedelta(seconds=61), SENDERS).late == 1
            outbox.take(session, now + timedelta(seconds=61))
            assert tidy(session, now + timedelta(seconds=61), SENDERS).late == 0

    def test_it_hangs_up_a_call_that_fell_silent(self, store: Store, now: datetime) -> None:
        one_line = Sender("twilio_voice", Kind.CALL, 1000.0, 1, 60)
        with store.begin() as session:
            for at in range(2):
                outbox.resident(session, now, landlines=[f"+86210000000{at}"])
            outbox.tell(session, now)
            (job,) = outbox.take(session, now, one_line)
            outcome.receipt(session, job.ref, AttemptState.RINGING, now)
            session.flush()
            later = now + timedelta(minutes=5)
            assert [tidy(session, later).zombie for _ in range(2)] == [1, 0]
            assert len(outbox.take(session, later, one_line)) == 1

    def test_it_counts_who_is_silent_after_a_minute(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            outbox.resident(session, now, mobile=NUMBER)
            outbox.tell(session, now)
            (job,) = outbox.take(session, now, SMS)
            outcome.accepted(session, job.ref, "SM1", now)
            session.flush()
            assert tidy(session, now + timedelta(seconds=59)).silent == 0
            assert tidy(session, now + timedelta(seconds=61)).silent == 1
            outcome.receipt(session, job.ref, AttemptState.SENT, now)
            session.flush()
            assert tidy(session, now + timedelta(seconds=61)).silent == 0


def test_an_attempt_to_an_erased_address_holds_up_nothing(store: Store, now: datetime) -> None:
    with store.begin() as session:
        who = outbox.resident(session, now, mobile=NUMBER)
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, SMS)
        privacy.erase(session, who, SOMEBODY, now)
        later = now + timedelta(hours=1)
        assert claim.job(session, job.ref) is None
        tidy(session, later)
        assert sweep.refs(session, later) == []
    with store.read() as session:
        assert [one.digest for one in outbox.attempts(session)] == [""]


def test_an_urgent_notice_is_one_whose_loss_is_worse_than_a_double(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        made = {one: outbox.tell(session, now, one) for one in Severity}
        urgent = [one for one, notice in made.items() if sweep.urgent(session, notice.id)]
    assert urgent == [Severity.EXTREME, Severity.SEVERE]
    assert pace.WINDOW < 1


@pytest.mark.parametrize(("hours", "astray"), [(10, 1), (24, 0)], ids=["over by then", "lives on"])
def test_who_still_waits_when_the_night_begins_goes_another_way_if_it_is_over_by_morning(
    store: Store, now: datetime, hours: float, astray: int
) -> None:
    """The router would have passed that step over: whoever stood in the queue is not forgotten."""
    evening = now.replace(hour=12, minute=0)
    night = evening.replace(hour=13, minute=40)
    with store.begin() as session:
        outbox.resident(session, evening, landlines=["+862100000001"], needs=[Need.ELDERLY])
        outbox.tell(session, evening, Severity.MODERATE, hours=hours)
        outbox.route(session, evening)
        assert tidy(session, night).unrouted == astray
        outbox.route(session, night)
        row = session.scalars(select(Delivery)).one()
        if astray:
            assert (row.state, row.reason) == (DeliveryState.DOOR, Reason.QUIET_HOURS)
        else:
            assert (row.state, row.kind) == (DeliveryState.OPEN, Kind.CALL)


def test_who_waits_for_a_sender_that_is_not_set_up_any_more_goes_another_way(
    store: Store, now: datetime
) -> None:
    """A house that is started again with other settings forgets nobody."""
    left = (SMS, CALL)
    with store.begin() as session:
        outbox.resident(session, now, chat="11", mobile=NUMBER)
        outbox.tell(session, now)
        outbox.route(session, now)
        assert session.scalars(select(Delivery.kind)).one() is Kind.CHAT
        assert tidy(session, now, left).unrouted == 1
        outbox.route(session, now, left)
        row = session.scalars(select(Delivery)).one()
        assert (row.kind, row.skips) == (Kind.SMS, {"chat": Reason.NO_SENDER})
