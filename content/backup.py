"""A copy of the whole database, made while the house writes and checked before it counts."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from content import disk

_ROOM = 1.1
"""How much more than the database the disk must hold free."""
_BUSY_SECONDS = 90.0


class BackupError(Exception):
    """No copy was made; the sentence (Chinese, English) says why and what to do."""


def make(url: str, to: Path) -> int:
    """Copy the database of this address to a new file and return the file's size in bytes.

    The copy is one moment of the database, whoever writes meanwhile; nobody waits for it. It is
    whole and checked when it appears under its name, and only its owner can read it. Raises
    BackupError.
    """
    where = make_url(url)
    if where.get_backend_name() != "sqlite":
        raise BackupError(_with_its_own(where, to))
    if where.database in (None, "", ":memory:"):
        raise BackupError("内存里的数据库没法备份。 A database in memory cannot be copied.")
    source = Path(str(where.database))
    _room(source, to)
    with _partial(to) as part:
        try:
            with _opened(source, "ro") as kept, _opened(part, "rw") as copy:
                # one step in one snapshot: a copy in several begins again with every commit
                kept.backup(copy, pages=-1)
                # one file that can be carried away, without a log beside it
                copy.execute("PRAGMA journal_mode=DELETE")
                _check(copy)
        except sqlite3.Error as error:
            raise BackupError(
                f"数据库没能复制（{error}）。 The database could not be copied ({error})."
            ) from error
        _publish(part, to)
    return to.stat().st_size


def _with_its_own(where: URL, to: Path) -> str:
    plain = URL.create(
        "postgresql", where.username, None, where.host, where.port, where.database, where.query
    ).render_as_string()
    run = f'pg_dump --format=custom --file="{to}" "{plain}"'
    return (
        f"PostgreSQL 用它自己的工具备份，请运行：{run}。 "
        f"PostgreSQL is copied by its own tool: run {run} (it asks for the password)."
    )


def _room(source: Path, to: Path) -> None:
    if to.exists() or to.is_symlink():
        raise BackupError(
            f"{to} 已经有了，不覆盖，请换个名字。 "
            f"{to} exists already and is kept: choose another name."
        )
    try:
        size = source.stat().st_size
        free = shutil.disk_usage(to.parent).free
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise BackupError(
            f"打不开 {error.filename}（{said}）。 {error.filename} cannot be opened ({said})."
        ) from error
    if free < size * _ROOM:
        raise BackupError(
            f"{to.parent} 的空间不够：要 {size >> 20} MB。 "
            f"There is not enough room in {to.parent}: {size >> 20} MB are needed."
        )


@contextmanager
def _partial(to: Path) -> Iterator[Path]:
    """Give a new file beside `to` that only its owner can read; gone afterwards."""
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise BackupError(f"写不了 {to}（{said}）。 {to} cannot be written ({said}).") from error
    finally:
        for one in (part, Path(f"{part}-journal"), Path(f"{part}-wal"), Path(f"{part}-shm")):
            one.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as opened:
        yield opened


def _check(copy: sqlite3.Connection) -> None:
    found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(1)")]
    if found != ["ok"]:
        raise sqlite3.DatabaseError(found[0])
    if copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise sqlite3.DatabaseError("a row refers to none")
    copy.execute("SELECT version_num FROM alembic_version").fetchone()


def _publish(part: Path, to: Path) -> None:
    """Give the whole file its name, unless somebody has been faster."""
    disk.sync(part)
    try:
        os.link(part, to)
    except FileExistsError:
        raise
    except OSError:
        # a stick's file system knows no second name of a file
        if to.exists():
            raise
        part.rename(to)
    with suppress(OSError):
        disk.sync(to.parent)
