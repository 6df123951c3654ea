"""What staff are told before they publish: whom it reaches first, by what, and until when."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels import airtime, forecast, route, sweep
from channels.flow import Limit
from channels.forecast import Forecast, Queue, Sending
from content import (
    cap,
    claim,
    closing,
    compose,
    confirmation,
    ladder,
    notice,
    outcome,
    pace,
    routing,
    segment,
)
from content.alert import Severity
from content.compose import Reader
from content.delivery import AttemptState, Delivery
from content.message import Kind, Message, Spoken, Written
from content.notice import NoticeKind, NoticeState
from content.pace import Sender
from content.people import Audience, Consent, Contact, Need, Resident, Told
from content.reason import Reason
from content.store import Store
from tests.content import outbox
from tests.content.outbox import SENDERS, SOMEBODY

LADDERS = ladder.load()
VOICE = Sender("twilio_voice", Kind.CALL, 1.0, 3, 60)
FIELDS = {"headline": "暴雨红色预警", "description": "今晚有暴雨。"}
LONG = FIELDS | {"instruction": "请不要出门，把车开到高处，照看好老人和孩子，" * 6}


def _message(
    kind: Kind, written: Written, spoken: Spoken, *, fields: dict[str, str] = FIELDS
) -> Message:
    who = Reader(notice.new_id(), compose.language(kind, written, spoken), spoken)
    return compose.of(NoticeKind.ALERT, {Written.HANS: fields}, who)


SPEECH = _message(Kind.CALL, Written.HANS, Spoken.MANDARIN).speech
HELD = airtime.answered(SPEECH) if SPEECH else 0.0


def _forecast(
    session: Session,
    now: datetime,
    *senders: Sender,
    severity: Severity = Severity.SEVERE,
    hours: float = 6,
    answered: float | None = None,
    **audience: object,
) -> Forecast:
    sending = Sending(Audience(**audience), severity, now + timedelta(hours=hours), _message)
    return forecast.forecast(session, sending, LADDERS, senders or SENDERS, now, answered=answered)


def _landlines(
    session: Session, now: datetime, count: int, area: str = "21", **who: object
) -> None:
    for at in range(count):
        # everybody in a home of their own: nobody waits for who lives with them
        room = {"room": f"{area}-{at // 50 + 1}-{101 + at % 50}"} | who
        outbox.resident(session, now, landlines=[f"+86{area}{at:08}"], **room)


def _seconds(queue: Queue, now: datetime) -> float:
    return (queue.last - now).total_seconds()


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


def test_who_has_opted_out_or_has_only_a_contact_is_counted_so(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        who = outbox.resident(session, now)
        outbox.contact(session, who, "+862100000001", now)
        outbox.people.set_consent(
            session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", SOMEBODY, now
        )
        found = _forecast(session, now)
    assert found.first == {Kind.DOOR: 1, Kind.CALL: 1}


def test_a_forecast_writes_nothing(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
    with store.read() as session:
        _forecast(session, now)
        assert outbox.attempts(session) == []


def _home(session: Session, now: datetime, room: str, *numbers: str) -> None:
    """Let somebody old with each of these numbers live in one home."""
    for number in numbers:
        outbox.resident(session, now, room=room, landlines=[number], needs=[Need.ELDERLY])


@pytest.mark.parametrize(
    ("severity", "last"), [(Severity.SEVERE, 60.0), (Severity.EXTREME, 1.0)], ids=["apart", "now"]
)
def test_a_number_that_is_shared_rings_once_and_a_home_a_minute_apart(
    store: Store, now: datetime, severity: Severity, last: float
) -> None:
    voice = Sender("twilio_voice", Kind.CALL, 1 / pace.HEADROOM, 60, 60)
    with store.begin() as session:
        _home(session, now, "3-1-101", "+862100000001", "+862100000001", "+862100000002")
        found = _forecast(session, now, voice, severity=severity)
    (queue,) = found.queues
    assert (found.first, queue.count, queue.units) == ({Kind.CALL: 3}, 3, 2)
    assert sum(one.count for one in found.spends) == 2
    assert _seconds(queue, now) == pytest.approx(last, abs=0.5)


def test_who_shares_a_number_but_is_told_in_the_chat_first_does_not_ring(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        _home(session, now, "3-1-101", "+862100000001")
        outbox.resident(session, now, room="3-1-101", chat="11", landlines=["+862100000001"])
        found = _forecast(session, now, VOICE, Sender("chat", Kind.CHAT, 10.0))
    assert found.first == {Kind.CALL: 1, Kind.CHAT: 1}
    assert {one.sender.kind: one.units for one in found.queues} == {Kind.CALL: 1, Kind.CHAT: 1}


def test_only_the_audience_is_counted(store: Store, now: datetime) -> None:
    with store.begin() as session:
        for room in ("3-1-101", "4-1-101", "4-1-102"):
            outbox.resident(session, now, room=room, chat=room)
        found = _forecast(session, now, places=("/4/",))
    assert (found.recipients, found.first) == (2, {Kind.CHAT: 2})


def test_the_sender_that_takes_longest_comes_first(store: Store, now: datetime) -> None:
    slow, fast = Sender("slow", Kind.SMS, 0.1), Sender("fast", Kind.CHAT, 100.0)
    with store.begin() as session:
        for at in range(3):
            outbox.resident(session, now, chat=f"1{at}")
            outbox.resident(session, now, mobile=f"+861380000000{at}")
        found = _forecast(session, now, slow, fast)
    assert [one.sender.name for one in found.queues] == ["slow", "fast"]
    assert _seconds(found.queues[0], now) == pytest.approx(20.0, rel=0.05)


def test_without_senders_everybody_is_visited(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, chat="11")
        sending = Sending(Audience(), Severity.SEVERE, now + timedelta(hours=6), _message)
        found = forecast.forecast(session, sending, LADDERS, (), now)
    assert (found.first, found.queues) == ({Kind.DOOR: 1}, ())


def test_what_is_due_and_goes_first_is_waited_for(store: Store, now: datetime) -> None:
    with store.begin() as session:
        _landlines(session, now, 10)
        outbox.tell(session, now, Severity.EXTREME)
        outbox.tell(session, now, Severity.SEVERE)
        outbox.tell(session, now, Severity.MINOR)
        outbox.route(session, now)
        (queue,) = _forecast(session, now, VOICE, answered=1.0).queues
    assert (queue.count, queue.ahead) == (10, 20)


def test_a_sender_that_rests_begins_when_its_rest_is_over(store: Store, now: datetime) -> None:
    until = now + timedelta(minutes=7)
    with store.begin() as session:
        _landlines(session, now, 1)
        pace.pause(session, VOICE.name, until)
        session.flush()
        (queue,) = _forecast(session, now, VOICE).queues
    assert (queue.begins, queue.last, queue.hushed) == (until, until, False)


class TestNight:
    """It is 23:00 in Shanghai."""

    @pytest.fixture
    def now(self, now: datetime) -> datetime:
        return now.replace(hour=15)

    def test_mild_calls_begin_in_the_morning(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            _landlines(session, now, 2)
            mild = _forecast(session, now, VOICE, severity=Severity.MODERATE, hours=24)
            grave = _forecast(session, now, VOICE, severity=Severity.SEVERE)
        assert (mild.queues[0].begins, mild.queues[0].hushed) == (now.replace(hour=23), True)
        assert (grave.queues[0].begins, grave.queues[0].hushed) == (now, False)

    def test_what_waits_for_the_same_morning_goes_first(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            _landlines(session, now, 5)
            outbox.tell(session, now, Severity.MODERATE, hours=24)
            outbox.route(session, now, [VOICE])
            (queue,) = _forecast(session, now, VOICE, severity=Severity.MODERATE, hours=24).queues
        assert (queue.count, queue.ahead) == (5, 5)

    def test_who_cannot_be_called_before_it_is_over_is_told_otherwise(
        self, store: Store, now: datetime
    ) -> None:
        with store.begin() as session:
            outbox.resident(session, now, mobile="+8613800000001", needs=[Need.ELDERLY])
            found = _forecast(session, now, severity=Severity.MODERATE, hours=3)
        assert found.first == {Kind.SMS: 1}


@pytest.mark.parametrize(("hours", "short"), [(0.1, True), (0.25, True), (2.0, False)])
def test_an_alert_that_ends_too_early_is_noticed(
    store: Store, now: datetime, hours: float, short: bool
) -> None:
    """Ten calls on one line, one after the other; then a ladder of two calls, 4 min apart."""
    with store.begin() as session:
        _landlines(session, now, 10)
        one = Sender("twilio_voice", Kind.CALL, 1.0, 1, 60)
        found = _forecast(session, now, one, hours=hours, answered=1.0)
    lost = sum(at * HELD >= hours * 3600 for at in range(10))
    assert (found.queues[0].late, found.short) == (lost, short)


class TestPlayed:
    """T10: the time that is shown is the time it takes, played through the real claim."""

    @pytest.mark.parametrize(
        ("lines", "share", "count", "limit"),
        [
            (3, 1.0, 30, Limit.LINES),
            pytest.param(3, 0.6, 90, Limit.LINES, marks=pytest.mark.slow),
            (1, 0.0, 20, Limit.LINES),
            (200, 0.6, 45, Limit.RATE),
        ],
    )
    def test_first_calls_end_when_it_was_said(
        self, store: Store, now: datetime, lines: int, share: float, count: int, limit: Limit
    ) -> None:
        voice = Sender("twilio_voice", Kind.CALL, 1.0, lines, 60)
        with store.begin() as session:
            _landlines(session, now, count // 3)
            _landlines(session, now, count, "22", needs=[Need.ELDERLY])
            (queue,) = _forecast(session, now, voice, answered=share).queues
            outbox.tell(session, now)
            shown = _seconds(queue, now)
            started = _play(session, voice, now, queue.count, _callee(share))
        assert queue.limit is limit
        assert started[-1] == pytest.approx(shown, rel=0.1)

    def test_a_backlog_is_waited_for_as_it_was_said(self, store: Store, now: datetime) -> None:
        with store.begin() as session:
            _landlines(session, now, 40)
            outbox.tell(session, now, Severity.EXTREME)
            outbox.route(session, now, [VOICE])
            (queue,) = _forecast(session, now, VOICE, answered=0.5).queues
            outbox.tell(session, now)
            started = _play(session, VOICE, now, 80, _callee(0.5))
        assert started[-1] == pytest.approx(_seconds(queue, now), rel=0.1)

    @pytest.mark.slow
    def test_with_what_is_advised_it_ends_when_it_was_said(
        self, store: Store, now: datetime
    ) -> None:
        with store.begin() as session:
            _landlines(session, now, 150)
            (queue,) = _forecast(session, now, VOICE, answered=0.6).queues
            assert queue.better is not None
            assert queue.better.rate is None
            more = Sender("twilio_voice", Kind.CALL, 1.0, queue.better.lines, 60)
            outbox.tell(session, now)
            started = _play(session, more, now, 150, _callee(0.6))
        assert started[-1] == pytest.approx(queue.better.seconds, rel=0.1)
        assert started[-1] <= 1.1 * 1800

    def test_an_sms_takes_as_much_of_the_rate_as_it_has_segments(
        self, store: Store, now: datetime
    ) -> None:
        sms = Sender("twilio_sms", Kind.SMS, 1.0, segments=True)
        with store.begin() as session:
            for at in range(40):
                outbox.resident(session, now, mobile=f"+861380000{at:04}")
            made = outbox.tell(session, now, texts={Written.HANS: LONG})
            given = Audience(), Severity.SEVERE, made.expires_at
            sending = Sending(*given, lambda *who: _message(*who, fields=LONG))
            found = forecast.forecast(session, sending, LADDERS, [sms], now)
            told = _send(session, sms, now, 40)
        assert found.segments == found.queues[0].units == 120
        assert told == pytest.approx(_seconds(found.queues[0], now), rel=0.1)

    def test_the_vulnerable_are_called_first_and_nobody_starves(
        self, store: Store, now: datetime
    ) -> None:
        with store.begin() as session:
            _landlines(session, now, 15)
            frail = {
                outbox.resident(
                    session,
                    now,
                    room=f"22-1-{101 + at}",
                    landlines=[f"+8622{at:08}"],
                    needs=[Need.BLIND],
                )
                for at in range(15)
            }
            outbox.tell(session, now)
            _play(session, VOICE, now, 30, _callee(0.5))
            order = [one.recipient_id for one in outbox.attempts(session)]
        assert set(order[:15]) == frail
        assert len(set(order)) == 30


def _callee(share: float) -> Callable[[], tuple[bool, float]]:
    """Somebody who answers with this probability: whether, and for how long the line is held."""
    dice = random.Random(4)  # noqa: S311 - a test that is the same every time

    def call() -> tuple[bool, float]:
        answers = dice.random() < share
        return answers, HELD if answers else airtime.RING

    return call


def _play(
    session: Session,
    sender: Sender,
    now: datetime,
    first: int,
    callee: Callable[[], tuple[bool, float]],
) -> list[float]:
    """Play calls in virtual time until `first` people were called; when each call started.

    Who answers presses 1; now is always the next event: a call ends, or the rate allows another.
    """
    at, started, calls, told = 0.0, [], [], set()
    outbox.route(session, now, [sender])
    while len(told) < first:
        instant = now + timedelta(seconds=at)
        while calls and calls[0][0] <= at:
            _hang_up(session, *heapq.heappop(calls)[1:], instant)
        session.flush()
        outbox.route(session, instant, [sender])
        for job in claim.claim(session, sender, 100, instant):
            answers, held = callee()
            begins = max(at, (job.at - now).total_seconds())
            outcome.accepted(session, job.ref, job.ref, instant)
            heapq.heappush(calls, (begins + held, job.ref, answers))
            started.append(begins)
            told.add((job.notice_id, job.recipient_id))
        session.flush()
        free = len(calls) < (sender.lines or 0)
        at = at + 1 / sender.rate if free or not calls else calls[0][0]
        assert at < 1e6, "it never ends"
    return started


def _hang_up(session: Session, ref: str, answers: bool, now: datetime) -> None:
    state = AttemptState.COMPLETED if answers else AttemptState.FAILED
    if answers:
        confirmation.by_ref(session, ref, confirmation.Act.KEY, SOMEBODY, now)
    outcome.receipt(session, ref, state, now, reason=None if answers else Reason.NO_ANSWER)


def _send(session: Session, sender: Sender, now: datetime, count: int) -> float:
    """Send messages in virtual time, each at its rate in segments; when the last started."""

    def weigh(session: Session, job: claim.Job) -> int:
        return segment.measure(compose.message(session, compose.reader(job)).sms).segments

    outbox.route(session, now, [sender])
    at, jobs = now, []
    while len(jobs) < count:
        jobs += claim.claim(session, sender, 100, at, weigh=weigh)
        session.flush()
        at += timedelta(seconds=pace.WINDOW)
    return (jobs[-1].at - now).total_seconds()


def test_contacts_who_are_told_at_once_take_their_calls_too(store: Store, now: datetime) -> None:
    with store.begin() as session:
        _landlines(session, now, 20, needs=[Need.ELDERLY])
        before = _forecast(session, now)
        for at, who in enumerate(session.scalars(select(Resident.id)).all()):
            contact = outbox.contact(session, who, f"+8613900000{at:03}", now)
            session.get_one(Contact, (store.community_id, contact)).told = Told.WITH
        session.flush()
        after = _forecast(session, now)
    assert (after.recipients, after.first) == (20, before.first)
    assert [one.count for one in (*before.queues, *after.queues)] == [20, 40]


def test_who_has_another_way_does_not_wait_for_a_provider_that_wants_a_long_rest(
    store: Store, now: datetime
) -> None:
    """The router goes another way too; who has nothing else waits."""
    until = now + timedelta(minutes=20)
    with store.begin() as session:
        outbox.resident(session, now, chat="11", mobile="+8613800000001")
        outbox.resident(session, now, chat="12")
        pace.pause(session, outbox.CHAT.name, until)
        found = _forecast(session, now)
        made = outbox.tell(session, now)
        closed = sweep.closed(session, SENDERS, now)
        due = routing.due(session, now)
        kinds = frozenset(one.kind for one in SENDERS) - closed.keys()
        route.take(session, due, LADDERS, kinds, cap.zone(session), now, closed)
        session.expire_all()
        rows = [one for one in session.scalars(select(Delivery)) if one.notice_id == made.id]
    assert found.first == Counter(one.kind for one in rows) == {Kind.SMS: 1, Kind.CHAT: 1}
    (chat,) = [one for one in found.queues if one.sender.kind is Kind.CHAT]
    assert (chat.count, chat.begins) == (1, until)


def test_an_update_is_foretold_for_who_was_told_too_and_not_behind_what_it_replaces(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        told = outbox.resident(session, now, room="3-1-101", landlines=["+862100000001"])
        outbox.resident(session, now, room="3-1-102", landlines=["+862100000002"])
        outbox.resident(session, now, room="9-1-101", landlines=["+862100000003"])
        about = outbox.alert(session, now)
        outbox.tell(session, now, Severity.EXTREME, alert_id=about)
        outbox.route(session, now)
        (job,) = claim.claim(session, VOICE, 1, now)
        outcome.accepted(session, job.ref, "CA1", now)
        audience = Audience(places=("/9/",))
        hours = timedelta(hours=6)
        sending = Sending(audience, Severity.SEVERE, now + hours, _message, replaces=about)
        found = forecast.forecast(session, sending, LADDERS, (VOICE,), now)
        closing.supersede(session, about, NoticeState.SUPERSEDED, now)
        made = outbox.tell(session, now, audience=audience, touched=about, alert_id=about)
    assert job.recipient_id == told
    assert found.recipients == made.expected == 2
    assert [(one.count, one.ahead) for one in found.queues] == [(2, 0)]
