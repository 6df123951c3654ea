"""Errands: what the desk asks of staff for a question, as tasks with a clock."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import pager, store, task
from content.event import HOUSE, Actor
from content.people import Address, OwnerKind, Resident
from content.task import Task, TaskKind
from verification import case
from verification.case import Case, Heard

_HEARSAY = timedelta(minutes=30)
_SHOWN = 300
"""Characters of a question that a page shows."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom an address belongs to, and where they live; nothing for a bare address."""

    resident_id: uuid.UUID | None = None
    place_id: uuid.UUID | None = None


def asker(session: Session, address_id: uuid.UUID | None) -> Asker:
    """Return who asks from an address."""
    mine = store.community(session)
    query = (
        select(Resident.id, Resident.place_id)
        .join(Address, (Address.community_id == mine) & (Address.owner_id == Resident.id))
        .where(Resident.community_id == mine, Address.id == address_id)
        .where(Address.owner_kind == OwnerKind.RESIDENT)
    )
    found = session.execute(query).first()
    return Asker(found.id, found.place_id) if found else Asker()


def give(
    session: Session, kind: TaskKind, heard: Heard, note: str, now: datetime, *, calm: bool = False
) -> None:
    """Give staff a task about a question; `note` is masked; `calm`: it is only hearsay."""
    who = asker(session, heard.address_id)
    given = task.add(
        session,
        kind,
        HOUSE,
        now,
        resident_id=who.resident_id,
        place_id=who.place_id,
        subject_id=heard.id,
        note=_note(heard.number, note),
    )
    if calm:
        given.urgent, given.due_at = False, now + _HEARSAY


def page(session: Session, matter: Case, now: datetime) -> None:
    """Give the experts a task about a new case."""
    note = _note(matter.number, matter.matter)
    task.add(session, TaskKind.CASE, HOUSE, now, subject_id=matter.id, note=note)


def overdue(session: Session, matter: Case, owner: str, now: datetime) -> None:
    """Tell who is on duty that a case is past its time, and who was to settle it."""
    note = f"{_note(matter.number, matter.matter)}（{owner}）"
    task.add(session, TaskKind.OVERDUE, HOUSE, now, subject_id=matter.id, note=note)


def about(session: Session, matter: Case) -> list[Task]:
    """Return the open tasks about a case."""
    kinds = (TaskKind.CASE, TaskKind.OVERDUE)
    return [
        one for one in task.waiting(session) if one.kind in kinds and one.subject_id == matter.id
    ]


def take(session: Session, matter: Case, actor: Actor, now: datetime) -> None:
    """Let the actor answer for a case, with the tasks about it; raises what `case.take` raises."""
    case.take(session, matter, actor, now)
    for one in about(session, matter):
        if one.taken_by is None and actor.id is not None:
            task.take(session, one.id, actor, now)
            pager.answered(session, one.id, actor.id, now)


def finish(session: Session, matter: Case, actor: Actor, now: datetime) -> None:
    """Close the tasks about a case that has been settled."""
    for one in about(session, matter):
        task.done(session, one.id, "settled", actor, now)


def _note(number: int, words: str) -> str:
    """Return what staff read of a task: the number that the asker was told, and what was said."""
    return f"编号{number}：{words[:_SHOWN] or '图片、语音或文件'}"
