"""What staff have to do: the open tasks of who asks, with who waits where, and who has taken it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from content import beat, card, duty, phrase, place, store, task
from content.identity import IdentityError
from content.message import Written
from content.people import Need, Resident
from content.place import Place
from content.staff import Staff
from content.task import Task, TaskError, TaskKind

PERSONAL = frozenset({TaskKind.HELP, TaskKind.EMERGENCY, TaskKind.SERVICE})
"""Tasks about somebody at home: taken from this list; the others have desks of their own."""
_RECENT = timedelta(days=7)
SHORT = 6
"""Hex digits that name a task to people."""


@dataclass(frozen=True, slots=True)
class Item:
    """One task as the list shows it; times are instants."""

    id: uuid.UUID
    kind: TaskKind
    urgent: bool
    place: str
    name: str = field(repr=False)
    needs: frozenset[Need]
    opened_at: datetime
    due_at: datetime
    taken_at: datetime | None
    taken_by: str = field(repr=False)
    done_at: datetime | None
    outcome: str
    note: str = field(repr=False)

    @property
    def short(self) -> str:
        """Return the id by which people name it."""
        return self.id.hex[-SHORT:]


def of(
    session: Session,
    member: Staff,
    now: datetime,
    kinds: Collection[TaskKind] = PERSONAL,
    *,
    done: bool = False,
) -> list[Item]:
    """Return the open tasks a member of staff may see, the urgent first; `done`: of a week, too.

    A grid worker sees those of the own grid, the office and who is on duty all. Raises
    IdentityError for anybody else.
    """
    mine = _beat(session, member, now)
    ends = or_(Task.done_at.is_(None), Task.done_at > now - _RECENT) if done else None
    rows = session.execute(
        select(Task, Resident, Staff.name, Place.path)
        .outerjoin(Resident, _same(Resident, Resident.id == Task.resident_id))
        .outerjoin(Staff, _same(Staff, Staff.id == Task.taken_by))
        .outerjoin(Place, _same(Place, Place.id == Task.place_id))
        .where(Task.community_id == store.community(session), Task.kind.in_(kinds))
        .where(Task.done_at.is_(None) if ends is None else ends)
        .order_by(Task.done_at.is_not(None), Task.urgent.desc(), Task.due_at, Task.id)
    ).all()
    seen = [row for row in rows if beat.covers(mine, row[3] or "")]
    lines = place.lines(session, {row[0].place_id for row in seen if row[0].place_id})
    return [
        Item(
            id=one.id,
            kind=one.kind,
            urgent=one.urgent,
            place=lines.get(one.place_id, "") if one.place_id else "",
            name=who.name if who else "",
            needs=who.needs if who else frozenset(),
            opened_at=one.opened_at,
            due_at=one.due_at,
            taken_at=one.taken_at,
            taken_by=taker or "",
            done_at=one.done_at,
            outcome=one.outcome,
            note=one.note,
        )
        for one, who, taker, _ in seen
    ]


def find(session: Session, member: Staff, now: datetime, text: str) -> Item:
    """Return the task that staff name by its id or the end of it; raises TaskError for none."""
    wanted = text.strip().lower().replace("-", "")
    found = [one for one in of(session, member, now, done=True) if one.id.hex.endswith(wanted)]
    if not wanted or len(found) != 1:
        raise TaskError(
            f"没有“{text}”这件事，请照 linxun tasks list 里的编号写。 "
            f"There is no task {text}: write the number from linxun tasks list."
        )
    return found[0]


def late(one: Item, now: datetime, times: task.Times = task.TIMES) -> bool:
    """Say whether a task waits longer than it should: to be taken, or to be done."""
    if one.done_at is not None:
        return False
    if one.taken_at is None:
        return one.due_at <= now
    return one.kind in task.HELPING and one.taken_at + times.done <= now


def history(one: Item | Task, name: str, zone: tzinfo) -> list[str]:
    """Return who took a task and how it ended, each with its time; `name`: of who did."""
    back = one.outcome == task.TAKEN_BACK
    steps = (
        ("page.taken_line", None if back else one.taken_at),
        ("page.taken_back_line" if back else "page.done_line", one.done_at),
    )
    return [
        phrase.say(key, Written.HANS, at=card.clock(at, zone), name=name) for key, at in steps if at
    ]


def _beat(session: Session, member: Staff, now: datetime) -> tuple[str, ...] | None:
    on = duty.current(session, now)
    if on is not None and on.staff_id == member.id:
        return None
    try:
        return beat.of(session, member)
    except IdentityError:
        raise IdentityError(
            "求助的事只给网格员、值班的人、发布人和管理员看。 "
            "Requests for help are for grid workers, who is on duty, publishers and admins."
        ) from None


def _same(
    table: type[Resident] | type[Staff] | type[Place], on: ColumnElement[bool]
) -> ColumnElement[bool]:
    return and_(table.community_id == Task.community_id, on)
