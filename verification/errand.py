"""Errands: what the desk asks of staff for a question, as tasks with a clock."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import cry, pager, phrase, place, store, task
from content.event import HOUSE, Actor
from content.message import Kind, Written
from content.people import Address, OwnerKind, Resident
from content.plain import dialled
from content.task import Task, TaskKind
from verification import case
from verification.case import Case, Heard

_HEARSAY = timedelta(minutes=30)
_SHOWN = 300
"""Characters of a question that a page shows."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks from an address, or whose contact does, and where they are, as far as is known."""

    resident_id: uuid.UUID | None = None
    place_id: uuid.UUID | None = None
    note: str = field(default="", repr=False)
    """What staff must know to call back: the number, and that it was a contact."""


def resident(session: Session, address_id: uuid.UUID | None) -> uuid.UUID | None:
    """Return the resident who asks from an address of their own; None for anybody else."""
    mine = store.community(session)
    query = (
        select(Resident.id)
        .join(Address, (Address.community_id == mine) & (Address.owner_id == Resident.id))
        .where(Resident.community_id == mine, Address.id == address_id)
        .where(Address.owner_kind == OwnerKind.RESIDENT)
    )
    return session.scalars(query).first()


def asker(session: Session, heard: Heard) -> Asker:
    """Return who asks; of a stranger their number, and the building that they have named."""
    found = session.get(Address, (store.community(session), heard.address_id))
    there = place.by_path(session, heard.area)
    if found is None:
        return Asker(place_id=there)
    about = cry.of(session, found.kind, found.value)
    note = about[0].note if about else ""
    if found.kind is Kind.CALL or (found.kind is Kind.SMS and not about):
        note += phrase.say("call.number_note", Written.HANS, phone=dialled(found.value))
    if not about:
        return Asker(place_id=there, note=note)
    return Asker(about[0].resident_id, about[0].place_id, note)


def give(
    session: Session, kind: TaskKind, heard: Heard, note: str, now: datetime, *, calm: bool = False
) -> None:
    """Give staff a task about a question; `note` is masked; `calm`: it is only hearsay."""
    who = asker(session, heard)
    given = task.add(
        session,
        kind,
        HOUSE,
        now,
        resident_id=who.resident_id,
        place_id=who.place_id,
        subject_id=heard.id,
        note=_note(heard.number, note) + (f"。{who.note}" if who.note else ""),
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
