"""Rounds: every duty is done in turn, and one that fails holds up no other."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.config import Settings
from bot.rounds import Rounds, duties
from content import bare, doorstep, identity, knock, notice, people
from content.clock import Clock
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.people import OwnerKind
from content.staff import Role
from content.store import Store
from tests.content import outbox
from verification import desk, shelf
from verification.case import Question


def told(store: Store) -> int:
    with store.read() as session:
        query = select(func.count()).where(Notice.kind == NoticeKind.CASE)
        return session.scalar(query) or 0


async def test_a_duty_that_fails_does_not_stop_the_others(store: Store, now: datetime) -> None:
    done: list[datetime] = []

    def fails(_: Session, __: datetime) -> None:
        raise ZeroDivisionError

    work = {"bad": fails, "good": lambda _, at: done.append(at)}
    await Rounds(store, Clock(start=now), work).once()
    assert len(done) == 1


async def test_who_waits_longer_than_the_set_hours_is_told_once(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        who = bare.address(session, Kind.CHAT, "1001", now)
        desk.hear(session, shelf.Base(), Question("夜市要搬到河对岸去", who), now)
    early, late = (Clock(start=now + timedelta(hours=hours)) for hours in (1.9, 2.1))
    work = duties(Settings(promise_hours=2))
    await Rounds(store, early, work).once()
    assert told(store) == 1
    # two processes do no harm
    for _ in range(2):
        await Rounds(store, late, work).once()
    assert told(store) == 2


async def test_rounds_end_when_they_are_stopped(store: Store, now: datetime) -> None:
    loop, begun, done = asyncio.get_running_loop(), asyncio.Event(), []

    def work(_: Session, at: datetime) -> None:
        done.append(at)
        loop.call_soon_threadsafe(begun.set)

    rounds = Rounds(store, Clock(start=now), {"one": work})
    running = asyncio.create_task(rounds.run())
    async with asyncio.timeout(60):
        await begun.wait()
        rounds.stop()
        await running
    assert len(done) == 1


async def test_a_worker_is_told_once_where_to_go_again(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = identity.add_staff(session, "网格员", [Role.GRID_WORKER], now)
        people.add_address(session, OwnerKind.STAFF, worker.id, Kind.CHAT, "9020", now)
        who = outbox.resident(session, now, "王奶奶", room="3-2-501")
        made = outbox.tell(session, now, alert_id=outbox.alert(session, now))
        outbox.route(session, now)
        actor = Actor(Door.CHAT, worker.id)
        doorstep.press(session, made.id, who, knock.Found.AWAY, actor, now)
    late = Rounds(store, Clock(start=now + timedelta(minutes=31)), duties(Settings()))
    await late.once()
    await late.once()
    with store.read() as session:
        (page,) = session.scalars(select(Notice).where(Notice.kind == NoticeKind.PAGE)).all()
        text = notice.texts(session, page.id)[Written.HANS]["text"]
    assert text.endswith("刚才不在家的1户，可以再去一次。\n3号楼2单元501室")
