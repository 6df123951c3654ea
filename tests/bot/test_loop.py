"""A process that serves does not stand still to look for garbage among what it has loaded."""

import gc
from collections.abc import Iterator

import pytest

from bot import loop


@pytest.fixture
def garbage() -> Iterator[None]:
    """What Python does about garbage is as it was afterwards."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("garbage")
def test_what_is_loaded_is_not_searched_again() -> None:
    kept = [[at] for at in range(1_000)]
    loop.settle()
    assert not any(one is kept for one in gc.get_objects())
    assert gc.get_freeze_count() > len(kept)


@pytest.mark.usefixtures("garbage")
def test_garbage_is_still_found() -> None:
    loop.settle()
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1
