"""SQLite: a WAL file on one machine, one writer at a time, or a database in memory."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from content.bell import Bell
from content.keys import Keyring

if sys.platform != "win32":
    import fcntl

BUSY_MS = 250
"""How long SQLite itself waits for a lock; beyond that the store tries again."""
_CACHE_KB = 65_536
"""Pages of the writer that stay in memory: the outbox of a big alert is walked many times."""
_LOG_PAGES = 20_000
"""Pages in the log beyond which a commit itself writes them back, should nobody else do so."""
_LOG_BYTES = 64 * 1024 * 1024
"""What is kept of the log's file once all of it is written back."""
_READERS = 4
_SAMPLE = 400


class Sqlite:
    """A database in a file, or in memory, where reading and writing share the one connection."""

    def __init__(self, url: str, keyring: Keyring, wait: float) -> None:
        self.url = url
        self.keyring = keyring
        self.wait = wait
        self.memory = make_url(url).database in (None, "", ":memory:")
        self.write_threads = 1
        self.read_threads = _READERS

    def engine(self, *, write: bool) -> Engine:
        """Return a pool of connections that write, or that cannot."""
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=1 if write else _READERS + 1,
            max_overflow=0,
            # an error's text must not carry names and numbers into a log
            hide_parameters=True,
            pool_timeout=self.wait,
            connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        )
        engine.dialect.keyring = self.keyring  # type: ignore[attr-defined]
        event.listen(engine, "connect", _connected(write=write))
        event.listen(engine, "begin", _begin_writing if write else _begin_reading)
        return engine

    def lock(self, session: Session, *, shared: bool) -> None:
        """Take the write lock now, so that nothing later in the transaction can find it taken."""
        del shared
        with self._turn():
            session.connection()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Stand in line for the write lock.

        SQLite gives it to whoever asks at the right moment: a process that writes one transaction
        after the other leaves nobody else a gap. Whoever waits for it holds the turn, and the next
        one waits for the turn. The system frees it when a process is killed.
        """
        if self.memory or sys.platform == "win32":
            yield
            return
        turn = os.open(f"{make_url(self.url).database}-turn", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        finally:
            os.close(turn)

    def tally(self, session: Session) -> Callable[[], int]:
        """Return a function that counts the rows this session's connection has ever changed."""
        connection: Any = session.connection().connection.driver_connection
        return lambda: int(connection.total_changes)

    def learn(self, session: Session) -> None:
        """Have SQLite look at tables that have grown, a few hundred rows of each index."""
        for pragma in (f"analysis_limit={_SAMPLE}", "optimize"):
            session.execute(text(f"PRAGMA {pragma}"))

    def checkpoint(self, readers: Engine) -> None:
        """Write the log back into the database; nobody waits for it.

        SQLite would do it in the commit that fills the log, and whoever commits would wait.
        """
        if self.memory:
            return
        connection = readers.raw_connection()
        try:
            # a connection that has read nothing yet does not know of the log
            for pragma in ("schema_version", "wal_checkpoint(PASSIVE)"):
                connection.cursor().execute(f"PRAGMA {pragma}").fetchall()
        finally:
            connection.close()

    def guard(self, connection: Connection) -> None:
        """Let nobody else migrate until the transaction ends; its write lock does that already."""

    def passes(self, error: DBAPIError) -> bool:
        """Say whether the fault goes away by itself, and nothing of the transaction was kept."""
        return "locked" in str(error)

    def rolled_back(self, error: DBAPIError) -> bool:
        """Say whether a commit that failed so has certainly left nothing."""
        return self.passes(error)

    def bell(self, readers: Engine, _channel: Callable[[], str]) -> Bell:
        """Return the bell that hears of every process which writes here."""
        return Bell() if self.memory else FileBell(readers)


class FileBell(Bell):
    """Hears of other processes by the version number in the file's header."""

    look_seconds = 0.05

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._connection: Any = None
        self._version = -1

    def moved(self) -> bool:
        """Say whether another process has committed since the last look."""
        # a memory read of the database header: it takes microseconds and never waits for a lock
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        (version,) = self._connection.cursor().execute("PRAGMA data_version").fetchone()
        moved = self._version not in (-1, version)
        self._version = version
        return moved

    def close(self) -> None:
        """Give back the connection that watches the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _begin_writing(connection: Connection) -> None:
    # by SQLAlchemy, which tells the kinds of errors apart: somebody else may be writing
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    # locks nothing, so nothing can go wrong; straight to the driver it costs a tenth
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN")


def _connected(*, write: bool) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        # autocommit in the driver: SQLAlchemy's own begin event says which kind of transaction
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        if write:
            cursor.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
            cursor.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            cursor.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
            with suppress(Exception):
                cursor.execute("PRAGMA journal_mode=WAL")
        else:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return prepare
