"""The `linxun` command: every sub-command in one place, and one sentence for every error."""

import sys
from typing import Annotated

import structlog
import typer

from bot import config, installed, logs
from bot.cli import (
    after,
    alert,
    ask,
    backup,
    beside,
    cases,
    context,
    demo,
    doctor,
    doors,
    evaluate,
    facts,
    init,
    preview,
    publishing,
    reach,
    record,
    residents,
    rumors,
    run,
    simulate,
    speaker,
    staff,
    tasks,
)
from bot.errors import KNOWN

log = structlog.get_logger("cli")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Linxun 邻讯: verified alerts for every resident, true answers to what they have heard.",
)
app.add_typer(residents.app, name="residents")
app.add_typer(staff.app, name="staff")
app.add_typer(alert.app, name="alert")
app.add_typer(tasks.app, name="tasks")
app.add_typer(reach.app, name="reach")
alert.app.command("doors")(doors.doors)
alert.app.command("preview")(preview.preview)
alert.app.command("record")(record.record)
alert.app.command("recordings")(record.recordings)
alert.app.command("report")(after.report)
facts.app.add_typer(publishing.app)
facts.app.add_typer(beside.app)
app.add_typer(facts.app, name="facts")
app.add_typer(cases.app, name="cases")
app.add_typer(rumors.app, name="rumors")
app.command("init")(init.init)
app.command("run")(run.run)
app.command("web")(run.web)
app.command("worker")(run.worker)
app.command("demo")(demo.demo)
app.command("simulate")(simulate.simulate)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("speaker")(speaker.speaker)
app.command("ask")(ask.ask)
app.command("evaluate")(evaluate.evaluate)


def _version(wanted: bool) -> None:
    """Print the version and leave before a command is asked for."""
    if wanted:
        context.console.print(installed.version())
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="print the version and leave", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Prepare what every command needs."""
    del version
    logs.set_up(config.settings().log_level)


def main() -> None:
    """Run the command; whatever goes wrong is one sentence and status 1, never a traceback."""
    try:
        installed.check()
        app()
    except KNOWN as error:
        _end(str(error))
    except Exception as error:
        log.debug("cli.failed", exc_info=True)
        _end(
            f"Linxun met an error it does not know ({type(error).__name__}): "
            "run it again with LINXUN_LOG_LEVEL=DEBUG and report what it prints."
        )


def _end(sentence: str) -> None:
    context.errors.print(sentence, style="bold red", highlight=False, markup=False)
    sys.exit(1)
