"""The whole way of a cry for help: key 3, the worker of the grid at once, then the duty phone."""

from datetime import datetime, timedelta

import pytest

from bot.turn import Effect, Rewrite
from channels import route
from content import cap, claim, duty, identity, outcome, pager, people, place, task
from content.event import HOUSE
from content.message import Kind
from content.people import OwnerKind
from content.staff import Role
from content.task import TaskKind
from tests.bot.street import SENDERS, WANG, Street, buttons, said

WORKER, DUTY_CHAT, DUTY_PHONE = "9020", "9030", "+8613800000009"


@pytest.fixture
def town(street: Street) -> Street:
    """王奶奶 lives in 1网格, which has a worker; somebody is on duty with chat and phone."""
    home = place.read("3-2-501")
    assert home is not None
    place.Tree(street.session).ensure(home, "1网格")
    street.session.flush()
    grid = place.find(street.session, "1网格")
    assert grid is not None
    roles = {WORKER: (Role.GRID_WORKER, grid.id), DUTY_CHAT: (Role.EXPERT, None)}
    for chat, (role, place_id) in roles.items():
        who = identity.add_staff(street.session, f"{role}某", [role], street.now, place_id=place_id)
        people.add_address(street.session, OwnerKind.STAFF, who.id, Kind.CHAT, chat, street.now)
    people.add_address(street.session, OwnerKind.STAFF, who.id, Kind.CALL, DUTY_PHONE, street.now)
    duty.begin(street.session, who.id, street.now - timedelta(hours=1), None, street.now)
    return street


def turn(street: Street, minutes: float = 0) -> dict[str, str]:
    """Let the house work; return the newest attempt to each of the staff."""
    now = street.now + timedelta(minutes=minutes)
    session, kinds = street.session, frozenset(Kind)
    pager.call_out(session, now)
    session.flush()
    route.route(session, street.house.ladders, kinds, cap.zone(session), now)
    jobs = [job for one in SENDERS.values() for job in claim.claim(session, one, 100, now)]
    for job in jobs:
        if job.kind is Kind.CHAT:
            outcome.accepted(session, job.ref, job.ref[:8], now)
    session.flush()
    session.expire_all()
    return {job.to: job.ref for job in jobs if job.to in (WORKER, DUTY_CHAT, DUTY_PHONE)}


def cries(street: Street) -> dict[str, str]:
    """Let 王奶奶 press 3 in the alert's call."""
    made = street.publish()
    street.keys(WANG, street.send(made, street.wang, Kind.CALL), "3")
    return turn(street)


def test_key_3_calls_the_worker_of_the_grid_at_once_and_nobody_else(town: Street) -> None:
    assert set(cries(town)) == {WORKER}
    (one,) = task.waiting(town.session, TaskKind.HELP)
    assert one.due_at == town.now + timedelta(minutes=10)


def test_when_nobody_takes_it_the_duty_phone_rings_after_ten_minutes(town: Street) -> None:
    cries(town)
    assert DUTY_PHONE not in turn(town, 9.9)
    assert {DUTY_PHONE, DUTY_CHAT} <= set(turn(town, 10))


def test_key_1_in_the_call_to_the_duty_phone_takes_it(town: Street) -> None:
    cries(town)
    ref = turn(town, 10)[DUTY_PHONE]
    town.now += timedelta(minutes=11)
    town.keys(DUTY_PHONE, ref, "1")
    (one,) = task.waiting(town.session, TaskKind.HELP)
    assert one.taken_at == town.now
    assert turn(town, 30) == {}


def test_who_takes_it_is_shown_on_the_page_and_calls_end(town: Street) -> None:
    ref = cries(town)[WORKER]
    town.now += timedelta(minutes=2)
    (note, page) = town.presses(WORKER, f"task:{ref}:take", message_id="5")
    assert isinstance(page, Rewrite)
    assert "王奶奶" in page.text
    assert "电话：+861088880001" in page.text
    assert "09:02 grid_worker某接手了" in page.text
    assert [one.label for row in page.buttons for one in row] == ["已办好"]
    assert turn(town, 20) == {}
    assert note == town.presses(WORKER, f"task:{ref}:take")[0]


def test_what_is_not_done_in_time_comes_back_to_the_duty_phone(town: Street) -> None:
    ref = cries(town)[WORKER]
    town.presses(WORKER, f"task:{ref}:take")
    assert DUTY_PHONE not in turn(town, 59)
    late = turn(town, 60)
    assert {DUTY_PHONE, WORKER} <= set(late)
    town.now += timedelta(minutes=61)
    (_, page) = town.presses(DUTY_CHAT, f"task:{late[DUTY_CHAT]}:take", message_id="6")
    assert isinstance(page, Rewrite)
    assert "expert某接手了" in page.text


def test_done_closes_it_for_everybody(town: Street) -> None:
    ref = cries(town)[WORKER]
    town.presses(WORKER, f"task:{ref}:done")
    assert task.waiting(town.session, TaskKind.HELP) == []
    assert turn(town, 11) == {}


class TestList:
    """/tasks shows who waits for help to who may go there."""

    def _listed(self, street: Street, chat: str) -> list[Effect]:
        return street.says(chat, "/tasks")

    def test_a_task_is_taken_and_closed_from_the_list(self, town: Street) -> None:
        cries(town)
        shown = self._listed(town, WORKER)
        assert "王奶奶" in said(shown)
        take, done = buttons(shown)
        town.presses(WORKER, take)
        (one,) = task.waiting(town.session, TaskKind.HELP)
        assert one.taken_at == town.now
        (_, page) = town.presses(WORKER, done, message_id="9")
        assert isinstance(page, Rewrite)
        assert page.buttons == ()
        assert task.waiting(town.session, TaskKind.HELP) == []

    def test_another_grid_s_worker_neither_sees_nor_takes_it(self, town: Street) -> None:
        cries(town)
        take = buttons(self._listed(town, WORKER))[0]
        other = identity.add_staff(town.session, "别处", [Role.GRID_WORKER], town.now)
        people.add_address(town.session, OwnerKind.STAFF, other.id, Kind.CHAT, "9040", town.now)
        assert "王奶奶" not in said(self._listed(town, "9040"))
        town.presses("9040", take)
        (one,) = task.waiting(town.session, TaskKind.HELP)
        assert one.taken_by is None

    def test_it_is_not_for_who_goes_nowhere(self, town: Street, now: datetime) -> None:
        task.add(town.session, TaskKind.HELP, HOUSE, now, resident_id=town.wang.id)
        assert "王奶奶" not in said(self._listed(town, "9001"))
