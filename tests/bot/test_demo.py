"""The demo is played to its end, and its books balance with what the stand-ins saw."""

import asyncio
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 540
"""After which a machine is not slow, but the story stands still."""


@pytest.mark.slow
async def test_everybody_in_the_demo_is_accounted_for(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "bot", "demo", "--no-stay")
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    played = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        out, _ = await played.communicate()
    said = out.decode()
    assert "does not balance" not in said
    assert "账目相符" in said
    assert played.returncode == 0
