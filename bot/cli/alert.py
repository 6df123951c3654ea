"""`linxun alert`: write an alert, take it through its review, and see how far it has come."""

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot import outlook
from bot.cli import context, foresee
from bot.cli import draft as drafting
from bot.cli import watch as watching
from content import alert as alerts
from content import cap, clarity, coverage, notice, people, review, store
from content import draft as drafts
from content.alert import MsgType, Revision
from content.draft import Draft
from content.event import Actor
from content.message import Written
from content.notice import Notice
from content.place import PlaceKind
from content.staff import Staff

app = typer.Typer(no_args_is_help=True, help="Write, review, publish and follow alerts.")

Code = Annotated[str, typer.Argument(help="the alert's code, e.g. A12")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]


@app.command()
@drafting.options
def draft(given: dict[str, Any], as_json: AsJson = False) -> None:
    """Write a new alert; it goes to a verifier next."""
    now = context.now()
    with _acting() as (session, actor):
        content = drafting.build(session, given, None, now)
        made = review.draft(session, actor, content, now)
        _say(session, made, content, as_json)


@app.command()
@drafting.options
def edit(code: Code, given: dict[str, Any], as_json: AsJson = False) -> None:
    """Improve the wording; a changed fact goes back to be verified. Without options: accept it."""
    now = context.now()
    with _acting() as (session, actor):
        row = _current(session, code)
        content = drafting.build(session, given, drafts.read(session, row), now)
        back = review.edit(session, actor, row, content, now)
        _say(session, _current(session, code), content, as_json, back)


@app.command()
@drafting.options
def update(
    code: Code,
    given: dict[str, Any],
    no_action: Annotated[
        bool, typer.Option("--no-action", help="old confirmations stand for it")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write an update of a published alert; it passes the same review."""
    now = context.now()
    with _acting() as (session, actor):
        alert = alerts.get(session, code)
        before = drafts.read(session, alerts.current(session, alert))
        content = drafting.build(session, {"no_action": no_action, **given}, before, now)
        made = review.update(session, actor, alert, content, now)
        _say(session, made, content, as_json)


@app.command()
def verify(
    code: Code,
    seen: Annotated[str, typer.Option(help="the `hash` that was read, from --json")] = "",
    as_json: AsJson = False,
) -> None:
    """Confirm that the facts are right."""
    with _acting() as (session, actor):
        row = review.verify(session, actor, _current(session, code), context.now(), seen=seen)
        _say(session, row, drafts.read(session, row), as_json)


@app.command("return")
def send_back(
    code: Code,
    reason: Annotated[str, typer.Option(help="what the author should change")],
    as_json: AsJson = False,
) -> None:
    """Return an alert to its author for rework."""
    with _acting() as (session, actor):
        row = review.send_back(session, actor, _current(session, code), reason, context.now())
        _say(session, row, drafts.read(session, row), as_json)


@app.command()
def publish(
    code: Code,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Extreme and Immediate: without verifying")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="although the same text runs")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish, after showing what has changed since it was verified."""
    seen = "" if yes or as_json else _preview(code)

    def work(session: Session, actor: Actor) -> _Sent:
        row = _current(session, code)
        before = row.sent is not None
        if not emergency:
            outlook.fit(foresee.of(session, code))
        made = review.publish(
            session, actor, row, context.now(), emergency=emergency, again=again, seen=seen
        )
        return _Sent(code.upper(), made, before)

    sent = _do(work)
    sent.say(
        as_json,
        f"{sent.code} 已发布，共 {sent.told.expected} 人。 "
        f"Published to {sent.told.expected} residents.",
        f"{sent.code} 早已发布，没有再发。 It was published before.",
    )


@app.command()
def cancel(code: Code, yes: Yes = False, as_json: AsJson = False) -> None:
    """End an alert at once, in the words approved with it."""
    if not (yes or as_json):
        _ask(f"取消 {code.upper()}？ Cancel {code.upper()}?")

    def work(session: Session, actor: Actor) -> _Sent:
        alert = alerts.get(session, code)
        before = alerts.current(session, alert).msg_type is MsgType.CANCEL
        return _Sent(alert.code, review.cancel(session, actor, alert, context.now()), before)

    sent = _do(work)
    sent.say(
        as_json,
        f"{sent.code} 已取消，通知 {sent.told.expected} 人。 "
        f"Cancelled; {sent.told.expected} residents are told.",
        f"{sent.code} 早已取消，没有再发。 It was cancelled before.",
    )


@app.command("review")
def review_afterwards(
    code: Code, note: Annotated[str, typer.Option(help="what was found")] = ""
) -> None:
    """Look at an emergency publication afterwards, and close its task."""
    with _acting() as (session, actor):
        rows = alerts.revisions(session, alerts.get(session, code))
        row = next((one for one in reversed(rows) if one.emergency), rows[-1])
        review.review_afterwards(session, actor, row, note, context.now())
        context.console.print("已复核。 Reviewed.")


@app.command()
def status(
    code: Code,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="go on until the alert is over; Ctrl-C leaves")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where an alert stands: its steps, whom it has reached, and why not the others."""
    with _reading() as session:
        alert = alerts.get(session, code)
        row = alerts.current(session, alert)
        told = notice.last(session, alert.id)
        content = drafts.read(session, row)
        history = alerts.history(session, alert)
        lines = [_line(session, act) for act in history]
        live = watching.look(session, code)
        reach = _reach(session, told.id) if told and as_json else []
        zone = cap.zone(session)
    if as_json:
        _json(
            {
                **_row(alert.code, row),
                "hash": content.content_hash,
                "texts": content.snapshot["texts"],
                "history": [asdict(act) for act in history],
                "reach": [asdict(one) for one in reach],
                "live": watching.plain(live) if live else None,
            }
        )
        return
    context.console.print(f"{alert.code} {row.event} {row.severity} {row.stage}", markup=False)
    for line in (content.texts[Written.HANS].body, *lines):
        context.console.print(line, markup=False, soft_wrap=True)
    if watch:
        watching.follow(alert.code)
    elif live:
        context.console.print(watching.figures(alert.code, live, zone))


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the alerts, the newest first."""
    with _reading() as session:
        rows = [
            _row(alert.code, alerts.current(session, alert)) for alert in alerts.recent(session)
        ]
        zone = cap.zone(session)
    if as_json:
        _json(rows)
        return
    rows = [{**row, "expires": cap.instant(row["expires"], zone)} for row in rows]
    columns = ("code", "event", "severity", "stage", "msg_type", "expires")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    context.console.print(table)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What has gone out, or had before: it is said when it is committed, and not earlier."""

    code: str
    told: Notice
    before: bool

    def say(self, as_json: bool, now: str, already: str) -> None:
        """Print it for a program, or in words."""
        if as_json:
            done = {"alert": self.code, "notice": str(self.told.id)}
            _json({**done, "recipients": self.told.expected, "already": self.before})
        else:
            context.console.print(already if self.before else now)


def _do(work: Callable[[Session, Actor], _Sent]) -> _Sent:
    """Act in one transaction, and once more where the database has taken it back."""
    try:
        with context.store() as opened:
            return opened.do(lambda session: work(session, context.actor(session)))
    except review.AskFirst as question:
        context.fail(f"{question} (--again)")
    except review.ReviewError as error:
        context.fail(str(error))


@contextmanager
def _acting() -> Iterator[tuple[Session, Actor]]:
    try:
        with context.store() as opened, opened.begin() as session:
            yield session, context.actor(session)
    except review.ReviewError as error:
        context.fail(str(error))


@contextmanager
def _reading() -> Iterator[Session]:
    try:
        with context.store() as opened, opened.read() as session:
            context.staff(session)
            yield session
    except review.ReviewError as error:
        context.fail(str(error))


def _current(session: Session, code: str) -> Revision:
    return alerts.current(session, alerts.get(session, code))


def _say(
    session: Session, row: Revision, content: Draft, as_json: bool, back: list[str] | None = None
) -> None:
    code = alerts.get(session, row.alert_id).code
    hints = [*foresee.unfit(session, code), *unclear(content)]
    if as_json:
        seen = {"hash": content.content_hash, "verify_again": back or [], "warnings": hints}
        _json({**_row(code, row), **seen})
        return
    texts = [text.body for text in content.texts.values()]
    first = f"{code} {row.event} {row.severity} {row.stage}"
    for line in (first, *texts, _extent(session, row, content), *(back or []), *hints):
        context.console.print(line, markup=False, soft_wrap=True)


def unclear(content: Draft) -> list[str]:
    """Return what is hard to follow in its texts, one sentence each (Chinese, English)."""
    bodies = {language: text.body for language, text in content.texts.items()}
    both = (clarity.warnings(bodies, reader) for reader in (Written.HANS, Written.ENGLISH))
    return [f"{chinese} {english}" for chinese, english in zip(*both, strict=True)]


def _preview(code: str) -> str:
    """Show what will be published, ask, and return its hash; nobody waits for a lock meanwhile."""
    with _reading() as session:
        row = _current(session, code)
        content = drafts.read(session, row)
        lines = (
            *review.difference(session, row),
            content.texts[Written.HANS].body,
            *foresee.spent(session, code),
        )
        count = people.count(session, content.audience)
        published = row.sent is not None
    if not published:
        for line in lines:
            context.console.print(line, markup=False, soft_wrap=True)
        _ask(f"发布给 {count} 人？ Publish to {count} residents?")
    return content.content_hash


def _ask(question: str) -> None:
    if sys.stdin.isatty() and not typer.confirm(question):
        context.fail("没有改动。 Nothing was changed.")


def _row(code: str, row: Revision) -> dict[str, Any]:
    return {
        "code": code,
        "revision": row.number,
        "event": row.event,
        "severity": row.severity,
        "stage": row.stage,
        "msg_type": row.msg_type,
        "status": row.status,
        "expires": row.expires,
    }


def _extent(session: Session, row: Revision, content: Draft) -> str:
    count = people.count(session, content.audience)
    until = f"{row.expires.astimezone(cap.zone(session)):%Y-%m-%d %H:%M}"
    return f"{count} 人，到 {until} 为止。 For {count} residents, until {until}."


def _line(session: Session, act: alerts.Act) -> str:
    who = session.get(Staff, (store.community(session), act.staff_id))
    at = cap.instant(act.at, cap.zone(session))
    return f"{at} #{act.revision} {act.step} {who.name if who else ''} {act.reason}".rstrip()


def _reach(session: Session, notice_id: uuid.UUID) -> list[coverage.Reach]:
    by_grid = coverage.reach(session, notice_id, PlaceKind.GRID)
    return coverage.reach(session, notice_id) + by_grid


def _json(value: Any) -> None:
    def plain(item: Any) -> str:
        return item.isoformat() if isinstance(item, datetime) else str(item)

    typer.echo(json.dumps(value, ensure_ascii=False, default=plain))
