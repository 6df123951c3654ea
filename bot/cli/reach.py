"""`linxun reach`: who could not be reached well, as a list to work through before an emergency."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot import config, senders
from bot.cli import context, files, reach_page
from bot.cli.context import put, say
from bot.cli.reach_lines import Line, lines
from bot.cli.staff import AsJson
from content import beat, event, gaps, ladder, phrase, place, sheet
from content.clock import Clock
from content.gaps import Checked, Finding, Gap
from content.identity import IdentityError
from content.message import Kind, Written

app = typer.Typer(no_args_is_help=True, help="Check who can be reached, before it matters.")
_ALL = frozenset({Kind.CHAT, Kind.SMS, Kind.CALL})
_HEAD = (
    "网格 grid",
    "住处 home",
    "编号 number",
    "姓名 name",
    "注意 needs",
    "问题 gap",
    "怎么办 what to do",
    "办好 done",
)


@app.callback()
def reach() -> None:
    """Check who can be reached, before it matters."""


@app.command()
def check(
    *,
    grid: Annotated[str, typer.Option(help="only this grid or building, e.g. 1网格")] = "",
    only: Annotated[list[Gap] | None, typer.Option(help="only these gaps; may be repeated")] = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="show numbers in full (publishers and admins)")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="write a table for a spreadsheet")] = None,
    html: Annotated[Path | None, typer.Option(help="write a page to print and tick off")] = None,
    as_json: AsJson = False,
) -> None:
    """List who has no working way, only one, a dead number, no language, no contact; by grid.

    Each line says what to do. The status is 1 where anybody is listed.
    """
    with context.store() as opened, opened.read() as session:
        found = _found(session, grid, only or list(Gap), numbers=numbers)
        if csv is not None:
            files.write(csv, sheet.write([_HEAD, *_table(found.findings, numbers=numbers)]))
        if html is not None:
            page = reach_page.page(session, found, context.now(), numbers=numbers)
            files.write(html, page.encode())
    _noted(len(found.findings), numbers=numbers)
    if as_json:
        put([_row(one, numbers=numbers) for one in found.findings])
    else:
        _show(found, numbers=numbers, brief=csv is not None or html is not None)
    if found.findings:
        raise typer.Exit(1)


def _found(session: Session, grid: str, only: Sequence[Gap], *, numbers: bool) -> Checked:
    member = context.staff(session)
    mine = beat.of(session, member)
    if mine == ():
        raise IdentityError(beat.NO_GRID)
    if numbers and not beat.office(session, member):
        raise IdentityError(
            "完整号码只给发布人和管理员看。 Full numbers are for publishers and admins."
        )
    within = mine if not grid else _within(session, grid, mine)
    ladders = ladder.load(config.settings().ladders_file)
    found = gaps.check(session, ladders, _kinds(), within)
    chosen = (one for one in found.findings if set(one.gaps) & set(only))
    return Checked(found.residents, tuple(chosen))


def _within(session: Session, grid: str, mine: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the paths that are asked for, as far as who asks may see them."""
    asked = place.paths(session, grid) or ("/",)
    if mine is None:
        return asked
    inside = [one for one in asked if beat.covers(mine, one)]
    return (*inside, *(one for one in mine if one.startswith(asked)))


def _kinds() -> frozenset[Kind]:
    """Return the kinds that can be sent by; all of them where nothing is set up yet."""
    settings = config.settings()
    known = senders.limits(settings, senders.enabled(settings), Clock())
    kinds = frozenset(one.kind for one in known) & _ALL
    if kinds:
        return kinds
    for language in (Written.HANS, Written.ENGLISH):
        context.errors.print(phrase.say("reach.no_senders", language), highlight=False)
    return _ALL


def _show(found: Checked, *, numbers: bool, brief: bool) -> None:
    for grid, some in groupby(() if brief else found.findings, key=lambda one: one.grid):
        say(grid or phrase.say("live.no_grid", Written.HANS))
        for one in some:
            say(f"  {_who(one)}")
            for line in lines(one, numbers=numbers):
                say(f"    {line.gap}：{line.what} → {line.do}")
    counts = Counter(gap for one in found.findings for gap in one.gaps)
    for gap in Gap:
        if counts[gap]:
            say(f"{gap}: {counts[gap]}")
    people = len(found.findings)
    for language in (Written.HANS, Written.ENGLISH):
        key = "reach.count" if people else "reach.none"
        say(phrase.say(key, language, residents=found.residents, people=people))


def _who(one: Finding) -> str:
    needs = "、".join(_needs(one))
    name = f"{one.name}（{needs}）" if needs else one.name
    return " ".join(filter(None, (one.place, name, one.number)))


def _needs(one: Finding) -> Iterator[str]:
    return (phrase.say(f"need.{need}", Written.HANS) for need in sorted(one.needs))


def _table(found: Iterable[Finding], *, numbers: bool) -> Iterator[tuple[str, ...]]:
    for one in found:
        who = (one.grid, one.place, one.number, one.name, "、".join(_needs(one)))
        for line in lines(one, numbers=numbers):
            yield (*who, line.what, line.do, "")


def _row(one: Finding, *, numbers: bool) -> dict[str, Any]:
    said: list[Line] = lines(one, numbers=numbers)
    return {
        "resident": str(one.id),
        "number": one.number,
        "name": one.name,
        "grid": one.grid,
        "place": one.place,
        "needs": sorted(one.needs),
        "gaps": [
            {"gap": line.gap, "what": line.what, "do": line.do, "english": line.english}
            for line in said
        ],
    }


def _noted(count: int, *, numbers: bool) -> None:
    """Keep in the book that somebody has looked."""
    with context.store() as opened, opened.begin() as session:
        who, now = context.actor(session), context.now()
        event.add(session, who, "reach.checked", None, now, count=count, numbers=numbers)
