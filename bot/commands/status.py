"""/status: what is running, and how far it has come."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.turn import Effect, Say, Turn
from content import alert as alerts
from content import coverage, notice, phrase, stand, store
from content.alert import ReviewError
from content.coverage import Live
from content.message import Written
from content.place import Community

_ROOM = 3_900
"""Characters of a message: Telegram takes 4,096, and the last line must fit too."""


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
        text, _ = report(turn.session, alert.code, made.id, turn.now)
        return [Say(turn.chat, text)]
    running = alerts.running(turn.session, turn.now)
    lines = []
    for revision in running:
        alert = alerts.get(turn.session, revision.alert_id)
        made = notice.last(turn.session, alert.id)
        if made is not None:
            found = coverage.live(turn.session, made.id, turn.now)
            lines.append(stand.head(alert.code, found))
    nothing = phrase.say("staff.nothing_open", Written.HANS)
    return [Say(turn.chat, "\n".join(lines) or nothing)]


def report(session: Session, code: str, notice_id: uuid.UUID, now: datetime) -> tuple[str, Live]:
    """Return how far a notice has come in one message, and the figures it was made from."""
    found = coverage.live(session, notice_id, now)
    zone = ZoneInfo(session.get_one(Community, store.community(session)).zone)
    said = [stand.head(code, found), *stand.lines(found, zone)]
    last = [phrase.say("live.words", Written.HANS)]
    if found.over:
        last.insert(0, phrase.say("live.over", Written.HANS))
    room = _ROOM - sum(len(line) + 1 for line in (*said, *last))
    return "\n".join((*said, *stand.grid_lines(found, room), *last)), found
