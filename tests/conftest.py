"""What every test starts from: a store with one community, a fixed now, and no way out."""

import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from content.base import Base
from content.keys import Keyring
from content.place import Community
from content.store import Store

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


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """No test logs into the output of a command that another has run."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def now() -> datetime:
    """A Monday morning in Shanghai."""
    return datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    """A fresh in-memory database with the community 幸福里社区."""
    opened = Store("sqlite://", Keyring.generate(), uuid.uuid4())
    yield from _with_community(opened)


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """The same in a WAL file: for workers, inboxes and crashes."""
    opened = Store(f"sqlite:///{tmp_path}/linxun.sqlite3", Keyring.generate(), uuid.uuid4())
    yield from _with_community(opened)


@pytest.fixture
def shared() -> Path:
    """The folder of evaluation data and specifications; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared data and specifications are not here")
    return SHARED


def _with_community(opened: Store) -> Iterator[Store]:
    opened.migrate()
    Base.metadata.create_all(opened._writer)
    with opened.begin() as session:
        session.add(Community(community_id=opened.community_id, name="幸福里社区"))
    yield opened
    opened.close()
