"""`linxun rumors`: what is spreading, what was learned, how well the answers do."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot import config
from bot.cli import context, learned, report, sampling
from bot.cli.context import put, say
from bot.cli.facts import acting
from bot.commands import spread
from content import alert as alerts
from content import draft as drafts
from content import mask, place
from content.alert import ReviewError
from content.message import Written
from verification import broadcast, trends
from verification.trends import Spike

app = typer.Typer(no_args_is_help=True, help="See what is spreading, and learn from it.")
app.add_typer(learned.app, name="learned")
app.command("sample")(sampling.sample)
app.command("report")(report.report)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]


@app.command("trends")
def show_trends(as_json: AsJson = False) -> None:
    """List what more residents or buildings ask about than usual, at this moment."""
    rule = spread.rule(config.settings())
    with acting() as (session, _):
        rows = [_row(session, spike) for spike in trends.spikes(session, context.now(), rule)]
    if as_json:
        put(rows)
        return
    table = Table("about", "askers", "usual", "buildings", "matter")
    for row in rows:
        table.add_row(
            *(str(row[name]) for name in ("about", "askers", "usual", "buildings", "matter"))
        )
    context.console.print(table)


@app.command()
def draft(
    about: Annotated[str, typer.Argument(help="a fact's id, or the number of a case")],
    as_json: AsJson = False,
) -> None:
    """Draft the alert that tells an answer to the buildings that ask; it goes to review next."""
    now = context.now()
    with acting() as (session, actor):
        try:
            made = broadcast.draft(session, actor, *broadcast.named(session, about), now)
        except ReviewError as error:
            context.fail(str(error))
        content = drafts.read(session, made)
        row = {
            "code": alerts.get(session, made.alert_id).code,
            "stage": str(made.stage),
            "severity": str(content.severity),
            "places": place.named(session, content.audience.places),
            "expires": content.expires.isoformat(),
            "text": content.texts[Written.HANS].body,
        }
    if as_json:
        put(row)
        return
    where = "、".join(row["places"]) or "全部居民 all residents"
    say(
        f"{row['code']} 已拟好，发给 {where}；要改用 alert edit，再由核实人员核实。 "
        f"Drafted for {where}: change it with `linxun alert edit`, then a verifier verifies it."
    )
    say(str(row["text"]))


def _row(session: Session, spike: Spike) -> dict[str, Any]:
    return asdict(spike) | {
        "about": spike.subject.value,
        "id": str(spike.id),
        "buildings": "、".join(place.named(session, spike.buildings)),
        "matter": mask.mask(trends.words(session, spike.subject, spike.id)),
    }
