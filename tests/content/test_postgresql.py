"""What PostgreSQL promises the house: writers beside each other, a bell, patience."""

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from channels import sweep
from content import claim, closing, expansion, revision
from content import store as stores
from content.alert import Alert
from content.base import Base, new_id
from content.delivery import Delivery
from content.keys import Keyring
from content.notice import NoticeState
from content.place import Community
from content.store import Store, StoreError
from tests.content import outbox
from tests.content.outbox import CHAT, SENDERS
from tests.content.test_migrations import _import_every_table
from tests.databases import Server, cut, server

pytestmark = pytest.mark.slow


@pytest.fixture
def url() -> Iterator[str]:
    with server().database() as made:
        yield made


@pytest.fixture
def pair(url: str) -> Iterator[tuple[Store, Store]]:
    """One community, seen by two processes as it were."""
    ring, here = Keyring.generate(), uuid.uuid4()
    both = Store(url, ring, here), Store(url, ring, here)
    with both[0].begin() as session:
        session.add(Community(community_id=here, name="幸福里社区"))
    yield both
    for one in both:
        one.close()


def _rename(session: Session, name: str = "新") -> None:
    session.scalars(select(Community)).one().name = name


def test_its_tables_are_those_of_the_code(url: str) -> None:
    _import_every_table()
    opened = Store(url, Keyring.generate())
    with opened._readers.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        difference = compare_metadata(context, Base.metadata)
    opened.close()
    assert difference == []


def test_several_openers_migrate_it_once() -> None:
    whole: Server = server()
    name = f"test_{uuid.uuid4().hex}"
    whole.execute(f"CREATE DATABASE {name}")
    opened = [Store(whole.url(name), Keyring.generate()) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(Store.migrate, opened))
    for one in opened:
        one.close()
    whole.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert done == [None] * 4


def test_transactions_of_a_community_follow_one_another(pair: tuple[Store, Store]) -> None:
    """Whoever reads before it writes finds what the other has written, in whichever process."""

    def count(store: Store) -> None:
        with store.begin() as session:
            found = session.scalars(select(Community)).one()
            number = int(found.name) if found.name.isdecimal() else 0
            time.sleep(0.01)
            found.name = str(number + 1)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, pair * 8))
    with pair[0].read() as session:
        assert session.scalars(select(Community)).one().name == "16"


def test_shared_transactions_run_beside_the_others(pair: tuple[Store, Store]) -> None:
    one, other = pair
    with one.begin() as session, other.begin(shared=True) as beside:
        _rename(session)
        assert beside.scalars(select(Community)).one().name == "幸福里社区"


def test_a_reading_session_cannot_write(pair: tuple[Store, Store]) -> None:
    with pair[0].read() as session:
        _rename(session)
        with pytest.raises(DBAPIError, match="read-only"):
            session.flush()


def test_a_reading_session_sees_one_moment(pair: tuple[Store, Store]) -> None:
    one, other = pair
    with one.read() as session:
        before = session.scalar(select(Community.name))
        with other.begin() as writing:
            _rename(writing)
        assert session.scalar(select(Community.name)) == before


async def test_a_commit_of_another_process_wakes_who_waits(pair: tuple[Store, Store]) -> None:
    one, other = pair
    await one.changed(1)
    waiting = asyncio.gather(*(one.changed(30) for _ in range(3)))
    await asyncio.sleep(0)
    await other.write(_rename)
    await asyncio.wait_for(waiting, 10)
    assert waiting.done()


async def test_many_commits_ring_a_few_times(pair: tuple[Store, Store]) -> None:
    """A NOTIFY takes a lock of the whole server: one stands for all commits around it."""
    one, other = pair
    await one.changed(1)
    before = one.mark()
    for at in range(100):
        await other.write(lambda session, name=str(at): _rename(session, name))
    last = one.mark()
    await one.changed(5)
    assert 1 <= last - before < 100


async def test_a_look_that_changes_nothing_wakes_nobody(pair: tuple[Store, Store]) -> None:
    one, _ = pair
    await one.changed(1)
    before = one.mark()
    locked = select(Community).with_for_update()
    await one.write(lambda session: session.scalars(locked).all())
    assert one.mark() == before


async def test_a_server_that_restarts_is_waited_for(pair: tuple[Store, Store]) -> None:
    one, _ = pair
    await one.changed(1)
    cut(one)
    await one.write(_rename)
    assert await one.query(lambda session: session.scalar(select(Community.name))) == "新"


async def test_work_cut_off_half_way_is_done_again_as_a_whole(pair: tuple[Store, Store]) -> None:
    one, _ = pair
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        _rename(session)
        session.flush()
        if len(tries) == 1:
            cut(one)
        session.execute(text("SELECT 1"))

    await one.write(work)
    with one.read() as session:
        assert (session.scalar(select(Community.name)), len(tries)) == ("新", 2)


async def test_a_deadlock_is_tried_again(pair: tuple[Store, Store]) -> None:
    """Two shared transactions that lock two rows the other way round both come to their end."""
    one, other = pair
    meet = threading.Barrier(2, timeout=10)
    lock = "SELECT pg_advisory_xact_lock({})"

    def work(first: int, second: int) -> None:
        def locks(session: Session) -> None:
            session.execute(text(lock.format(first)))
            with suppress(threading.BrokenBarrierError):
                meet.wait()
            meet.abort()
            session.execute(text(lock.format(second)))

        return locks

    done = await asyncio.gather(
        one.write(work(11, 12), shared=True), other.write(work(12, 11), shared=True)
    )
    assert done == [None, None]


def test_a_server_that_is_not_there_is_named_in_a_sentence() -> None:
    opened = Store("postgresql://127.0.0.1:1/linxun", Keyring.generate())
    with pytest.raises(StoreError, match="does not answer"):
        opened.migrate()
    opened.close()


def test_an_alert_gets_a_code_of_its_own_with_many_writers(
    pair: tuple[Store, Store], now: datetime
) -> None:
    def add(store: Store) -> None:
        with store.begin() as session:
            code = revision.free_code(session)
            here = stores.community(session)
            session.add(Alert(community_id=here, id=new_id(), opened_at=now, code=code))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(add, pair * 6))
    with pair[0].read() as session:
        codes = set(session.scalars(select(Alert.code)))
    assert codes == {f"A{number}" for number in range(1, 13)}


async def test_a_standby_that_is_being_promoted_is_waited_for(
    pair: tuple[Store, Store],
) -> None:
    """It answers, and lets nobody write yet: what is known of messages must not be thrown away."""
    one, _ = pair
    name = make_url(one.url).database
    server().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    cut(one)
    writing = asyncio.create_task(one.write(_rename))
    async with asyncio.timeout(30):
        while not one.usage.waits:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
    server().execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    cut(one)
    await asyncio.wait_for(writing, 30)
    with one.read() as session:
        assert session.scalar(select(Community.name)) == "新"


def test_who_is_claimed_while_the_alert_is_cancelled_hears_of_it_all_the_same(
    pair: tuple[Store, Store], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T5: a claim that had begun commits only after the cancellation has looked who was tried."""
    # as with a large alert, of which the cancellation closes only the beginning at once
    monkeypatch.setattr(closing, "CHUNK", 1)
    one, other = pair
    with one.begin() as session:
        told = [outbox.resident(session, now, chat=f"{900 + at}") for at in range(3)]
        about = outbox.alert(session, now)
        outbox.tell(session, now, alert_id=about)
        outbox.route(session, now)
        session.execute(
            update(Delivery).where(Delivery.recipient_id != max(told)).values(next_at=later(now))
        )
    with one.begin(shared=True) as session:
        (job,) = claim.claim(session, CHAT, 10, now)
        with other.begin() as beside:
            closing.supersede(beside, about, NoticeState.CANCELLED, now)
            over = outbox.tell(beside, now, audience=None, touched=about, alert_id=about).id
    with one.read() as session:
        found = sweep.search(session, later(now), SENDERS)
    with one.begin() as session:
        sweep.mend(session, later(now), sweep.Swept(), found)
    with one.begin() as session:
        while expansion.grow(session, later(now)) is not None:
            pass
        rows = select(Delivery.recipient_id).where(Delivery.notice_id == over)
        assert session.scalars(rows).all() == [job.recipient_id]


def later(now: datetime) -> datetime:
    return now + timedelta(minutes=1)
