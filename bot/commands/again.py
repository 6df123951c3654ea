"""Doors where nobody opened: after a while the worker who was there is told to go again."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import alert as alerts
from content import expansion, knock, notice, people, phrase, place, store
from content.alert import Severity
from content.delivery import Delivery
from content.knock import Knock
from content.message import Action, Kind, Written
from content.notice import NoticeKind

_LASTS = timedelta(hours=6)
_SHOWN = 20
"""Homes that are named; the list has the rest."""


def remind(session: Session, now: datetime, after: timedelta) -> int:
    """Tell each worker once where they may go again; return how many were told."""
    due: dict[tuple[uuid.UUID, uuid.UUID], list[Knock]] = defaultdict(list)
    for one in knock.recall(session, now, after):
        if one.by is not None:
            due[one.by, one.notice_id].append(one)
    return sum(_tell(session, *key, some, now) for key, some in due.items())


def _tell(
    session: Session,
    staff_id: uuid.UUID,
    notice_id: uuid.UUID,
    doors: Sequence[Knock],
    now: datetime,
) -> bool:
    reach = people.addresses(session, [staff_id]).get(staff_id, [])
    chats = [one.id for one in reach if one.kind is Kind.CHAT]
    alert_id = notice.get(session, notice_id).alert_id
    if not chats or alert_id is None:
        return False
    code = alerts.get(session, alert_id).code
    lead = phrase.say("door.recall", Written.HANS, code=code, count=len(doors))
    text = "\n".join((lead, *_homes(session, doors[:_SHOWN])))
    step = {"label": "door.list_button", "action": Action.DOOR.value, "value": f"list.{code}"}
    made = notice.make(
        session,
        kind=NoticeKind.PAGE,
        texts={Written.HANS: {"text": text, "steps": [step]}},
        severity=Severity.SEVERE,
        confirms=False,
        expires_at=now + _LASTS,
        now=now,
        subject_id=doors[0].id,
    )
    expansion.direct(session, made, chats, now)
    return True


def _homes(session: Session, doors: Sequence[Knock]) -> list[str]:
    here = store.community(session)
    keys = ((here, one.notice_id, one.recipient_id) for one in doors)
    found = (session.get_one(Delivery, key).place_id for key in keys)
    homes = [one for one in found if one is not None]
    lines = place.lines(session, homes)
    return [lines[one] for one in dict.fromkeys(homes) if one in lines]
