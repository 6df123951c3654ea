"""The three-step review, through whichever door: draft, verify, edit, publish, and what follows."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert as alerts
from content import (
    bulletin,
    compare,
    condition,
    event,
    identity,
    recording,
    store,
    task,
    transition,
)
from content import draft as drafts
from content import revision as revisions
from content.alert import Alert, MsgType, Revision, Stage, Step
from content.alert import ReviewError as ReviewError  # noqa: PLC0414 - also known as review.ReviewError
from content.base import new_id
from content.condition import AskFirst as AskFirst  # noqa: PLC0414 - also known as review.AskFirst
from content.draft import Draft
from content.event import Actor
from content.notice import Notice
from content.place import Community, Place, PlaceKind
from content.staff import Staff
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


def draft(session: Session, actor: Actor, content: Draft, now: datetime) -> Revision:
    """Open an alert with its first revision; raises ReviewError."""
    condition.keepable(session, content, now)
    alert = Alert(
        community_id=store.community(session),
        id=new_id(),
        opened_at=now,
        code=revisions.free_code(session),
    )
    session.add(alert)
    session.flush()
    return _open(session, actor, alert, content, MsgType.ALERT, now)


def update(session: Session, actor: Actor, alert: Alert, content: Draft, now: datetime) -> Revision:
    """Open an update of a published alert, which passes the same steps; raises ReviewError."""
    condition.keepable(session, content, now)
    _updatable(alert, alerts.current(session, alert))
    return _open(session, actor, alert, content, MsgType.UPDATE, now)


def verify(
    session: Session, actor: Actor, revision: Revision, now: datetime, *, seen: str = ""
) -> Revision:
    """Confirm the facts of a draft; raises ReviewError.

    `seen` is the beginning of the `content_hash` that was shown: a text that its author has changed
    since is not verified.
    """
    row = revisions.locked(session, revision)
    _may(session, actor, row, Step.VERIFY)
    becomes = transition.move(row.stage, Step.VERIFY)
    content = drafts.read(session, row)
    condition.as_seen(content, seen)
    condition.tellable(session, content, now)
    row.stage = becomes
    revisions.record(session, actor, row, Step.VERIFY, content, now)
    return row


def edit(
    session: Session, actor: Actor, revision: Revision, content: Draft, now: datetime
) -> list[str]:
    """Change a draft, or the wording of a verified text; raises ReviewError.

    Returns a sentence for each fact that the edit changes: then the revision is a draft again and
    must be verified anew. Before verification anything may change and nothing is returned.
    """
    row = revisions.locked(session, revision)
    step = Step.DRAFT if row.stage in (Stage.DRAFT, Stage.RETURNED) else Step.EDIT
    _may(session, actor, row, step)
    becomes = transition.move(row.stage, step)
    condition.keepable(session, content, now)
    verified = None if step is Step.DRAFT else revisions.verified(session, row)
    back = compare.facts(verified, content, _names(session)) if verified else []
    drafts.write(session, row, content)
    row.stage = Stage.DRAFT if back else becomes
    revisions.record(
        session, actor, row, Step.DRAFT if back else step, content, now, back=len(back)
    )
    return back


def send_back(
    session: Session, actor: Actor, revision: Revision, reason: str, now: datetime
) -> Revision:
    """Return a revision to its author with the reason; raises ReviewError."""
    row = revisions.locked(session, revision)
    _may(session, actor, row, Step.RETURN)
    if not reason.strip():
        raise ReviewError(
            "退回要写明原因，作者才知道改什么。 Say why, so that the author can change it."
        )
    row.stage = transition.move(row.stage, Step.RETURN)
    content = drafts.read(session, row)
    revisions.record(session, actor, row, Step.RETURN, content, now, reason=reason.strip())
    return row


def publish(
    session: Session,
    actor: Actor,
    revision: Revision,
    now: datetime,
    *,
    emergency: bool = False,
    again: bool = False,
    seen: str = "",
) -> Notice:
    """Publish: freeze the text, the audience and the outbox, all in the caller's transaction.

    A second click returns the first one's notice and changes nothing. `emergency` skips what is
    missing of the review where the alert is Extreme and Immediate. Raises ReviewError; AskFirst
    where the same text runs already and `again` is not set. `seen`: as for `verify`.
    """
    row = revisions.locked(session, revision)
    staff_id = _may(session, actor, row, Step.PUBLISH, emergency=emergency)
    if row.stage is Stage.PUBLISHED:
        return revisions.told_by(session, row)
    transition.move(row.stage, Step.PUBLISH, emergency=emergency)
    content = drafts.read(session, row)
    condition.as_seen(content, seen)
    if emergency:
        condition.extreme(content)
    condition.tellable(session, content, now)
    revisions.unchanged(session, row, content)
    if not again:
        condition.unsaid(session, row, content, now)
    row.emergency = emergency
    alert = alerts.get(session, row.alert_id)
    revisions.send(session, actor, alert, row, now)
    made = bulletin.tell(session, alert, row, content, staff_id, now)
    revisions.record(session, actor, row, Step.PUBLISH, content, now, emergency=emergency)
    recording.published(session, actor, row, now)
    if emergency:
        task.add(session, TaskKind.REVIEW, actor, now, notice_id=made.id, subject_id=row.id)
    return made


def cancel(session: Session, actor: Actor, alert: Alert, now: datetime) -> Notice:
    """Cancel at once, in the words approved with the original; raises ReviewError.

    Open work on an update ends with it. A second click returns the first one's notice.
    """
    runs = revisions.told(session, alert)
    row = revisions.locked(session, runs)
    staff_id = _may(session, actor, row, Step.CANCEL)
    if row.stage is Stage.CANCELLED:
        return revisions.told_by(session, alerts.revisions(session, alert)[-1])
    row.stage = transition.move(row.stage, Step.CANCEL)
    content = drafts.read(session, row)
    for other in alerts.revisions(session, alert):
        if other.stage in transition.OPEN:
            other.stage = Stage.CANCELLED
            event.add(session, actor, "alert.dropped", alert.id, now, revision=other.number)
    expires = max(row.expires, now + CANCEL_LIFE)
    over = revisions.make(
        session, alert, replace(content, expires=expires), MsgType.CANCEL, staff_id, now
    )
    revisions.send(session, actor, alert, over, now)
    revisions.record(session, actor, row, Step.CANCEL, content, now)
    return bulletin.tell(session, alert, over, content, staff_id, now)


def review_afterwards(
    session: Session, actor: Actor, revision: Revision, note: str, now: datetime
) -> None:
    """Write down that an emergency publication was looked at, and close its task."""
    row = revisions.locked(session, revision)
    _may(session, actor, row, Step.REVIEW)
    transition.move(row.stage, Step.REVIEW)
    if not row.emergency:
        raise ReviewError("这份通知走完了审核，不用复核。 This alert passed its review already.")
    content = drafts.read(session, row)
    revisions.record(session, actor, row, Step.REVIEW, content, now, reason=note.strip())
    for one in task.waiting(session):
        if one.kind is TaskKind.REVIEW and one.subject_id == row.id:
            task.done(session, one.id, "reviewed", actor, now)


def difference(session: Session, revision: Revision) -> list[str]:
    """Return what has changed since the text was verified, a line each, for who publishes."""
    before = revisions.verified(session, revision)
    return compare.lines(before, drafts.read(session, revision)) if before else []


def _open(
    session: Session, actor: Actor, alert: Alert, content: Draft, kind: MsgType, now: datetime
) -> Revision:
    staff_id = _staff(session, actor)
    four = _four(session)
    transition.permit(Step.DRAFT, identity.roles(session, staff_id), set(), four=four)
    row = revisions.make(session, alert, content, kind, staff_id, now)
    revisions.record(session, actor, row, Step.DRAFT, content, now)
    return row


def _may(
    session: Session, actor: Actor, row: Revision, step: Step, *, emergency: bool = False
) -> uuid.UUID:
    """Return who acts, or refuse them this step."""
    staff_id = _staff(session, actor)
    taken = [(one.step, one.staff_id) for one in alerts.approvals(session, row)]
    transition.permit(
        step,
        identity.roles(session, staff_id),
        transition.parts(row.author_id, taken, staff_id),
        four=_four(session),
        emergency=emergency,
    )
    return staff_id


def _staff(session: Session, actor: Actor) -> uuid.UUID:
    found = session.get(Staff, (store.community(session), actor.id)) if actor.id else None
    if found is None or found.left_at is not None:
        raise ReviewError("审核要由工作人员本人来做。 A review is done by staff, as themselves.")
    return found.id


def _four(session: Session) -> bool:
    return session.get_one(Community, store.community(session)).reviewers == _FOUR


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


def _names(session: Session) -> list[str]:
    query = select(Place.name).where(
        Place.community_id == store.community(session), Place.kind.in_(_NAMED)
    )
    return list(session.scalars(query))
