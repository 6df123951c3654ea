"""300 elderly by telephone in virtual time: everybody told or to be visited, how near to the limit.

    python benchmarks/voice_elderly.py

The real router, ladders, claim and ledger; only telephones and providers are played
(`bot/simulate`). Among the neighbours are people who are called too, and come after the elderly.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from bot.simulate.run import Run
from bot.simulate.scenario import Calling, Faults, Group, Limits, Scenario
from content import ladder
from content.base import new_id
from content.delivery import Attempt, Delivery, DeliveryState
from content.due import APART
from content.keys import Keyring
from content.message import Kind
from content.people import Need
from content.store import Store

ELDERLY, NEIGHBOURS = 300, 60
LINES = {"lines_60": 60, "lines_3": 3}
_HOURS = 24.0
_MINUTE = APART.total_seconds()
_SEED = 67
"""The first of which the street, whose groups are drawn, has exactly that many elderly."""

_OLD = Group(
    "elderly",
    ELDERLY / (ELDERLY + NEIGHBOURS),
    needs={Need.ELDERLY: 1.0, Need.LIVES_ALONE: 0.2, Need.MOBILITY: 0.2, Need.NO_SMARTPHONE: 0.6},
    chat=0.0,
    mobile=0.5,
    landline=1.0,
    # nobody to turn to: who does not confirm is visited
    contact=0.0,
    wrong=0.03,
    calling=Calling(
        answers=0.75, machine=0.02, rings=14.0, presses=0.85, waits=0.9, calls_back=0.1
    ),
)
_YOUNGER = replace(
    _OLD,
    name="neighbours",
    share=NEIGHBOURS / (ELDERLY + NEIGHBOURS),
    needs={Need.NO_SMARTPHONE: 1.0},
)
STREET = Scenario(
    "by phone",
    residents=ELDERLY + NEIGHBOURS,
    hours=_HOURS,
    household=1.5,
    limits=Limits(calls_per_second=1.0),
    faults=Faults(),
    groups=(_OLD, _YOUNGER),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: how the elderly came through it, in people, and how the first calls went."""

    elderly: int
    confirmed: int
    door_knock: int
    homes_together: int
    """Elderly who were told by a call to somebody else at their number."""
    last: float
    """Seconds after the alert at which the last of them was rung first."""
    limit: float
    """Seconds that these first calls take at least: max(n / rate, seconds of talk / lines)."""
    overtaken: int
    """Neighbours who were rung while an elderly resident waited, whose home had not just rung."""

    @property
    def unaccounted(self) -> int:
        """Return how many have neither confirmed nor a door-knock card."""
        return self.elderly - self.confirmed - self.door_knock

    @property
    def over(self) -> float:
        """Return by which share of the limit the last first ring comes after it."""
        return self.last / self.limit - 1


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Play the street with 60 lines and with 3; a quick run is the same one, it takes seconds."""
    del quick
    found = {name: play(lines) for name, lines in LINES.items()}
    few = found["lines_3"]
    return {
        "elderly": few.elderly,
        "confirmed": few.confirmed,
        "door_knock": few.door_knock,
        "unaccounted": max(one.unaccounted for one in found.values()),
        "last_first_ring_over_limit": {name: round(one.over, 4) for name, one in found.items()},
        "last_first_ring_seconds": {name: round(one.last, 1) for name, one in found.items()},
        "limit_seconds": {name: round(one.limit, 1) for name, one in found.items()},
        "elderly_told_by_a_shared_call": few.homes_together,
        "overtaken": max(one.overtaken for one in found.values()),
    }


def play(lines: int, street: Scenario = STREET) -> Figures:
    """Play a street with so many lines to its end."""
    street = replace(street, limits=replace(street.limits, lines=lines))
    with _opened() as store:
        run = Run(street, _SEED, store, ladder.load())
        asyncio.run(run.play())
        return _figures(run)


@contextmanager
def _opened() -> Iterator[Store]:
    store = Store("sqlite://", Keyring.generate(), new_id())
    store.migrate()
    yield store
    store.close()


def _figures(run: Run) -> Figures:
    with run.store.read() as session:
        told = {row.recipient_id: row for row in session.scalars(select(Delivery))}
        tries = session.scalars(select(Attempt).order_by(Attempt.started_at, Attempt.id)).all()
    states = {who: row.state for who, row in told.items()}
    old = {who for who in told if run.crowd.group(who).name == _OLD.name}
    first = _firsts(tries)
    rings = {who: run.spans[one.along or one.ref][0] for who, one in first.items()}
    calls = {one.along or one.ref for who, one in first.items() if who in old}
    talk = sum(run.spans[ref][1] - run.spans[ref][0] for ref in calls)
    limits = run.scenario.limits
    last = max(rings[who] for who in old & rings.keys())
    return Figures(
        elderly=len(old),
        confirmed=sum(states[who] is DeliveryState.CONFIRMED for who in old),
        door_knock=sum(states[who] is DeliveryState.DOOR for who in old),
        homes_together=sum(first[who].along is not None for who in old & first.keys()),
        last=last,
        limit=max(len(calls) / limits.calls_per_second, talk / limits.lines),
        overtaken=_overtaken(
            rings,
            old,
            # who was told by the call to an elderly housemate has taken nobody's turn
            {who for who in rings.keys() - old if first[who].along is None},
            {who: row.place_id for who, row in told.items()},
        ),
    )


def _overtaken(
    rings: Mapping[Any, float], old: set[Any], others: set[Any], homes: Mapping[Any, Any]
) -> int:
    at_home: dict[Any, list[float]] = defaultdict(list)
    for who, at in rings.items():
        at_home[homes[who]].append(at)

    def could_ring(who: Any, now: float) -> bool:
        """Say whether somebody waited for their first call, and their home had not just rung."""
        return rings[who] > now and not any(now - _MINUTE < at <= now for at in at_home[homes[who]])

    waited = old & rings.keys()
    return sum(any(could_ring(who, rings[other]) for who in waited) for other in others)


def _firsts(tries: Sequence[Attempt]) -> dict[Any, Attempt]:
    """Return the first call of each: who shares a number with others is told by theirs."""
    found: dict[Any, Attempt] = {}
    for one in tries:
        if one.kind is Kind.CALL:
            found.setdefault(one.recipient_id, one)
    return found


def main() -> None:
    print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
