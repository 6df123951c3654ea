"""The rows of a review: a revision and its approvals, written and read for each step."""

import uuid
from datetime import datetime

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from content import alert as alerts
from content import cap, event, store
from content import draft as drafts
from content.alert import Alert, Approval, MsgType, ReviewError, Revision, Stage, Step
from content.base import new_id
from content.draft import Draft
from content.event import Actor
from content.notice import Notice

_DONE = {
    Step.DRAFT: "drafted",
    Step.VERIFY: "verified",
    Step.EDIT: "edited",
    Step.PUBLISH: "published",
    Step.RETURN: "returned",
    Step.CANCEL: "cancelled",
    Step.REVIEW: "reviewed",
}


def free_code(session: Session) -> str:
    """Return the next free code; SQLite's one writer and the unique key keep it free."""
    last = select(func.max(cast(func.substr(Alert.code, 2), Integer)))
    found = session.scalar(last.where(Alert.community_id == store.community(session)))
    return f"A{(found or 0) + 1}"


def make(
    session: Session,
    alert: Alert,
    content: Draft,
    kind: MsgType,
    staff_id: uuid.UUID,
    now: datetime,
) -> Revision:
    number = len(alerts.revisions(session, alert)) + 1
    row = Revision(
        community_id=alert.community_id,
        id=new_id(),
        alert_id=alert.id,
        number=number,
        identifier=f"{alert.code}-{number}",
        references="",
        msg_type=kind,
        stage=Stage.DRAFT,
        author_id=staff_id,
        made_at=now,
        emergency=False,
    )
    drafts.write(session, row, content)
    session.add(row)
    session.flush()
    return row


def locked(session: Session, revision: Revision) -> Revision:
    """Return the row as it is now; it and its alert are held until the caller commits."""
    here = store.community(session)
    # the alert's row too: publishing an update and cancelling must not cross
    session.scalars(
        select(Alert.id)
        .where(Alert.community_id == here, Alert.id == revision.alert_id)
        .with_for_update()
    ).one()
    query = (
        select(Revision)
        .where(Revision.community_id == here, Revision.id == revision.id)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one()


def record(
    session: Session,
    actor: Actor,
    row: Revision,
    step: Step,
    content: Draft,
    now: datetime,
    reason: str = "",
    **data: int,
) -> None:
    approval = Approval(
        community_id=row.community_id,
        id=new_id(),
        revision_id=row.id,
        step=step,
        staff_id=actor.id,
        at=now,
        content_hash=content.content_hash,
        reason=reason,
        snapshot=content.snapshot,
    )
    session.add(approval)
    kind = "alert.reopened" if data.get("back") else f"alert.{_DONE[step]}"
    event.add(session, actor, kind, row.alert_id, now, revision=row.number, **data)
    session.flush()


def verified(session: Session, revision: Revision) -> Draft | None:
    """Return what stands verified, or None where that was skipped or no longer stands."""
    for one in reversed(alerts.approvals(session, revision)):
        if one.step is Step.VERIFY:
            return Draft.from_snapshot(one.snapshot)
        if one.step in (Step.DRAFT, Step.RETURN):
            break
    return None


def unchanged(session: Session, row: Revision, content: Draft) -> None:
    if alerts.approvals(session, row)[-1].content_hash != content.content_hash:
        raise ReviewError(
            "内容在审核以后被改过，请退回重新核实。 "
            "The text was changed after its review: return it to be verified anew."
        )


def send(session: Session, actor: Actor, alert: Alert, row: Revision, now: datetime) -> None:
    """Date the message as CAP wants it, and end the revision it replaces."""
    row.references = cap.references(session, alert)
    row.sent = now
    for other in alerts.revisions(session, alert):
        if other.id != row.id and other.stage is Stage.PUBLISHED:
            other.stage = Stage.SUPERSEDED
            event.add(session, actor, "alert.superseded", alert.id, now, revision=other.number)
    row.stage = Stage.PUBLISHED


def told(session: Session, alert: Alert) -> Revision:
    """Return the revision that residents have been told last, a Cancel apart."""
    sent = [
        one
        for one in alerts.revisions(session, alert)
        if one.sent is not None and one.msg_type is not MsgType.CANCEL
    ]
    if not sent:
        raise ReviewError(
            f"{alert.code} 还没有发布，不用取消。 {alert.code} is not published: nothing to cancel."
        )
    return sent[-1]


def told_by(session: Session, row: Revision) -> Notice:
    query = select(Notice).where(
        Notice.community_id == row.community_id, Notice.revision_id == row.id
    )
    return session.scalars(query).one()
