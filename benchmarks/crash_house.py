"""The house as processes of its own that are killed and started again, and the locked database."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash_town import CHUNK
from sqlalchemy.engine import make_url

HERE = Path(__file__).resolve().parent
ANSWER = 2
"""Seconds after which a provider is asked what became of a request."""
_GRACE = 15.0


@dataclass
class Child:
    """One process: what kind it is, and how often it was started, killed, or ended by itself."""

    name: str
    kind: str
    arguments: tuple[str, ...]
    pid: int = 0
    """0 while it does not run."""
    starts: int = 0
    kills: int = 0
    fell: int = 0
    doomed: bool = False
    """Killed, and not gone yet."""


@dataclass
class House:
    """All processes of one house; what has ended is started again until `stop`."""

    folder: Path
    environment: Mapping[str, str]
    children: list[Child]
    keep: bool = True
    killed: Counter[str] = field(default_factory=Counter)
    nursery: asyncio.subprocess.Process | None = None
    _listener: asyncio.Task[None] | None = None
    _later: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Start every process and keep it running."""
        with (self.folder / "nursery.log").open("ab") as errors:
            self.nursery = await asyncio.create_subprocess_exec(
                *(sys.executable, str(HERE / "crash_child.py"), str(CHUNK)),
                env=dict(self.environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        self._listener = asyncio.create_task(self._listen())
        for child in self.children:
            self._wish(child)

    def of(self, *kinds: str) -> list[Child]:
        """Return the processes of these kinds or names."""
        return [one for one in self.children if one.kind in kinds or one.name in kinds]

    def kill(self, child: Child, why: str) -> bool:
        """Kill one of our processes with SIGKILL; False when it does not run."""
        if not child.pid or child.doomed:
            return False
        os.kill(child.pid, signal.SIGKILL)
        child.doomed = True
        child.kills += 1
        self.killed[why] += 1
        return True

    async def stop(self) -> None:
        """End what still runs: asked first, then killed with the nursery."""
        self.keep = False
        for child in self.children:
            if child.pid and not child.doomed:
                os.kill(child.pid, signal.SIGTERM)
        ends = time.monotonic() + _GRACE
        while any(one.pid for one in self.children) and time.monotonic() < ends:  # noqa: ASYNC110 - the nursery tells us
            await asyncio.sleep(0.05)
        await self.end()

    async def end(self) -> None:
        """Kill whatever is left."""
        self.keep = False
        if self.nursery is not None and self.nursery.stdin is not None:
            # with its pipe closed it kills its children and ends
            self.nursery.stdin.close()
            try:
                await asyncio.wait_for(self.nursery.wait(), _GRACE)
            except TimeoutError:
                self.nursery.kill()
        if self._listener is not None:
            await asyncio.wait([self._listener], timeout=1)

    def _wish(self, child: Child) -> None:
        if self.nursery is None or self.nursery.stdin is None or not self.keep:
            return
        child.starts += 1
        wish = {
            "name": child.name,
            "arguments": child.arguments,
            "folder": str(self.folder),
            "log": str(self.folder / f"{child.name}.log"),
        }
        self.nursery.stdin.write(json.dumps(wish).encode() + b"\n")

    async def _listen(self) -> None:
        named = {one.name: one for one in self.children}
        while self.nursery is not None and self.nursery.stdout is not None:
            line = await self.nursery.stdout.readline()
            if not line:
                return
            told = json.loads(line)
            child = named[told["name"]]
            if "pid" in told:
                child.pid, child.doomed = told["pid"], False
                continue
            child.pid, child.fell = 0, child.fell + (not child.doomed and self.keep)
            # whoever falls by itself is not started in a busy loop
            again = asyncio.create_task(self._again(child, 0.0 if child.doomed else 1.0))
            self._later.add(again)
            again.add_done_callback(self._later.discard)

    async def _again(self, child: Child, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._wish(child)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: ours, with these settings and no others of Linxun's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LINXUN_")}
    given = {f"LINXUN_{name.upper()}": value for name, value in settings.items()}
    return {**ours, **given, "PYTHONPATH": str(HERE.parent)}


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Hold the database so that nobody else can write."""
    connection = await asyncio.to_thread(_lock, url)
    try:
        yield
    finally:
        await asyncio.to_thread(_unlock, connection)


def _lock_tables(url: str) -> Any:
    """Take every table of the engine; where PostgreSQL ends a deadlock with us, try once more."""
    import psycopg
    from psycopg import errors

    plain = make_url(url).set(drivername="postgresql")
    tables = "delivery, attempt, inbound, receipt, notice"
    ends = time.monotonic() + 20
    while True:
        connection: Any = psycopg.connect(plain.render_as_string(hide_password=False))
        try:
            connection.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
            return connection
        except errors.DeadlockDetected:
            connection.close()
            if time.monotonic() > ends:
                raise


def _lock(url: str) -> Any:
    if make_url(url).get_backend_name() != "sqlite":
        return _lock_tables(url)
    connection = sqlite3.connect(
        str(make_url(url).database), timeout=0.05, isolation_level=None, check_same_thread=False
    )
    ends = time.monotonic() + 20
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return connection
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.001)


def _unlock(connection: Any) -> None:
    connection.rollback()
    connection.close()
