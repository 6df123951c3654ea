"""Acts and reports that are written together do what they do one by one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import confirmation, confirmation_bulk, outcome, outcome_bulk
from content.claim import Job
from content.confirmation import Act
from content.confirmation_bulk import Acted
from content.delivery import AttemptState as S
from content.delivery import DeliveryState, Receipt
from content.event import Event
from content.message import Kind
from content.notice import Notice, NoticeState
from content.outcome_bulk import Report
from content.pace import Sender
from content.people import Need
from content.place import Community
from content.reason import Reason
from content.task import Task
from tests.content import outbox
from tests.content.outbox import CALL, CHAT, SMS, SOMEBODY

KEY, HELP = (Act.KEY, False), (Act.KEY, True)
ACTS = {
    "one": [KEY],
    "twice": [KEY, (Act.CALL_BACK, False)],
    "help": [HELP],
    "help after it": [KEY, HELP],
    "it after help": [HELP, KEY],
}
Prepare = Callable[[Session, Job, datetime], None]


def _accept(session: Session, job: Job, now: datetime) -> None:
    outcome.accepted(session, job.ref, f"P{job.ref}", now)


def _nothing(_session: Session, _job: Job, _now: datetime) -> None:
    """A provider may still have taken it."""


def _lose(session: Session, job: Job, now: datetime) -> None:
    outcome.unknown(session, job.ref, now)


def _fail(session: Session, job: Job, now: datetime) -> None:
    _accept(session, job, now)
    outcome.receipt(session, job.ref, S.FAILED, now, reason=Reason.NUMBER_UNREACHABLE)


def _supersede(session: Session, job: Job, now: datetime) -> None:
    _accept(session, job, now)
    told = session.get_one(Notice, (_community(session).community_id, job.notice_id))
    told.state = NoticeState.SUPERSEDED
    session.flush()


def _give_up(session: Session, job: Job, now: datetime) -> None:
    _accept(session, job, now)
    row = _delivery(session, job)
    row.state, row.reason, row.kind = DeliveryState.DOOR, Reason.LADDER_EXHAUSTED, None
    session.flush()


def _confirm(session: Session, job: Job, now: datetime) -> None:
    _accept(session, job, now)
    confirmation.by_ref(session, job.ref, Act.BUTTON, SOMEBODY, now)


BEFORE: dict[str, Prepare] = {
    "taken": _accept,
    "not known to be taken": _nothing,
    "unknown": _lose,
    "failed": _fail,
    "superseded": _supersede,
    "at the door": _give_up,
    "confirmed": _confirm,
}


@pytest.mark.parametrize("acts", ACTS)
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("contact", [False, True], ids=["own", "contact's"])
def test_acts(session: Session, now: datetime, before: str, acts: str, *, contact: bool) -> None:
    pair = _pair(session, now, CALL, contact=contact)
    for job in pair:
        BEFORE[before](session, job, now)
    singly, together = pair
    at = [now + timedelta(seconds=10 * (1 + nth)) for nth in range(3)]
    for then, (act, help_) in zip(at, ACTS[acts], strict=False):
        confirmation.by_ref(session, singly.ref, act, SOMEBODY, then, help_=help_)
    acted = [
        Acted(together.ref, act, SOMEBODY, then, help_)
        for then, (act, help_) in zip(at, ACTS[acts], strict=False)
    ]
    confirmation_bulk.by_refs(session, acted)
    assert _books(session, together) == _books(session, singly)


def test_acts_of_a_household_that_confirms_together(session: Session, now: datetime) -> None:
    _community(session).household_confirms = True
    family = [outbox.resident(session, now, chat=f"{at}") for at in range(3)]
    made = outbox.tell(session, now)
    (first, *_) = outbox.take(session, now, CHAT)
    confirmation_bulk.by_refs(session, [Acted(first.ref, Act.BUTTON, SOMEBODY, now)])
    states = {outbox.delivery(session, made, one).state for one in family}
    assert states == {DeliveryState.CONFIRMED}


def test_acts_on_what_nobody_was_sent_confirm_nothing(session: Session, now: datetime) -> None:
    confirmation_bulk.by_refs(session, [Acted("0" * 32, Act.KEY, SOMEBODY, now, help_=True)])
    assert session.scalars(select(Event)).all() == []


def test_an_act_reaches_who_holds_the_delivery(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, chat="1")
    made = outbox.tell(session, now)
    (job,) = outbox.take(session, now, CHAT)
    _accept(session, job, now)
    held = outbox.delivery(session, made, who)
    confirmation_bulk.by_refs(session, [Acted(job.ref, Act.BUTTON, SOMEBODY, now)])
    assert held.state is DeliveryState.CONFIRMED


RINGS, TALKS, ENDS = (S.RINGING, None), (S.ANSWERED, None), (S.COMPLETED, None)
BUSY, SENT = (S.FAILED, Reason.BUSY), (S.SENT, None)
DELIVERED, INVALID = (S.DELIVERED, None), (S.FAILED, Reason.NUMBER_INVALID)
UNREACHABLE = (S.FAILED, Reason.NUMBER_UNREACHABLE)
REPORTS = [
    (Kind.CALL, [RINGS, TALKS, ENDS]),
    (Kind.CALL, [ENDS, TALKS]),
    (Kind.CALL, [RINGS, BUSY]),
    (Kind.CALL, [BUSY, ENDS]),
    (Kind.CALL, [INVALID]),
    (Kind.SMS, [SENT, DELIVERED]),
    (Kind.SMS, [SENT, INVALID]),
    (Kind.SMS, [UNREACHABLE, DELIVERED]),
]


@pytest.mark.parametrize(("kind", "reports"), REPORTS)
@pytest.mark.parametrize("before", BEFORE)
def test_reports(
    session: Session,
    now: datetime,
    kind: Kind,
    before: str,
    reports: Sequence[tuple[S, Reason | None]],
) -> None:
    pair = _pair(session, now, {Kind.CALL: CALL, Kind.SMS: SMS}[kind])
    for job in pair:
        BEFORE[before](session, job, now)
    singly, together = pair
    said = [
        (state, now + timedelta(seconds=nth), reason, state is S.ANSWERED)
        for nth, (state, reason) in enumerate(reports)
    ]
    for state, then, reason, machine in said:
        outcome.receipt(
            session, singly.ref, state, then, provider_id="1", reason=reason, machine=machine
        )
    outcome_bulk.receipts(
        session,
        [
            Report(together.ref, state, then, "1", reason, machine)
            for state, then, reason, machine in said
        ],
    )
    assert _books(session, together) == _books(session, singly)


def test_reports_on_what_nobody_was_sent_are_kept(session: Session, now: datetime) -> None:
    outcome_bulk.receipts(session, [Report("0" * 32, S.DELIVERED, now)])
    assert [one.state for one in session.scalars(select(Receipt))] == [S.DELIVERED]


def _pair(session: Session, now: datetime, sender: Sender, *, contact: bool = False) -> list[Job]:
    """Let two people be tried who are alike in everything."""
    for at in range(2):
        number = f"+861380000000{at}"
        mobile = "" if contact else number
        needs = [Need.DEAF] if sender is SMS else []
        who = outbox.resident(session, now, room=f"3-2-50{at}", mobile=mobile, needs=needs)
        if contact:
            outbox.contact(session, who, number, now)
    outbox.tell(session, now)
    at = now
    # both start at the same instant
    while not (jobs := outbox.take(session, at, replace(sender, rate=1e9))):
        at += timedelta(minutes=1)
    assert len(jobs) == 2
    return jobs


def _books(session: Session, job: Job) -> list[object]:
    """Return everything that is written about an attempt, but for its ids."""
    session.flush()
    session.expire_all()
    (tried,) = outbox.attempts(session, job.recipient_id)
    row, who = _delivery(session, job), job.recipient_id
    events = session.scalars(select(Event).where(Event.subject_id == who))
    tasks = session.scalars(select(Task).where(Task.resident_id == who))
    receipts = session.scalars(select(Receipt).where(Receipt.ref == job.ref))
    return [
        (row.state, row.reason, row.kind, row.tries, row.priority, row.needs_help),
        (row.first_at, row.next_at, row.closed_at, row.confirmed_at),
        (tried.state, tried.reason, tried.machine, tried.deadline),
        (tried.accepted_at, tried.closed_at, (tried.provider_id or "")[:1]),
        sorted((one.at, one.kind, one.door, str(one.data)) for one in events),
        sorted(one.opened_at for one in tasks),
        sorted((one.at, one.state, one.provider_id, one.machine) for one in receipts),
    ]


def _delivery(session: Session, job: Job) -> object:
    key = _community(session).community_id, job.notice_id
    return outbox.delivery(session, session.get_one(Notice, key), job.recipient_id)


def _community(session: Session) -> Community:
    return session.scalars(select(Community)).one()
