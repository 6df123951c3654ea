"""`linxun --version` says which Linxun is installed, without a database or a command."""

from importlib.metadata import version

from typer.testing import CliRunner

from bot.cli.main import app


def test_the_version_is_told_without_a_command() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output.strip()) == (0, version("linxun"))
