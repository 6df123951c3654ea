"""What CAP 1.2 says of a message's names and times: sender, sent, references."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import alert as alerts
from content import store
from content.alert import Alert
from content.place import Community


def zone(session: Session) -> ZoneInfo:
    """Return the community's time zone."""
    found = session.get(Community, store.community(session))
    return ZoneInfo(found.zone if found is not None else "Asia/Shanghai")


def instant(at: datetime, where: ZoneInfo) -> str:
    """Return an instant as CAP 1.2 writes it: whole seconds and `±hh:mm`, UTC as `-00:00`."""
    text = at.astimezone(where).isoformat(timespec="seconds")
    return text[:-6] + "-00:00" if text.endswith("+00:00") else text


def sender(session: Session) -> str:
    """Return the CAP `sender`: unique in the world, without space, comma, `<` or `&`."""
    return f"linxun.{store.community(session)}"


def references(session: Session, alert: Alert) -> str:
    """Return the CAP `references` to everything already sent: `sender,identifier,sent`, spaced."""
    where, who = zone(session), sender(session)
    return " ".join(
        f"{who},{one.identifier},{instant(one.sent, where)}"
        for one in alerts.revisions(session, alert)
        if one.sent is not None
    )
