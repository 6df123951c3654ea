"""`linxun alert report`: what an alert has done, to learn from: one page and tables beside it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from bot import config, prices, senders
from bot.cli import after_page, after_tables, context
from bot.cli.after_page import After
from bot.cli.after_tables import People
from bot.cli.context import say
from bot.config import ConfigError
from bot.outlook import Outlook
from bot.prices import PriceError, Prices
from content import aftermath, area, coverage, curve, event, identity, ladder, store
from content import alert as alerts
from content import draft as drafts
from content.aftermath import Told
from content.alert import Alert, MsgType, ReviewError, Revision
from content.clock import Clock
from content.draft import Draft
from content.ladder import LadderError
from content.message import Written
from content.place import Community, PlaceKind
from content.staff import Role, Staff

_MAY = frozenset({Role.PUBLISHER, Role.ADMIN})
"""Who may have the lists with names; the page itself is for all staff, like the status."""


def report(
    code: Annotated[str, typer.Argument(help="the alert's code, e.g. A12")],
    *,
    to: Annotated[Path, typer.Option("--to", help="the folder to write into")],
    price_file: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            help="a TOML file with the prices of your providers; default: LINXUN_PRICES_FILE",
        ),
    ] = None,
) -> None:
    """Write what an alert has done: a page with plots, CSV tables, and what to correct next."""
    try:
        price_file = price_file or config.settings().prices_file
        priced = prices.read(price_file) if price_file else None
        with context.store() as opened, opened.read() as session:
            member = context.staff(session)
            alert = alerts.get(session, code)
            personal = bool(identity.roles(session, member.id) & _MAY)
            _write(session, alert, to, priced, personal=personal)
        with context.store() as opened, opened.begin() as session:
            who = context.actor(session)
            event.add(session, who, "alert.reported", alert.id, context.now(), personal=personal)
    except (ReviewError, PriceError) as error:
        context.fail(str(error))
    except OSError:
        context.fail(f"写不了 {to}，请换个位置。 {to} cannot be written: choose another folder.")
    say(f"已写出 {to / 'report.html'}，可以用浏览器打开、打印。 Written: open it in a browser.")
    if personal:
        names = "、".join(after_tables.PERSONAL)
        say(f"{names} 是个人信息，请妥善保管。 These hold personal data: keep them safe.")
    else:
        say("名单只给发布人和管理员。 The lists with names are for publishers and admins.")


def _write(
    session: Session, alert: Alert, to: Path, priced: Prices | None, *, personal: bool
) -> None:
    told = aftermath.notices(session, alert)
    if not told:
        raise ReviewError(
            f"{alert.code} 还没有发布，没有什么可报告。 {alert.code} is not published yet."
        )
    to.mkdir(parents=True, exist_ok=True)
    people = People(session, to if personal else None)
    found = _gather(session, alert, told, people, priced, personal=personal)
    after_tables.write(to, found)
    (to / "report.html").write_text(after_page.page(found), encoding="utf-8")


def _gather(
    session: Session,
    alert: Alert,
    told: Sequence[Told],
    people: People,
    priced: Prices | None,
    *,
    personal: bool,
) -> After:
    """Read all figures; the lists of people go into their files as they are read."""
    ids = [one.id for one in told]
    main = next((one for one in reversed(told) if one.msg_type is not MsgType.CANCEL), told[-1])
    row = _revision(session, alert, main)
    now = context.now()
    content = drafts.read(session, row)
    text = content.texts[Written.HANS]
    buildings = area.names(session, PlaceKind.BUILDING)
    helps = aftermath.helps(session, ids)
    people.helps(helps)
    return After(
        code=alert.code,
        row=row,
        headline=text.headline,
        body=text.body,
        community=session.get_one(Community, store.community(session)),
        now=now,
        told=told,
        main=main,
        history=[(act, _name(session, act.staff_id)) for act in alerts.history(session, alert)],
        live=coverage.live(session, main.id, now),
        curves=curve.curves(session, main.id),
        failures=aftermath.failures(session, ids),
        doors=Counter(people.doors(aftermath.visits(session, main.id))),
        wrong=Counter(people.wrong(aftermath.wrong(session, ids))),
        helps=[(one, buildings.get(one.place_id, "")) for one in helps],
        twice=aftermath.twice(session, ids),
        units=aftermath.units(session, ids),
        plan=_plan(session, row, content, main),
        prices=priced,
        personal=personal,
    )


def _revision(session: Session, alert: Alert, main: Told) -> Revision:
    """Return the revision that a notice has told."""
    rows = [one for one in alerts.revisions(session, alert) if one.sent is not None]
    return next((one for one in reversed(rows) if one.sent == main.made_at), rows[-1])


def _plan(
    session: Session, row: Revision, text: Draft, main: Told
) -> list[tuple[str, int, float | None, float]]:
    """Hold each sender's first contacts against the forecast by the limits that are set now."""
    planned = _forecast(Outlook(session, row, text, main.made_at))
    return [
        (name, count, planned.get(name), _minutes(last - main.made_at))
        for name, count, last in aftermath.first_contacts(session, main.id)
    ]


def _forecast(outlook: Outlook) -> dict[str, float]:
    """Return the planned minutes until the last first contact of each sender that is set up."""
    settings = config.settings()
    try:
        limits = senders.limits(settings, senders.enabled(settings), Clock())
        plan = outlook.forecast(ladder.load(settings.ladders_file), limits)
    except (ConfigError, LadderError):
        # what is half set up now says nothing about then
        return {}
    return {one.sender.name: _minutes(one.last - plan.now) for one in plan.queues}


def _minutes(span: timedelta) -> float:
    return span.total_seconds() / 60


def _name(session: Session, staff_id: object) -> str:
    found = session.get(Staff, (store.community(session), staff_id))
    return found.name if found else ""
