"""The alert of a run: enqueued as publishing does."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from bot.simulate.scenario import Scenario
from content import expansion, notice
from content.alert import Severity
from content.message import Written
from content.notice import NoticeKind
from content.people import Audience

_TEXT = {
    "sender": "模拟社区居委会",
    "code": "A1",
    "event": "暴雨",
    "color": "橙色",
    "severity": "Severe",
    "status": "Actual",
    "msg_type": "Alert",
    "expires": "",
    "phone": "",
    "missing": "",
    "headline": "暴雨橙色预警",
    "instruction": "请不要去地下车库，一楼住户请把贵重物品搬高。",
}


def publish(session: Session, scenario: Scenario, start: datetime, ends: datetime) -> uuid.UUID:
    """Enqueue the alert and return its notice; routine messages may be under way before it."""
    if scenario.routine:
        _tell(session, scenario, Severity.MINOR, start, ends, confirms=False)
    return _tell(session, scenario, scenario.severity, start, ends, confirms=True)


def _tell(
    session: Session,
    scenario: Scenario,
    severity: Severity,
    start: datetime,
    ends: datetime,
    *,
    confirms: bool,
) -> uuid.UUID:
    made = notice.make(
        session,
        kind=NoticeKind.ALERT,
        texts={Written.HANS: _TEXT | {"description": scenario.text}},
        severity=severity,
        confirms=confirms,
        expires_at=ends,
        now=start,
    )
    expansion.enqueue(session, made, Audience(), start)
    return made.id
