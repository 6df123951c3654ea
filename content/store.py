"""The database: engine, sessions, migrations. The only room that knows which database it is."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from content.keys import Keyring
from content.sqlite import Sqlite

if TYPE_CHECKING:
    from content.postgresql import Postgresql

log = structlog.get_logger("store")

T = TypeVar("T")

_PATIENCE = 90.0
"""Seconds that a writer waits for a database that is locked or gone, and a reader for one gone."""
_RETRY_SECONDS = 0.05
_SAY_SECONDS = 2.0
"""Seconds after which a wait is logged, and then again."""


class StoreError(Exception):
    """The database cannot be used; the sentence says what to do."""


class Usage:
    """How much a process asks of its database; counted by several threads."""

    def __init__(self) -> None:
        self.writes = 0
        self.busy = 0.0
        """Real seconds in which transactions were writing."""
        self.waits = 0
        """How often the database was locked or gone, and was tried again."""
        self._guard = threading.Lock()

    def wrote(self, seconds: float) -> None:
        """Count a writing transaction."""
        with self._guard:
            self.writes += 1
            self.busy += seconds

    def waited(self) -> None:
        """Count a try that found the database locked or gone."""
        with self._guard:
            self.waits += 1


class Store:
    """One database, seen by one community: writers, a few readers, and a bell.

    `begin`, `read` and `do` are for synchronous callers, `write` and `query` run a function of a
    session on a writer's or a reader's thread and are for loops. Nothing is awaited in a session.

    Writing transactions of a community follow one another, on SQLite and on PostgreSQL alike, in
    whichever process: a rule may read before it writes. One that is `shared` locks the rows it
    reads to change, and on PostgreSQL runs beside the others.
    """

    def __init__(self, url: str, keyring: Keyring, community_id: uuid.UUID | None = None) -> None:
        self.url = url
        self.keyring = keyring
        self.community_id = community_id
        self.usage = Usage()
        self._database = _database(url, keyring)
        memory = self._database.memory
        self._writer = self._database.engine(write=True)
        self._readers = self._writer if memory else self._database.engine(write=False)
        # made once: each carries a class of its own
        self._writing, self._reading = (
            sessionmaker(engine, expire_on_commit=False) for engine in (self._writer, self._readers)
        )
        self._write_thread = ThreadPoolExecutor(self._database.write_threads, "writer")
        self._read_threads = (
            self._write_thread
            if memory
            else ThreadPoolExecutor(self._database.read_threads, "reader")
        )
        self._closing = threading.Event()
        self._said = time.monotonic()
        self._bell = self._database.bell(self._readers, self._channel)

    def __repr__(self) -> str:
        return f"Store({make_url(self.url).render_as_string(hide_password=True)})"

    @contextmanager
    def begin(self, *, shared: bool = False) -> Iterator[Session]:
        """Open a writing transaction; it commits at the end, or rolls back when the body raises.

        Waits up to 90 seconds for a database that is locked or gone.
        """
        with self._writing(info=self._info()) as session:
            self._patiently(
                lambda: self._database.lock(session, shared=shared), undo=session.rollback
            )
            began = time.monotonic()
            changes = self._database.tally(session)
            before = changes()
            try:
                yield session
                session.commit()
            finally:
                self.usage.wrote(time.monotonic() - began)
        # a look that found nothing to do must not wake who has just looked
        if changes() != before:
            self._bell.ring()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads, on one consistent snapshot."""
        with self._reading(info=self._info()) as session:
            yield session

    def do(self, work: Callable[[Session], T], *, shared: bool = False) -> T:
        """Run `work` in a transaction and return what it returns, for who waits for it.

        It is run again when the database has taken everything back: a deadlock, a server restarted.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            whole = False
            try:
                with self.begin(shared=shared) as session:
                    done = work(session)
                    session.flush()
                    whole = True
                return done
            except DBAPIError as error:
                # a commit that was not answered may have been made: only the caller can tell
                again = self._database.rolled_back if whole else self._database.passes
                if not (again(error) and self._rested(until)):
                    raise

    async def write(self, work: Callable[[Session], T], *, shared: bool = False) -> T:
        """Do the same on a writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._write_thread, lambda: self.do(work, shared=shared)
        )

    async def query(self, work: Callable[[Session], T]) -> T:
        """Run `work` with a reading session on a reader's thread; again after a server was gone."""
        return await asyncio.get_running_loop().run_in_executor(
            self._read_threads, self._asked, work
        )

    async def learn(self) -> None:
        """Let the planner know how large the tables have become; cheap where nothing has changed.

        A plan made for an empty outbox reads all of it for each row.
        """
        await self.write(self._database.learn, shared=True)

    async def checkpoint(self) -> None:
        """Write the database's log back; on a reader's thread, and nobody waits for it."""
        await asyncio.get_running_loop().run_in_executor(
            self._read_threads, self._database.checkpoint, self._readers
        )

    def mark(self) -> int:
        """Return a mark to wait from: taken before a look, no commit after it is missed."""
        return self._bell.count

    async def changed(self, seconds: float, since: int | None = None) -> None:
        """Wait until somebody, in whichever process, has committed; at most `seconds` (real).

        `since` is the `mark` from before the last look; without it only what comes now counts.
        """
        await self._bell.wait(seconds, since)

    def reach(self, seconds: float) -> None:
        """Wait until the server answers, at most `seconds`; raises StoreError where it does not."""

        def connect() -> None:
            with self._readers.connect():
                pass

        try:
            self._patiently(connect, seconds=seconds)
        except DBAPIError as error:
            raise self._unusable(error) from error

    def migrate(self) -> None:
        """Bring the tables to this version; raises StoreError for a newer or foreign database."""
        try:
            if self._database.memory or not self._is_current():
                self._upgrade()
        except DatabaseError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Finish what is running and close every connection."""
        self._closing.set()
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        self._bell.close()
        self._writer.dispose()
        self._readers.dispose()

    def _upgrade(self) -> None:
        with self._writer.connect() as connection:
            # another process may be writing, or be migrating just now
            self._patiently(connection.begin, undo=connection.rollback)
            self._database.guard(connection)
            config = _alembic()
            config.attributes["connection"] = connection
            _refuse_newer(connection, config)
            command.upgrade(config, "head")
            connection.commit()

    def _is_current(self) -> bool:
        """Say, without the write lock, whether there is nothing to migrate."""
        try:
            with self._readers.connect() as connection:
                here = MigrationContext.configure(connection).get_current_revision()
        except DatabaseError:
            return False
        return here == ScriptDirectory.from_config(_alembic()).get_current_head()

    def _unusable(self, error: DBAPIError) -> StoreError:
        if self._database.passes(error):
            return StoreError(
                "The database does not answer: does it run, and is LINXUN_DATABASE_URL right?"
            )
        return StoreError(
            "The database could not be brought to this version: "
            "is it a Linxun database, and can it be written?"
        )

    def _asked(self, work: Callable[[Session], T]) -> T:
        def ask() -> T:
            with self.read() as session:
                return work(session)

        return self._patiently(ask)

    def _patiently(
        self,
        take: Callable[[], T],
        undo: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> T:
        """Do something once the database lets us."""
        until = time.monotonic() + (_PATIENCE if seconds is None else seconds)
        while True:
            try:
                return take()
            except DBAPIError as error:
                if undo is not None:
                    undo()
                if not (self._database.passes(error) and self._rested(until)):
                    raise

    def _rested(self, until: float) -> bool:
        """Pause before another try; False when it is too late for one."""
        self.usage.waited()
        if time.monotonic() - self._said > _SAY_SECONDS:
            self._said = time.monotonic()
            log.warning("store.waiting", seconds=round(until - self._said))
        return time.monotonic() < until and not self._closing.wait(_RETRY_SECONDS)

    def _info(self) -> dict[Any, Any]:
        return {"community_id": self.community_id}

    def _channel(self) -> str:
        return f"linxun_{self.community_id.hex}" if self.community_id else "linxun"


def community(session: Session) -> uuid.UUID:
    """Return the community that this session works for; every query names it."""
    found = session.info.get("community_id")
    if found is None:
        raise StoreError("No community has been set up yet: run `linxun init`.")
    return found if isinstance(found, uuid.UUID) else uuid.UUID(str(found))


def insert_new(session: Session, table: Any) -> Any:
    """Return an INSERT that leaves a row which is there already; its `rowcount` counts the new."""
    return insert_new_at(session.get_bind().dialect.name, table)


def insert_new_at(dialect: str, table: Any) -> Any:
    """Return the same for a statement that is built once for each kind of database."""
    made = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    # asked for, as drivers differ in what they keep of an INSERT
    return made.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def digest(session: Session, text: str) -> str:
    """Return the keyed hash under which `text` is looked up."""
    keyring: Keyring = session.get_bind().dialect.keyring  # type: ignore[attr-defined]
    return keyring.digest(text)


def _database(url: str, keyring: Keyring) -> "Sqlite | Postgresql":
    try:
        name = make_url(url).get_backend_name()
    except ArgumentError:
        name = ""
    if name == "sqlite":
        return Sqlite(url, keyring, _PATIENCE)
    if name == "postgresql":
        # its driver takes a while to load: who needs none does not wait for it
        from content.postgresql import Postgresql

        return Postgresql(url, keyring, _PATIENCE)
    raise StoreError("LINXUN_DATABASE_URL must begin with sqlite:/// or postgresql://")


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
