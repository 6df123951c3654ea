"""The providers' stand-in, watched: what it receives, takes and is told, at the very moment."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.book import Call, Direction, Entry
from bot.sandbox.faults import Fault
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.server import Sandbox
from bot.sandbox.web import Answer
from content.clock import Clock

SPEED = 20.0
"""How much faster people read, speak and press than in life."""

Bell = Callable[[], None]


class Brisk(Clock):
    """The real time, in which people and phone lines take a twentieth of theirs."""

    def real(self, seconds: float) -> float:
        """Return how many seconds are waited instead of `seconds`."""
        return seconds / SPEED


class Watched(Fault):
    """The faults of one provider, which ring when a request has come and when it is taken."""

    def __init__(self, provider: "Provider") -> None:
        self._provider = provider
        self._delays = {"received": 0.0, "taken": 0.0}
        super().__init__(latency=0.004, lag=0.004)

    @property
    def latency(self) -> float:  # type: ignore[override]
        """Seconds before a request is looked at; read when one has come."""
        return self._read("received")

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._delays["received"] = seconds

    @property
    def lag(self) -> float:  # type: ignore[override]
        """Seconds between acceptance and answer; read when one is taken."""
        return self._read("taken")

    @lag.setter
    def lag(self, seconds: float) -> None:
        self._delays["taken"] = seconds

    def _read(self, what: str) -> float:
        self._provider.ring(what)
        return self._delays[what]


@dataclass
class Posted:
    """A webhook that we have answered with 200: from then on it is ours."""

    url: str
    params: Mapping[str, str]


@dataclass
class Provider:
    """The stand-in with bells on it; `refs` are those that it has seen, with how often."""

    sandbox: Sandbox
    bells: dict[str, Bell] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    acknowledged: list[Posted] = field(default_factory=list)
    unanswered: int = 0
    """Webhooks that found no process to answer them."""
    _refs: set[str] = field(default_factory=set)
    _read: list[int] = field(default_factory=lambda: [0, 0])
    """How many messages and calls have been looked at for their references."""

    @classmethod
    async def start(cls, seed: int) -> "Provider":
        """Start on a free port of loopback."""
        provider = cls(await Sandbox.start(Brisk(), seed=seed, limits=UNLIMITED))
        provider._watch()
        return provider

    def ring(self, what: str) -> None:
        """Let whoever waits for this act at once."""
        self.counts[what] += 1
        if bell := self.bells.get(what):
            bell()

    def slow(self, latency: float, lag: float) -> None:
        """Let every provider take so many seconds before and after it takes a request."""
        for fault in (self.sandbox.faults.telegram, self.sandbox.faults.twilio):
            fault.latency, fault.lag = max(latency, 0.004), max(lag, 0.004)

    def entries(self) -> list[Entry]:
        """Return everything that was taken for residents and strangers, oldest first."""
        book = self.sandbox.book
        return [one for one in (*book.messages, *book.calls) if one.direction is Direction.OUT]

    def refs(self) -> set[str]:
        """Return our references as the provider has seen them."""
        book = self.sandbox.book
        for at, entries in enumerate((book.messages, book.calls)):
            self._refs |= {ref for one in entries[self._read[at] :] if (ref := ref_of(one))}
            self._read[at] = len(entries)
        return self._refs

    def _watch(self) -> None:
        sandbox = self.sandbox
        sandbox.faults.telegram, sandbox.faults.twilio = Watched(self), Watched(self)
        poll, call = sandbox.updates.poll, sandbox.web.call

        async def watched_poll(values: dict[str, Any]) -> list[dict[str, Any]]:
            found = await poll(values)
            if found:
                self.ring("fetched")
            return found

        async def watched_call(url: str, params: Mapping[str, str], method: str = "POST") -> Answer:
            self.ring("posting")
            answer = await call(url, params, method)
            if answer.ok:
                self.acknowledged.append(Posted(url, dict(params)))
            else:
                self.unanswered += 1
            return answer

        sandbox.updates.poll = watched_poll  # type: ignore[method-assign]
        sandbox.web.call = watched_call  # type: ignore[method-assign]


def ref_of(entry: Entry) -> str:
    """Return our reference in a callback address or under a button; "" for none."""
    parts = entry.trace.replace(":", "/").replace(" ", "/").split("/")
    return next((one for one in parts if len(one) == 32 and _hex(one)), "")


def rung_word(entry: Entry) -> str:
    """Return what kind of request it was: chat, sms or call."""
    return "call" if isinstance(entry, Call) else entry.kind.value


def _hex(text: str) -> bool:
    return all(sign in "0123456789abcdef" for sign in text)


async def until(ready: Callable[[], bool], seconds: float, step: float = 0.01) -> bool:
    """Wait until something is so; False when it was not within `seconds`."""
    ends = asyncio.get_running_loop().time() + seconds
    while not ready():
        if asyncio.get_running_loop().time() > ends:
            return False
        await asyncio.sleep(step)
    return True
