"""The event loop of what serves: uvloop where there is one, with short turns between threads."""

import asyncio
import gc
import importlib.util
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TURN = 0.0005
"""Seconds after which a busy loop gives way to a thread that has news from the database.

Python's own five milliseconds are paid at every statement, and a claim takes several.
"""
_RARELY = (5_000, 10, 100)
"""When Python looks for garbage again: rows of a delivery are many objects, and hardly one is."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run until `work` is done and return what it returns."""
    sys.setswitchinterval(_TURN)
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


def settle() -> None:
    """Leave what has been loaded out of every later search for garbage: it stays until the end.

    A whole search takes 0.2 s, came every second under load, and nothing else runs meanwhile:
    webhooks, starts and commits wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_RARELY)
