"""Child: a process of the benchmark that is asked by a line of JSON and answers with one."""

import json
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
START_SECONDS = 120.0
_END_SECONDS = 15.0


class ChildError(Exception):
    """A process of the benchmark has ended, or does not answer."""


class Child:
    """One script of this folder, running; what it writes to standard error goes into `log`."""

    def __init__(self, log: Path, script: str, *args: str) -> None:
        self.name = script
        self._log: IO[bytes] = log.open("ab")
        path = os.pathsep.join((str(HERE.parent), os.environ.get("PYTHONPATH", "")))
        # what is set on this machine is not what is measured
        around = {name: one for name, one in os.environ.items() if not name.startswith("LINXUN_")}
        # our own scripts, by their full paths
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-W", "ignore", str(HERE / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**around, "PYTHONPATH": path},
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def line(self, seconds: float = START_SECONDS) -> str:
        """Wait for its next line; raises ChildError."""
        try:
            found = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise ChildError(f"{self.name} says nothing for {seconds:.0f} s") from None
        if not found:
            raise self._ended()
        return found.decode().strip()

    @property
    def silent(self) -> bool:
        """Say whether it has not answered yet."""
        return self._lines.empty()

    def ask(self, do: str, seconds: float = START_SECONDS, **given: Any) -> Any:
        """Send a command and return its answer; raises ChildError."""
        self.tell(do, **given)
        return json.loads(self.line(seconds))

    def tell(self, do: str, **given: Any) -> None:
        """Send a command whose answer is read later, with `line`."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps({"do": do, **given}).encode() + b"\n")
            pipe.flush()
        except OSError:
            raise self._ended() from None

    def end(self) -> None:
        """Let it end, or end it; it is our own process."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(_END_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _ended(self) -> ChildError:
        said = Path(self._log.name).read_text("utf-8", "replace").splitlines()
        return ChildError(f"{self.name} has ended: {said[-1][:300] if said else ''}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")


@contextmanager
def child(log: Path, script: str, *args: str) -> Iterator[Child]:
    """Run a script of this folder until the block ends."""
    running = Child(log, script, *args)
    try:
        yield running
    finally:
        running.end()


class Loopback:
    """The provider, as who measures sees it."""

    def __init__(self, running: Child) -> None:
        self.port = int(running.line())

    def get(self, path: str) -> Any:
        # the address is ours
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.load(answer)

    def arrived(self) -> int:
        return int(self.get("/counts")["arrived"])

    def arrivals(self) -> list[tuple[float, str, str]]:
        """Give what has arrived since the last reset: when, by which kind, to whom."""
        found = self.get("/arrivals")
        return list(zip(found["at"], found["kind"], found["to"], strict=True))

    def reset(self) -> None:
        self.get("/reset")


@contextmanager
def provider(log: Path) -> Iterator[Loopback]:
    """Run a provider until the block ends."""
    with child(log, "delivery_provider.py") as running:
        yield Loopback(running)


def answer(what: Any) -> None:
    """Answer from inside a child."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def commands() -> Iterator[dict[str, Any]]:
    """Give the commands that come in, inside a child, until there are no more."""
    for line in sys.stdin:
        yield json.loads(line)
