"""Small runs, played to their end."""

import asyncio
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bot.simulate import scenario
from bot.simulate.run import Run
from bot.simulate.scenario import Scenario
from content import ladder
from tests import databases

LADDERS = ladder.load()

QUICK = scenario.changed(
    scenario.load("community"), "lines=40,calls_per_second=20,sms_per_second=20"
)
"""A community with so much of everything that a run takes few steps."""


def small(residents: int = 30, wish: str = "", base: Scenario = QUICK, **other: Any) -> Scenario:
    found = replace(base, residents=residents, **other)
    return scenario.changed(found, wish) if wish else found


def parsed(text: str) -> Scenario:
    return scenario.parse(tomllib.loads(text), "typed")


@contextmanager
def played(one: Scenario, seed: int = 1) -> Iterator[Run]:
    store = databases.opened("sqlite://")
    run = Run(one, seed, store, LADDERS)
    asyncio.run(run.play())
    yield run
    store.close()
