"""The three-step review, through whichever door: draft, verify, edit, publish, and what follows."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from content import alert as alerts
from content import bulletin, cap, compare, condition, event, identity, store, task, transition
from content import draft as drafts
from content.alert import Alert, Approval, MsgType, Revision, Stage, Step
from content.alert import ReviewError as ReviewError  # noqa: PLC0414 - also known as review.ReviewError
from content.base import new_id
from content.condition import AskFirst as AskFirst  # noqa: PLC0414 - also known as review.AskFirst
from content.draft import Draft
from content.event import Actor
from content.notice import Notice
from content.place import Community, Place, PlaceKind
from content.task import TaskKind

CANCEL_LIFE = timedelta(days=1)
"""A cancellation is told for at least so long, even where the alert itself was nearly over."""
_NAMED = (
    PlaceKind.STREET,
    PlaceKind.COMMUNITY,
    PlaceKind.GRID,
    PlaceKind.ESTATE,
    PlaceKind.BUILDING,
)
"""Places that have names; units and homes are known by their pattern."""
_FOUR = 4
_DONE = {
    Step.DRAFT: "drafted",
    Step.VERIFY: "verified",
    Step.EDIT: "edited",
    Step.PUBLISH: "published",
    Step.RETURN: "returned",
    Step.CANCEL: "cancelled",
    Step.REVIEW: "reviewed",
}


def draft(session: Session, actor: Actor, content: Draft, now: datetime) -> Revision:
    """Open an alert with its first revision; raises ReviewError."""
    condition.keepable(session, content, now)
    alert = Alert(
        community_id=store.community(session), id=new_id(), opened_at=now, code=_code(session)
    )
    session.add(alert)
    session.flush()
    return _open(session, actor, alert, content, MsgType.ALERT, now)


def update(session: Session, actor: Actor, alert: Alert, content: Draft, now: datetime) -> Revision:
    """Open an update of a published alert, which passes the same steps; raises ReviewError."""
    condition.keepable(session, content, now)
    _updatable(alert, alerts.current(session, alert))
    return _open(session, actor, alert, content, MsgType.UPDATE, now)


def verify(session: Session, actor: Actor, revision: Revision, now: datetime) -> Revision:
    """Confirm the facts of a draft; raises ReviewError."""
    row = _locked(session, revision)
    _may(session, actor, row, Step.VERIFY)
    content = drafts.read(session, row)
    condition.tellable(session, content, now)
    row.stage = transition.move(row.stage, Step.VERIFY)
    _record(session, actor, row, Step.VERIFY, content, now)
    return row


def edit(
    session: Session, actor: Actor, revision: Revision, content: Draft, now: datetime
) -> list[str]:
    """Change a draft, or the wording of a verified text; raises ReviewError.

    Returns a sentence for each fact that the edit changes: then the revision is a draft again and
    must be verified anew. Before verification anything may change and nothing is returned.
    """
    row = _locked(session, revision)
    step = Step.DRAFT if row.stage in (Stage.DRAFT, Stage.RETURNED) else Step.EDIT
    _may(session, actor, row, step)
    becomes = transition.move(row.stage, step)
    condition.keepable(session, content, now)
    verified = None if step is Step.DRAFT else _verified(session, row)
    back = compare.facts(verified, content, _names(session)) if verified else []
    drafts.write(session, row, content)
    row.stage = Stage.DRAFT if back else becomes
    _record(session, actor, row, Step.DRAFT if back else step, content, now, back=len(back))
    return back


def send_back(
    session: Session, actor: Actor, revision: Revision, reason: str, now: datetime
) -> Revision:
    """Return a revision to its author with the reason; raises ReviewError."""
    row = _locked(session, revision)
    _may(session, actor, row, Step.RETURN)
    if not reason.strip():
        raise ReviewError(
            "退回要写明原因，作者才知道改什么。 Say why, so that the author can change it."
        )
    row.stage = transition.move(row.stage, Step.RETURN)
    content = drafts.read(session, row)
    _record(session, actor, row, Step.RETURN, content, now, reason=reason.strip())
    return row


def publish(
    session: Session,
    actor: Actor,
    revision: Revision,
    now: datetime,
    *,
    emergency: bool = False,
    again: bool = False,
) -> Notice:
    """Publish: freeze the text, the audience and the outbox, all in the caller's transaction.

    A second click returns the first one's notice and changes nothing. `emergency` skips what is
    missing of the review where the alert is Extreme and Immediate. Raises ReviewError; AskFirst
    where the same text runs already and `again` is not set.
    """
    row = _locked(session, revision)
    staff_id = _may(session, actor, row, Step.PUBLISH, emergency=emergency)
    if row.stage is Stage.PUBLISHED:
        return _notice(session, row)
    transition.move(row.stage, Step.PUBLISH, emergency=emergency)
    content = drafts.read(session, row)
    if emergency:
        condition.extreme(content)
    condition.tellable(session, content, now)
    _unchanged(session, row, content)
    if not again:
        condition.unsaid(session, row, content, now)
    row.emergency = emergency
    alert = alerts.get(session, row.alert_id)
    _send(session, alert, row, now)
    made = bulletin.tell(session, alert, row, content, staff_id, now)
    _record(session, actor, row, Step.PUBLISH, content, now, emergency=emergency)
    if emergency:
        task.add(session, TaskKind.REVIEW, actor, now, notice_id=made.id, subject_id=row.id)
    return made


def cancel(session: Session, actor: Actor, alert: Alert, now: datetime) -> Notice:
    """Cancel at once, in the words approved with the original; raises ReviewError.

    Open work on an update ends with it. A second click returns the first one's notice.
    """
    runs = _told(session, alert)
    row = _locked(session, runs)
    staff_id = _may(session, actor, row, Step.CANCEL)
    if row.stage is Stage.CANCELLED:
        return _notice(session, alerts.revisions(session, alert)[-1])
    row.stage = transition.move(row.stage, Step.CANCEL)
    content = drafts.read(session, row)
    for other in alerts.revisions(session, alert):
        if other.stage in transition.OPEN:
            other.stage = Stage.CANCELLED
    expires = max(row.expires, now + CANCEL_LIFE)
    over = _row(session, alert, replace(content, expires=expires), MsgType.CANCEL, staff_id, now)
    _send(session, alert, over, now)
    _record(session, actor, row, Step.CANCEL, content, now)
    return bulletin.tell(session, alert, over, content, staff_id, now)


def review_afterwards(
    session: Session, actor: Actor, revision: Revision, note: str, now: datetime
) -> None:
    """Write down that an emergency publication was looked at, and close its task."""
    row = _locked(session, revision)
    _may(session, actor, row, Step.REVIEW)
    transition.move(row.stage, Step.REVIEW)
    if not row.emergency:
        raise ReviewError("这份通知走完了审核，不用复核。 This alert passed its review already.")
    content = drafts.read(session, row)
    _record(session, actor, row, Step.REVIEW, content, now, reason=note.strip())
    for one in task.waiting(session):
        if one.kind is TaskKind.REVIEW and one.subject_id == row.id:
            task.done(session, one.id, "reviewed", actor, now)


def difference(session: Session, revision: Revision) -> list[str]:
    """Return what has changed since the text was verified, a line each, for who publishes."""
    before = _verified(session, revision)
    return compare.lines(before, drafts.read(session, revision)) if before else []


def _open(
    session: Session, actor: Actor, alert: Alert, content: Draft, kind: MsgType, now: datetime
) -> Revision:
    staff_id = _staff(actor)
    four = _four(session)
    transition.permit(Step.DRAFT, identity.roles(session, staff_id), set(), four=four)
    row = _row(session, alert, content, kind, staff_id, now)
    _record(session, actor, row, Step.DRAFT, content, now)
    return row


def _row(
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


def _locked(session: Session, revision: Revision) -> Revision:
    """Return the row as it is now, held until the caller commits."""
    query = (
        select(Revision)
        .where(Revision.community_id == store.community(session), Revision.id == revision.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one()


def _may(
    session: Session, actor: Actor, row: Revision, step: Step, *, emergency: bool = False
) -> uuid.UUID:
    """Return who acts, or refuse them this step."""
    staff_id = _staff(actor)
    taken = [(one.step, one.staff_id) for one in alerts.approvals(session, row)]
    transition.permit(
        step,
        identity.roles(session, staff_id),
        transition.parts(row.author_id, taken, staff_id),
        four=_four(session),
        emergency=emergency,
    )
    return staff_id


def _staff(actor: Actor) -> uuid.UUID:
    if actor.id is None:
        raise ReviewError("审核要由工作人员本人来做。 A review is done by staff, as themselves.")
    return actor.id


def _four(session: Session) -> bool:
    return session.get_one(Community, store.community(session)).reviewers == _FOUR


def _record(
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
        staff_id=_staff(actor),
        at=now,
        content_hash=content.content_hash,
        reason=reason,
        snapshot=content.snapshot,
    )
    session.add(approval)
    kind = "alert.reopened" if data.get("back") else f"alert.{_DONE[step]}"
    event.add(session, actor, kind, row.alert_id, now, revision=row.number, **data)
    session.flush()


def _send(session: Session, alert: Alert, row: Revision, now: datetime) -> None:
    """Date the message as CAP wants it, and end the revision it replaces."""
    row.references = cap.references(session, alert)
    row.sent = now
    for other in alerts.revisions(session, alert):
        if other.id != row.id and other.stage is Stage.PUBLISHED:
            other.stage = Stage.SUPERSEDED
    row.stage = Stage.PUBLISHED


def _told(session: Session, alert: Alert) -> Revision:
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


def _notice(session: Session, row: Revision) -> Notice:
    query = select(Notice).where(
        Notice.community_id == row.community_id, Notice.revision_id == row.id
    )
    return session.scalars(query).one()


def _verified(session: Session, revision: Revision) -> Draft | None:
    """Return what stands verified, or None where that was skipped or no longer stands."""
    for one in reversed(alerts.approvals(session, revision)):
        if one.step is Step.VERIFY:
            return Draft.from_snapshot(one.snapshot)
        if one.step in (Step.DRAFT, Step.RETURN):
            break
    return None


def _unchanged(session: Session, row: Revision, content: Draft) -> None:
    if alerts.approvals(session, row)[-1].content_hash != content.content_hash:
        raise ReviewError(
            "内容在审核以后被改过，请退回重新核实。 "
            "The text was changed after its review: return it to be verified anew."
        )


def _updatable(alert: Alert, last: Revision) -> None:
    if last.stage is Stage.CANCELLED or last.msg_type is MsgType.CANCEL:
        raise ReviewError(
            f"{alert.code} 已经取消，请另写一条。 {alert.code} was cancelled: write a new alert."
        )
    if last.stage is not Stage.PUBLISHED:
        raise ReviewError(
            f"{alert.code} 还有一版没有发布，请先改那一版。 "
            f"{alert.code} has a revision that is not published yet: work on that one."
        )


def _code(session: Session) -> str:
    """Return the next free code; SQLite's one writer and the unique key keep it free."""
    last = select(func.max(cast(func.substr(Alert.code, 2), Integer)))
    found = session.scalar(last.where(Alert.community_id == store.community(session)))
    return f"A{(found or 0) + 1}"


def _names(session: Session) -> list[str]:
    query = select(Place.name).where(
        Place.community_id == store.community(session), Place.kind.in_(_NAMED)
    )
    return list(session.scalars(query))
