import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from content import gaps, ladder, outcome, people, place
from content.delivery import AttemptState
from content.event import HOUSE
from content.gaps import Finding, Gap
from content.message import Kind, Written
from content.people import Consent, Need, Resident
from content.reason import Reason
from content.store import community
from tests.content import outbox
from tests.content.outbox import CALL, SMS

EVERY = frozenset({Kind.CHAT, Kind.SMS, Kind.CALL})
LADDERS = ladder.load()
MOBILE, LANDLINE, SON = "+8613800000002", "+861088880001", "+8613900000009"


def found(session: Session, kinds: frozenset[Kind] = EVERY) -> dict[str, tuple[Gap, ...]]:
    return {one.name: one.gaps for one in every(session, kinds)}


def every(session: Session, kinds: frozenset[Kind] = EVERY) -> tuple[Finding, ...]:
    session.flush()
    return gaps.check(session, LADDERS, kinds).findings


def test_who_has_two_ways_is_not_listed(session: Session, now: datetime) -> None:
    outbox.resident(session, now, mobile=MOBILE, chat="11")
    assert found(session) == {}


def test_nobody_without_any_number_is_missed(session: Session, now: datetime) -> None:
    outbox.resident(session, now)
    assert found(session) == {"李明": (Gap.NO_PATH,)}


def test_a_mobile_is_one_way_though_it_takes_sms_and_calls(session: Session, now: datetime) -> None:
    outbox.resident(session, now, mobile=MOBILE)
    assert found(session) == {"李明": (Gap.ONE_PATH,)}


def test_a_contact_is_a_way(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, mobile=MOBILE)
    outbox.contact(session, who, SON, now)
    assert found(session) == {}


def test_a_landline_does_not_reach_who_cannot_hear(session: Session, now: datetime) -> None:
    outbox.resident(session, now, needs=[Need.DEAF], landlines=[LANDLINE])
    assert found(session) == {"李明": (Gap.NO_PATH,)}


def test_a_kind_that_cannot_be_sent_by_is_no_way(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11", mobile=MOBILE)
    assert found(session, frozenset({Kind.CHAT})) == {"李明": (Gap.ONE_PATH,)}


def test_who_has_opted_out_of_a_way_has_it_not(session: Session, now: datetime) -> None:
    outbox.resident(session, now, chat="11", mobile=MOBILE)
    people.set_consent(session, Kind.CHAT, "11", Consent.WITHDRAWN, "chat", HOUSE, now)
    assert found(session) == {"李明": (Gap.ONE_PATH,)}


class TestFailed:
    """A number that did not work when it was used last does not count, until it works again."""

    def _tried(self, session: Session, now: datetime, reason: Reason | None) -> None:
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, SMS)
        if reason:
            outcome.failed(session, job.ref, reason, now, permanent=True)
        else:
            outcome.receipt(session, job.ref, AttemptState.DELIVERED, now)

    @pytest.mark.parametrize("reason", gaps.DEAD)
    def test_it_is_named_with_its_reason(
        self, session: Session, now: datetime, reason: Reason
    ) -> None:
        who = outbox.resident(session, now, mobile=MOBILE)
        outbox.contact(session, who, SON, now)
        self._tried(session, now, reason)
        (one,) = every(session)
        wrong = reason is Reason.NUMBER_INVALID
        assert one.gaps == ((Gap.ONE_PATH, Gap.FAILED) if wrong else (Gap.FAILED,))
        (way,) = [way for way in one.ways if way.failed]
        assert (way.failed, way.value, way.contact) == (reason, MOBILE, False)
        assert MOBILE not in repr(one)

    def test_what_works_again_is_not_listed(self, session: Session, now: datetime) -> None:
        who = outbox.resident(session, now, mobile=MOBILE)
        outbox.contact(session, who, SON, now)
        self._tried(session, now, Reason.UNDELIVERED)
        self._tried(session, now + timedelta(days=1), None)
        assert found(session) == {}

    @pytest.mark.parametrize("reason", [Reason.PROVIDER_DOWN, Reason.RATE_LIMITED])
    def test_what_the_provider_did_says_nothing_of_the_number(
        self, session: Session, now: datetime, reason: Reason
    ) -> None:
        outbox.resident(session, now, mobile=MOBILE, chat="11")
        self._tried_by_call(session, now, reason)
        assert found(session) == {}

    def _tried_by_call(self, session: Session, now: datetime, reason: Reason) -> None:
        outbox.tell(session, now)
        for job in outbox.take(session, now, CALL):
            outcome.failed(session, job.ref, reason, now, permanent=True)

    def test_the_last_number_that_fails_leaves_no_way(
        self, session: Session, now: datetime
    ) -> None:
        outbox.resident(session, now, landlines=[LANDLINE])
        self._tried_by_call(session, now, Reason.NUMBER_INVALID)
        assert found(session) == {"李明": (Gap.NO_PATH, Gap.FAILED)}


class TestLanguage:
    """Who is told in a language that alerts are not written in is listed."""

    @pytest.fixture(autouse=True)
    def _lee(self, session: Session, now: datetime) -> uuid.UUID:
        return outbox.resident(
            session, now, "Lee", chat="11", mobile=MOBILE, written=Written.ENGLISH
        )

    def test_before_the_first_alert_nothing_is_written_in_it(self, session: Session) -> None:
        (one,) = every(session)
        assert (one.gaps, one.missing) == ((Gap.LANGUAGE,), (Written.ENGLISH,))

    def test_after_an_alert_in_it_nothing_is_missing(self, session: Session, now: datetime) -> None:
        texts = {one: {"headline": "x"} for one in (Written.HANS, Written.ENGLISH)}
        outbox.tell(session, now, texts=texts)
        assert found(session) == {}

    def test_three_alerts_without_it_are_too_many(self, session: Session, now: datetime) -> None:
        texts = {one: {"headline": "x"} for one in (Written.HANS, Written.ENGLISH)}
        outbox.tell(session, now, texts=texts)
        for day in range(1, 4):
            outbox.tell(session, now + timedelta(days=day))
        assert found(session) == {"Lee": (Gap.LANGUAGE,)}


@pytest.mark.parametrize("reachable", [True, False])
def test_who_lives_alone_needs_a_contact_who_can_be_called(
    session: Session, now: datetime, reachable: bool
) -> None:
    who = outbox.resident(
        session, now, needs=[Need.LIVES_ALONE], mobile=MOBILE, landlines=[LANDLINE]
    )
    session.add(
        people.Contact(community_id=community(session), resident_id=who, name="女儿", rank=1)
    )
    if reachable:
        outbox.contact(session, who, SON, now)
    assert found(session) == ({} if reachable else {"李明": (Gap.NO_CONTACT,)})


def test_the_list_is_in_the_order_of_a_round_and_by_grid(session: Session, now: datetime) -> None:
    for room, grid in (("10-1-101", "2网格"), ("3-2-501", "1网格"), ("2-1-101", "2网格")):
        home = place.read(room)
        assert home is not None
        place.Tree(session).ensure(home, grid)
        session.flush()
        outbox.resident(session, now, room, room=room)
    assert [(one.grid, one.name) for one in every(session)] == [
        ("1网格", "3-2-501"),
        ("2网格", "2-1-101"),
        ("2网格", "10-1-101"),
    ]
    within = gaps.check(session, LADDERS, EVERY, place.paths(session, "1网格"))
    assert (within.residents, len(within.findings)) == (1, 1)
    assert gaps.check(session, LADDERS, EVERY, ()).residents == 0


def test_who_was_erased_is_not_looked_at(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now)
    session.get_one(Resident, (community(session), who)).erased_at = now
    assert found(session) == {}


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    said: list[str] = []
    bind = session.get_bind()

    def note(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(bind, "before_cursor_execute", note)
    yield said
    event.remove(bind, "before_cursor_execute", note)


def test_it_takes_as_many_statements_for_many_as_for_one(session: Session, now: datetime) -> None:
    def look() -> int:
        session.flush()
        with counted(session) as said:
            gaps.check(session, LADDERS, EVERY)
        return len(said)

    outbox.resident(session, now)
    alone = look()
    for number in range(60):
        who = outbox.resident(session, now, room=f"9-1-{number + 101}", mobile=f"+86138{number:08}")
        outbox.contact(session, who, SON, now)
    outbox.tell(session, now)
    for job in outbox.take(session, now, SMS):
        outcome.failed(session, job.ref, Reason.NUMBER_INVALID, now, permanent=True)
    assert look() == alone < 9
