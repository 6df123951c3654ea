from datetime import datetime, timedelta

import pytest

from content import duty, identity, people
from content.message import Kind
from content.people import OwnerKind
from content.staff import Role
from content.store import Store

HOUR = timedelta(hours=1)


def test_who_began_last_is_on_duty(store: Store, now: datetime) -> None:
    with store.begin() as session:
        first, second = (identity.add_staff(session, name, [Role.AUTHOR], now) for name in "甲乙")
        duty.begin(session, first.id, now, None, now)
        duty.begin(session, second.id, now + HOUR, now + 2 * HOUR, now)
        on = [duty.current(session, now + hours * HOUR) for hours in (0, 1, 2)]
        assert [one and one.staff_id for one in on] == [first.id, second.id, None]


def test_who_has_left_is_not_on_duty(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = identity.add_staff(session, "陈敏", [Role.AUTHOR], now)
        duty.begin(session, worker.id, now, None, now)
        identity.leave(session, worker.id, now)
        assert duty.current(session, now) is None


def test_a_page_tries_the_chat_before_the_phone(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = identity.add_staff(session, "陈敏", [Role.AUTHOR], now)
        for kind, value in ((Kind.CALL, "+8613800138000"), (Kind.CHAT, "77")):
            people.add_address(session, OwnerKind.STAFF, worker.id, kind, value, now)
        duty.begin(session, worker.id, now, None, now)
        on = duty.current(session, now)
        assert on is not None
        assert [people.value(session, one) for one in on.address_ids] == ["77", "+8613800138000"]
        assert duty.phone(session, now) == "+8613800138000"


def test_without_anybody_on_duty_there_is_no_phone(store: Store, now: datetime) -> None:
    with store.read() as session:
        assert duty.phone(session, now) == ""


def test_a_duty_ends_after_it_starts(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = identity.add_staff(session, "陈敏", [Role.AUTHOR], now)
        with pytest.raises(ValueError, match="end after it starts"):
            duty.begin(session, worker.id, now, now, now)
