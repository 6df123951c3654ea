"""The duties this process has at the moment: each is done by one process at a time, wherever."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from content import lease
from content.clock import Clock
from content.store import Store

log = structlog.get_logger("leases")

SWEEP, ROUNDS, REDACT, POLL = "sweep", "rounds", "redact", "poll"
"""The duties; of polling there is one for each bot: `poll:telegram`."""
SECONDS = 15.0
"""Seconds of the clock after which another process takes over from one that was killed."""
_LEAST = 3.0
"""Real seconds that a lease lasts at least, however fast the clock runs."""
_here: set[str] = set()
"""The holders that live in this process."""


class Leases:
    """Takes the named duties as they come free, keeps them, and gives them back at the end."""

    def __init__(self, store: Store, clock: Clock, names: Sequence[str]) -> None:
        self.store = store
        self.clock = clock
        self.names = tuple(names)
        self.holder = f"{_machine()}:{os.getpid()}:{secrets.token_hex(8)}"
        _here.add(self.holder)
        self._seconds = max(SECONDS, _LEAST * clock.scale)
        self._until: dict[str, datetime] = {}
        self._stopping = asyncio.Event()

    def holds(self, name: str) -> bool:
        """Say whether the duty is ours now; a process that was held up loses it by itself."""
        until = self._until.get(name)
        return until is not None and until > self.clock.now()

    async def run(self) -> None:
        """Take and renew until `stop`."""
        while not self._stopping.is_set():
            await self.renew()
            with contextlib.suppress(TimeoutError):
                wait = self.clock.real(self._seconds) / 3
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def renew(self) -> None:
        """Take what is free and keep what is ours; without a database nothing is ours for long."""
        now = self.clock.now()
        until = now + timedelta(seconds=self._seconds)
        try:
            held = await self.store.write(lambda session: self._hold(session, now), shared=True)
        except SQLAlchemyError as error:
            log.warning("leases.not_renewed", reason=type(error).__name__)
            return
        taken = held - self._until.keys()
        if taken:
            log.info("leases.taken", duties=sorted(taken))
        self._until = dict.fromkeys(held, until)

    async def drop(self) -> None:
        """Give everything back: the next process need not wait until our time is over."""
        self._until = {}
        with contextlib.suppress(SQLAlchemyError):
            await self.store.write(self._drop, shared=True)

    def stop(self) -> None:
        """Ask `run` to end; the duties stay ours until `drop`."""
        self._stopping.set()

    def _hold(self, session: Session, now: datetime) -> set[str]:
        for name, holder in lease.holders(session).items():
            if name in self.names and holder != self.holder and _is_gone(holder):
                lease.drop(session, name, holder)
        # always in the same order: who waits for a row holds none that the other waits for
        return {
            name
            for name in sorted(self.names)
            if lease.hold(session, name, self.holder, now, self._seconds)
        }

    def _drop(self, session: Session) -> None:
        for name in sorted(self.names):
            lease.drop(session, name, self.holder)


def _machine() -> str:
    """Return the name of this machine, or container, since it was started; empty: not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return ""
    return boot[:8] + "".join(filter(str.isdigit, space))


def _is_gone(holder: str) -> bool:
    """Say whether a holder was a process of this machine that is no more; else its time decides."""
    machine, _, process = holder.partition(":")
    number = process.partition(":")[0]
    if not machine or machine != _machine() or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        # our own number in an earlier life: a container restarts with the same one
        return holder not in _here
    return not Path(f"/proc/{number}").exists()
