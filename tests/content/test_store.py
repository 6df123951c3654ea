import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from content import sqlite
from content import store as stores
from content.base import new_number
from content.keys import KeyFileError, Keyring
from content.people import Resident
from content.place import Community
from content.store import Store, StoreError
from tests.content import outbox

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
held.execute("COMMIT")
"""


@pytest.fixture
def locked(file_store: Store) -> subprocess.Popen[str]:
    """Another process that holds the database until it is told to let go."""
    path = file_store.url.removeprefix("sqlite:///")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.communicate("\n")


def _rename(store: Store) -> None:
    with store.begin() as session:
        session.scalars(select(Community)).one().name = "新名字"


def _name(store: Store) -> str:
    with store.read() as session:
        return session.scalars(select(Community)).one().name


def test_a_writer_waits_for_another_process(
    file_store: Store, locked: subprocess.Popen[str]
) -> None:
    writing = threading.Thread(target=_rename, args=(file_store,))
    writing.start()
    # longer than SQLite itself waits
    writing.join(sqlite.BUSY_MS / 1000 + 0.15)
    assert writing.is_alive()
    locked.stdin.write("\n")
    locked.stdin.flush()
    writing.join(10)
    assert _name(file_store) == "新名字"


def test_a_writer_does_not_wait_for_ever(
    file_store: Store, locked: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_PATIENCE", 0.1)
    with pytest.raises(OperationalError, match="locked"):
        _rename(file_store)
    assert locked.poll() is None


def test_readers_do_not_wait_for_a_writer(file_store: Store, locked: subprocess.Popen[str]) -> None:
    assert _name(file_store) == "幸福里社区"
    assert locked.poll() is None


def test_opening_a_current_database_does_not_wait_for_a_writer(
    file_store: Store, locked: subprocess.Popen[str]
) -> None:
    second = Store(file_store.url, file_store.keyring)
    second.migrate()
    second.close()
    assert locked.poll() is None
    assert second.usage.waits == 0


def test_a_fresh_database_is_migrated_once_by_two_openers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/two.sqlite3"
    opened = [Store(url, Keyring.generate()) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(Store.migrate, opened))
    for one in opened:
        one.close()
    assert done == [None, None]


def test_a_migration_waits_for_another_process(
    file_store: Store, locked: subprocess.Popen[str]
) -> None:
    second = Store(file_store.url, file_store.keyring)
    migrating = threading.Thread(target=second._upgrade)
    migrating.start()
    migrating.join(sqlite.BUSY_MS / 1000 + 0.15)
    assert migrating.is_alive()
    locked.stdin.write("\n")
    locked.stdin.flush()
    migrating.join(10)
    second.close()
    assert not migrating.is_alive()


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    def half(session: Session) -> None:
        session.scalars(select(Community)).one().name = "半截"
        session.flush()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.do(half)
    assert _name(store) == "幸福里社区"


def test_a_reading_session_cannot_write(file_store: Store) -> None:
    with file_store.read() as session:
        session.scalars(select(Community)).one().name = "偷偷"
        with pytest.raises(OperationalError, match="readonly"):
            session.flush()


async def test_a_commit_wakes_who_waits(file_store: Store) -> None:
    waiting = asyncio.create_task(file_store.changed(30))
    await asyncio.sleep(0)
    rename = text("UPDATE community SET name = '新'")
    await file_store.write(lambda session: session.execute(rename))
    await asyncio.wait_for(waiting, 10)
    assert waiting.done()


async def test_a_commit_of_another_process_wakes_who_waits(file_store: Store) -> None:
    path = file_store.url.removeprefix("sqlite:///")
    await file_store.changed(0.06)
    waiting = asyncio.gather(*(file_store.changed(30) for _ in range(3)))
    await asyncio.sleep(0.1)
    other = sqlite3.connect(path)
    other.execute("UPDATE community SET name = '别处'")
    other.commit()
    other.close()
    await asyncio.wait_for(waiting, 10)
    assert _name(file_store) == "别处"


async def test_a_transaction_that_writes_nothing_wakes_nobody(file_store: Store) -> None:
    await file_store.changed(0.06)
    waiting = asyncio.create_task(file_store.changed(30))
    await asyncio.sleep(0.1)
    await file_store.write(lambda session: session.execute(text("SELECT 1")).scalar())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    waiting.cancel()


async def test_a_commit_between_the_look_and_the_wait_is_not_missed(store: Store) -> None:
    mark = store.mark()
    with store.begin() as session:
        session.execute(text("UPDATE community SET name = '新'"))
    await asyncio.wait_for(store.changed(30, mark), 10)
    assert store.mark() != mark


async def test_nothing_new_ends_the_wait(store: Store) -> None:
    await asyncio.wait_for(store.changed(0.01), 5)
    assert store.community_id is not None


def test_without_a_community_the_sentence_says_what_to_do() -> None:
    opened = Store("sqlite://", Keyring.generate())
    with opened.read() as session, pytest.raises(StoreError, match="run `linxun init`"):
        stores.community(session)
    opened.close()


@pytest.mark.parametrize("url", ["mysql://localhost/linxun", "linxun.sqlite3", ""])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"must begin with sqlite:/// or postgresql://"):
        Store(url, Keyring.generate())


def test_a_store_does_not_tell_its_password() -> None:
    opened = Store("sqlite://", Keyring.generate())
    assert repr(opened) == "Store(sqlite://)"
    opened.close()


def test_another_key_file_does_not_open_this_database(file_store: Store, now: datetime) -> None:
    with file_store.begin() as session:
        outbox.resident(session, now)
    foreign = Store(file_store.url, Keyring.generate(), file_store.community_id)
    with foreign.read() as session, pytest.raises(KeyFileError, match="does not belong"):
        session.scalars(select(Resident.name)).one()
    foreign.close()


def test_ciphertext_moved_to_another_column_is_refused(session: Session, now: datetime) -> None:
    who = outbox.resident(session, now, mobile="+8613800000001")
    contact = outbox.contact(session, who, "+8613900000001", now)
    stolen = "UPDATE resident SET name = (SELECT value FROM address LIMIT 1)"
    session.execute(text(stolen))
    session.expire_all()
    with pytest.raises(KeyFileError, match="does not belong"):
        session.get_one(Resident, (stores.community(session), who))
    assert contact != who


def test_numbers_are_unique_and_in_order() -> None:
    numbers = [new_number() for _ in range(10_000)]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 1 << 63 for number in numbers)


def test_an_instant_must_carry_a_zone(session: Session) -> None:
    naive = datetime(2026, 7, 20, 1, 0)  # noqa: DTZ001 - that is the point
    with pytest.raises(Exception, match="time zone"):
        session.execute(select(Resident).where(Resident.joined_at == naive)).all()
    assert uuid.uuid4().version == 4


def test_who_waits_to_write_has_the_next_turn_but_one(file_store: Store) -> None:
    written: list[int] = []
    stopped = threading.Event()

    def keep_writing() -> None:
        # as a busy worker does: the next transaction begins where the last one ends
        while not stopped.is_set():
            with file_store.begin():
                time.sleep(0.03)
            written.append(1)

    other = Store(file_store.url, file_store.keyring, file_store.community_id)
    with ThreadPoolExecutor(1) as busy:
        busy.submit(keep_writing)
        passed = []
        for _ in range(10):
            while not written:
                time.sleep(0.001)
            before = len(written)
            with other.begin():
                passed.append(len(written) - before)
        stopped.set()
    other.close()
    assert max(passed) <= 2


def test_a_checkpoint_brings_the_log_into_the_file(file_store: Store, tmp_path: Path) -> None:
    _rename(file_store)
    asyncio.run(file_store.checkpoint())
    alone = tmp_path / "alone.sqlite3"
    # without the log beside it
    alone.write_bytes(Path(file_store.url.removeprefix("sqlite:///")).read_bytes())
    with contextlib.closing(sqlite3.connect(alone)) as read:
        assert read.execute("SELECT name FROM community").fetchone() == ("新名字",)
