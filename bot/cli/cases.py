"""`linxun cases`: what residents asked and no fact settles, for an expert to settle."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot import config
from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import acting
from content import mask
from content.event import Actor
from verification import case, errand, exchange, facts, joining, promise, settlement, standing
from verification.case import Case, File
from verification.fact import Fact, Statement
from verification.settlement import Settled

app = typer.Typer(no_args_is_help=True, help="Settle the questions that no fact answers.")

Number = Annotated[int, typer.Argument(help="the number that the asker was told")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the open cases, the first that is due first; phone and identity numbers are covered."""
    with acting() as (session, actor):
        case.require_worker(session, actor)
        rows = [_row(session, matter) for matter in case.open_cases(session)]
    if as_json:
        put(rows)
        return
    columns = ("number", "asked", "due", "owner", "matter", "files")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    context.console.print(table)


@app.command()
def show(
    number: Number,
    *,
    files: Annotated[
        Path | None, typer.Option(help="save what came with it in this folder")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one case: what was asked, why it was not answered, what is near, what came with it."""
    with acting() as (session, actor):
        case.require_worker(session, actor)
        matter = case.numbered(session, number)
        asked = case.askers(session, matter)
        row = _row(session, matter) | {
            "why": matter.why,
            "settled": _moment(matter.settled_at),
            "questions": [
                {"number": heard.number, "text": mask.mask(heard.text)} for heard in asked
            ],
            "near": [
                {"number": one.number, "matter": one.matter}
                for one in joining.near(session, matter)
            ],
            "attachments": [one.kind for one in case.files(session, matter)],
            "saved": _save(case.files(session, matter), files) if files else [],
        }
    if as_json:
        put(row)
        return
    for name, value in row.items():
        say(f"{name}: {_line(value)}")


@app.command()
def take(number: Number, as_json: AsJson = False) -> None:
    """Take a case: you answer for it, and who asked hears your title while they wait."""
    with acting() as (session, actor):
        matter = case.numbered(session, number)
        errand.take(session, matter, actor, context.now())
        row = _row(session, matter)
    if as_json:
        put(row)
    else:
        say(f"核实单{row['number']}交给您了，{row['due']}以前。 It is yours, due {row['due']}.")


@app.command()
def merge(
    number: Number,
    into: Annotated[int, typer.Argument(help="the case on the same matter that stays")],
    as_json: AsJson = False,
) -> None:
    """Merge a case into another one: all who asked wait for one answer."""
    with acting() as (session, actor):
        cases = (case.numbered(session, number), case.numbered(session, into))
        row = _row(session, joining.merge(session, *cases, actor, context.now()))
    if as_json:
        put(row)
    else:
        say(f"核实单{number}已并入{row['number']}。 Case {number} is now part of {row['number']}.")


@app.command()
def split(
    number: Number,
    questions: Annotated[list[int], typer.Argument(help="the numbers of the questions to move")],
    as_json: AsJson = False,
) -> None:
    """Split off questions that joined a case wrongly: they become a case of their own."""
    with acting() as (session, actor):
        matter = case.numbered(session, number)
        now = context.now()
        row = _row(session, joining.split(session, matter, questions, actor, now))
    if as_json:
        put(row)
    else:
        say(f"拆成了核实单{row['number']}。 They are case {row['number']} now.")


@app.command()
def settle(
    number: Number,
    *,
    fact: Annotated[str, typer.Option(help="settle it with this fact")] = "",
    claim: Annotated[
        str, typer.Option(help="else: what is being said; default: what was asked")
    ] = "",
    truth: Annotated[str, typer.Option(help="the truth, as a full sentence")] = "",
    verdict: Annotated[
        str, typer.Option(help="false, true, partly, depends, unconfirmed or outdated")
    ] = "",
    source: Annotated[str, typer.Option(help="who says so")] = "",
    expert: Annotated[str, typer.Option(help="as residents read it; default: your title")] = "",
    explanation: Annotated[str, typer.Option(help="why it is so")] = "",
    valid_until: Annotated[str, typer.Option(help="its last day, YYYY-MM-DD")] = "",
    area: Annotated[str, typer.Option(help="the place it is about")] = "",
    as_json: AsJson = False,
) -> None:
    """Settle a case as an expert; everyone who asked is told when somebody else has published."""
    now = context.now()
    with acting() as (session, actor):
        matter = case.numbered(session, number)
        if not (fact or claim or case.quotable(matter)):
            context.fail(
                "请用 --claim 把大家在传的写成一句短的陈述。 "
                "What was asked is a question or long: put it as a short statement with --claim."
            )
        given = {
            "claim": claim or matter.matter,
            "truth": truth,
            "verdict": verdict,
            "source": source,
            "expert": expert or context.staff(session).title,
            "explanation": explanation,
            "valid_until": valid_until,
            "area": area,
            "date": now.astimezone(standing.zone(session)).date().isoformat(),
        }
        done = _settle(session, matter, actor, fact, given)
        code = done.fact.code
    if as_json:
        put({"number": number, "fact": code, "waits": done.waits, "told": done.told})
    elif done.waits:
        say(
            f"核实单{number}已签发，等另一位发布：facts publish {code}。 "
            f"Signed; somebody else must publish it: `linxun facts publish {code}`."
        )
    else:
        say(f"核实单{number}已办结，告诉 {done.told} 人。 Settled; {done.told} people are told.")


def _settle(
    session: Session, matter: Case, actor: Actor, fact: str, given: dict[str, Any]
) -> Settled:
    ruling: Fact | Statement = facts.named(session, fact) if fact else exchange.parse(given)
    return settlement.settle(session, matter, actor, ruling, context.now())


def _row(session: Session, matter: Case) -> dict[str, Any]:
    within = timedelta(hours=config.settings().promise_hours)
    owner = case.owner(session, matter)
    return {
        "number": matter.number,
        "matter": matter.matter,
        "asked": len(case.askers(session, matter)),
        "files": len(case.files(session, matter)),
        "opened": _moment(matter.opened_at),
        "due": _moment(matter.opened_at + within),
        "owner": owner.name if owner else "",
        "taken": _moment(matter.taken_at),
        "promise": _moment(promise.next_word(session, matter, within)),
        "waits": matter.settled_at is None and matter.fact_id is not None,
    }


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="minutes") if at else ""


def _line(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return "；".join(
        f"{one['number']} {one.get('text', one.get('matter'))}" if isinstance(one, dict) else one
        for one in value
    )


def _save(came: list[File], folder: Path) -> list[str]:
    """Write what came with a case into a folder; what is still with the provider is left there."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for one in came:
        if one.content is not None:
            path = folder / one.name
            path.write_bytes(one.content)
            saved.append(str(path))
    return saved
