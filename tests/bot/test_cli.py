"""`linxun` as its own process: one sentence and a status for every error, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from content.keys import Keyring


def linxun(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own, without the settings of whoever runs the test."""
    root = Path(__file__).resolve().parents[2]
    known = {name: value for name, value in os.environ.items() if not name.startswith("LINXUN_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={**known, "PYTHONPATH": str(root), "COLUMNS": "200", **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "linxun.key is missing"),
        ({"LINXUN_PORT": "http"}, "The setting LINXUN_PORT is wrong"),
    ],
    ids=["key", "setting"],
)
def test_an_error_is_one_sentence_and_status_1(
    tmp_path: Path, more: dict[str, str], sentence: str
) -> None:
    done = linxun(tmp_path, "run", **more)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_nobody_has_foreseen_is_a_sentence_too(tmp_path: Path) -> None:
    Keyring.generate().save(tmp_path / "linxun.key")
    (tmp_path / "linxun.sqlite3").mkdir()
    done = linxun(tmp_path, "alert", "list")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
