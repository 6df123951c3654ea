"""/status: what is running, and how far it has come."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.turn import Effect, Glance, Say, Turn
from content import alert as alerts
from content import coverage, notice, phrase, stand, store
from content.alert import Alert, ReviewError
from content.coverage import Live
from content.message import Written
from content.place import Community

_ROOM = 3_900
"""Characters of a message: Telegram takes 4,096, and the last line must fit too."""


def show(turn: Turn, code: str) -> list[Effect]:
    """Show one alert by grid, or a line for each that runs."""
    try:
        rows = [alerts.get(turn.session, code)] if code else _running(turn)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    found = ((one.code, notice.last(turn.session, one.id)) for one in rows)
    told = tuple((name, made.id) for name, made in found if made is not None)
    if not told:
        return [Say(turn.chat, phrase.say("staff.nothing_open", Written.HANS))]
    return [Glance(turn.chat, told, brief=not code)]


def _running(turn: Turn) -> list[Alert]:
    running = alerts.running(turn.session, turn.now)
    return [alerts.get(turn.session, one.alert_id) for one in running]


def glance(session: Session, what: Glance, now: datetime) -> str:
    """Return how these alerts stand now."""
    if what.brief:
        lives = ((code, coverage.live(session, told, now)) for code, told in what.told)
        return "\n".join(stand.head(code, live) for code, live in lives)
    return "\n\n".join(report(session, code, told, now)[0] for code, told in what.told)


def report(session: Session, code: str, notice_id: uuid.UUID, now: datetime) -> tuple[str, Live]:
    """Return how far a notice has come in one message, and the figures it was made from."""
    found = coverage.live(session, notice_id, now)
    zone = ZoneInfo(session.get_one(Community, store.community(session)).zone)
    said = [stand.head(code, found), *stand.lines(found, zone), *stand.rung_lines(found)]
    last = [phrase.say("live.words", Written.HANS)]
    if found.over:
        last.insert(0, phrase.say("live.over", Written.HANS))
    room = _ROOM - sum(len(line) + 1 for line in (*said, *last))
    return "\n".join((*said, *stand.grid_lines(found, room), *last)), found
