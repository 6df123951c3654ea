"""`linxun alert preview`: a draft in every form, whom it reaches first, and until when."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from bot import config, senders
from bot.cli import context
from bot.cli.alert import AsJson, Code
from bot.cli.facts import put
from bot.outlook import Outlook, form, times
from channels.forecast import Forecast, Queue
from content import alert as alerts
from content import cap, ladder
from content import draft as drafts
from content.clock import Clock
from content.message import Written


def preview(code: Code, as_json: AsJson = False) -> None:
    """Show an alert as it would go out now: every form, whom it reaches first, and until when."""
    with context.store() as opened, opened.read() as session:
        context.staff(session)
        outlook = _outlook(session, code)
        settings = config.settings()
        limits = senders.limits(settings, senders.enabled(settings), Clock())
        plan = outlook.forecast(ladder.load(settings.ladders_file), limits)
        zone = cap.zone(session)
        if as_json:
            put({**_plain(plan), "said": times(plan, zone, Written.HANS)})
            return
        for line in _lines(outlook, plan, session):
            context.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _outlook(session: Session, code: str) -> Outlook:
    revision = alerts.current(session, alerts.get(session, code))
    return Outlook(session, revision, drafts.read(session, revision), context.now())


def _lines(outlook: Outlook, plan: Forecast, session: Session) -> Iterator[str]:
    for language, message in outlook.forms().items():
        yield f"{form(language, message)}\n"
    for reader in (Written.HANS, Written.ENGLISH):
        yield "\n".join(outlook.figures(plan, cap.zone(session), reader)) + "\n"


def _plain(plan: Forecast) -> dict[str, Any]:
    return {
        "recipients": plan.recipients,
        "first": plan.first,
        "languages": plan.languages,
        "sms_segments": plan.segments,
        "queues": [_queue(one) for one in plan.queues],
        "ladders_end": plan.ends,
        "expires": plan.expires_at,
        "expires_too_early": plan.short,
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
