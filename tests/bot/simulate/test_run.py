"""Promises of the engine, held in virtual time by everything that really decides."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Select, select

from bot.simulate import figures
from bot.simulate.figures import Figures
from bot.simulate.run import Run
from bot.simulate.scenario import Faults, Outage
from content.delivery import Attempt, Delivery, DeliveryState
from content.message import Kind
from content.notice import Notice
from tests.bot.simulate.played import QUICK, played, small

ENDS = {DeliveryState.CONFIRMED, DeliveryState.PASSED_ON, DeliveryState.DOOR}
TROUBLES = {
    "quiet": small(),
    "refused": small(outages=(Outage(Kind.CHAT, 0.02, 5),)),
    "unheard": small(outages=(Outage(Kind.SMS, 0.0, 2, refuses=False),)),
    "fails": small(faults=Faults(fails=0.2)),
    "lost": small(faults=Faults(lost=0.3)),
    "throttled": small(faults=Faults(chat_per_second=1)),
    "household": small(household_confirms=True),
}


SLOW = ("refused", "fails", "throttled", "household")
"""Troubles that are played in `make test-all` only."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in TROUBLES],
)
def trouble(request: pytest.FixtureRequest) -> Iterator[Run]:
    with played(TROUBLES[request.param]) as run:
        yield run


@pytest.fixture(scope="module")
def short_of_lines() -> Iterator[Run]:
    """One line and one call a second for the elderly and everyone else."""
    with played(small(40, "lines=1,calls_per_second=1")) as run:
        yield run


def test_the_books_balance(trouble: Run) -> None:
    found = figures.read(trouble)
    assert sum(found.states.values()) == found.residents == trouble.scenario.residents
    assert set(found.states) <= ENDS


def test_the_providers_saw_what_the_outbox_says(trouble: Run) -> None:
    unheard = sum(one.asked["unheard"] for one in trouble.providers.values())
    with trouble.store.read() as session:
        # a call that told several was one request
        taken = select(Attempt.ref).where(Attempt.accepted_at.is_not(None), Attempt.along.is_(None))
        ours = set(session.scalars(taken))
    theirs = {ref for one in trouble.providers.values() for ref in one.taken.values()}
    assert ours <= theirs
    assert len(theirs - ours) <= unheard


def test_nobody_is_called_after_they_have_confirmed(trouble: Run) -> None:
    assert figures.read(trouble).needless == 0


def test_no_more_calls_than_lines(short_of_lines: Run) -> None:
    assert figures.read(short_of_lines).busiest == 1


def test_a_line_is_never_idle_while_somebody_waits(short_of_lines: Run) -> None:
    assert figures.read(short_of_lines).use_of_lines > 0.9


def test_nobody_starves_behind_the_second_tries_of_others(short_of_lines: Run) -> None:
    tries = _all(short_of_lines)
    first: dict[object, int] = {}
    for one in tries:
        first.setdefault(one.recipient_id, one.id)
    # among the calls, every first contact comes before any that is not one
    order = [first[one.recipient_id] == one.id for one in tries if one.kind is Kind.CALL]
    assert order == sorted(order, reverse=True)


def test_the_vulnerable_are_contacted_first(short_of_lines: Run) -> None:
    firsts: dict[object, Attempt] = {}
    for one in _all(short_of_lines):
        firsts.setdefault(one.recipient_id, one)
    with short_of_lines.store.read() as session:
        ranks = dict(session.execute(select(Delivery.recipient_id, Delivery.priority)).all())
    calls = [one for one in firsts.values() if one.kind is Kind.CALL]
    order = [ranks[one.recipient_id] % 2 for one in sorted(calls, key=lambda one: one.started_at)]
    assert order == sorted(order)


def test_a_severe_alert_overtakes_a_backlog_of_routine_messages() -> None:
    with (
        played(small(40, "chat_per_second=1", routine=True, hours=0.05)) as run,
        run.store.read() as session,
    ):
        query = select(Attempt.notice_id, Attempt.started_at).where(Attempt.kind == Kind.CHAT)
        rows = session.execute(query.order_by(Attempt.started_at)).all()
        routine = set(session.scalars(select(Notice.id).where(Notice.id != run.notice_id)))
    severe = [row.started_at for row in rows if row.notice_id == run.notice_id]
    mild = [row.started_at for row in rows if row.notice_id in routine]
    assert run.after(severe[0]) <= 2
    assert severe[len(severe) // 2] < mild[1]


def test_the_same_seed_makes_the_same_figures() -> None:
    found: list[Figures] = []
    for seed in (7, 7, 8):
        with played(small(12, faults=Faults(lost=0.1, fails=0.1)), seed) as run:
            found.append(figures.read(run))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_share_changed_moves_nobody_else() -> None:
    chatting = tuple(replace(group, contact=0.0) for group in QUICK.groups)
    crowds = []
    for one in (small(30), replace(small(30), groups=chatting)):
        with played(replace(one, hours=0.1)) as run:
            crowds.append(run.crowd.of)
    assert crowds[0] == crowds[1]


def test_an_alert_that_is_over_leaves_the_rest_expired() -> None:
    with played(small(40, "lines=1,calls_per_second=1", hours=0.1)) as run:
        found = figures.read(run)
    assert found.states[DeliveryState.EXPIRED] > 0
    assert sum(found.states.values()) == 40


def _tries(run: Run) -> Select[tuple[Attempt]]:
    query = select(Attempt).where(Attempt.notice_id == run.notice_id)
    return query.order_by(Attempt.started_at, Attempt.id)


def _all(run: Run) -> list[Attempt]:
    with run.store.read() as session:
        return list(session.scalars(_tries(run)))
