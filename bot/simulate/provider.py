"""Providers that exist only in virtual time: limits, latency, outages, lost receipts."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bot.simulate.scenario import Outage, Scenario
from channels.base import Abilities, Event, Receipt, Request, SendError
from content.clock import Clock
from content.message import Kind, Message
from content.reason import Reason

_BURST = 1.0
"""Seconds' worth of requests that a provider takes at once."""


class Virtual(Clock):
    """A clock that stands still until it is set."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start=start)
        self.at = start

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.at


@dataclass(slots=True)
class Provider:
    """One provider as a channel; `find` and `cancel` are what sweeps ask of it."""

    name: str
    kind: Kind
    clock: Virtual
    chance: Random
    rate: float
    """Requests a second; more is answered with 429."""
    start: datetime
    """From when on the minutes of an outage count."""
    latency: float = 0.3
    fails: float = 0.0
    outages: tuple[Outage, ...] = ()
    taken: dict[str, str] = field(default_factory=dict)
    """What it took: the attempt's reference by its own id."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by what became of them: taken, unheard, or the reason of the failure."""
    fixed: dict[str, datetime] = field(default_factory=dict)
    """By its own id, from when on a call is answered or over, and cannot be taken back."""
    recalled: set[str] = field(default_factory=set)
    """References of the calls that were taken back."""
    abilities: Abilities = field(init=False)
    _newest: dict[str, tuple[str, datetime]] = field(default_factory=dict, repr=False)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)
    _free: float = 0.0

    def __post_init__(self) -> None:
        """Say what it can do: a chat's provider cannot be asked what became of a message."""
        self.abilities = Abilities(asks=self.kind is not Kind.CHAT)

    async def send(self, to: str, message: Message | None, ref: str) -> Receipt:
        """Take a request, or refuse it as the scenario says."""
        del message
        try:
            self._refuse()
        except SendError as error:
            self.asked[error.reason.value] += 1
            raise
        made = f"{self.kind}{next(self._count)}"
        self.taken[made] = ref
        self._newest[to] = (made, self.clock.now())
        away = self._away()
        if away is not None:
            # it takes requests and its answers are lost
            self.asked["unheard"] += 1
            raise SendError(Reason.TIMEOUT, unknown=True, code=made)
        self.asked["taken"] += 1
        return Receipt(made)

    def answers_in(self) -> float:
        """Return after how many seconds the next request is answered."""
        return self.chance.expovariate(1 / self.latency) if self.latency else 0.0

    async def find(self, to: str, message: Message, since: datetime) -> Receipt | None:
        """Return the newest request to `to` since then."""
        del message
        made, at = self._newest.get(to, ("", since))
        return Receipt(made) if made and at >= since else None

    async def cancel(self, provider_id: str) -> bool:
        """Take a call back that nobody has answered."""
        if self.fixed.get(provider_id, self.clock.at) < self.clock.at:
            return False
        self.recalled.add(self.taken[provider_id])
        return True

    def event_id(self, request: Request) -> str:
        """Nothing arrives here: the run writes receipts itself."""
        return request.path

    def parse(self, request: Request) -> list[Event]:
        """Nothing arrives here."""
        del request
        return []

    async def close(self) -> None:
        """Hold nothing, give back nothing."""

    def _refuse(self) -> None:
        away = self._away()
        if away is not None and away.refuses:
            raise SendError(Reason.PROVIDER_DOWN)
        now = self.clock.now().timestamp()
        if self._free > now + _BURST:
            raise SendError(Reason.RATE_LIMITED, retry_after=self._free - now)
        if self.chance.random() < self.fails:
            raise SendError(Reason.PROVIDER_DOWN)
        self._free = max(self._free, now) + 1 / self.rate

    def _away(self) -> Outage | None:
        passed = (self.clock.now() - self.start) / timedelta(minutes=1)
        return next(
            (one for one in self.outages if one.after <= passed < one.after + one.minutes), None
        )


def opened(scenario: Scenario, clock: Virtual, seed: int) -> dict[str, Provider]:
    """Return a provider for each sender of the scenario; its outages count from now on."""
    faults = scenario.faults
    rates = {
        Kind.CHAT: faults.chat_per_second,
        Kind.SMS: faults.sms_per_second,
        Kind.CALL: faults.calls_per_second,
    }
    return {
        sender.name: Provider(
            sender.name,
            sender.kind,
            clock,
            Random(f"{seed}/{sender.name}"),  # noqa: S311 - nothing is guarded by it
            rates[sender.kind] or sender.rate,
            clock.now(),
            faults.latency,
            faults.fails,
            tuple(one for one in scenario.outages if one.kind is sender.kind),
        )
        for sender in scenario.senders()
    }
