"""Meter: what a process has spent, and how long its transactions take."""

import resource
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from content.store import Store


class Meter:
    """Times every transaction of a store that commits, from its BEGIN to the end of its COMMIT."""

    def __init__(self, store: Store) -> None:
        self._begun: dict[int, float] = {}
        self._took: list[float] = []
        self._guard = threading.Lock()
        for engine in {id(one): one for one in vars(store).values() if isinstance(one, Engine)}:
            self._watch(next(one for one in vars(store).values() if id(one) == engine))

    def stat(self) -> dict[str, Any]:
        """Give CPU seconds and peak memory of the process, and its longest transactions since."""
        with self._guard:
            took, self._took = sorted(self._took), []
        spent = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu": spent.ru_utime + spent.ru_stime,
            "peak_mb": peak_mb(),
            "transactions": len(took),
            "longest_ms": took[-1] * 1000 if took else 0.0,
            "p99_ms": took[int(0.99 * (len(took) - 1))] * 1000 if took else 0.0,
        }

    def _watch(self, engine: Engine) -> None:
        commit, undo = engine.dialect.do_commit, engine.dialect.do_rollback

        def begun(connection: Any) -> None:
            self._begun[id(connection.connection)] = time.perf_counter()

        def committed(connection: Any) -> None:
            commit(connection)
            since = self._begun.pop(id(connection), None)
            if since is not None:
                with self._guard:
                    self._took.append(time.perf_counter() - since)

        def undone(connection: Any) -> None:
            self._begun.pop(id(connection), None)
            undo(connection)

        event.listen(engine, "begin", begun)
        engine.dialect.do_commit = committed  # type: ignore[method-assign]
        engine.dialect.do_rollback = undone  # type: ignore[method-assign]


def peak_mb() -> float:
    """Give the most memory this process has held."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = next(line for line in lines if line.startswith("VmHWM"))
    return int(found.split()[1]) / 1024
