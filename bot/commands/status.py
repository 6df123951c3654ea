"""/status: what is running, and how far it has come."""

import uuid

from sqlalchemy.orm import Session

from bot.turn import Effect, Say, Turn
from content import alert as alerts
from content import coverage, notice, phrase
from content.alert import ReviewError
from content.message import Written
from content.place import PlaceKind


def show(turn: Turn, code: str) -> list[Effect]:
    """Show one alert by grid, or a line for each that runs."""
    if code:
        try:
            alert = alerts.get(turn.session, code)
        except ReviewError as error:
            return [Say(turn.chat, str(error))]
        made = notice.last(turn.session, alert.id)
        if made is None:
            return [Say(turn.chat, phrase.say("staff.nothing_open", Written.HANS))]
        return [Say(turn.chat, report(turn.session, alert.code, made.id))]
    running = alerts.running(turn.session, turn.now)
    lines = []
    for revision in running:
        alert = alerts.get(turn.session, revision.alert_id)
        made = notice.last(turn.session, alert.id)
        if made is not None:
            lines.append(line(turn.session, alert.code, made.id))
    nothing = phrase.say("staff.nothing_open", Written.HANS)
    return [Say(turn.chat, "\n".join(lines) or nothing)]


def line(session: Session, code: str, notice_id: uuid.UUID) -> str:
    """Return how far a notice has come, in one line."""
    (total,) = coverage.reach(session, notice_id) or (coverage.Reach(""),)
    return phrase.say(
        "staff.progress",
        Written.HANS,
        code=code,
        done=total.confirmed + total.passed_on,
        total=total.residents,
        help=total.need_help,
        door=total.door,
        open=total.open,
    )


def report(session: Session, code: str, notice_id: uuid.UUID) -> str:
    """Return how far a notice has come, in all and grid by grid."""
    grids = coverage.reach(session, notice_id, PlaceKind.GRID)
    rows = [
        f"{one.place or '-'}: {one.confirmed + one.passed_on}/{one.residents}"
        f" · {phrase.say('button.help', Written.HANS)} {one.need_help}"
        f" · {phrase.say('kind.door', Written.HANS)} {one.door}"
        for one in grids
    ]
    return "\n".join((line(session, code, notice_id), *rows))
