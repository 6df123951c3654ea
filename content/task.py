"""Somebody needs help, or something must be done by staff; with a clock."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, Select, String, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, mask, store
from content.base import Base, Identified, Instant, Secret, new_id
from content.event import Actor


class TaskKind(StrEnum):
    """What is to be done."""

    HELP = "help"
    EMERGENCY = "emergency"
    SERVICE = "service"
    REVIEW = "review"
    """Look at an emergency publication afterwards."""
    CASE = "case"
    """A question needs an expert."""
    OVERDUE = "overdue"
    """A case has taken longer than was promised."""
    TREND = "trend"
    """More neighbours than usual ask about the same."""
    PUBLISH = "publish"
    """An expert has signed an answer; somebody else must publish it."""
    STUCK = "stuck"
    """Notices are held up; `note` says which, and what to do."""


class Task(Identified, Base):
    """One thing somebody must do; `note` is encrypted, for it may hold what a resident wrote."""

    __tablename__ = "task"

    kind: Mapped[TaskKind]
    resident_id: Mapped[uuid.UUID | None]
    notice_id: Mapped[uuid.UUID | None]
    subject_id: Mapped[uuid.UUID | None]
    place_id: Mapped[uuid.UUID | None]
    note: Mapped[str] = mapped_column(Secret("task.note"), default="")
    urgent: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    taken_by: Mapped[uuid.UUID | None]
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(String(20), default="")
    reminded_at: Mapped[datetime | None] = mapped_column(Instant)
    """When staff were last told that it is late."""


Index("ix_task_open", Task.community_id, Task.done_at, Task.due_at)


class TaskError(ValueError):
    """A task cannot be taken or closed; the sentence (Chinese, English) says why."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long somebody who needs help may wait before the duty phone is told."""

    take: timedelta = timedelta(minutes=10)
    """Until one of those who were called has taken it."""
    done: timedelta = timedelta(hours=1)
    """From then on, until it is done."""


class Late(StrEnum):
    """What is late about a task."""

    UNTAKEN = "untaken"
    UNDONE = "undone"
    """Somebody has taken it and has not finished."""


TIMES = Times()
TAKEN_BACK = "taken_back"
"""The outcome of what was opened by a wrong press."""
HELPING = frozenset({TaskKind.HELP, TaskKind.EMERGENCY})
"""Somebody waits for a person to come: staff are told again until it is done."""
_CLOCK = {
    TaskKind.EMERGENCY: timedelta(minutes=5),
    TaskKind.HELP: TIMES.take,
    TaskKind.SERVICE: timedelta(days=1),
    TaskKind.REVIEW: timedelta(days=1),
    TaskKind.CASE: timedelta(hours=4),
    TaskKind.OVERDUE: timedelta(hours=1),
    TaskKind.PUBLISH: timedelta(hours=1),
    TaskKind.TREND: timedelta(hours=4),
    TaskKind.STUCK: timedelta(minutes=5),
}
_URGENT = timedelta(minutes=5)


def add(
    session: Session,
    kind: TaskKind,
    actor: Actor,
    now: datetime,
    *,
    resident_id: uuid.UUID | None = None,
    notice_id: uuid.UUID | None = None,
    subject_id: uuid.UUID | None = None,
    place_id: uuid.UUID | None = None,
    note: str = "",
    urgent: bool = False,
) -> Task:
    """Open a task, or return the open one of the same kind about the same things.

    A second press of key 3 is the same cry for help, under an update too: it may make the task
    urgent and add to its note, not make two of it.
    """
    same = _same(session, kind, resident_id, notice_id, subject_id)
    if same is not None:
        if urgent and not same.urgent:
            same.urgent, same.due_at = True, min(same.due_at, now + _within(kind, urgent=True))
        # a number to call back must not be lost because somebody was called for already
        remark(same, note)
        if kind in HELPING:
            event.add(session, actor, "task.again", same.id, now)
        return same
    urgent = urgent or kind is TaskKind.EMERGENCY
    opened = Task(
        community_id=store.community(session),
        id=new_id(),
        kind=kind,
        resident_id=resident_id,
        notice_id=notice_id,
        subject_id=subject_id,
        place_id=place_id,
        note=mask.identity(note),
        urgent=urgent,
        opened_at=now,
        due_at=now + _within(kind, urgent=urgent),
    )
    session.add(opened)
    event.add(session, actor, "task.opened", opened.id, now, task=kind, urgent=urgent)
    session.flush()
    return opened


def remark(task: Task, text: str) -> None:
    """Add to a task's note what it does not say yet; identity-card numbers are masked."""
    more = mask.identity(text.strip())
    if more and more not in task.note:
        task.note = "\n".join(filter(None, (task.note, more)))


def late(session: Session, now: datetime, times: Times = TIMES) -> list[tuple[Task, Late]]:
    """Return the tasks of which staff must be told that they are late, and count them as told.

    Each is told of once. Where somebody waits for help it is told again and again, each time after
    twice as long, until somebody has taken it and again until it is done.
    """
    query = _open(session).where(
        or_(
            and_(Task.taken_at.is_(None), Task.due_at <= now),
            and_(Task.kind.in_(HELPING), Task.taken_at <= now - times.done),
        )
    )
    found = []
    for one in session.scalars(query.order_by(Task.due_at, Task.id)):
        why = Late.UNTAKEN if one.taken_at is None else Late.UNDONE
        if _told(one, now):
            continue
        one.reminded_at = now
        event.add(session, event.HOUSE, "task.late", one.id, now, why=why.value)
        found.append((one, why))
    return found


def _told(one: Task, now: datetime) -> bool:
    """Say whether staff have been told that it is late, and need not be told again yet."""
    since = one.taken_at or one.opened_at
    if one.reminded_at is None or one.reminded_at < since:
        return False
    return one.kind not in HELPING or now - since < 2 * (one.reminded_at - since)


def take(session: Session, task_id: uuid.UUID, actor: Actor, now: datetime) -> Task:
    """Let the actor take the task; raises TaskError when somebody else has it or it is done.

    Help that somebody took and did not finish in time may be taken over.
    """
    task = get(session, task_id)
    if task.done_at is not None:
        raise TaskError("这件事已经办完。 This task is done already.")
    if task.taken_by not in (None, actor.id) and not slipped(task):
        raise TaskError("这件事已有同事在办。 A colleague has taken this task already.")
    if task.taken_at is None or task.taken_by != actor.id:
        over = {"over": str(task.taken_by)} if task.taken_by else {}
        task.taken_by, task.taken_at = actor.id, now
        event.add(session, actor, "task.taken", task.id, now, **over)
    return task


def slipped(task: Task) -> bool:
    """Say whether somebody took it so long ago that staff were told that it is not done."""
    if task.taken_at is None or task.reminded_at is None:
        return False
    return task.kind in HELPING and task.reminded_at > task.taken_at


def done(session: Session, task_id: uuid.UUID, outcome: str, actor: Actor, now: datetime) -> Task:
    """Close the task with an outcome in a word (`helped`); closing it again changes nothing."""
    task = get(session, task_id)
    if task.done_at is None:
        task.taken_by, task.taken_at = task.taken_by or actor.id, task.taken_at or now
        task.done_at, task.outcome = now, outcome[:20]
        event.add(session, actor, "task.done", task.id, now, outcome=task.outcome)
    return task


def get(session: Session, task_id: uuid.UUID) -> Task:
    """Return one task; raises TaskError for an unknown one."""
    task = session.get(Task, (store.community(session), task_id))
    if task is None:
        raise TaskError("没有这件事。 There is no such task.")
    return task


def waiting(session: Session, kind: TaskKind | None = None) -> list[Task]:
    """Return every task (of a kind) that is not done, the urgent first, then by its time."""
    query = _open(session) if kind is None else _open(session).where(Task.kind == kind)
    return list(session.scalars(query.order_by(Task.urgent.desc(), Task.due_at, Task.id)))


def overdue(session: Session, now: datetime) -> list[Task]:
    """Return the tasks that nobody has taken although their time has passed, the oldest first."""
    late = _open(session).where(Task.taken_by.is_(None), Task.due_at <= now)
    return list(session.scalars(late.order_by(Task.due_at, Task.id)))


def _within(kind: TaskKind, *, urgent: bool) -> timedelta:
    return min(_CLOCK[kind], _URGENT) if urgent and kind is not TaskKind.HELP else _CLOCK[kind]


def _open(session: Session) -> Select[Task]:
    return select(Task).where(Task.community_id == store.community(session), Task.done_at.is_(None))


def _same(
    session: Session,
    kind: TaskKind,
    resident_id: uuid.UUID | None,
    notice_id: uuid.UUID | None,
    subject_id: uuid.UUID | None,
) -> Task | None:
    if resident_id is None and subject_id is None:
        return None
    mine = _open(session).where(Task.kind == kind, Task.resident_id == resident_id)
    if kind is not TaskKind.HELP or resident_id is None:
        mine = mine.where(Task.notice_id == notice_id, Task.subject_id == subject_id)
    return session.scalars(mine.order_by(Task.opened_at).limit(1)).first()
