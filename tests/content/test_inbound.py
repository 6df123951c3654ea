from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import inbound
from content.inbound import Inbound


def _keep(session: Session, now: datetime, event_id: str = "7", sender: str = "telegram") -> bool:
    return inbound.keep(session, sender, event_id, "", {"text": "收到"}, now)


def test_a_replayed_event_is_kept_once(session: Session, now: datetime) -> None:
    assert [_keep(session, now) for _ in range(3)] == [True, False, False]
    assert session.scalar(select(func.count()).select_from(Inbound)) == 1


def test_two_senders_may_count_alike(session: Session, now: datetime) -> None:
    assert _keep(session, now, sender="telegram")
    assert _keep(session, now, sender="twilio_sms")


def test_events_are_handled_in_the_order_they_came(session: Session, now: datetime) -> None:
    for event_id in ("9", "3", "5"):
        _keep(session, now, event_id)
    numbers = inbound.open_ids(session, now)
    rows = inbound.some(session, numbers)
    assert [rows[number].event_id for number in numbers] == ["9", "3", "5"]
    assert len(inbound.open_ids(session, now, limit=2)) == 2


def test_an_event_is_done_once(session: Session, now: datetime) -> None:
    _keep(session, now)
    (number,) = inbound.open_ids(session, now)
    assert [inbound.take(session, [number], now) for _ in range(2)] == [{number}, set()]
    assert inbound.open_ids(session, now) == []


def test_what_failed_is_tried_again_later_and_later_and_then_rests(
    session: Session, now: datetime
) -> None:
    _keep(session, now)
    (number,) = inbound.open_ids(session, now)
    at, pauses, last = now, [], False
    while not last:
        inbound.take(session, [number], at)
        last = inbound.failed(session, number, "ValueError")
        session.flush()
        before = at
        while not last and not inbound.open_ids(session, at):
            at += timedelta(seconds=1)
        pauses.append(at - before)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert (len(pauses), inbound.open_ids(session, now + timedelta(days=1))) == (5, [])
    assert inbound.some(session, [number])[number].error == "ValueError"


@pytest.mark.parametrize("length", [121, 5_000])
def test_an_overlong_id_is_cut_and_still_found_again(
    session: Session, now: datetime, length: int
) -> None:
    assert [_keep(session, now, "x" * length) for _ in range(2)] == [True, False]
