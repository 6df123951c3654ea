"""From an approved revision to the notice that residents get: its frozen texts, its way out."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from content import cap, closing, duty, expansion, loudspeaker, notice, store
from content.alert import Alert, MsgType, Revision
from content.draft import Draft, Text
from content.message import Written
from content.notice import Notice, NoticeKind, NoticeState
from content.place import Community


def tell(
    session: Session,
    alert: Alert,
    revision: Revision,
    draft: Draft,
    made_by: uuid.UUID,
    now: datetime,
) -> Notice:
    """Make the revision's notice and put it into the outbox, in the caller's transaction.

    An Update or Cancel first ends what the alert's earlier notices still had open, then goes to
    everyone with any attempt on them; a Cancel goes to nobody else.
    """
    cancels = revision.msg_type is MsgType.CANCEL
    if revision.msg_type is not MsgType.ALERT:
        ends = NoticeState.CANCELLED if cancels else NoticeState.SUPERSEDED
        closing.supersede(session, alert.id, ends, now)
    made = notice.make(
        session,
        kind=NoticeKind.ALERT,
        texts=texts(session, alert, revision, draft, now),
        severity=revision.severity,
        # nobody is chased to the door only to hear that it is over
        confirms=not cancels,
        expires_at=revision.expires,
        now=now,
        status=revision.status,
        msg_type=revision.msg_type,
        made_by=made_by,
        alert_id=alert.id,
        revision_id=revision.id,
    )
    audience = None if cancels else draft.audience
    touched = None if revision.msg_type is MsgType.ALERT else alert.id
    expansion.enqueue(session, made, audience, now, touched, keep=revision.no_action)
    expansion.direct(session, made, loudspeaker.ids(session), now)
    return made


def texts(
    session: Session, alert: Alert, revision: Revision, draft: Draft, now: datetime
) -> Mapping[Written, Mapping[str, Any]]:
    """Return the fields per language; for who reads another one, `compose` adds the phrase."""
    community = session.get_one(Community, store.community(session))
    common = {
        "sender": community.name,
        "code": alert.code,
        "event": revision.event,
        "color": revision.color or "",
        "severity": revision.severity,
        "status": revision.status,
        "msg_type": revision.msg_type,
        "expires": cap.instant(revision.expires, cap.zone(session)),
        "phone": duty.phone(session, now),
        "missing": "",
    }
    return {
        language: common | _said(text, revision.msg_type) for language, text in draft.texts.items()
    }


def _said(text: Text, msg_type: MsgType) -> dict[str, str]:
    if msg_type is MsgType.CANCEL:
        return {"headline": text.headline, "description": text.cancel_text, "instruction": ""}
    return {
        "headline": text.headline,
        "description": text.description,
        "instruction": text.instruction,
    }
