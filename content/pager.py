"""Calling staff to a task: who is called, by what, and what they read."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import (
    duty,
    event,
    expansion,
    identity,
    incident,
    notice,
    people,
    phrase,
    place,
    store,
    task,
)
from content.alert import Severity
from content.delivery import Delivery, DeliveryState
from content.message import Action, Kind, Written
from content.notice import Notice, NoticeKind
from content.people import Resident
from content.place import Place
from content.reason import Reason
from content.staff import Role, Staff
from content.task import Late, Task, TaskKind, Times

_LASTS = timedelta(days=1)
_LEADS = {
    TaskKind.HELP: "page.help",
    TaskKind.SERVICE: "page.errand",
    TaskKind.CASE: "page.question",
    TaskKind.OVERDUE: "page.late_case",
    TaskKind.REVIEW: "page.afterwards",
    TaskKind.PUBLISH: "page.publish",
    TaskKind.TREND: "page.trend",
    TaskKind.STUCK: "page.stuck",
}
_ROLES: dict[TaskKind, tuple[Role, ...]] = {
    TaskKind.CASE: (Role.EXPERT,),
    TaskKind.REVIEW: (Role.VERIFIER, Role.PUBLISHER),
    TaskKind.PUBLISH: (Role.PUBLISHER,),
    TaskKind.TREND: (Role.AUTHOR, Role.EXPERT),
}
"""Who is called to what is no emergency; for the rest it is the duty and the grid worker."""
_STEPS = (("button.take", "take"), ("page.done_button", "done"))
_OWN_STEPS = {
    TaskKind.PUBLISH: (
        ("staff.publish", "publish"),
        ("page.look_button", "look"),
        ("staff.return", "return"),
    ),
    TaskKind.TREND: (("page.draft_button", "draft"), *_STEPS),
    TaskKind.CASE: (("cases.take", "take_case"), ("cases.show", "show_case")),
    TaskKind.OVERDUE: (("cases.show", "show_case"), ("page.done_button", "done")),
}
"""The buttons under a page: the phrase of each label, and the word of its value."""


def call_out(session: Session, now: datetime, times: Times = task.TIMES) -> int:
    """Page every open task that nobody was called to, and those that are late."""
    paged = select(Notice.subject_id).where(
        Notice.community_id == store.community(session),
        Notice.kind == NoticeKind.PAGE,
        Notice.subject_id.is_not(None),
    )
    fresh = session.scalars(
        select(Task).where(
            Task.community_id == store.community(session),
            Task.done_at.is_(None),
            Task.taken_at.is_(None),
            Task.id.not_in(paged),
        )
    ).all()
    for one in fresh:
        if one.kind is TaskKind.HELP:
            one.due_at = one.opened_at + times.take
    made = [page(session, one, now) for one in fresh]
    made += [page(session, one, now, late=why) for one, why in task.late(session, now, times)]
    return sum(one is not None for one in made)


def page(
    session: Session, errand: Task, now: datetime, *, late: Late | None = None
) -> Notice | None:
    """Call staff to a task through the outbox; None when there is nobody to call.

    Whoever is called to help is called by the ladder, up to the phone, until one has taken it. Late
    help rings the duty phone at once.
    """
    staff_ids = _whom(session, errand, now, late)
    if not staff_ids:
        return None
    pressing = errand.urgent or late is not None
    made = notice.make(
        session,
        kind=NoticeKind.PAGE,
        texts={Written.HANS: _fields(session, errand, now, late)},
        severity=Severity.EXTREME if pressing else Severity.MODERATE,
        confirms=pressing,
        expires_at=now + _LASTS,
        now=now,
        subject_id=errand.id,
    )
    if errand.kind is TaskKind.STUCK:
        expansion.direct(session, made, _ways(session, staff_ids), now)
        return made
    expansion.to_staff(session, made, staff_ids, now)
    if late is not None and errand.kind in task.HELPING:
        expansion.direct(session, made, _duty_phone(session, now), now)
    return made


def _ways(session: Session, staff_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return two addresses of each member of staff whose kinds are not held up themselves.

    What is stuck may be the very ladder, or its first step: these are called past it.
    """
    stuck = {one.kind for one in incident.going_on(session)}
    order = (Kind.CALL, Kind.CHAT, Kind.SMS)
    ways = []
    for found in people.addresses(session, staff_ids).values():
        usable = [one for one in found if one.kind in order]
        # where everything is stuck, all of it is tried
        open_ = [one for one in usable if one.kind not in stuck] or usable
        best = sorted(open_, key=lambda one: (order.index(one.kind), one.rank))
        firsts = {one.kind: one for one in reversed(best)}
        ways += [firsts[kind].id for kind in order if kind in firsts][:2]
    return ways


def _whom(session: Session, errand: Task, now: datetime, late: Late | None) -> list[uuid.UUID]:
    """Return who is called: first who is nearest, and the office where it is late."""
    found = _first(session, errand, now, late)
    if late is Late.UNDONE and errand.taken_by is not None:
        found.append(errand.taken_by)
    if late is not None:
        # whoever was called has not taken it: the office hears of it too
        found += _with(session, Role.ADMIN)
    return list(dict.fromkeys(found))


def _first(session: Session, errand: Task, now: datetime, late: Late | None) -> list[uuid.UUID]:
    roles = _ROLES.get(errand.kind)
    if roles is not None:
        return _with(session, *roles) or _with(session, Role.ADMIN)
    near = _grid_workers(session, errand)
    if late is None:
        # whoever stands at the door and calls for help needs somebody else
        opened = event.last(session, "task.opened", errand.id)
        near = [one for one in near if opened is None or one != opened.actor_id]
    if errand.kind is TaskKind.HELP and late is None and people.addresses(session, near):
        # the duty phone is told when none of them has taken it in time
        return near
    on = duty.current(session, now)
    found = [on.staff_id] if on else []
    if late is not Late.UNDONE:
        found += near
    return found or _with(session, Role.ADMIN)


def _duty_phone(session: Session, now: datetime) -> list[uuid.UUID]:
    """Return the number of who is on duty: it rings although a chat message waits to be read."""
    on = duty.current(session, now)
    reach = people.addresses(session, [on.staff_id]).get(on.staff_id, []) if on else []
    return [one.id for one in reach if one.kind is Kind.CALL][:1]


def _with(session: Session, *roles: Role) -> list[uuid.UUID]:
    return [
        member.id
        for member in identity.everyone(session)
        if member.left_at is None and identity.roles(session, member.id) & set(roles)
    ]


def _grid_workers(session: Session, errand: Task) -> list[uuid.UUID]:
    """Return who looks after the grid in which the task's place lies."""
    here = store.community(session)
    home = session.get(Place, (here, errand.place_id)) if errand.place_id else None
    if home is None:
        return []
    workers = []
    for member_id in _with(session, Role.GRID_WORKER):
        grid = identity.staff(session, member_id).place_id
        area = session.get(Place, (here, grid)) if grid else None
        if area is not None and _inside(session, home, area):
            workers.append(member_id)
    return workers


def _inside(session: Session, home: Place, area: Place) -> bool:
    at: Place | None = home
    while at is not None and at.id != area.id:
        at = session.get(Place, (at.community_id, at.parent_id)) if at.parent_id else None
    return at is not None


def _fields(session: Session, errand: Task, now: datetime, late: Late | None) -> dict[str, object]:
    return {
        "text": "\n".join(_lines(session, errand, now, late)),
        "urgent": "1" if errand.urgent or late else "",
        "steps": [
            {"label": label, "action": Action.TASK.value, "value": value}
            for label, value in _OWN_STEPS.get(errand.kind, _STEPS)
        ],
    }


def text(session: Session, errand: Task, now: datetime) -> str:
    """Return what a page about a task says: what is wanted, where, who, and whom to call back."""
    waits = errand.taken_at is None and errand.done_at is None
    late = Late.UNTAKEN if waits and errand.due_at <= now else None
    return "\n".join(_lines(session, errand, now, late))


def _lines(session: Session, errand: Task, now: datetime, late: Late | None) -> list[str]:
    who = _resident(session, errand)
    home = errand.place_id or (who.place_id if who else None)
    line = place.lines(session, [home]).get(home, "") if home else ""
    since = errand.taken_at if late is Late.UNDONE and errand.taken_at else errand.due_at
    values = {
        "place": line,
        "name": (who.name if who else "") or phrase.say("page.somebody", Written.HANS),
        "minutes": max(1, round(abs((since - now).total_seconds()) / 60)),
        "worker": _name(session, errand.taken_by),
    }
    lines = [phrase.say(_lead(errand, late), Written.HANS, **values)]
    if errand.kind is TaskKind.STUCK:
        lines.append(errand.note)
    elif errand.note:
        lines.append(phrase.say("page.case_text", Written.HANS, text=errand.note))
    if who is not None:
        lines += _about(session, who)
    return lines


def _lead(errand: Task, late: Late | None) -> str:
    if late is Late.UNDONE:
        return "page.undone"
    if late is not None and errand.kind is not TaskKind.STUCK:
        return "page.overdue"
    if errand.kind is TaskKind.EMERGENCY:
        return "page.alarm" if errand.urgent else "page.report"
    if errand.kind is TaskKind.HELP and errand.taken_at is not None:
        return "page.helping"
    return _LEADS[errand.kind]


def _name(session: Session, staff_id: uuid.UUID | None) -> str:
    found = session.get(Staff, (store.community(session), staff_id)) if staff_id else None
    return found.name if found else phrase.say("page.somebody_of_us", Written.HANS)


def _about(session: Session, who: Resident) -> list[str]:
    """Return what a helper must know: the person's needs, and whom to call back."""
    lines = []
    if who.needs:
        words = "、".join(phrase.say(f"need.{need}", Written.HANS) for need in sorted(who.needs))
        lines.append(phrase.say("page.needs", Written.HANS, needs=words))
    if number := _number(session, who.id):
        lines.append(phrase.say("page.phone", Written.HANS, phone=number))
    for one in people.contacts(session, [who.id]).get(who.id, [])[:1]:
        if number := _number(session, one.id):
            name = f"{one.name}（{one.relation}）" if one.relation else one.name
            lines.append(phrase.say("page.contact", Written.HANS, name=name, phone=number))
    return lines


def _number(session: Session, owner_id: uuid.UUID) -> str:
    reach = people.addresses(session, [owner_id]).get(owner_id, [])
    phones = [one.id for one in reach if one.kind is Kind.CALL]
    return people.value(session, phones[0]) if phones else ""


def _resident(session: Session, errand: Task) -> Resident | None:
    if errand.resident_id is None:
        return None
    return session.get(Resident, (store.community(session), errand.resident_id))


def answered(
    session: Session, task_id: uuid.UUID, staff_id: uuid.UUID | None, now: datetime
) -> None:
    """Close the pages of a task: one has taken it, the others need not be called any more.

    Nobody has: what they were called to is over by itself.
    """
    notices = select(Notice.id).where(
        Notice.community_id == store.community(session),
        Notice.kind == NoticeKind.PAGE,
        Notice.subject_id == task_id,
    )
    for delivery in session.scalars(
        select(Delivery).where(
            Delivery.community_id == store.community(session),
            Delivery.notice_id.in_(notices),
            Delivery.state == DeliveryState.OPEN,
        )
    ):
        mine = delivery.recipient_id == staff_id
        delivery.state = DeliveryState.CONFIRMED if mine else DeliveryState.SUPERSEDED
        delivery.reason = Reason.CONFIRMED_BUTTON if mine else Reason.SUPERSEDED
        delivery.kind, delivery.closed_at = None, now
