"""`linxun staff`: who acts for the committee, in which roles, and who is on duty."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Column, Table
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import acting
from content import duty as duties
from content import identity, number, people, place, store
from content.event import Actor
from content.message import Kind
from content.people import Consent, OwnerKind
from content.place import Community
from content.staff import Role, Staff

app = typer.Typer(no_args_is_help=True, help="Add staff, give them roles, tokens and duties.")

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]
Who = Annotated[str, typer.Argument(help="the id of the person, or the name")]


@contextmanager
def admin() -> Iterator[tuple[Session, Actor]]:
    """Open a transaction for an admin; anybody else is refused in one sentence."""
    with acting() as (session, actor):
        identity.require(session, actor.id, Role.ADMIN)
        yield session, actor


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="the person's name")],
    role: Annotated[list[Role], typer.Option(help="what they may do; may be repeated")],
    title: Annotated[str, typer.Option(help="what residents read beside an answer")] = "",
    grid: Annotated[str, typer.Option(help="the grid of a grid worker, such as 1网格")] = "",
    phone: Annotated[str, typer.Option(help="the phone to be called on when on duty")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a member of staff."""
    with admin() as (session, actor):
        at = place.find(session, grid) if grid else None
        if grid and at is None:
            context.fail(f"没有{grid}这个网格。 There is no grid {grid}.")
        made = identity.add_staff(
            session,
            name,
            role,
            context.now(),
            title=title,
            place_id=at.id if at else None,
            actor=actor,
        )
        if phone:
            _add_phone(session, made, phone)
        row = _row(session, made)
    if as_json:
        put(row)
    else:
        say(f"{row['id']}  {row['name']}  {'、'.join(row['roles'])}")


@app.command()
def invite(who: Who, as_json: AsJson = False) -> None:
    """Print a one-time code, good for 48 hours, that binds a Telegram account."""
    with admin() as (session, actor):
        code = identity.invite(session, _find(session, who).id, context.now(), actor=actor)
    if as_json:
        put({"code": code})
    else:
        say("请本人在 48 小时内发给机器人： They send this to the bot within 48 hours:")
        say(f"/start {code}")


@app.command()
def token(
    who: Annotated[str, typer.Argument(help="the id or name; empty: yourself")] = "",
    as_json: AsJson = False,
) -> None:
    """Print a new personal token, shown this once; the one before stops working."""
    with acting() as (session, actor):
        wanted = _find(session, who) if who else context.staff(session)
        if wanted.id != actor.id:
            identity.require(session, actor.id, Role.ADMIN)
        made = identity.token(session, wanted.id, context.now(), actor=actor)
    if as_json:
        put({"token": made})
    else:
        say(made)


@app.command()
def roles(
    who: Who,
    role: Annotated[list[Role] | None, typer.Argument(help="the roles from now on")] = None,
    *,
    none: Annotated[bool, typer.Option("--none", help="take every role away")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the roles of a person; with roles named, give these and no others."""
    with admin() as (session, actor):
        wanted = _find(session, who)
        if role or none:
            identity.set_roles(session, wanted.id, role or [], context.now(), actor=actor)
        held = sorted(identity.roles(session, wanted.id))
    if as_json:
        put(held)
    else:
        say("、".join(held) or "没有角色 no roles")


@app.command()
def leave(who: Who) -> None:
    """End what a person can do: roles, token, bound account and phone."""
    with admin() as (session, actor):
        identity.leave(session, _find(session, who).id, context.now(), actor=actor)
    say("已停用。 Ended.")


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the staff with their roles."""
    with admin() as (session, _):
        rows = [_row(session, member) for member in identity.everyone(session)]
    if as_json:
        put(rows)
        return
    table = Table(
        Column("id", no_wrap=True, min_width=36), "name", "roles", "title", "chat", "phone"
    )
    for row in rows:
        held = "、".join(row["roles"])
        marks = ("✓" if row[kind] else "" for kind in ("chat", "phone"))
        table.add_row(row["id"], row["name"], held, row["title"], *marks)
    context.console.print(table)


@app.command()
def duty(
    who: Annotated[str, typer.Argument(help="who goes on duty; empty: show who is")] = "",
    hours: Annotated[float, typer.Option(min=0, help="for how long; 0: until relieved")] = 0,
    phone: Annotated[str, typer.Option(help="the phone to be called on")] = "",
    as_json: AsJson = False,
) -> None:
    """Show who is on duty, or put somebody on duty from now on."""
    now = context.now()
    with admin() as (session, actor):
        if who:
            member = _find(session, who)
            if phone:
                _add_phone(session, member, phone)
            ends = now + timedelta(hours=hours) if hours else None
            duties.begin(session, member.id, now, ends, now, actor=actor)
        row = _on_duty(session, now)
    if as_json:
        put(row)
    elif row is None:
        say("现在没有人值班。 Nobody is on duty.")
    else:
        until = row["ends"] or "有人接班 relieved"
        reached = "" if row["reachable"] else "；没有联系方式 no chat or phone"
        say(f"值班 on duty: {row['name']}，到 until {until}{reached}")


def _find(session: Session, text: str) -> Staff:
    """Return who is meant by an id or a name; a name of two people is refused."""
    found = [one for one in identity.everyone(session) if text in (str(one.id), one.name)]
    if len(found) > 1:
        context.fail("有两位同名，请写编号。 Two people have this name: give the id.")
    if not found:
        context.fail("没有这位工作人员。 There is no such member of staff.")
    return found[0]


def _add_phone(session: Session, member: Staff, text: str) -> None:
    region = session.get_one(Community, store.community(session)).region
    read = number.read(text, region)
    for kind in (Kind.SMS, Kind.CALL) if read.mobile else (Kind.CALL,):
        people.add_address(
            session,
            OwnerKind.STAFF,
            member.id,
            kind,
            read.e164,
            context.now(),
            consent=Consent.GRANTED,
            via="cli",
        )


def _row(session: Session, member: Staff) -> dict[str, Any]:
    kinds = {one.kind for one in people.addresses(session, [member.id]).get(member.id, [])}
    return {
        "id": str(member.id),
        "name": member.name,
        "roles": sorted(identity.roles(session, member.id)),
        "title": member.title,
        "chat": Kind.CHAT in kinds,
        "phone": Kind.CALL in kinds,
    }


def _on_duty(session: Session, now: datetime) -> dict[str, Any] | None:
    on = duties.current(session, now)
    if on is None:
        return None
    zone = ZoneInfo(session.get_one(Community, store.community(session)).zone)
    ends = on.ends.astimezone(zone).isoformat(timespec="minutes") if on.ends else ""
    return {
        "id": str(on.staff_id),
        "name": identity.staff(session, on.staff_id).name,
        "ends": ends,
        "reachable": bool(on.address_ids),
    }
