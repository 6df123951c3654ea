"""What counts as late, and what a limit excuses."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from content import claim, late, outcome, pace
from content.alert import Severity
from content.late import Cause
from content.message import Kind
from content.pace import Sender
from content.people import Consent, set_consent
from content.quiet import Quiet
from tests.content import outbox
from tests.content.outbox import CHAT, SENDERS, SMS, SOMEBODY

MINUTE = timedelta(seconds=61)
NUMBER = "+8613800000001"


def _causes(session: Session, now: datetime, *senders: Sender, **other: object) -> list[Cause]:
    session.flush()
    return [one.cause for one in late.look(session, senders or SENDERS, now, **other)]


def _chats(session: Session, now: datetime, count: int = 1, **other: object) -> None:
    for at in range(count):
        outbox.resident(session, now, chat=str(11 + at))
    outbox.tell(session, now, **other)
    outbox.route(session, now)


def test_a_step_that_nobody_routed_is_late_after_a_minute(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11")
    outbox.tell(session, now)
    assert _causes(session, now + timedelta(seconds=59)) == []
    assert _causes(session, now + MINUTE) == [Cause.ROUTER]


def test_a_row_that_an_idle_sender_leaves_lying_is_late(session: Session, now: datetime) -> None:
    _chats(session, now, 2)
    (found,) = late.look(session, SENDERS, now + MINUTE)
    assert (found.cause, found.sender, found.kind) == (Cause.IDLE, "telegram", Kind.CHAT)
    assert (found.rows, found.since) == (2, now)


def test_a_backlog_that_goes_out_as_fast_as_allowed_is_not_late(
    session: Session, now: datetime
) -> None:
    slow = Sender("telegram", Kind.CHAT, 0.02)
    _chats(session, now, 3)
    claim.claim(session, slow, 100, now + timedelta(seconds=50))
    assert _causes(session, now + timedelta(seconds=159), slow) == []
    assert _causes(session, now + timedelta(seconds=161), slow) == [Cause.IDLE]


def test_a_backlog_behind_lines_that_are_all_taken_is_not_late(
    session: Session, now: datetime
) -> None:
    one_line = Sender("twilio_voice", Kind.CALL, 1000.0, 1, 60)
    for at in range(2):
        outbox.resident(session, now, landlines=[f"+86210000000{at}"])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, one_line)
    outcome.accepted(session, job.ref, "CA1", now)
    assert _causes(session, now + 2 * MINUTE, one_line) == []
    outcome.hang_up(session, job.ref, now)
    assert _causes(session, now + 2 * MINUTE, one_line) == [Cause.IDLE]


def test_a_pause_that_lasts_is_named_with_its_end(session: Session, now: datetime) -> None:
    _chats(session, now)
    until = now + timedelta(hours=1)
    pace.pause(session, CHAT.name, until)
    (found,) = late.look(session, SENDERS, now + MINUTE)
    assert (found.cause, found.until) == (Cause.PAUSED, until)


def test_a_long_pause_is_told_at_once_while_something_is_under_way(
    session: Session, now: datetime
) -> None:
    pace.pause(session, CHAT.name, now + timedelta(seconds=90))
    assert _causes(session, now) == []
    outbox.resident(session, now, mobile=NUMBER)
    outbox.tell(session, now)
    assert _causes(session, now) == [Cause.PAUSED]
    assert _causes(session, now + timedelta(seconds=31)) == []


def test_who_waits_for_their_own_number_to_be_free_is_not_late(
    session: Session, now: datetime
) -> None:
    for _ in range(2):
        outbox.resident(session, now, mobile=NUMBER)
    outbox.tell(session, now)
    assert len(outbox.take(session, now, SMS)) == 1
    assert _causes(session, now + MINUTE, SMS) == []


def test_who_has_opted_out_is_not_waited_for(session: Session, now: datetime) -> None:
    _chats(session, now)
    set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    assert _causes(session, now + MINUTE) == []


@pytest.mark.parametrize(
    ("severity", "found"), [(Severity.EXTREME, [Cause.IDLE]), (Severity.MINOR, [])]
)
def test_what_waits_for_the_morning_is_not_late(
    session: Session, now: datetime, severity: Severity, found: list[Cause]
) -> None:
    _chats(session, now, severity=severity)
    morning = Quiet(time(8), time(10), frozenset({Kind.CHAT}), Severity.EXTREME)
    hushed = replace(outbox.LADDERS, quiet=(morning,))
    assert _causes(session, now + MINUTE, ladders=hushed) == found


def test_what_is_over_is_not_late(session: Session, now: datetime) -> None:
    _chats(session, now, hours=1)
    assert _causes(session, now + timedelta(hours=2)) == []


def test_what_is_due_is_counted_with_its_oldest(session: Session, now: datetime) -> None:
    _chats(session, now, 2)
    outbox.tell(session, now + MINUTE)
    session.flush()
    found = late.oldest(session, now + 2 * MINUTE)
    assert found == {Kind.CHAT: (2, now), None: (2, now + MINUTE)}
