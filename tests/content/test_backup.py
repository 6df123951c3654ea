"""A copy of the database: whole, private, and one moment, whoever writes meanwhile."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from content import backup, event, gauge
from content.backup import BackupError
from content.event import HOUSE, Event
from content.store import Store


@contextmanager
def _writing(store: Store, now: datetime) -> Iterator[threading.Event]:
    """Write pairs of events, each pair in one transaction, as fast as it goes."""
    stop, begun = threading.Event(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            with store.begin() as session:
                for kind in ("pair.one", "pair.two"):
                    event.add(session, HOUSE, kind, None, now, padding="x" * 2_000)
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(30)
        yield begun
    finally:
        stop.set()
        thread.join()


def _pairs(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as copy:
        query = "SELECT kind, count(*) FROM event WHERE kind LIKE 'pair.%' GROUP BY kind"
        return dict(copy.execute(query).fetchall())


def test_a_copy_is_one_moment_while_somebody_writes(
    file_store: Store, now: datetime, tmp_path: Path
) -> None:
    copies = [tmp_path / f"copy-{number}.sqlite3" for number in range(3)]
    with _writing(file_store, now):
        sizes = [backup.make(file_store.url, one) for one in copies]
    counts = [_pairs(one) for one in copies]
    assert all(one["pair.one"] == one["pair.two"] > 0 for one in counts)
    assert [one["pair.one"] for one in counts] == sorted(one["pair.one"] for one in counts)
    assert sizes == [one.stat().st_size for one in copies]


def test_only_its_owner_can_read_it_and_nothing_lies_beside_it(
    file_store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    backup.make(file_store.url, folder / "copy.sqlite3")
    (copy,) = folder.iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_touched(file_store: Store, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("dear")
    with pytest.raises(BackupError, match="exists already"):
        backup.make(file_store.url, there)
    assert there.read_text() == "dear"


def test_a_folder_that_is_not_there_is_named(file_store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nowhere"):
        backup.make(file_store.url, tmp_path / "nowhere" / "copy")


def test_a_database_that_is_broken_leaves_no_copy(file_store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    folder = tmp_path / "copies"
    folder.mkdir()
    backup.make(file_store.url, broken)
    body = bytearray(broken.read_bytes())
    body[8_192:12_288] = b"\xff" * 4_096
    broken.write_bytes(body)
    with pytest.raises(BackupError, match="could not be copied"):
        backup.make(f"sqlite:///{broken}", folder / "copy")
    assert list(folder.iterdir()) == []


def test_postgresql_is_left_to_its_own_tool_without_the_password() -> None:
    url = "postgresql+psycopg://linxun:secret@db:5432/linxun"
    with pytest.raises(BackupError) as caught:
        backup.make(url, Path("copy.dump"))
    assert 'pg_dump --format=custom --file="copy.dump" "postgresql://linxun@db:5432/linxun"' in str(
        caught.value
    )
    assert "secret" not in str(caught.value)


def test_the_copy_is_written_down(file_store: Store, now: datetime) -> None:
    with file_store.begin() as session:
        assert gauge.backed_up(session) is None
        gauge.made_backup(session, now)
    with file_store.read() as session:
        assert gauge.backed_up(session) == now
        assert session.scalar(select(func.count()).select_from(Event)) == 1
