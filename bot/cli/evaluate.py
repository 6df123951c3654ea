"""`linxun evaluate`: how often the desk's own decision is right, over files of real questions."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli import context
from bot.cli.progress import bar


def evaluate(
    facts: Annotated[list[Path], typer.Option(help="JSON Lines of facts; may be given again")],
    queries: Annotated[Path, typer.Option(help="JSON Lines of questions that a fact answers")],
    qrels: Annotated[Path, typer.Option(help="table of question id and fact id")],
    negatives: Annotated[Path, typer.Option(help="JSON Lines of texts that no fact answers")],
    out: Annotated[Path | None, typer.Option("--json", help="also write the figures here")] = None,
) -> None:
    """Measure the decision on facts, questions, judgements and texts that must not be answered."""
    from verification import evaluate as evaluation

    try:
        with bar("questions") as progress:
            report = evaluation.run(facts, queries, qrels, negatives, progress)
    except OSError as error:
        context.fail(f"打不开文件。 A file cannot be read: {error.filename}")
    except (ValueError, KeyError) as error:
        context.fail(f"文件格式不对。 A file is not of the expected form: {error}")
    context.console.print(_table(report))
    if out is not None:
        try:
            text = json.dumps(report, ensure_ascii=False, indent=1)
            out.write_text(f"{text}\n", encoding="utf-8")
        except OSError:
            context.fail(f"写不了文件。 The file {out} cannot be written.")


def _table(report: dict[str, Any]) -> Table:
    table = Table("figure", "value")
    for name, value in _flat("", report):
        table.add_row(name, value)
    return table


def _flat(prefix: str, report: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in report.items():
        if isinstance(value, dict):
            rows += _flat(f"{prefix}{name}.", value)
        else:
            rows.append((f"{prefix}{name}", _figure(value)))
    return rows


def _figure(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)
