"""By phone to the elderly: nobody is lost, and the last first ring comes at the limits' own time."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """Return the benchmark of 300 elderly as a module."""
    path = ROOT / "benchmarks" / "voice_elderly.py"
    spec = importlib.util.spec_from_file_location("voice_elderly", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    # its dataclasses look their module up
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("lines", [pytest.param(60, marks=pytest.mark.slow), 3])
def test_everybody_is_accounted_for_and_rung_in_time(bench: ModuleType, *, lines: int) -> None:
    quick = lines == 3
    street = replace(bench.STREET, residents=120) if quick else bench.STREET
    found = bench.play(lines, street)
    assert (found.unaccounted, found.overtaken) == (0, 0)
    assert found.over <= 0.03
    assert found.confirmed > found.elderly / 2
