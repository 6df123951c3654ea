"""The journal: raw events on the local disk, encrypted, while the database cannot take them.

A segment is a file `<community>-<number>.journal` that one process writes and holds with a lock:
a first line, then records of `length, CRC-32, sealed JSON`. A crash can tear its last record only,
and that one was never answered. Whoever replays a segment erases it; replaying it twice is
harmless, for `content.inbound` keeps each event once. The segments of a process that has died are
free to be replayed by any other.
"""

import fcntl
import json
import os
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from content import disk
from content.base import new_number
from content.inbound import Raw
from content.keys import KeyFileError, Keyring

log = structlog.get_logger("journal")

SEGMENT = 4 << 20
"""Bytes after which a new segment is begun."""
LARGEST = 512 << 20
"""Bytes of all segments of a community in a folder; beyond that the provider must try again."""
_FIRST = b"linxun journal 1\n"
_HEAD = struct.Struct(">II")


class JournalError(Exception):
    """The journal cannot be written; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment that waits to be replayed; `last`: we hold no other."""

    path: Path
    records: tuple[Raw, ...]
    last: bool


class Journal:
    """The segments of one community in one folder; for one thread at a time."""

    def __init__(
        self,
        folder: Path,
        keyring: Keyring,
        community_id: uuid.UUID,
        *,
        segment: int = SEGMENT,
        largest: int = LARGEST,
    ) -> None:
        self.folder = folder
        self._keyring = keyring
        self._prefix = f"{community_id.hex}-"
        self._segment = segment
        self._largest = largest
        self._active: Path | None = None
        self._size = 0
        self._used = 0
        self._held: dict[Path, int] = {}
        """The segments that are locked by this process, with their file descriptors."""
        self._foreign: set[Path] = set()
        """Segments that our key file cannot open."""

    @property
    def written(self) -> bool:
        """Say whether something was written since `oldest` was last called."""
        return self._active is not None

    @property
    def usable(self) -> bool:
        """Say whether the folder can be written, or made; nothing is made to find out."""
        there = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        return there.is_dir() and os.access(there, os.W_OK | os.X_OK)

    def counts(self) -> tuple[int, int]:
        """Return how many segments there are, and how many were laid aside."""
        return len(self._paths()), len(list(self.folder.glob(f"{self._prefix}*.refused")))

    def prepare(self) -> None:
        """Make the folder, which only its owner can read; raises JournalError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(f"The folder cannot be made: {error.strerror}.") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise JournalError("The folder cannot be written.")

    def write(self, records: Sequence[Raw]) -> None:
        """Write records; they are on the disk when this returns. Raises JournalError."""
        body = b"".join(self._frame(record) for record in records)
        try:
            handle = self._handle(len(body))
            done = 0
            while done < len(body):
                done += os.write(handle, body[done:])
            os.fsync(handle)
        except OSError as error:
            # what follows a torn record could not be read: the next one opens a new segment
            self._active = None
            raise JournalError(f"The disk does not take it: {error.strerror}.") from error
        self._size += len(body)
        self._used += len(body)
        if self._size >= self._segment:
            self._active = None

    def oldest(self) -> Segment | None:
        """Return the oldest segment that nobody else holds, locked for us; None: none is left."""
        self._active = None
        for path in self._paths():
            if path in self._foreign or not self._hold(path):
                continue
            try:
                return Segment(path, tuple(self._read(path)), last=len(self._held) == 1)
            except (KeyFileError, ValueError, OSError) as error:
                # it is kept for the key or the version that can read it
                log.critical("journal.unreadable", segment=path.name, error=type(error).__name__)
                self._pass_over(path)
        return None

    def lay_aside(self, segment: Segment) -> None:
        """Keep a segment that can be read and not replayed, for who looks into it."""
        segment.path.rename(segment.path.with_suffix(".refused"))
        os.close(self._held.pop(segment.path))

    def erase(self, segment: Segment) -> None:
        """Erase a segment that has been replayed."""
        with suppress(FileNotFoundError):
            self._used -= segment.path.stat().st_size
            segment.path.unlink()
        os.close(self._held.pop(segment.path))

    def close(self) -> None:
        """Let go of every segment: the next process replays what is left."""
        self._active = None
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()

    def _pass_over(self, path: Path) -> None:
        self._foreign.add(path)
        os.close(self._held.pop(path))

    def _frame(self, record: Raw) -> bytes:
        # ASCII escapes carry half a character unchanged, as JSON from outside may hold one
        body = json.dumps(
            [record.sender, record.event_id, record.path, record.at.isoformat(), record.data]
        )
        sealed = self._keyring.seal(body.encode("ascii"), self._context)
        return _HEAD.pack(len(sealed), zlib.crc32(sealed)) + sealed

    @property
    def _context(self) -> str:
        return f"journal:{self._prefix}"

    def _handle(self, size: int) -> int:
        """Return where to write `size` bytes, in a new segment where there is none."""
        if self._active is None:
            self._used = sum(path.stat().st_size for path in self._paths())
        if self._used + size > self._largest:
            raise JournalError("The journal is full.")
        if self._active is None:
            self._active = self._begin()
        return self._held[self._active]

    def _begin(self) -> Path:
        self.prepare()
        while True:
            path = self.folder / f"{self._prefix}{new_number():020}.journal"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._held[path] = handle
            if _locked(handle):
                break
            # somebody who looks for what the dead have left was faster
            os.close(self._held.pop(path))
        self._size = os.write(handle, _FIRST)
        # the name of a new file is to be on the disk, too
        disk.sync(self.folder)
        return path

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self._prefix}*.journal"))

    def _hold(self, path: Path) -> bool:
        """Say whether a segment is ours: we wrote it, or its writer has died."""
        if path in self._held:
            return True
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            return False
        if _locked(handle) and os.fstat(handle).st_nlink:
            self._held[path] = handle
            return True
        os.close(handle)
        return False

    def _read(self, path: Path) -> Iterator[Raw]:
        data = path.read_bytes()
        at = len(_FIRST) if data.startswith(_FIRST) else len(data)
        while at + _HEAD.size < len(data):
            size, check = _HEAD.unpack_from(data, at)
            sealed = data[at + _HEAD.size : at + _HEAD.size + size]
            if not sealed or len(sealed) < size or zlib.crc32(sealed) != check:
                log.warning("journal.torn", segment=path.name, bytes=len(data) - at)
                return
            at += _HEAD.size + size
            sender, event_id, way, when, told = json.loads(
                self._keyring.unseal(sealed, self._context)
            )
            yield Raw(sender, event_id, way, datetime.fromisoformat(when), told)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
