import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import duty, identity, incident, notice, outcome, pager, people, place, store, task
from content.delivery import AttemptState, Delivery, DeliveryState
from content.event import HOUSE, Actor, Door
from content.late import Cause, Late
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import TaskKind
from tests.content import outbox
from tests.content.outbox import CALL, CHAT


def _staff(
    session: Session, now: datetime, role: Role, chat: str = "", **other: object
) -> uuid.UUID:
    made = identity.add_staff(session, "某人", [role], now, **other).id
    if chat:
        people.add_address(session, OwnerKind.STAFF, made, Kind.CHAT, chat, now)
    return made


def _pages(session: Session) -> list[Notice]:
    query = select(Notice).where(Notice.kind == NoticeKind.PAGE).order_by(Notice.id)
    return list(session.scalars(query))


def _called(session: Session) -> set[uuid.UUID]:
    return set(session.scalars(select(Delivery.recipient_id)))


def _help(session: Session, now: datetime, **other: object) -> task.Task:
    who = outbox.resident(session, now, "王奶奶", landlines=["+862100000001"])
    return task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who, urgent=True, **other)


def test_who_is_on_duty_is_called_to_a_cry_for_help(session: Session, now: datetime) -> None:
    on_duty = _staff(session, now, Role.GRID_WORKER)
    _staff(session, now, Role.ADMIN)
    duty.begin(session, on_duty, now, None, now)
    _help(session, now)
    assert pager.call_out(session, now) == 1
    assert _called(session) == {on_duty}


def test_nobody_is_called_twice_to_the_same_task(session: Session, now: datetime) -> None:
    _staff(session, now, Role.ADMIN)
    _help(session, now)
    assert [pager.call_out(session, now) for _ in range(3)] == [1, 0, 0]
    assert len(_pages(session)) == 1


def test_the_worker_of_the_grid_is_called_as_well(session: Session, now: datetime) -> None:
    tree = place.Tree(session)
    home = tree.ensure(place.read("7-1-101"), grid="2网格")
    grid = place.find(session, "2网格")
    near = _staff(session, now, Role.GRID_WORKER, place_id=grid.id)
    _staff(session, now, Role.GRID_WORKER)
    task.add(session, TaskKind.HELP, HOUSE, now, place_id=home.id, subject_id=uuid.uuid4())
    pager.call_out(session, now)
    assert _called(session) == {near}


@pytest.mark.parametrize(
    ("kind", "role"), [(TaskKind.CASE, Role.EXPERT), (TaskKind.REVIEW, Role.VERIFIER)]
)
def test_other_tasks_go_to_who_can_do_them(
    session: Session, now: datetime, kind: TaskKind, role: Role
) -> None:
    able = _staff(session, now, role)
    _staff(session, now, Role.AUTHOR)
    task.add(session, kind, HOUSE, now, subject_id=uuid.uuid4())
    pager.call_out(session, now)
    assert _called(session) == {able}


def test_without_anybody_to_call_the_task_waits(session: Session, now: datetime) -> None:
    _help(session, now)
    assert pager.call_out(session, now) == 0
    late = _staff(session, now, Role.ADMIN)
    assert pager.call_out(session, now) == 1
    assert _called(session) == {late}


def test_a_task_that_nobody_takes_is_called_out_once_more(session: Session, now: datetime) -> None:
    _staff(session, now, Role.ADMIN)
    _help(session, now)
    pager.call_out(session, now)
    later = now + timedelta(minutes=30)
    assert [pager.call_out(session, later) for _ in range(2)] == [1, 0]
    assert len(_pages(session)) == 2


def test_a_page_says_where_who_and_what_number(session: Session, now: datetime) -> None:
    _staff(session, now, Role.ADMIN)
    _help(session, now)
    pager.call_out(session, now)
    (page,) = _pages(session)
    text = notice.texts(session, page.id)[Written.HANS]["text"]
    assert all(part in text for part in ("王奶奶", "+862100000001", "501"))


def test_a_page_climbs_to_the_phone_and_never_to_a_door(session: Session, now: datetime) -> None:
    who = _staff(session, now, Role.ADMIN, chat="99")
    people.add_address(session, OwnerKind.STAFF, who, Kind.CALL, "+8613800000009", now)
    _help(session, now)
    pager.call_out(session, now)
    (page,) = _pages(session)
    kinds = []
    for hour in range(6):
        for job in outbox.take(session, now + timedelta(hours=hour), CHAT, CALL):
            kinds.append(job.kind)
            ended = AttemptState.COMPLETED
            outcome.receipt(session, job.ref, ended, now + timedelta(hours=hour))
    row = outbox.delivery(session, page, who)
    assert kinds == [Kind.CHAT, Kind.CALL, Kind.CALL]
    assert (row.state, row.reason) == (DeliveryState.FAILED, Reason.LADDER_EXHAUSTED)


class TestWhatIsStuck:
    """Staff are called past what is held up: the ladder may be what does not work."""

    def _duty(self, session: Session, now: datetime) -> dict[Kind, uuid.UUID]:
        who = _staff(session, now, Role.ADMIN, chat="99")
        for kind in (Kind.CALL, Kind.SMS):
            people.add_address(session, OwnerKind.STAFF, who, kind, "+8613800000009", now)
        duty.begin(session, who, now, None, now)
        return {one.kind: one.id for one in people.addresses(session, [who])[who]}

    def _stuck(self, now: datetime, kind: Kind = Kind.CHAT, sender: str = "telegram") -> Late:
        return Late(Cause.IDLE, now - timedelta(seconds=70), 12, sender, kind)

    def test_the_duty_phone_is_told_once(self, session: Session, now: datetime) -> None:
        self._duty(session, now)
        for seconds in range(0, 300, 10):
            at = now + timedelta(seconds=seconds)
            assert incident.note(session, [self._stuck(at)], at) == []
            pager.call_out(session, at)
        (page,) = _pages(session)
        text = notice.texts(session, page.id)[Written.HANS]["text"]
        assert all(part in text for part in ("12条聊天通知", "已等1分钟", "linxun doctor"))

    def test_it_is_called_past_the_kind_that_is_held_up(
        self, session: Session, now: datetime
    ) -> None:
        ways = self._duty(session, now)
        incident.note(session, [self._stuck(now)], now)
        pager.call_out(session, now)
        assert _called(session) == {ways[Kind.CALL], ways[Kind.SMS]}
        assert {job.kind for job in outbox.take(session, now)} == {Kind.CALL, Kind.SMS}

    def test_where_everything_is_held_up_all_of_it_is_tried(
        self, session: Session, now: datetime
    ) -> None:
        self._duty(session, now)
        stuck = [self._stuck(now, kind, kind.value) for kind in (Kind.CHAT, Kind.SMS, Kind.CALL)]
        incident.note(session, stuck, now)
        pager.call_out(session, now)
        assert len(_called(session)) == 2

    def test_it_is_over_when_it_has_been_quiet_and_comes_back_as_a_new_one(
        self, session: Session, now: datetime
    ) -> None:
        self._duty(session, now)
        incident.note(session, [self._stuck(now)], now)
        pager.call_out(session, now)
        assert incident.note(session, [], now + timedelta(minutes=2)) == []
        again = now + timedelta(minutes=2)
        assert incident.note(session, [self._stuck(again)], again) == []
        later = again + incident.CLEAR
        (over,) = incident.note(session, [], later)
        pager.answered(session, over, None, later)
        session.flush()
        assert incident.going_on(session) == []
        assert outbox.take(session, later) == []
        incident.note(session, [self._stuck(later)], later)
        assert pager.call_out(session, later) == 1


def test_who_takes_it_frees_the_others(session: Session, now: datetime) -> None:
    taker, other = (_staff(session, now, Role.ADMIN, chat=chat) for chat in ("98", "99"))
    errand = _help(session, now)
    pager.call_out(session, now)
    (page,) = _pages(session)
    pager.answered(session, errand.id, taker, now)
    session.flush()
    states = [outbox.delivery(session, page, one).state for one in (taker, other)]
    assert states == [DeliveryState.CONFIRMED, DeliveryState.SUPERSEDED]
    assert outbox.take(session, now, CHAT) == []


class TestHelp:
    """Key 3 calls the worker of the grid at once; the duty phone hears of what is late."""

    @pytest.fixture
    def near(self, session: Session, now: datetime) -> uuid.UUID:
        tree = place.Tree(session)
        home = place.read("3-2-501")
        assert home is not None
        tree.ensure(home, grid="1网格")
        session.flush()
        grid = place.find(session, "1网格")
        assert grid is not None
        return _staff(session, now, Role.GRID_WORKER, chat="97", place_id=grid.id)

    @pytest.fixture
    def on_duty(self, session: Session, now: datetime) -> uuid.UUID:
        who = _staff(session, now, Role.PUBLISHER, chat="98")
        people.add_address(session, OwnerKind.STAFF, who, Kind.CALL, "+8613800000009", now)
        duty.begin(session, who, now, None, now)
        return who

    def _opened(self, session: Session, now: datetime) -> task.Task:
        who = outbox.resident(session, now, "王奶奶", landlines=["+862100000001"])
        outbox.contact(session, who, "+8613900000005", now)
        home = session.get_one(people.Resident, (store.community(session), who)).place_id
        add = task.add(
            session, TaskKind.HELP, HOUSE, now, resident_id=who, place_id=home, urgent=True
        )
        pager.call_out(session, now)
        session.flush()
        return add

    def test_first_only_who_is_near_is_called(
        self, session: Session, now: datetime, near: uuid.UUID, on_duty: uuid.UUID
    ) -> None:
        self._opened(session, now)
        assert _called(session) == {near} != {on_duty}
        (page,) = _pages(session)
        text = notice.texts(session, page.id)[Written.HANS]["text"]
        assert "请10分钟内联系" in text
        assert "联系人王强：+8613900000005" in text

    def test_after_the_set_minutes_the_duty_phone_rings_at_once(
        self, session: Session, now: datetime, near: uuid.UUID, on_duty: uuid.UUID
    ) -> None:
        self._opened(session, now)
        outbox.take(session, now)
        at = now + timedelta(minutes=10)
        assert pager.call_out(session, at - timedelta(seconds=1)) == 0
        assert pager.call_out(session, at) == 1
        rung = {job.to for job in outbox.take(session, at) if job.kind is Kind.CALL}
        assert rung == {"+8613800000009"}
        assert {near, on_duty} <= _called(session)

    def test_help_that_was_taken_calls_nobody_until_it_is_not_done(
        self, session: Session, now: datetime, near: uuid.UUID, on_duty: uuid.UUID
    ) -> None:
        errand = self._opened(session, now)
        task.take(session, errand.id, Actor(Door.CHAT, near), now)
        pager.answered(session, errand.id, near, now)
        assert pager.call_out(session, now + timedelta(minutes=59)) == 0
        assert pager.call_out(session, now + timedelta(minutes=60)) == 1
        text = notice.texts(session, _pages(session)[-1].id)[Written.HANS]["text"]
        assert text.startswith("某人60分钟前接了，还没有办好：")
        assert on_duty in _called(session)

    def test_without_a_worker_who_can_be_called_the_duty_is_called_at_once(
        self, session: Session, now: datetime, on_duty: uuid.UUID
    ) -> None:
        self._opened(session, now)
        assert _called(session) == {on_duty}


def test_a_task_in_a_list_says_how_long_it_waits_until_somebody_has_it(
    session: Session, now: datetime
) -> None:
    errand = _help(session, now)
    assert "请10分钟内联系" in pager.text(session, errand, now)
    assert "已经过了5分钟" in pager.text(session, errand, now + timedelta(minutes=15))
    task.take(session, errand.id, Actor(Door.CHAT, uuid.uuid4()), now)
    assert "分钟" not in pager.text(session, errand, now + timedelta(minutes=15))


def test_who_calls_for_help_at_a_door_is_not_called_to_it(session: Session, now: datetime) -> None:
    home = place.read("3-2-501")
    assert home is not None
    place.Tree(session).ensure(home, grid="1网格")
    session.flush()
    grid = place.find(session, "1网格")
    assert grid is not None
    there, office = (
        _staff(session, now, role, chat=chat, place_id=at)
        for role, chat, at in ((Role.GRID_WORKER, "97", grid.id), (Role.PUBLISHER, "98", None))
    )
    duty.begin(session, office, now, None, now)
    home_id = place.ensure(session, "3-2-501").id
    task.add(session, TaskKind.HELP, Actor(Door.CHAT, there), now, place_id=home_id, urgent=True)
    pager.call_out(session, now)
    assert _called(session) == {office}
