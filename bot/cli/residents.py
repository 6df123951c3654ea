"""`linxun residents`: import, list and export the people, show and erase what is held of one."""

import os
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import rights
from bot.cli import context, progress
from bot.cli.context import put, say
from bot.cli.staff import AsJson, admin
from content import caregiver, event, identity, people, place, roster, sheet, store
from content.people import Audience, Need, Resident, Told
from content.place import Community, PlaceKind
from content.roster import RosterError
from content.sheet import SheetError

app = typer.Typer(no_args_is_help=True, help="Import, list, export and erase residents.")

Who = Annotated[str, typer.Argument(help="the committee's number of the person, or the id")]
_SHOWN = 50


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GBK) or XLSX")],
    as_json: AsJson = False,
) -> None:
    """Import a list; nothing is imported if one cell is bad, and twice changes nothing."""
    with admin() as (session, _):
        region = session.get_one(Community, store.community(session)).region
    try:
        with progress.bar("读取名册 Reading") as step:
            # outside a transaction, so that alerts go on being sent
            prepared = roster.prepare(sheet.read(file), region, step)
    except SheetError as error:
        context.fail(str(error))
    with admin() as (session, actor):
        try:
            report = roster.bring(session, prepared, context.now(), actor)
        except RosterError as error:
            _refuse(error, as_json=as_json)
    done = {name: getattr(report, name) for name in ("added", "updated", "unchanged", "erased")}
    if as_json:
        put(done | {"ignored": report.ignored})
        return
    say(
        f"新增 {report.added} 人，更新 {report.updated} 人，{report.unchanged} 人不变。 "
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged."
    )
    if report.erased:
        say(f"{report.erased} 人曾要求删除，没有导入。 {report.erased} were erased and stay so.")
    if report.ignored:
        say(f"没有读取的列 Columns not read: {'、'.join(report.ignored)}")


@app.command("list")
def show_all(
    at: Annotated[str, typer.Option("--place", help="such as 3号楼、1网格")] = "",
    need: Annotated[list[Need] | None, typer.Option(help="with any of these needs")] = None,
    as_json: AsJson = False,
) -> None:
    """List residents by home, with their needs and how they can be reached."""
    with admin() as (session, actor):
        meant = Audience(place.paths(session, at) if at else (), frozenset(need or ()))
        rows = _rows(session, meant)
        event.add(session, actor, "residents.listed", None, context.now(), count=len(rows))
    if as_json:
        put(rows)
        return
    table = Table("number", "name", "home", "needs", "reached by")
    for row in rows:
        lists = ("、".join(row["needs"]), "、".join(row["kinds"]))
        table.add_row(row["number"] or row["id"], row["name"], row["home"], *lists)
    context.console.print(table)
    say(f"{len(rows)} 人 people")


@app.command()
def export(file: Annotated[Path, typer.Argument(help="the CSV file to make")]) -> None:
    """Write the list as CSV, safe in a spreadsheet; only you can read the file."""
    with admin() as (session, actor):
        content = roster.export(session, context.now(), actor)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            context.fail("这个文件已经存在，没有改动。 The file exists already; it was kept.")
        except OSError:
            context.fail("写不了这个文件，请换个位置。 The file cannot be written there.")
        with os.fdopen(handle, "wb") as out:
            out.write(content)
    say("已导出，请妥善保管。 Exported: it holds names and numbers, keep it safe.")


@app.command()
def show(who: Who) -> None:
    """Print everything that is held about one person, as JSON, for them to read."""
    with admin() as (session, actor):
        wanted = _find(session, who)
        held = rights.held(session, wanted.id)
        event.add(session, actor, "resident.shown", wanted.id, context.now())
    put(held)


@app.command()
def contact(
    who: Who,
    told: Annotated[Told, typer.Option(help="after: once nobody answers; with: at the same time")],
    rank: Annotated[int, typer.Option(help="1: the first contact, 2: the second", min=1)] = 1,
) -> None:
    """Say when a person's contact is told: after they could not be reached, or with them."""
    with admin() as (session, actor):
        found = caregiver.tell(session, _find(session, who).id, rank, told, actor, context.now())
    if not found:
        context.fail("没有这位联系人，请先导入。 There is no such contact: import them first.")
    done = "和本人同时通知联系人。 Told" if told is Told.WITH else "联系不上本人再通知联系人。 Told"
    say(f"{done} {told.value} them.")


@app.command()
def erase(
    who: Who,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Erase a person for good: name, numbers, contacts, messages; only counts stay."""
    if not yes and not typer.confirm("删除后不能恢复，确定吗？ This cannot be undone. Go on?"):
        context.fail("没有改动。 Nothing was changed.")
    with admin() as (session, actor):
        rights.erase(session, _find(session, who).id, actor, context.now())
    say("已删除。 Erased.")


@app.command()
def code(
    target: Annotated[str, typer.Argument(help="a building (3号楼), or a person's number or id")],
    as_json: AsJson = False,
) -> None:
    """Print a code for /start: a building's is for everybody there, a person's works once."""
    with admin() as (session, actor):
        at = place.find(session, target)
        if at is not None and at.kind is not PlaceKind.HOUSEHOLD:
            made = identity.building_code(session, at.id, context.now(), actor=actor)
        else:
            one = _find(session, target)
            made = identity.resident_code(session, one.id, context.now(), actor=actor)
    if as_json:
        put({"code": made})
    else:
        say(f"/start {made}")


def _find(session: Session, text: str) -> Resident:
    here = store.community(session)
    found = session.scalar(
        select(Resident).where(
            Resident.community_id == here, Resident.number == text, Resident.erased_at.is_(None)
        )
    )
    if found is None:
        try:
            found = session.get(Resident, (here, uuid.UUID(text)))
        except ValueError:
            found = None
    if found is None or found.erased_at is not None:
        context.fail("没有这位居民。 There is no such resident.")
    return found


def _rows(session: Session, meant: Audience) -> list[dict[str, Any]]:
    found = session.scalars(
        select(Resident).where(
            Resident.community_id == store.community(session),
            Resident.id.in_(people.select(session, meant)),
        )
    ).all()
    homes = place.lines(session, {one.place_id for one in found})
    reached = people.addresses(session, [one.id for one in found])
    rows = [
        {
            "id": str(one.id),
            "number": "" if (one.number or "~").startswith("~") else one.number,
            "name": one.name,
            "home": homes.get(one.place_id, ""),
            "needs": sorted(one.needs),
            "kinds": sorted({address.kind for address in reached.get(one.id, [])}),
            "verified": one.verified,
        }
        for one in found
    ]
    return sorted(rows, key=lambda row: (row["home"], row["id"]))


def _refuse(error: RosterError, *, as_json: bool) -> None:
    if as_json:
        put(
            {
                "problems": [
                    {"line": one.line, "column": one.column, "reason": one.reason}
                    for one in error.problems
                ]
            }
        )
    else:
        for one in error.problems[:_SHOWN]:
            context.errors.print(str(one), markup=False, highlight=False, soft_wrap=True)
    context.fail(str(error))
