"""`linxun tasks`: who waits for help, who has taken it and when, and taking and closing it."""

from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any

import typer

from bot import config
from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import acting
from bot.cli.staff import AsJson
from content import card, pager, phrase, task, worklist
from content.cap import zone
from content.message import Written
from content.task import Times
from content.worklist import Item

app = typer.Typer(no_args_is_help=True, help="See who waits for help, take it, and close it.")

Number = Annotated[str, typer.Argument(help="the number from `linxun tasks list`")]


@app.command("list")
def show(
    *,
    done: Annotated[bool, typer.Option("--done", help="those of the last week that are done")] = (
        False
    ),
    as_json: AsJson = False,
) -> None:
    """List who waits for help, the urgent first: since when, who has taken it, what is late."""
    now, times = context.now(), _times()
    with context.store() as opened, opened.read() as session:
        found = worklist.of(session, context.staff(session), now, done=done)
        where = zone(session)
    if as_json:
        put([_row(one, now, times) for one in found])
        return
    for one in found:
        style = "bold red" if worklist.late(one, now, times) else None
        lines = "\n".join((_head(one), f"    {_stands(one, now, times, where)}"))
        context.console.print(lines, markup=False, highlight=False, soft_wrap=True, style=style)
    say(f"共 {len(found)} 件。 {len(found)} tasks.")


@app.command()
def take(number: Number) -> None:
    """Take a task: the others are not called to it any more."""
    now = context.now()
    with acting() as (session, actor):
        one = worklist.find(session, context.staff(session), now, number)
        taken = task.take(session, one.id, actor, now)
        pager.answered(session, one.id, actor.id, now)
        said = pager.text(session, taken, now)
    say(said)
    say(f"好的，交给您了。办完请写 linxun tasks done {one.short}。 It is yours.")


@app.command()
def done(
    number: Number,
    outcome: Annotated[str, typer.Option(help="what came of it, in a word")] = "done",
) -> None:
    """Close a task."""
    now = context.now()
    with acting() as (session, actor):
        one = worklist.find(session, context.staff(session), now, number)
        task.done(session, one.id, outcome, actor, now)
        pager.answered(session, one.id, actor.id, now)
    say("已办好，谢谢。 Done, thank you.")


def _head(one: Item) -> str:
    needs = "、".join(_word(f"need.{need}") for need in sorted(one.needs))
    name = f"{one.name}（{needs}）" if needs else one.name
    return " ".join(filter(None, (one.short, _word(f"tasks.{one.kind}"), one.place, name)))


def _stands(one: Item, now: datetime, times: Times, where: tzinfo) -> str:
    """Return since when, and who has it since when; what is late is said."""
    steps = [_word("tasks.since", at=card.clock(one.opened_at, where))]
    if one.taken_at is None and one.done_at is None:
        steps += [_word("tasks.open"), _word("tasks.due", at=card.clock(one.due_at, where))]
    steps += worklist.history(one, one.taken_by, where)
    if worklist.late(one, now, times):
        steps.append(_word("tasks.late"))
    return "，".join(steps)


def _row(one: Item, now: datetime, times: Times) -> dict[str, Any]:
    moments = ("opened_at", "due_at", "taken_at", "done_at")
    return {
        "number": one.short,
        "id": str(one.id),
        "kind": one.kind,
        "urgent": one.urgent,
        "place": one.place,
        "name": one.name,
        "needs": sorted(one.needs),
        "note": one.note,
        "taken_by": one.taken_by,
        "outcome": one.outcome,
        "late": worklist.late(one, now, times),
    } | {name: at.isoformat() if (at := getattr(one, name)) else None for name in moments}


def _times() -> Times:
    given = config.settings()
    return Times(timedelta(minutes=given.help_minutes), timedelta(minutes=given.help_done_minutes))


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
