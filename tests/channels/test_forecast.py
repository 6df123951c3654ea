from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from channels import forecast
from channels.forecast import CALL_SECONDS, Forecast
from content import claim, ladder, outcome
from content.alert import Severity
from content.claim import Sender
from content.delivery import AttemptState
from content.message import Kind, Written
from content.people import Audience, Need
from content.store import Store
from tests.content import outbox
from tests.content.outbox import SENDERS

LADDERS = ladder.load()


def _forecast(session: Session, now: datetime, *senders: Sender, **audience: object) -> Forecast:
    return forecast.forecast(
        session, Audience(**audience), Severity.SEVERE, LADDERS, senders or SENDERS, now
    )


def test_everybody_is_counted_by_the_first_contact(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11", mobile="+8613800000001")
        outbox.resident(session, now, mobile="+8613800000002", written=Written.ENGLISH)
        outbox.resident(session, now, landlines=["+862100000001"], needs=[Need.ELDERLY])
        outbox.resident(session, now)
        found = _forecast(session, now)
    assert found.recipients == 4
    assert found.first == {Kind.CHAT: 1, Kind.SMS: 1, Kind.CALL: 1, Kind.DOOR: 1}
    assert found.languages == {Written.HANS: 3, Written.ENGLISH: 1}


def test_a_forecast_writes_nothing(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
    with store.read() as session:
        _forecast(session, now)
        assert outbox.attempts(session) == []


def test_only_the_audience_is_counted(store: Store, now: datetime) -> None:
    with store.begin() as session:
        for room in ("3-1-101", "4-1-101", "4-1-102"):
            outbox.resident(session, now, room=room, chat=room)
        found = _forecast(session, now, places=("/4/",))
    assert (found.recipients, found.first) == (2, {Kind.CHAT: 2})


@pytest.mark.parametrize(
    ("sender", "count", "seconds"),
    [
        (Sender("a", Kind.SMS, 2.0), 0, 0.0),
        (Sender("a", Kind.SMS, 2.0), 1, 0.0),
        (Sender("a", Kind.SMS, 2.0), 11, 5.0),
        (Sender("a", Kind.CALL, 1.0, 3), 3, 2.0),
        (Sender("a", Kind.CALL, 1.0, 3), 4, CALL_SECONDS),
        (Sender("a", Kind.CALL, 1.0, 3), 9, 2 * CALL_SECONDS),
        (Sender("a", Kind.CALL, 0.001, 3), 3, 2_000.0),
    ],
)
def test_the_slower_of_pace_and_lines_decides(sender: Sender, count: int, seconds: float) -> None:
    assert forecast.seconds(sender, count) == pytest.approx(seconds)


def test_the_sender_that_takes_longest_is_named(store: Store, now: datetime) -> None:
    slow, fast = Sender("slow", Kind.SMS, 0.1), Sender("fast", Kind.CHAT, 100.0)
    with store.begin() as session:
        for at in range(3):
            outbox.resident(session, now, chat=f"1{at}")
            outbox.resident(session, now, mobile=f"+861380000000{at}")
        found = _forecast(session, now, slow, fast)
    assert (found.limit, found.seconds) == ("slow", pytest.approx(20.0))


def test_without_senders_everybody_is_visited(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        found = forecast.forecast(session, Audience(), Severity.SEVERE, LADDERS, (), now)
    assert (found.first, found.seconds, found.limit) == ({Kind.DOOR: 1}, 0.0, "")


def test_the_time_shown_is_the_time_it_takes(store: Store, now: datetime) -> None:
    """T10: one call a second on three lines, within a tenth."""
    voice = Sender("twilio_voice", Kind.CALL, 1.0, 3, 60)
    with store.begin() as session:
        for at in range(12):
            outbox.resident(session, now, landlines=[f"+8621000000{at:02}"])
        shown = _forecast(session, now, voice).seconds
        outbox.tell(session, now)
        outbox.route(session, now, [voice])
        second, last, open_ = 0, 0, []
        while len(outbox.attempts(session)) < 12:
            at = now + timedelta(seconds=second)
            for ref, ends in list(open_):
                if ends <= second:
                    outcome.receipt(session, ref, AttemptState.COMPLETED, at)
                    session.flush()
                    open_.remove((ref, ends))
            for job in claim.claim(session, voice, 100, at):
                open_.append((job.ref, second + CALL_SECONDS))
                last = second
            second += 1
    assert last == pytest.approx(shown, rel=0.1)
