"""T3: in whatever order news of an attempt comes, the attempt and the delivery end the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import bare, confirmation, outcome
from content.claim import Job
from content.confirmation import Act
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState, Receipt
from content.message import Kind
from content.notice import NoticeKind
from content.people import Need
from content.reason import Reason
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

S = AttemptState
NUMBER = "+8613800000001"
HOME = "+862100000001"
SENDERS = {Kind.SMS: SMS, Kind.CALL: CALL, Kind.CHAT: CHAT}
News = Callable[[Session, Job, datetime], object]


@dataclass(frozen=True)
class Told:
    """One piece of news, with a name for the report of a failing order."""

    name: str
    act: News

    def __repr__(self) -> str:
        return self.name


def reported(
    state: S, reason: Reason | None = None, *, by: str = "P1", machine: bool = False
) -> Told:
    """A receipt of the provider."""

    def act(session: Session, job: Job, now: datetime) -> None:
        outcome.receipt(
            session, job.ref, state, now, provider_id=by, reason=reason, machine=machine
        )

    return Told(f"{state}({reason or ''})", act)


def acting(kind: Kind, act: Act) -> Told:
    """What a person does; a reply names no attempt."""

    def take(session: Session, job: Job, now: datetime) -> None:
        if act is Act.REPLY:
            confirmation.by_address(session, kind, job.to, act, SOMEBODY, now)
        else:
            confirmation.by_ref(session, job.ref, act, SOMEBODY, now)

    return Told(act.value, take)


OURS = Told("ours", lambda session, job, now: outcome.accepted(session, job.ref, "P1", now))
"""Our own commit of the provider's answer."""
NOT_FOUND = Told("not found", lambda session, job, now: outcome.never_taken(session, job.ref, now))
"""The provider was asked after a crash, and did not list it yet."""
UNSURE = Told("unsure", lambda session, job, now: outcome.unknown(session, job.ref, now))
AGAIN = Told(
    "unsure, urgent",
    lambda session, job, now: outcome.unknown(session, job.ref, now, repeat=True),
)
"""Nobody could be asked, and the alert is urgent enough to be said again."""
BROKEN = Told(
    "broken",
    lambda session, job, now: outcome.failed(
        session, job.ref, Reason.PROVIDER_DOWN, now, permanent=False
    ),
)
"""The provider answered with an error, and had taken it all the same."""

TAKEN, SENT, DELIVERED = reported(S.ACCEPTED), reported(S.SENT), reported(S.DELIVERED)
UNREACHABLE = reported(S.FAILED, Reason.NUMBER_UNREACHABLE)
LANDLINE = reported(S.FAILED, Reason.LANDLINE)
RINGS, TALKS, ENDS = reported(S.RINGING), reported(S.ANSWERED), reported(S.COMPLETED)
HINT = reported(S.ANSWERED, machine=True)
BUSY = reported(S.FAILED, Reason.BUSY)
REPLY, BUTTON, KEY = (
    acting(Kind.SMS, Act.REPLY),
    acting(Kind.CHAT, Act.BUTTON),
    acting(Kind.CALL, Act.KEY),
)

WITHOUT_AN_ACT = [
    (Kind.SMS, (OURS, TAKEN, SENT, DELIVERED)),
    (Kind.SMS, (OURS, SENT, UNREACHABLE)),
    (Kind.SMS, (OURS, SENT, LANDLINE)),
    (Kind.SMS, (OURS, SENT, UNREACHABLE, DELIVERED)),
    (Kind.SMS, (OURS, SENT, LANDLINE, DELIVERED)),
    (Kind.SMS, (NOT_FOUND, SENT, DELIVERED)),
    (Kind.SMS, (NOT_FOUND, TAKEN, SENT)),
    (Kind.SMS, (UNSURE, SENT, DELIVERED)),
    (Kind.SMS, (BROKEN, TAKEN, SENT)),
    (Kind.CALL, (OURS, RINGS, TALKS, ENDS)),
    (Kind.CALL, (OURS, TALKS, HINT, ENDS)),
    (Kind.CALL, (OURS, RINGS, BUSY)),
    (Kind.CALL, (NOT_FOUND, RINGS, TALKS)),
    (Kind.CALL, (NOT_FOUND, RINGS, ENDS)),
    (Kind.CHAT, (OURS, UNSURE)),
    (Kind.CHAT, (OURS, AGAIN)),
]
"""What may come of one attempt; each set in every order."""
WITH_AN_ACT = [
    (Kind.SMS, (OURS, SENT, DELIVERED, REPLY)),
    (Kind.SMS, (UNSURE, SENT, DELIVERED, REPLY)),
    (Kind.CALL, (OURS, TALKS, ENDS, KEY)),
    (Kind.CALL, (NOT_FOUND, TALKS, ENDS, KEY)),
    (Kind.CHAT, (OURS, UNSURE, BUTTON)),
    (Kind.CHAT, (OURS, AGAIN, BUTTON)),
    (Kind.CHAT, (UNSURE, BUTTON)),
    (Kind.CALL, (UNSURE, KEY)),
]
DENIED = [
    (Kind.SMS, (OURS, UNREACHABLE, REPLY)),
    (Kind.SMS, (OURS, UNREACHABLE, DELIVERED, REPLY)),
    (Kind.SMS, (NOT_FOUND, DELIVERED, REPLY)),
]
"""A reply names no message: it does not answer one that is known, when it comes, to have failed."""


def _named(cases: Iterable[tuple[Kind, Sequence[Told]]]) -> list[object]:
    return [pytest.param(kind, news, id=f"{kind}: {news}") for kind, news in cases]


def begun(session: Session, now: datetime, kind: Kind) -> Job:
    """An attempt that is under way, to somebody with every kind of address."""
    if kind is Kind.CHAT:
        outbox.resident(session, now, chat="11", mobile=NUMBER)
    elif kind is Kind.SMS:
        outbox.resident(session, now, mobile=NUMBER)
    else:
        outbox.resident(session, now, mobile=NUMBER, landlines=[HOME], needs=[Need.ELDERLY])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, SENDERS[kind])
    return job


def attempt_of(session: Session, ref: str) -> tuple[object, ...]:
    session.flush()
    one = session.scalars(select(Attempt).where(Attempt.ref == ref)).one()
    known = one.provider_id or ""
    return one.state, one.reason, one.machine, known, one.closed_at is None, one.accepted_at


def standing(session: Session) -> tuple[object, ...]:
    """What the router will read of the delivery."""
    session.flush()
    one = session.scalars(select(Delivery).execution_options(populate_existing=True)).one()
    if one.state is not DeliveryState.OPEN:
        return one.state, one.reason, one.first_at
    return one.state, one.reason, one.rung, one.tries, one.kind, one.next_at, one.first_at


def take_turn(session: Session, at: datetime) -> None:
    """Route and send what is due: everybody is taken, nobody answers."""
    for job in outbox.take(session, at, *SENDERS.values()):
        outcome.accepted(session, job.ref, job.ref[:8], at)
        if job.kind is Kind.CALL:
            outcome.receipt(session, job.ref, S.COMPLETED, at)


def run_out(session: Session, now: datetime) -> tuple[object, ...]:
    """Let the ladder run to its end; return the delivery's end and what was tried."""
    for turn in range(8):
        take_turn(session, now + turn * timedelta(minutes=10))
    row = session.scalars(select(Delivery)).one()
    tried = [(one.kind, one.rung) for one in outbox.attempts(session)]
    return row.state, row.reason, row.confirmed_at is not None, tuple(tried)


def ends(
    session: Session, now: datetime, kind: Kind, orders: Iterable[Sequence[Told]]
) -> dict[tuple[object, ...], Sequence[Told]]:
    """Return every end of attempt and delivery that is reached, with an order that leads there."""
    job, found = begun(session, now, kind), {}
    last: dict[tuple[object, ...], tuple[object, ...]] = {}
    for order in orders:
        with session.begin_nested() as point:
            for one in order:
                one.act(session, job, now)
                session.flush()
            reached = attempt_of(session, job.ref), standing(session)
            if reached not in last:
                last[reached] = run_out(session, now)
            found.setdefault((*reached, last[reached]), order)
            point.rollback()
        session.expire_all()
    return found


@pytest.mark.parametrize(("kind", "news"), _named(WITHOUT_AN_ACT))
def test_every_order_ends_the_same(
    session: Session, now: datetime, kind: Kind, news: Sequence[Told]
) -> None:
    reached = ends(session, now, kind, permutations(news))
    assert len(reached) == 1, reached


@pytest.mark.parametrize(("kind", "news"), _named(WITH_AN_ACT))
def test_an_act_among_the_news_counts_in_every_order(
    session: Session, now: datetime, kind: Kind, news: Sequence[Told]
) -> None:
    reached = ends(session, now, kind, permutations(news))
    assert len(reached) == 1, reached
    ((*_, (state, _, confirmed, tried)),) = reached
    assert (state, confirmed, len(tried)) == (DeliveryState.CONFIRMED, True, 1)


@pytest.mark.parametrize(("kind", "news"), _named(DENIED))
def test_who_replies_although_the_message_failed_is_confirmed_or_visited(
    session: Session, now: datetime, kind: Kind, news: Sequence[Told]
) -> None:
    reached = ends(session, now, kind, permutations(news))
    assert {attempt[:2] for attempt, *_ in reached} == {
        (S.DELIVERED, None) if DELIVERED in news else (S.FAILED, Reason.NUMBER_UNREACHABLE)
    }
    assert {end[0] for *_, end in reached} <= {DeliveryState.CONFIRMED, DeliveryState.DOOR}


@pytest.mark.parametrize(("kind", "act"), [(Kind.CHAT, BUTTON), (Kind.CALL, KEY)])
def test_an_act_that_names_an_attempt_proves_that_it_was_taken(
    session: Session, now: datetime, kind: Kind, act: Told
) -> None:
    job = begun(session, now, kind)
    act.act(session, job, now)
    session.flush()
    assert attempt_of(session, job.ref)[0] is S.ACCEPTED
    assert session.scalars(select(Delivery.first_at)).one() == now


@pytest.mark.parametrize("verdict", [NOT_FOUND, BROKEN, AGAIN], ids=repr)
@pytest.mark.parametrize("planned", [False, True])
def test_a_repetition_is_called_off_when_the_first_one_was_taken_after_all(
    session: Session, now: datetime, verdict: Told, planned: bool
) -> None:
    job = begun(session, now, Kind.CHAT if verdict is AGAIN else Kind.SMS)
    verdict.act(session, job, now)
    session.flush()
    later = now + timedelta(seconds=10)
    if planned:
        outbox.route(session, later)
    reported(S.SENT).act(session, job, later)
    session.flush()
    assert outbox.take(session, later, SENDERS[job.kind]) == []


def planned_again(session: Session, now: datetime, kind: Kind, to: str, news: Told) -> Delivery:
    """An answer, planned again before its first attempt is settled by the news; it is not repeated."""
    address = bare.address(session, kind, to, now)
    made = outbox.make(session, now, kind=NoticeKind.ANSWER, confirms=False)
    outbox.expansion.direct(session, made, [address], now)
    (job,) = outbox.take(session, now, SENDERS[kind])
    later = now + timedelta(minutes=2)
    outbox.route(session, later)
    news.act(session, job, later)
    session.flush()
    assert outbox.take(session, later, SENDERS[kind]) == []
    return outbox.delivery(session, made, address)


@pytest.mark.parametrize("news", [OURS, SENT, UNREACHABLE], ids=repr)
def test_a_step_planned_again_before_the_sweep_is_called_off(
    session: Session, now: datetime, news: Told
) -> None:
    """The house was away for so long that the router was faster than whoever asks."""
    end = planned_again(session, now, Kind.SMS, NUMBER, news)
    assert end.state is DeliveryState.DONE


def test_a_mild_answer_planned_again_before_the_sweep_is_not_repeated(
    session: Session, now: datetime
) -> None:
    end = planned_again(session, now, Kind.CHAT, "77", UNSURE)
    assert end.reason is Reason.OUTCOME_UNKNOWN


def test_a_second_call_planned_before_the_sweep_waits_like_any_other(
    session: Session, now: datetime
) -> None:
    job = begun(session, now, Kind.CALL)
    wait = timedelta(seconds=session.scalars(select(Delivery.wait)).one())
    later = now + timedelta(minutes=30)
    outbox.route(session, later)
    ENDS.act(session, job, later)
    session.flush()
    assert outbox.take(session, later, CALL) == []
    assert len(outbox.take(session, later + wait, CALL)) == 1


@pytest.mark.slow
class TestWithinTheRun:
    """The engine takes its turns among the news, as it does in life."""

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(
        order=st.permutations([OURS, SENT, UNREACHABLE, DELIVERED, DELIVERED]),
        turns=st.lists(st.integers(0, 5), max_size=2),
    )
    def test_who_never_answers_comes_to_the_door(
        self, session: Session, now: datetime, order: list[Told], turns: list[int]
    ) -> None:
        with session.begin_nested() as point:
            job = begun(session, now, Kind.SMS)
            for at, one in enumerate(order):
                if at in turns:
                    take_turn(session, now)
                one.act(session, job, now)
                session.flush()
            end, attempt = run_out(session, now), attempt_of(session, job.ref)
            point.rollback()
        session.expire_all()
        assert (attempt[:2], end[0]) == ((S.DELIVERED, None), DeliveryState.DOOR)
        assert Counter(end[3])[Kind.SMS, 1] == 1


@pytest.mark.parametrize("order", list(permutations([TAKEN, SENT, DELIVERED])))
def test_receipts_of_nobody_are_kept_and_change_nothing(
    session: Session, now: datetime, order: Sequence[Told]
) -> None:
    job = begun(session, now, Kind.SMS)
    before = attempt_of(session, job.ref), standing(session)
    for one in order:
        one.act(session, replace(job, ref="0" * 32), now)
    assert (attempt_of(session, job.ref), standing(session)) == before
    assert session.scalar(select(func.count()).select_from(Receipt)) == len(order)
