"""`linxun alert preview`: a draft in every form, whom it reaches first, and until when."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot.cli import context, foresee, hear
from bot.cli.alert import AsJson, Code
from bot.cli.context import put
from bot.outlook import Outlook, form, times
from bot.prices import Prices
from channels.forecast import Forecast, Queue
from channels.spend import Spend
from content import cap
from content.message import Written
from content.store import Store


def preview(
    code: Code,
    audio: Annotated[
        Path | None,
        typer.Option(help="a folder for the call as WAV, by language; played where it can be"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an alert as it would go out now: every form, whom it reaches first, and until when."""
    with context.store() as opened:
        _show(opened, code, as_json=as_json)
        if audio is not None:
            hear.write(opened, code, audio)


def _show(opened: Store, code: str, *, as_json: bool) -> None:
    with opened.read() as session:
        context.staff(session)
        outlook = foresee.of(session, code)
        plan = foresee.plan(outlook)
        zone, priced = cap.zone(session), foresee.known()
        if as_json:
            said = times(plan, zone, Written.HANS)
            unfit = [str(one) for one in outlook.unfit()]
            warned = [*unfit, *outlook.unclear(Written.HANS)]
            put({**_plain(plan, priced), "said": said, "warnings": warned})
            return
        for line in _lines(outlook, plan, session, priced):
            context.say(line)


def _lines(outlook: Outlook, plan: Forecast, session: Session, priced: Prices) -> Iterator[str]:
    for language, message in outlook.forms().items():
        yield f"{form(language, message)}\n"
    for reader in (Written.HANS, Written.ENGLISH):
        yield "\n".join(outlook.figures(plan, cap.zone(session), reader, priced)) + "\n"


def _plain(plan: Forecast, priced: Prices) -> dict[str, Any]:
    return {
        "recipients": plan.recipients,
        "first": plan.first,
        "languages": plan.languages,
        "sms_segments": plan.segments,
        "spend": [_spend(one, priced) for one in plan.spends],
        "queues": [_queue(one) for one in plan.queues],
        "ladders_end": plan.ends,
        "expires": plan.expires_at,
        "expires_too_early": plan.short,
    }


def _spend(one: Spend, priced: Prices) -> dict[str, Any]:
    cost = priced.of(one.kind, one.units)
    return {
        "kind": one.kind,
        "language": one.language,
        "count": one.count,
        "each": one.each,
        "units": one.units,
        "encoding": one.size.encoding if one.size else None,
        "cost": None if cost is None else round(cost, 2),
        "currency": priced.currency,
    }


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "sender": queue.sender.name,
        "kind": queue.sender.kind,
        "first_contacts": queue.count,
        "ahead": queue.ahead,
        "begins": queue.begins,
        "quiet_hours": queue.hushed,
        "last": queue.last,
        "limit": queue.limit,
        "late": queue.late,
        "better": {
            "lines": queue.better.lines,
            "rate": queue.better.rate,
            "last": queue.better_last,
        }
        if queue.better
        else None,
    }
