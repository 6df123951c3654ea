"""`linxun facts`: the official fact base, brought in, signed, changed and taken back."""

import dataclasses
import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.context import put, say
from bot.cli.progress import bar
from content.event import Actor
from verification import exchange, facts, settlement, shelf, standing, telling
from verification.fact import Fact, FactState, FactVersion

app = typer.Typer(no_args_is_help=True, help="Keep the official facts that answer rumors.")

Code = Annotated[str, typer.Argument(help="the fact's id, as `linxun facts list` shows it")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]
Sign = Annotated[bool, typer.Option("--sign", help="sign at once, as an expert")]
All = Annotated[bool, typer.Option("--all", help="all that wait for it")]
Codes = Annotated[list[str] | None, typer.Argument(help="the facts' ids")]
_SIGN = "等专家签发：facts sign。 It waits for an expert: `linxun facts sign`."
_PUBLISH = "等另一位发布：facts publish。 Somebody else must publish: `linxun facts publish`."
_SOON = dt.timedelta(days=7)
_SHOWN = 20
"""Bad lines that are printed one by one."""


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="JSON Lines, UTF-8: one fact a line")],
    sign: Sign = False,
    as_json: AsJson = False,
) -> None:
    """Bring in a file of facts: as a whole, or nothing where one line is bad."""
    try:
        with file.open("rb") as lines:
            entries, bad = exchange.read(lines)
    except OSError:
        context.fail(f"文件打不开。 {file} cannot be read.")
    if bad:
        _refuse(bad, as_json=as_json)
    with acting() as (session, actor), bar("facts") as progress:
        done = exchange.bring(session, entries, actor, context.now(), sign=sign, progress=progress)
    if as_json:
        put(dataclasses.asdict(done))
        return
    say(
        f"新增 {done.added}，修改 {done.changed}，不变 {done.unchanged}，签发 {done.signed}。 "
        f"{done.added} added, {done.changed} changed, {done.unchanged} unchanged, "
        f"{done.signed} signed."
    )
    if done.signed:
        say(_PUBLISH)
    elif done.added + done.changed:
        say(
            "专家签发、另一位发布以后才会用来回答：facts sign --all，然后 facts publish --all。 "
            "They answer nobody until an expert signs them and somebody else publishes them: "
            "`linxun facts sign --all`, then `linxun facts publish --all`."
        )


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="where to write; default: the screen")] = None,
) -> None:
    """Write every fact that is not withdrawn as JSON Lines."""
    with acting() as (session, _):
        lines = list(exchange.write(session))
    text = "".join(f"{line}\n" for line in lines)
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError:
        context.fail(f"文件写不了。 {file} cannot be written.")
    say(f"写出 {len(lines)} 条。 {len(lines)} facts written.")


@app.command("list")
def show_all(
    state: Annotated[FactState | None, typer.Option(help="only facts in this state")] = None,
    *,
    waiting: Annotated[bool, typer.Option(help="only what waits for an expert, publisher")] = False,
    ending: Annotated[bool, typer.Option(help="only what is over or soon will be")] = False,
    as_json: AsJson = False,
) -> None:
    """List the facts, what they wait for, and how many people each has been told to."""
    with acting() as (session, _):
        rows = [
            row
            for row in _rows(session)
            if (state is None or row["state"] == state)
            and (not waiting or row["waits_for"])
            and (not ending or row["ends"])
        ]
    if as_json:
        put(rows)
        return
    columns = ("id", "state", "waits_for", "verdict", "claim", "valid_until", "ends", "told")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column] or "") for column in columns))
    context.console.print(table)


@app.command()
def sign(codes: Codes = None, *, every: All = False, as_json: AsJson = False) -> None:
    """Sign facts as an expert; they answer when somebody else has published them."""
    with acting() as (session, actor):
        wanted = facts.unsigned(session) if every else chosen(session, codes)
        signed = settlement.sign(session, wanted, actor, context.now())
        waits = any(fact.waits for fact in wanted)
        done = [
            {"id": fact.code, "version": version.number, "waits": fact.waits}
            for fact, version in zip(wanted, signed, strict=True)
        ]
    if as_json:
        put(done)
        return
    say(f"签发 {len(done)} 条。 {len(done)} facts signed.")
    if waits:
        say(_PUBLISH)


@app.command()
def withdraw(code: Code, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take a fact back as expert or publisher; who was told it is told so, and a case is opened."""
    now = context.now()
    with acting() as (session, actor):
        fact = facts.named(session, code)
        ask_first(told(session, fact), yes=yes or as_json)
        corrected = settlement.withdraw(session, fact, actor, now)
    if as_json:
        put({"id": fact.code, "state": fact.state, "corrected": corrected})
    else:
        say(f"{fact.code} 已撤回，告知 {corrected} 人。 Withdrawn; {corrected} people are told.")


@app.command()
def change(
    code: Code,
    *,
    claim: Annotated[str | None, typer.Option(help="what is being said")] = None,
    truth: Annotated[str | None, typer.Option(help="the truth, as a sentence")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="false, true, partly, depends, unconfirmed or outdated")
    ] = None,
    explanation: Annotated[str | None, typer.Option(help="why it is so")] = None,
    source: Annotated[str | None, typer.Option(help="who says so")] = None,
    expert: Annotated[str | None, typer.Option(help="the expert, as residents read it")] = None,
    date: Annotated[str | None, typer.Option(help="when it was found, YYYY-MM-DD")] = None,
    valid_until: Annotated[str | None, typer.Option(help="its last day, YYYY-MM-DD")] = None,
    area: Annotated[str | None, typer.Option(help="the place it is about")] = None,
    publisher: Annotated[
        str | None, typer.Option(help="government, expert, media or unknown")
    ] = None,
    sign: Sign = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Write a new version; the old one answers until the new one is signed and published."""
    given = {
        "claim": claim,
        "truth": truth,
        "verdict": verdict,
        "explanation": explanation,
        "source": source,
        "expert": expert,
        "date": date,
        "valid_until": valid_until,
        "area": area,
        "publisher": publisher,
    }
    if all(value is None for value in given.values()):
        context.fail("请写要改什么，例如 --truth。 Say what changes, for example with --truth.")
    now = context.now()
    with acting() as (session, actor):
        fact = facts.named(session, code)
        wanted = _changed(session, fact, given)
        ask_first(told(session, fact), yes=yes or as_json)
        version = facts.change(session, fact, actor, wanted, now)
        if sign:
            settlement.sign(session, [fact], actor, now)
    if as_json:
        put({"id": fact.code, "version": version.number, "waits": fact.waits})
        return
    say(f"{fact.code} 第{version.number}版。 Version {version.number}.")
    say(_PUBLISH if sign else _SIGN)


@contextmanager
def acting() -> Iterator[tuple[Session, Actor]]:
    """Open a transaction for who acts; a refusal ends the command with its sentence."""
    try:
        with context.store() as store, store.begin() as session:
            yield session, context.actor(session)
    except ValueError as error:
        context.fail(str(error))


def chosen(session: Session, codes: list[str] | None) -> list[Fact]:
    """Return the facts that were named; without any the command ends."""
    if not codes:
        context.fail("请写编号，或加 --all。 Give the facts' ids, or --all.")
    return [facts.named(session, code) for code in dict.fromkeys(codes)]


def _refuse(bad: list[exchange.BadLine], *, as_json: bool) -> None:
    if as_json:
        put({"problems": [{"line": one.number, "reason": one.reason} for one in bad]})
    for line in [] if as_json else bad[:_SHOWN]:
        said = f"第 {line.number} 行 line {line.number}: {line.reason}"
        context.errors.print(said, markup=False, highlight=False)
    context.fail(f"{len(bad)} 行有错，没有导入。 {len(bad)} lines are bad; nothing was imported.")


def told(session: Session, fact: Fact) -> str:
    """Return the question that is asked before what people were told is changed."""
    count = settlement.told(session, fact)
    return f"已告诉 {count} 人，要改吗？ {count} people were told this. Go on?"


def ask_first(question: str, *, yes: bool) -> None:
    """Ask who sits at a terminal before going on; a no ends the command."""
    if not yes and sys.stdin.isatty() and not typer.confirm(question):
        context.fail("没有改动。 Nothing was changed.")


def _changed(session: Session, fact: Fact, given: dict[str, str | None]) -> Any:
    here = exchange.statement(session, fact, facts.current(session, fact, fact.latest))
    said = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in dataclasses.asdict(here).items()
    }
    said |= {name: value for name, value in given.items() if value is not None}
    return exchange.parse({**said, "variants": list(here.variants)})


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    told = telling.counts(session)
    beside = shelf.beside(session)
    today = context.now().astimezone(standing.zone(session)).date()
    for fact, version in session.execute(facts.everything(session)):
        yield _row(fact, version, today) | {
            "linked": len(beside.get(fact.id, ())),
            "told": told.get(fact.id, 0),
        }


def _row(fact: Fact, version: FactVersion, today: dt.date) -> dict[str, Any]:
    return {
        "id": fact.code,
        "state": str(fact.state),
        "version": version.number,
        "signed": fact.signed,
        "published": fact.published,
        "waits_for": _waits_for(fact),
        "verdict": str(version.verdict),
        "claim": version.claim,
        "truth": version.truth,
        "source": version.source,
        "publisher": str(version.publisher),
        "valid_until": version.valid_until.isoformat() if version.valid_until else "",
        "ends": _ends(fact, version, today),
    }


def _waits_for(fact: Fact) -> str:
    """Return whose step is next on the newest version: expert, publisher, or nobody."""
    if fact.state is FactState.WITHDRAWN:
        return ""
    return "expert" if fact.latest > fact.signed else "publisher" if fact.waits else ""


def _ends(fact: Fact, version: FactVersion, today: dt.date) -> str:
    """Return "expired" for a fact past its last day, "soon" for one in its last week."""
    until = version.valid_until
    if until is None or fact.state is FactState.WITHDRAWN or until > today + _SOON:
        return ""
    return "expired" if until < today else "soon"
