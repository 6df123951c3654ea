import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import (
    confirmation,
    coverage,
    doorstep,
    knock,
    privacy,
    stand,
    store,
    task,
    visit,
    worklist,
)
from content.delivery import Delivery, DeliveryState
from content.doorstep import Became
from content.event import Actor, Door
from content.knock import Found, Knock, Picture
from content.notice import Notice, NoticeState
from content.place import Community
from content.reason import Reason
from content.store import Store
from content.task import TaskKind
from tests.content import outbox

ANNA, BEN = (Actor(Door.CHAT, uuid.uuid4()) for _ in range(2))
MINUTE = timedelta(minutes=1)


@dataclass
class Doors:
    """One notice, and two homes where only a visit is left."""

    session: Session
    now: datetime
    made: Notice
    wang: uuid.UUID
    li: uuid.UUID

    def press(
        self, found: Found, who: Actor = ANNA, minutes: float = 0, whom: uuid.UUID | None = None
    ) -> doorstep.Pressed:
        at = self.now + minutes * MINUTE
        return doorstep.press(self.session, self.made.id, whom or self.wang, found, who, at)

    def back(self, done: doorstep.Pressed, who: Actor = ANNA, *, office: bool = False) -> Became:
        assert done.knock is not None
        at = self.now + 5 * MINUTE
        return doorstep.take_back(self.session, done.knock.id, who, at, office=office).became

    @property
    def delivery(self) -> Delivery:
        return outbox.delivery(self.session, self.made, self.wang)

    def names(self) -> list[str]:
        return [one.name for one in visit.cards(self.session, self.made.id)]


@pytest.fixture
def doors(session: Session, now: datetime) -> Doors:
    wang = outbox.resident(session, now, "王奶奶", room="3-2-501")
    li = outbox.resident(session, now, "李明", room="3-2-502")
    made = outbox.tell(session, now)
    outbox.route(session, now)
    return Doors(session, now, made, wang, li)


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        (Found.DONE, DeliveryState.CONFIRMED, Reason.CONFIRMED_DOOR),
        (Found.HELP, DeliveryState.CONFIRMED, Reason.CONFIRMED_DOOR),
        (Found.REFUSED, DeliveryState.REFUSED, Reason.REFUSED_DOOR),
        (Found.AWAY, DeliveryState.DOOR, Reason.NO_PATH),
        (Found.NOTE, DeliveryState.DOOR, Reason.NO_PATH),
    ],
)
def test_what_was_found_closes_the_delivery_or_leaves_it(
    doors: Doors, found: Found, state: DeliveryState, reason: Reason
) -> None:
    assert doors.press(found).became is Became.NEW
    assert (doors.delivery.state, doors.delivery.reason) == (state, reason)
    assert (doors.delivery.confirmed_at is None) == (state is not DeliveryState.CONFIRMED)


def test_who_refuses_is_counted_apart_and_never_as_confirmed(doors: Doors) -> None:
    doors.press(Found.REFUSED)
    found = coverage.live(doors.session, doors.made.id, doors.now)
    total = found.total
    assert (total.refused, total.confirmed, total.door, total.settled) == (1, 0, 1, 2)
    assert found.doors == {Found.REFUSED: 1}
    assert stand.doors(found) == ["上门：已通知0人，需要帮助0人，不在家0人，拒绝1人，名单上还有1人"]


def test_who_refused_may_still_be_told_or_confirm_by_themselves(doors: Doors) -> None:
    doors.press(Found.REFUSED)
    assert doors.press(Found.AWAY, BEN, 5).became is Became.SETTLED
    assert doors.press(Found.DONE, BEN, 10).became is Became.NEW
    assert doors.delivery.state is DeliveryState.CONFIRMED


def test_where_nobody_opened_the_card_comes_back_at_the_end(doors: Doors) -> None:
    assert doors.names() == ["王奶奶", "李明"]
    doors.press(Found.AWAY)
    first, last = visit.cards(doors.session, doors.made.id)
    assert (first.name, last.name, last.away_at) == ("李明", "王奶奶", doors.now)
    doors.press(Found.AWAY, minutes=5, whom=doors.li)
    assert doors.names() == ["王奶奶", "李明"]


def test_a_page_goes_on_after_a_card_that_was_closed_meanwhile(doors: Doors) -> None:
    first, _ = visit.cards(doors.session, doors.made.id)
    doors.press(Found.DONE)
    rest = visit.after(visit.cards(doors.session, doors.made.id), first)
    assert [one.name for one in rest] == ["李明"]


def test_the_worker_is_told_once_to_go_again(doors: Doors) -> None:
    doors.press(Found.AWAY)
    doors.press(Found.AWAY, BEN, 20)
    assert knock.recall(doors.session, doors.now + 31 * MINUTE) == []
    (one,) = knock.recall(doors.session, doors.now + 50 * MINUTE)
    assert one.by == BEN.id
    assert knock.recall(doors.session, doors.now + 90 * MINUTE) == []


@pytest.mark.parametrize("ends", [Found.DONE, Found.REFUSED, None])
def test_nobody_is_sent_again_to_who_is_settled(doors: Doors, ends: Found | None) -> None:
    doors.press(Found.AWAY)
    if ends:
        doors.press(ends, minutes=5)
    else:
        doors.made.state = NoticeState.SUPERSEDED
    assert knock.recall(doors.session, doors.now + 60 * MINUTE) == []


def test_of_two_workers_the_first_counts_and_the_second_is_told(doors: Doors) -> None:
    first = doors.press(Found.DONE)
    second = doors.press(Found.REFUSED, BEN, 1)
    assert (second.became, second.knock) == (Became.SETTLED, first.knock)
    assert doors.delivery.state is DeliveryState.CONFIRMED


def test_pressing_twice_is_one_press(doors: Doors) -> None:
    doors.press(Found.AWAY)
    assert doors.press(Found.AWAY, minutes=0.5).became is Became.AGAIN
    assert doors.press(Found.AWAY, minutes=9).became is Became.NEW


def test_a_cry_for_help_is_heard_after_somebody_was_faster(doors: Doors) -> None:
    doors.press(Found.DONE)
    assert doors.press(Found.HELP, BEN, 2).became is Became.NEW
    assert [one.kind for one in task.waiting(doors.session)] == [TaskKind.HELP]
    assert doors.delivery.state is DeliveryState.CONFIRMED


@pytest.mark.parametrize("found", [Found.DONE, Found.HELP, Found.AWAY, Found.REFUSED])
def test_a_wrong_press_is_taken_back_as_if_it_had_never_been(doors: Doors, found: Found) -> None:
    before = doorstep._stands(doors.delivery)
    done = doors.press(found)
    assert doors.back(done) is Became.UNDONE
    assert doorstep._stands(doors.delivery) == before
    assert task.waiting(doors.session) == []
    assert coverage.live(doors.session, doors.made.id, doors.now).doors == {}


def test_only_who_pressed_and_the_office_take_it_back(doors: Doors) -> None:
    done = doors.press(Found.DONE)
    assert doors.back(done, BEN) is Became.NOT_YOURS
    assert doors.back(done, BEN, office=True) is Became.UNDONE
    assert doors.back(done, BEN, office=True) is Became.GONE


def test_only_the_newest_press_is_taken_back(doors: Doors) -> None:
    first = doors.press(Found.AWAY)
    doors.press(Found.DONE, minutes=3)
    assert doors.back(first) is Became.SETTLED
    assert doors.delivery.state is DeliveryState.CONFIRMED


def test_help_that_somebody_has_taken_goes_on(doors: Doors) -> None:
    done = doors.press(Found.HELP)
    (errand,) = task.waiting(doors.session)
    task.take(doors.session, errand.id, BEN, doors.now)
    assert doors.back(done) is Became.HELPED
    assert doors.delivery.needs_help
    assert task.waiting(doors.session) == [errand]


def test_taking_back_brings_the_whole_household_back(doors: Doors) -> None:
    community = doors.session.get_one(Community, store.community(doors.session))
    community.household_confirms = True
    husband = outbox.resident(doors.session, doors.now, "王爷爷", room="3-2-501", chat="77")
    other = Delivery(**_like(doors.delivery, husband))
    doors.session.add(other)
    done = doors.press(Found.DONE)
    assert outbox.delivery(doors.session, doors.made, husband).state is DeliveryState.CONFIRMED
    doors.back(done)
    assert outbox.delivery(doors.session, doors.made, husband).state is DeliveryState.OPEN


def _like(row: Delivery, who: uuid.UUID) -> dict[str, object]:
    names = ("community_id", "notice_id", "recipient_kind", "place_id", "priority")
    same = {name: getattr(row, name) for name in names}
    return same | {"recipient_id": who, "state": DeliveryState.OPEN, "next_at": row.next_at}


def test_who_has_confirmed_by_phone_stays_confirmed(doors: Doors) -> None:
    done = doors.press(Found.AWAY)
    confirmation.at_door(doors.session, doors.made.id, doors.wang, ANNA, doors.now + MINUTE)
    doors.session.flush()
    assert coverage.live(doors.session, doors.made.id, doors.now).doors == {}
    doors.back(done)
    assert doors.delivery.state is DeliveryState.CONFIRMED


def test_after_an_update_an_old_card_settles_nothing(doors: Doors) -> None:
    doors.delivery.state = DeliveryState.SUPERSEDED
    doors.session.flush()
    assert doors.press(Found.DONE).became is Became.OVER
    assert doors.press(Found.HELP).became is Became.NEW
    assert [one.kind for one in task.waiting(doors.session)] == [TaskKind.HELP]


def test_notes_and_photos_stay_with_the_door_and_go_with_the_person(doors: Doors) -> None:
    done = doors.press(Found.AWAY)
    assert done.knock is not None
    knock.remark(done.knock, "灯亮着，身份证11010519491231002X")
    knock.attach(doors.session, done.knock, "image/jpeg", "file1", b"jpeg")
    doors.session.flush()
    (one,) = [card for card in visit.cards(doors.session, doors.made.id) if card.been]
    assert (one.been[0].note, one.been[0].photos) == ("灯亮着，身份证***", 1)
    assert "灯亮着" not in repr(one)
    held = privacy.export(doors.session, doors.wang)["visits"]
    assert [row["note"] for row in held] == ["灯亮着，身份证***"]
    privacy.erase(doors.session, doors.wang, ANNA, doors.now)
    assert doors.session.scalars(select(Picture)).all() == []
    assert doors.session.scalars(select(Knock.note)).all() == [""]


def test_notes_and_photos_are_kept_briefly(doors: Doors) -> None:
    done = doors.press(Found.DONE)
    assert done.knock is not None
    knock.remark(done.knock, "门口有积水")
    knock.attach(doors.session, done.knock, "image/jpeg", "file1", None)
    privacy.redact(doors.session, doors.now + timedelta(days=29))
    assert knock.pictures(doors.session, doors.made.id)
    privacy.redact(doors.session, doors.now + timedelta(days=31))
    assert doors.session.scalars(select(Knock.note)).all() == [""]
    assert knock.pictures(doors.session, doors.made.id) == []


def test_nobody_without_a_delivery_has_a_card(doors: Doors) -> None:
    assert doors.press(Found.DONE, whom=uuid.uuid4()).became is Became.GONE
    assert visit.card(doors.session, doors.made.id, uuid.uuid4()) is None


async def test_of_two_presses_at_the_same_moment_one_counts(
    file_store: Store, now: datetime
) -> None:
    with file_store.begin() as session:
        who = outbox.resident(session, now, "王奶奶")
        made = outbox.tell(session, now)
        outbox.route(session, now)
        notice_id = made.id

    def press(found: Found, actor: Actor) -> Callable[[Session], Became]:
        return lambda session: doorstep.press(session, notice_id, who, found, actor, now).became

    done = await asyncio.gather(
        file_store.write(press(Found.DONE, ANNA)), file_store.write(press(Found.REFUSED, BEN))
    )
    assert Became.NEW in done
    with file_store.read() as session:
        counted = knock.tally(session, notice_id)
    # who refused first may still be told; who was told has not refused
    assert counted == {Found.DONE: 1}


async def test_a_cry_at_the_moment_a_press_is_taken_back_stands(
    file_store: Store, now: datetime
) -> None:
    with file_store.begin() as session:
        who = outbox.resident(session, now, "王奶奶")
        notice_id = outbox.tell(session, now).id
        outbox.route(session, now)
    with file_store.begin() as session:
        done = doorstep.press(session, notice_id, who, Found.DONE, ANNA, now).knock
        assert done is not None
        knock_id = done.id
    later = now + MINUTE
    await asyncio.gather(
        file_store.write(lambda s: doorstep.take_back(s, knock_id, ANNA, later).became),
        file_store.write(
            lambda s: doorstep.press(s, notice_id, who, Found.HELP, BEN, later).became
        ),
    )
    with file_store.read() as session:
        card = visit.card(session, notice_id, who)
        assert card is not None
        assert (card.state, card.needs_help) == (DeliveryState.CONFIRMED, True)
        assert knock.tally(session, notice_id) == {Found.HELP: 1}


def test_a_resident_who_cries_too_is_helped_although_the_worker_pressed_wrong(
    doors: Doors,
) -> None:
    done = doors.press(Found.HELP)
    confirmation.at_door(doors.session, doors.made.id, doors.wang, BEN, doors.now, help_=True)
    assert doors.back(done) is Became.HELPED
    assert doors.delivery.needs_help
    assert [one.kind for one in task.waiting(doors.session)] == [TaskKind.HELP]


def test_a_task_that_was_opened_by_mistake_is_not_told_as_done(doors: Doors) -> None:
    done = doors.press(Found.HELP)
    (errand,) = task.waiting(doors.session, TaskKind.HELP)
    doors.back(done)
    assert worklist.history(errand, "张三", UTC) == ["7月20日01:05 张三按错了，已撤回"]


def test_help_that_was_asked_for_after_a_press_outlives_it(doors: Doors) -> None:
    done = doors.press(Found.DONE)
    confirmation.at_door(doors.session, doors.made.id, doors.wang, BEN, doors.now, help_=True)
    assert doors.back(done) is Became.UNDONE
    assert doors.delivery.needs_help


def test_who_cries_again_after_help_was_done_is_helped_again(doors: Doors) -> None:
    doors.press(Found.HELP)
    (first,) = task.waiting(doors.session, TaskKind.HELP)
    task.done(doors.session, first.id, "helped", BEN, doors.now)
    doors.press(Found.HELP, minutes=30)
    assert [one.id != first.id for one in task.waiting(doors.session, TaskKind.HELP)] == [True]


def test_a_note_about_who_needs_help_is_read_by_who_comes(doors: Doors) -> None:
    done = doors.press(Found.HELP)
    assert done.knock is not None
    doorstep.remark(doors.session, done.knock, "腿摔了")
    (errand,) = task.waiting(doors.session, TaskKind.HELP)
    assert (done.knock.note, errand.note) == ("腿摔了", "腿摔了")
