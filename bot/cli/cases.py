"""`linxun cases`: what residents asked and no fact settles, for an expert to settle."""

from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.facts import acting, put, say
from content import mask
from content.event import Actor
from verification import case, exchange, facts, settlement
from verification.case import Case
from verification.fact import Fact, Statement
from verification.settlement import Settled

app = typer.Typer(no_args_is_help=True, help="Settle the questions that no fact answers.")

Number = Annotated[int, typer.Argument(help="the number that the asker was told")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the open cases, oldest first; phone and identity numbers are covered."""
    with acting() as (session, _):
        rows = [_row(session, matter) for matter in case.open_cases(session)]
    if as_json:
        put(rows)
        return
    columns = ("number", "asked", "due", "matter", "files")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    context.console.print(table)


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show one case: what was asked, why it was not answered, what came with it."""
    with acting() as (session, _):
        matter = case.numbered(session, number)
        row = _row(session, matter) | {
            "why": matter.why,
            "settled": matter.settled_at.isoformat() if matter.settled_at else "",
            "questions": [mask.mask(heard.text) for heard in case.askers(session, matter)],
            "attachments": [one.kind for one in case.files(session, matter)],
        }
    if as_json:
        put(row)
        return
    for name, value in row.items():
        say(f"{name}: {'；'.join(value) if isinstance(value, list) else value}")


@app.command()
def settle(
    number: Number,
    *,
    fact: Annotated[str, typer.Option(help="settle it with this fact")] = "",
    claim: Annotated[str, typer.Option(help="else: what is being said")] = "",
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
        given = {
            "claim": claim or matter.matter,
            "truth": truth,
            "verdict": verdict,
            "source": source,
            "expert": expert or context.staff(session).title,
            "explanation": explanation,
            "valid_until": valid_until,
            "area": area,
            "date": now.date().isoformat(),
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
    return {
        "number": matter.number,
        "matter": matter.matter,
        "asked": len(case.askers(session, matter)),
        "files": len(case.files(session, matter)),
        "opened": matter.opened_at.isoformat(),
        "due": matter.due_at.isoformat(timespec="minutes"),
    }
