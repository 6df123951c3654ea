"""PostgreSQL: as many processes on as many machines as one likes, through psycopg 3."""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Connection, Engine, cast, create_engine, event, func, select
from sqlalchemy import text as sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from content.bell import Bell
from content.keys import Keyring

_THREADS = 4
_MIGRATING = 0x6C696E78756E
"""The advisory lock of whoever migrates."""
_CONNECTION = {
    "connect_timeout": 5,
    "application_name": "linxun",
    # a machine that is gone without a word is noticed within half a minute
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_SETTINGS = (
    ("TimeZone", "UTC"),
    # a plan for any cursor and any limit reads and sorts all that is left for each page
    ("plan_cache_mode", "force_custom_plan"),
    ("statement_timeout", "60s"),
    ("lock_timeout", "10s"),
    # a process that hangs must not hold its rows, or the community, for ever
    ("idle_in_transaction_session_timeout", "60s"),
)
_READING = (
    ("default_transaction_read_only", "on"),
    # one consistent snapshot for each session
    ("default_transaction_isolation", r"repeatable\ read"),
)
_GROWN = (
    "SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema() "
    "AND (n_mod_since_analyze > 500 AND n_mod_since_analyze > 0.3 * n_live_tup "
    # of a table that was never analyzed it thinks as of one with ten pages: of a notice, too
    "OR n_live_tup > 0 AND coalesce(last_analyze, last_autoanalyze) IS NULL)"
)
_CHANGES = "changes"
_CHANGED = ("INSERT", "UPDATE", "DELETE", "MERGE")
_UNDONE = ("40001", "40P01", "55P03")
"""Not serializable, a deadlock, a lock not granted: the server has taken everything back."""
_GONE = ("57P01", "57P02", "57P03", "53300", "25006")
"""Shut down, crashed, starting up, too many connections, a standby that is not promoted yet."""


class Postgresql:
    """A database on a server; every process has a few connections to it."""

    memory = False
    write_threads = _THREADS
    read_threads = _THREADS

    def __init__(self, url: str, keyring: Keyring, wait: float) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self.keyring = keyring
        self.wait = wait

    def engine(self, *, write: bool) -> Engine:
        """Return a pool of connections that write, or that cannot."""
        settings = _SETTINGS if write else (*_SETTINGS, *_READING)
        engine = create_engine(
            self.url,
            pool_size=_THREADS,
            max_overflow=_THREADS,
            # the server may have been restarted since the connection was last used
            pool_pre_ping=True,
            pool_timeout=self.wait,
            # an error's text must not carry names and numbers into a log
            hide_parameters=True,
            connect_args={**_CONNECTION, "options": _options(self.url, settings)},
        )
        engine.dialect.keyring = self.keyring  # type: ignore[attr-defined]
        if write:
            event.listen(engine, "after_cursor_execute", _count)
        return engine

    def lock(self, session: Session, *, shared: bool) -> None:
        """Let one transaction at a time write for a community, unless it locks what it changes."""
        session.connection()
        if not shared:
            session.execute(select(func.pg_advisory_xact_lock(_key(session))))

    def tally(self, session: Session) -> Callable[[], int]:
        """Return a function that counts the rows this session's connection has ever changed."""
        info = session.connection().info
        return lambda: int(info.get(_CHANGES, 0))

    def learn(self, session: Session) -> None:
        """Analyze tables that have grown: autovacuum comes once a minute, an alert is faster."""
        for name in session.scalars(sql(_GROWN)).all():
            session.execute(sql(f'ANALYZE "{name}"'))

    def checkpoint(self, _readers: Engine) -> None:
        """Do nothing: the server writes its log back by itself."""

    def guard(self, connection: Connection) -> None:
        """Let nobody else migrate until the transaction ends, however long that takes."""
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(sql(f"SET LOCAL {name} = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(cast(_MIGRATING, BigInteger))))

    def passes(self, error: DBAPIError) -> bool:
        """Say whether the fault goes away by itself, and nothing of the transaction was kept."""
        state = getattr(error.orig, "sqlstate", None)
        gone = error.connection_invalidated or state in _GONE
        return (
            gone
            or self.rolled_back(error)
            or (state is None and isinstance(error.orig, psycopg.OperationalError))
        )

    def rolled_back(self, error: DBAPIError) -> bool:
        """Say whether a commit that failed so has certainly left nothing."""
        return getattr(error.orig, "sqlstate", None) in _UNDONE

    def bell(self, _readers: Engine, channel: Callable[[], str]) -> Bell:
        """Return the bell that hears of every process which writes here."""
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return NotifyBell(address, channel)


class NotifyBell(Bell):
    """Tells other processes by NOTIFY after a commit, and hears of them by LISTEN.

    Each runs on a thread and a connection of its own, from when it is first needed. A NOTIFY
    takes a lock of the whole server when it commits, so one every `_QUIET` seconds stands for all
    commits of this process in between.
    """

    _QUIET = 0.02
    _PAUSE = 1.0

    def __init__(self, address: str, channel: Callable[[], str]) -> None:
        super().__init__()
        self._address = address
        self._channel = channel
        self._me = uuid.uuid4().hex
        self._rung = 0
        self._news = threading.Event()
        self._closed = threading.Event()
        self._telling: threading.Thread | None = None
        self._hearing: threading.Thread | None = None

    def ring(self) -> None:
        """Say that this process has committed something, here and elsewhere."""
        self.wake()
        with self._guard:
            self._rung += 1
            if self._telling is None:
                self._telling = _thread(self._tell)
        self._news.set()

    async def wait(self, seconds: float, since: int | None = None) -> None:
        """Return at the next commit, at once if one came after the mark, or after `seconds`."""
        with self._guard:
            if self._hearing is None:
                self._hearing = _thread(self._hear)
        await super().wait(seconds, since)

    def close(self) -> None:
        """Tell of the last commit, and stop."""
        self._closed.set()
        self._news.set()
        for thread in (self._telling, self._hearing):
            if thread is not None:
                thread.join(self._PAUSE * 5)

    def _tell(self) -> None:
        told = 0
        connection: Any = None
        while told != self._rung or not self._closed.is_set():
            self._news.wait()
            self._news.clear()
            rung = self._rung
            try:
                if rung != told:
                    connection = connection or self._connect()
                    connection.execute("SELECT pg_notify(%s, %s)", (self._channel(), self._me))
                told = rung
                self._closed.wait(self._QUIET)
            except psycopg.Error:
                _shut(connection)
                connection = None
                if self._closed.wait(self._PAUSE):
                    # whoever waits elsewhere looks again by itself within a second
                    return
                self._news.set()
        _shut(connection)

    def _hear(self) -> None:
        while not self._closed.is_set():
            connection: Any = None
            try:
                connection = self._connect()
                connection.execute(f'LISTEN "{self._channel()}"')
                # what came before we listened
                self.wake()
                while not self._closed.is_set():
                    for note in connection.notifies(timeout=self._PAUSE / 4):
                        if note.payload != self._me:
                            self.wake()
            except psycopg.Error:
                self._closed.wait(self._PAUSE)
            finally:
                _shut(connection)

    def _connect(self) -> Any:
        return psycopg.connect(self._address, autocommit=True, **_CONNECTION)  # type: ignore[arg-type]


def _thread(work: Callable[[], None]) -> threading.Thread:
    # a server that never answers must not keep the process from ending
    thread = threading.Thread(target=work, name="bell", daemon=True)
    thread.start()
    return thread


def _shut(connection: Any) -> None:
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()


def _options(url: URL, settings: tuple[tuple[str, str], ...]) -> str:
    given = url.query.get("options", "")
    own = " ".join(f"-c {name}={value}" for name, value in settings)
    return f"{given if isinstance(given, str) else ' '.join(given)} {own}".strip()


def _count(connection: Any, cursor: Any, *_: Any) -> None:
    """Count the rows that statements changed; a SELECT that locks rows changes none."""
    if cursor.rowcount > 0 and (cursor.statusmessage or "").startswith(_CHANGED):
        connection.info[_CHANGES] = connection.info.get(_CHANGES, 0) + cursor.rowcount


def _key(session: Session) -> Any:
    community = session.info.get("community_id")
    # the second half of a UUIDv7 is chance
    number = int.from_bytes(uuid.UUID(str(community)).bytes[8:], signed=True) if community else 0
    return cast(number, BigInteger)
