"""`linxun` at its edge: one sentence and a status for every error, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import config
from bot.cli import context
from bot.cli.main import main
from content.keys import Keyring

ERRORS = [
    ("run", {}, "linxun.key is missing"),
    ("run", {"LINXUN_PORT": "http"}, "The setting LINXUN_PORT is wrong"),
]


class Ended:
    """A command that has ended, run in a folder of its own without the settings of who tests."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        words: str,
        more: dict[str, str],
    ) -> None:
        for name in [name for name in os.environ if name.startswith("LINXUN_")]:
            monkeypatch.delenv(name)
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(context.errors, "width", 200)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["linxun", *words.split()])
        config.settings.cache_clear()
        with pytest.raises(SystemExit) as ended:
            main()
        config.settings.cache_clear()
        self.status = ended.value.code
        self.out, self.err = capsys.readouterr()


@pytest.mark.parametrize(("words", "more", "sentence"), ERRORS, ids=["key", "setting"])
def test_an_error_is_one_sentence_and_status_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    more: dict[str, str],
    sentence: str,
) -> None:
    done = Ended(tmp_path, monkeypatch, capsys, words, more)
    assert (done.status, done.out) == (1, "")
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_what_nobody_has_foreseen_is_a_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Keyring.generate().save(tmp_path / "linxun.key")
    (tmp_path / "linxun.sqlite3").mkdir()
    done = Ended(tmp_path, monkeypatch, capsys, "alert list", {})
    assert done.status == 1
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("words", "more", "sentence"), ERRORS, ids=["key", "setting"])
def test_a_process_of_its_own_ends_so_too(
    tmp_path: Path, words: str, more: dict[str, str], sentence: str
) -> None:
    known = {name: value for name, value in os.environ.items() if not name.startswith("LINXUN_")}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "bot", words],
        cwd=tmp_path,
        env={**known, "PYTHONPATH": str(root), "COLUMNS": "200", **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
