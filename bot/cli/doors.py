"""`linxun alert doors`: the door-knock list, to read, to print or to hand on."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy.orm import Session

from bot import config
from bot.cli import context, doors_entry, doors_page, files
from bot.cli.context import say
from content import alert as alerts
from content import beat, card, coverage, event, home, knock, notice, stand, visit
from content.alert import Alert
from content.cap import zone
from content.identity import IdentityError
from content.notice import Notice
from content.visit import Card


def doors(
    code: Annotated[str, typer.Argument(help="the alert's code, e.g. A12")],
    *,
    grid: Annotated[str, typer.Option(help="only this grid, e.g. 1网格")] = "",
    html: Annotated[
        Path | None, typer.Option(help="write a page to print: large type, a sheet for each grid")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="save the photos from the doors into this folder")
    ] = None,
    enter: Annotated[
        bool, typer.Option("--enter", help="type in what was ticked on paper, card by card")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
) -> None:
    """List who must be visited: by building, unit and floor, with needs and what was tried."""
    if enter:
        _enter(code, grid)
        return
    with context.store() as opened, opened.read() as session:
        alert, made, mine, chosen = _listed(session, code, grid)
        if html is not None and made is not None:
            _print(session, alert, made, chosen, html)
        if photos is not None and made is not None:
            _photos(session, made, mine, photos)
        if as_json:
            typer.echo(json.dumps([_row(one) for one in chosen], ensure_ascii=False, default=str))
        elif html is None and photos is None:
            _show(session, made, chosen)
    if html is not None or photos is not None:
        with context.store() as opened, opened.begin() as session:
            who, now = context.actor(session), context.now()
            event.add(session, who, "doors.printed", alert.id, now, count=len(chosen))


class _List(NamedTuple):
    """The list of an alert, as far as who asks may see it; `made`: what was told, if anything."""

    alert: Alert
    made: Notice | None
    mine: tuple[str, ...] | None
    cards: list[Card]


def _listed(session: Session, code: str, grid: str) -> _List:
    """Return the list of an alert; raises ReviewError for none, IdentityError for who has none."""
    mine = beat.of(session, context.staff(session))
    if mine == ():
        raise IdentityError(beat.NO_GRID)
    alert = alerts.get(session, code)
    made = notice.last(session, alert.id)
    found = visit.cards(session, made.id, mine) if made else []
    chosen = [one for one in found if not grid or one.grid in (grid, home.grid(grid))]
    return _List(alert, made, mine, chosen)


def _enter(code: str, grid: str) -> None:
    """Ask for the cards in the order of the sheets, and say how it stands at the end."""
    with context.store() as opened:
        with opened.read() as session:
            _, made, _, cards = _listed(session, code, grid)
        doors_entry.enter(opened, doors_page.ordered(cards))
        if made is not None:
            with opened.read() as session:
                for line in stand.doors(coverage.live(session, made.id, context.now())):
                    say(line)


def _show(session: Session, made: Notice | None, chosen: Sequence[Card]) -> None:
    where, now = zone(session), context.now()
    after = timedelta(minutes=config.settings().away_minutes)
    for one in chosen:
        again = card.again(one, where, now, after)
        say("\n".join(filter(None, (card.line(one, where), again))))
        say("")
    say(f"共 {len(chosen)} 人。 {len(chosen)} people.")
    if made is not None:
        for line in stand.doors(coverage.live(session, made.id, now)):
            say(line)


def _print(
    session: Session, alert: Alert, made: Notice, chosen: Sequence[Card], html: Path
) -> None:
    page = doors_page.page(session, alert, made, chosen, context.now())
    files.write(html, page.encode())
    sheets = len({one.grid for one in chosen})
    say(f"已写出 {html}：{len(chosen)} 人，{sheets} 个网格。 Written, {sheets} grids.")
    say(f"收回以后录入：linxun alert doors {alert.code} --enter。 Type in what was ticked with it.")
    say("名单是个人信息，用完请收回销毁。 This is personal data: collect it and destroy it.")


def _photos(session: Session, made: Notice, mine: tuple[str, ...] | None, folder: Path) -> None:
    """Write the photos of the doors that who asks may see; what was not fetched is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for one, file in knock.pictures(session, made.id):
        door = visit.card(session, made.id, one.recipient_id)
        if file.data is None or door is None or not beat.covers(mine, door.path):
            continue
        name = f"{_plain(door.place)}-{_stamp(session, one.at)}-{file.id.hex[-6:]}{file.ending}"
        files.write(folder / name, file.data)
        count += 1
    say(f"已存 {count} 张照片到 {folder}。 {count} photos saved.")


def _plain(place: str) -> str:
    return "".join(char for char in place if char.isalnum())


def _stamp(session: Session, at: datetime) -> str:
    return f"{at.astimezone(zone(session)):%m%d-%H%M}"


def _row(one: Card) -> dict[str, Any]:
    return {
        "resident": one.recipient_id,
        "grid": one.grid,
        "building": one.building,
        "unit": one.unit,
        "floor": one.floor,
        "room": one.room,
        "place": one.place,
        "name": one.name,
        "needs": sorted(one.needs),
        "needs_help": one.needs_help,
        "reason": one.reason,
        "skips": one.skips,
        "tried": [{"kind": a.kind, "state": a.state, "reason": a.reason} for a in one.tried],
        "been": [
            {"found": b.found, "at": b.at, "by": b.by, "note": b.note, "photos": b.photos}
            for b in one.been
        ],
    }
