"""What every test starts from: a store with one community, a fixed now, and no way out."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from content.store import Store
from tests.databases import Databases, found, stop

BOTH = {
    "bot/test_watch.py",
    "channels/test_route.py",
    "channels/test_sweep.py",
    "channels/test_tending.py",
    "channels/test_worker.py",
    "content/test_claim.py",
    "content/test_confirmation.py",
    "content/test_coverage.py",
    "content/test_expansion.py",
    "content/test_inbound.py",
    "content/test_knock.py",
    "content/test_late.py",
    "content/test_lease.py",
    "content/test_live.py",
    "content/test_order.py",
    "content/test_outcome.py",
    "content/test_receipts.py",
    "content/test_routing.py",
    "content/test_shared.py",
    "content/test_transition.py",
    "content/test_untold.py",
}
"""The engine's tests, which run on a real PostgreSQL too."""
QUICK = {
    "content/test_claim.py",
    "content/test_lease.py",
    "content/test_outcome.py",
    "content/test_receipts.py",
    "channels/test_worker.py::test_an_sms_whose_answer_was_lost_is_not_repeated",
}
"""Files and tests that do so in every run; the others in `make test-all`."""
SHARED = Path(__file__).resolve().parents[2] / "shared"
_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets beyond loopback are blocked in every test."""

    def connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests stay on loopback, not {host}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def _plain_logs() -> None:
    """Write tracebacks as they are: rich paints all their variables, a second for each."""
    structlog.reset_defaults()
    plain = (structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer())
    structlog.configure(processors=[structlog.processors.add_log_level, *plain])


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """No test logs into the output of a command that another has run."""
    yield
    _plain_logs()


@pytest.fixture
def now() -> datetime:
    """A Monday morning in Shanghai."""
    return datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgresql", action="store_true", help="run on PostgreSQL, not on SQLite")


def pytest_configure() -> None:
    _plain_logs()


def pytest_unconfigure() -> None:
    stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The engine's tests run on both databases."""
    if "databases" not in metafunc.fixturenames:
        return
    path = Path(metafunc.module.__file__).relative_to(Path(__file__).parent)
    if not metafunc.config.getoption("postgresql") and path.as_posix() in BOTH:
        quick = {path.as_posix(), f"{path.as_posix()}::{metafunc.function.__name__}"} & QUICK
        marks = () if quick else pytest.mark.slow
        kinds = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("databases", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where this module's stores are kept."""
    everything = "postgresql" if request.config.getoption("postgresql") else "sqlite"
    return Databases(getattr(request, "param", everything))


@pytest.fixture
def store(databases: Databases) -> Iterator[Store]:
    """A fresh database with the community 幸福里社区; SQLite keeps it in memory."""
    with databases.store() as made:
        found(made)
        yield made


@pytest.fixture
def file_store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    """The same, on SQLite in a WAL file: for workers, inboxes and crashes."""
    with databases.store(tmp_path) as made:
        found(made)
        yield made


@pytest.fixture
def shared() -> Path:
    """The folder of evaluation data and specifications; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared data and specifications are not here")
    return SHARED
