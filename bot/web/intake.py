"""The intake: what has arrived is in the database within half a second, or else in the journal."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.web.batch import Batch
from content import inbound
from content.inbound import Raw
from content.journal import Journal, JournalError, Segment
from content.store import Store, StoreError

T = TypeVar("T")

log = structlog.get_logger("intake")

PATIENCE = 0.5
"""Real seconds that an event waits for the database."""
FOLDER = "linxun-journal"
"""Where the journal is, unless the settings say so."""
_MOST = 1000
"""Events in hand; what comes beyond them is left to the provider, which brings it again."""
_CHUNK = 500
"""Events replayed in one transaction."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Real seconds between two tries to replay."""
_LOOK = 30.0
"""Real seconds after which we look for what a process that has died has left."""


def beside(store: Store, folder: Path | None) -> Journal | None:
    """Return the journal of a database: in `folder`, else beside its file; None in memory."""
    url = make_url(store.url)
    database = Path(url.database or "") if url.get_backend_name() == "sqlite" else Path()
    if store.community_id is None or database.name == ":memory:" or not (url.database or folder):
        return None
    return Journal(folder or database.parent / FOLDER, store.keyring, store.community_id)


class UnkeptError(Exception):
    """Neither the database nor the journal has taken an event: the provider must bring it again."""


class Intake:
    """Keeps raw events, in the order of their arrival, each before its provider is answered.

    While the database is away they go into the journal at once; when it is back, the journal is
    replayed before anything newer is kept.
    """

    def __init__(self, store: Store, journal: Journal | None = None) -> None:
        self.store = store
        self.journal = journal
        self.shelved = 0
        """Events that went into the journal since the start."""
        self.replayed = 0
        """Events that came back out of it, those of dead processes too."""
        self.refused = 0
        """Events that were left to the provider."""
        self.away = False
        """Whether the database did not take what came last."""
        self._rows = Batch(self._insert)
        self._lines = Batch(self._write)
        self._clear = asyncio.Event()
        self._clear.set()
        self._shelf = asyncio.Event()
        self._shelf.set()  # what an earlier process has left comes first
        self._thread = ThreadPoolExecutor(1, "journal")
        self._replaying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to replay what is in the journal; does nothing when it has begun."""
        if self._replaying is None and self.journal is not None:
            self._replaying = asyncio.create_task(self._replay(self.journal))

    async def stop(self) -> None:
        """Leave what is in the journal to the next process."""
        if self._replaying is not None:
            self._replaying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._replaying
        self._thread.shutdown()
        if self.journal is not None:
            self.journal.close()

    async def keep(self, raw: Raw) -> None:
        """Return when an event is in the database or on the disk; raises UnkeptError."""
        self.start()
        if len(self._rows) + len(self._lines) >= _MOST:
            self.refused += 1
            raise UnkeptError
        if self.away or not await self._stored(raw):
            await self._put_away(raw)

    async def _stored(self, raw: Raw) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._rows.put(raw)
        except (TimeoutError, SQLAlchemyError, StoreError) as error:
            if not self.away:
                log.warning("intake.database_away", reason=_name(error))
            self.away = self.journal is not None
            return False
        return True

    async def _put_away(self, raw: Raw) -> None:
        self._clear.clear()
        try:
            await self._lines.put(raw)
        except JournalError as error:
            self.refused += 1
            log.warning("intake.refused", reason=str(error), count=self.refused)
            raise UnkeptError from error
        finally:
            self._shelf.set()
        self.shelved += 1

    async def _insert(self, raws: Sequence[Raw]) -> None:
        # what is older stands in the journal
        await self._clear.wait()
        await self.store.write(_kept(raws), shared=True)

    async def _write(self, raws: Sequence[Raw]) -> None:
        journal = self.journal
        if journal is None:
            raise JournalError("There is no journal beside a database in memory.")
        await self._apart(lambda: journal.write(raws))

    async def _replay(self, journal: Journal) -> None:
        """Bring back what is in the journal, whenever something is there."""
        try:
            await self._apart(journal.prepare)
        except JournalError as error:
            # said now and not only when the database is away
            log.warning("intake.no_journal", reason=str(error))
        while True:
            # not wait_for, which can swallow that we are cancelled
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._shelf.wait()
            segment = await self._apart(journal.oldest)
            if segment is None:
                self._done(journal)
            else:
                await self._bring_back(journal, segment)

    async def _bring_back(self, journal: Journal, segment: Segment) -> None:
        """Replay a segment, however long the database is away."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._replayed(journal, segment)
            except (DataError, IntegrityError) as error:
                log.critical("intake.laid_aside", segment=segment.path.name, reason=_name(error))
                return await self._apart(lambda: journal.lay_aside(segment))
            except (SQLAlchemyError, StoreError) as error:
                log.warning("intake.replay_failed", reason=_name(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _replayed(self, journal: Journal, segment: Segment) -> None:
        for start in range(0, len(segment.records), _CHUNK):
            await self.store.write(_kept(segment.records[start : start + _CHUNK]), shared=True)
        # the database takes them again: what comes now waits behind the little that is left
        self.away = self.away and not segment.last
        await self._apart(lambda: journal.erase(segment))
        self.replayed += len(segment.records)
        log.info("intake.replayed", count=len(segment.records))

    def _done(self, journal: Journal) -> None:
        """Let new events into the database, unless one has just been written to the journal."""
        if self._lines.idle and not journal.written:
            self._shelf.clear()
            self._clear.set()
            self.away = False

    async def _apart(self, work: Callable[[], T]) -> T:
        """Run disk work on the journal's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _kept(raws: Sequence[Raw]) -> Callable[[Session], int]:
    return lambda session: inbound.keep_all(session, raws)


def _name(error: BaseException) -> str:
    """Return what may be logged of an error: its text can quote what was written."""
    return type(error).__name__
