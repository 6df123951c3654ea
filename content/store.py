"""The database: engine, sessions, migrations. The only room that knows which database it is."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from content.keys import Keyring

T = TypeVar("T")

_BUSY_MS = 250
"""How long SQLite itself waits for a lock; beyond that `begin` retries."""
_LOCKED_SECONDS = 90.0
"""How long a writer keeps trying while another process holds the database."""
_POLL_SECONDS = 0.05


class StoreError(Exception):
    """The database cannot be used; the sentence says what to do."""


class Store:
    """One database, seen by one community: a single writer, a few readers, and a bell.

    `begin` and `read` are for synchronous callers, `write` and `query` run a function of a session
    on the writer's or a reader's thread and are for loops. Nothing is awaited inside a session.
    """

    def __init__(self, url: str, keyring: Keyring, community_id: uuid.UUID | None = None) -> None:
        self.url = url
        self.keyring = keyring
        self.community_id = community_id
        self._memory = make_url(url).database in (None, "", ":memory:")
        self._writer = _engine(url, keyring, write=True)
        self._readers = self._writer if self._memory else _engine(url, keyring, write=False)
        self._write_thread = ThreadPoolExecutor(1, "writer")
        self._read_threads = self._write_thread if self._memory else ThreadPoolExecutor(4, "reader")
        self._bell = Bell(None if self._memory else self._readers)

    def __repr__(self) -> str:
        return f"Store({make_url(self.url).render_as_string(hide_password=True)})"

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a writing transaction; it commits at the end, or rolls back when the body raises."""
        with _session(self._writer, self.community_id) as session:
            _lock(session)
            connection: Any = session.connection().connection.driver_connection
            before = connection.total_changes
            yield session
            session.commit()
        # a look that found nothing to do must not wake who has just looked
        if connection.total_changes != before:
            self._bell.ring()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads, on one consistent snapshot."""
        with _session(self._readers, self.community_id) as session:
            yield session

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction on the writer's thread and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(
            self._write_thread, self._written, work
        )

    async def query(self, work: Callable[[Session], T]) -> T:
        """Run `work` with a reading session on a reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._read_threads, self._asked, work
        )

    def mark(self) -> int:
        """Return a mark to wait from: taken before a look, no commit after it is missed."""
        return self._bell.count

    async def changed(self, seconds: float, since: int | None = None) -> None:
        """Wait until somebody, in whichever process, has committed; at most `seconds` (real).

        `since` is the `mark` from before the last look; without it only what comes now counts.
        """
        await self._bell.wait(seconds, since)

    def migrate(self) -> None:
        """Bring the tables to this version; raises StoreError for a newer or foreign database."""
        try:
            if self._memory or not self._is_current():
                self._upgrade()
        except DatabaseError as error:
            raise StoreError(
                "The database could not be brought to this version: "
                "is it a Linxun database, and can it be written?"
            ) from error

    def close(self) -> None:
        """Finish what is running and close every connection."""
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        self._bell.close()
        self._writer.dispose()
        self._readers.dispose()

    def _upgrade(self) -> None:
        with self._writer.connect() as connection:
            # another process may be writing, or be migrating just now
            _patiently(connection.begin, connection.rollback)
            config = _alembic()
            config.attributes["connection"] = connection
            _refuse_newer(connection, config)
            command.upgrade(config, "head")
            with suppress(OperationalError):
                connection.commit()

    def _is_current(self) -> bool:
        """Say, without the write lock, whether there is nothing to migrate."""
        try:
            with self._readers.connect() as connection:
                here = MigrationContext.configure(connection).get_current_revision()
        except DatabaseError:
            return False
        return here == ScriptDirectory.from_config(_alembic()).get_current_head()

    def _written(self, work: Callable[[Session], T]) -> T:
        with self.begin() as session:
            return work(session)

    def _asked(self, work: Callable[[Session], T]) -> T:
        with self.read() as session:
            return work(session)


class Bell:
    """Wakes who waits for a commit: at once in this process, within 50 ms across processes."""

    def __init__(self, engine: Engine | None) -> None:
        self.count = 0
        """How often it has rung."""
        self._engine = engine
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._guard = threading.Lock()
        self._connection: Any = None
        self._version = -1

    def ring(self) -> None:
        """Wake everyone who waits in this process."""
        with self._guard:
            self.count += 1
            for loop, happened in self._waiting:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(happened.set)

    async def wait(self, seconds: float, since: int | None = None) -> None:
        """Return at the next commit, at once if one came after the mark, or after `seconds`."""
        happened = asyncio.Event()
        entry = (asyncio.get_running_loop(), happened)
        with self._guard:
            if since not in (None, self.count):
                return
            self._waiting.add(entry)
        try:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0 and not happened.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(happened.wait(), min(left, _POLL_SECONDS))
                if self._moved():
                    # only who looks first sees it: it tells the others
                    self.ring()
                    return
        finally:
            with self._guard:
                self._waiting.discard(entry)

    def close(self) -> None:
        """Give back the connection that watches the other processes."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _moved(self) -> bool:
        # a memory read of the database header: it takes microseconds and never waits for a lock
        if self._engine is None:
            return False
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        (version,) = self._connection.cursor().execute("PRAGMA data_version").fetchone()
        moved = self._version not in (-1, version)
        self._version = version
        return moved


def community(session: Session) -> uuid.UUID:
    """Return the community that this session works for; every query names it."""
    found = session.info.get("community_id")
    if found is None:
        raise StoreError("No community has been set up yet: run `linxun init`.")
    return uuid.UUID(str(found))


def digest(session: Session, text: str) -> str:
    """Return the keyed hash under which `text` is looked up."""
    keyring: Keyring = session.get_bind().dialect.keyring  # type: ignore[attr-defined]
    return keyring.digest(text)


def _engine(url: str, keyring: Keyring, *, write: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreError("LINXUN_DATABASE_URL must begin with sqlite:///")
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if write else 5,
        max_overflow=0,
        # an error's text must not carry names and numbers into a log
        hide_parameters=True,
        pool_timeout=_LOCKED_SECONDS,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
    )
    engine.dialect.keyring = keyring  # type: ignore[attr-defined]
    event.listen(engine, "connect", _connected(write=write))
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connected(*, write: bool) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        # autocommit in the driver: SQLAlchemy's own begin event says which kind of transaction
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        if write:
            with suppress(Exception):
                cursor.execute("PRAGMA journal_mode=WAL")
        else:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return prepare


@contextmanager
def _session(engine: Engine, community_id: uuid.UUID | None) -> Iterator[Session]:
    session = sessionmaker(engine, expire_on_commit=False, info={"community_id": community_id})()
    try:
        yield session
    finally:
        session.close()


def _lock(session: Session) -> None:
    """Take SQLite's write lock now, so that nothing later in the transaction can find it taken."""
    _patiently(session.connection, session.rollback)


def _patiently(take: Callable[[], object], undo: Callable[[], None]) -> None:
    until = time.monotonic() + _LOCKED_SECONDS
    while True:
        try:
            take()
            return
        except OperationalError as error:
            undo()
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_POLL_SECONDS)


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _refuse_newer(connection: Any, config: Config) -> None:
    here = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if here is not None and here not in known:
        raise StoreError(
            "This database was written by a newer version of Linxun: update Linxun and try again."
        )
