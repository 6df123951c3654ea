"""`linxun alert doors`: the door-knock list, to print or to hand on."""

import json
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from content import alert as alerts
from content import card, identity, notice, visit
from content.identity import IdentityError
from content.staff import Role
from content.visit import Card

_MAY = frozenset({Role.GRID_WORKER, Role.PUBLISHER, Role.ADMIN})


def doors(
    code: Annotated[str, typer.Argument(help="the alert's code, e.g. A12")],
    *,
    grid: Annotated[str, typer.Option(help="only this grid, e.g. 1网格")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
) -> None:
    """List who must be visited: by building, unit and floor, with needs and what was tried."""
    with context.store() as opened, opened.read() as session:
        _check(session)
        alert = alerts.get(session, code)
        made = notice.last(session, alert.id)
        found = visit.cards(session, made.id) if made else []
    chosen = [one for one in found if not grid or one.grid == grid]
    if as_json:
        typer.echo(json.dumps([_row(one) for one in chosen], ensure_ascii=False, default=str))
        return
    for one in chosen:
        context.console.print(card.line(one), markup=False, highlight=False, soft_wrap=True)
        context.console.print()
    context.console.print(f"共 {len(chosen)} 人。 {len(chosen)} people.", highlight=False)


def _check(session: Session) -> None:
    member = context.staff(session)
    if not identity.roles(session, member.id) & _MAY:
        raise IdentityError(
            "上门名单只给网格员、发布人和管理员看。 "
            "The door-knock list is for grid workers, publishers and admins."
        )


def _row(one: Card) -> dict[str, Any]:
    return {
        "resident": one.recipient_id,
        "grid": one.grid,
        "building": one.building,
        "unit": one.unit,
        "floor": one.floor,
        "room": one.room,
        "name": one.name,
        "needs": sorted(one.needs),
        "needs_help": one.needs_help,
        "reason": one.reason,
        "skips": one.skips,
        "tried": [{"kind": a.kind, "state": a.state, "reason": a.reason} for a in one.tried],
    }
