"""Joining: a question goes to the open case on its matter; staff merge cases and split them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import event, mask, store
from content.base import new_number
from content.event import Actor
from content.place import Place, PlaceKind
from verification import case, errand, kinship, standing
from verification.case import Case, File, Heard, State
from verification.fact import Refused
from verification.judgement import Course
from verification.kinship import Kin, Matter, Pool

_POOLS: dict[uuid.UUID, Pool] = {}
"""The open cases in memory by community: a cache that every look brings up to its own session."""


def attach(session: Session, heard: Heard, why: str, now: datetime) -> tuple[Case, bool]:
    """Attach a question to the open case on the same matter, or to a new one (then True).

    The question's decision keeps which other cases may be the same, for the expert.
    """
    home = _home(session, heard)
    kin = _kin(session, heard, home)
    matter = _same(session, heard, home)
    if matter is None and kin.joins:
        matter = session.get_one(Case, (heard.community_id, uuid.UUID(kin.joins)))
    fresh = matter is None
    if matter is None:
        matter = case.start(session, heard, _words(heard), why, now)
    elif heard.digest != matter.digest:
        matter.stamp = new_number()
    near = [one for one in (kin.joins, *kin.near) if one not in ("", str(matter.id))]
    heard.decision = {**heard.decision, "near": near, "alike": round(kin.probability, 4)}
    heard.case_id, heard.state = matter.id, State.WAITING
    session.flush()
    return matter, fresh


def warm(session: Session) -> None:
    """Read the open cases into memory: done once when a process starts."""
    _synced(session)


def near(session: Session, matter: Case) -> list[Case]:
    """Return the open cases that may be the same as this one, as it looked when they were asked."""
    ids = {one for heard in case.askers(session, matter) for one in heard.decision.get("near", ())}
    others = [one for one in case.open_cases(session) if one.id != matter.id]
    mine = str(matter.id)
    return [
        one
        for one in others
        if str(one.id) in ids
        or any(mine in heard.decision.get("near", ()) for heard in case.askers(session, one))
    ]


def merge(session: Session, one: Case, into: Case, actor: Actor, now: datetime) -> Case:
    """Let the questions of one open case wait in another; raises Refused for settled cases.

    Its number stays good: it leads to the other case. The task about it ends.
    """
    case.require_worker(session, actor)
    case.require_open(one)
    case.require_open(into)
    if one.id == into.id:
        raise Refused("这是同一张核实单。 This is one and the same case: give two numbers.")
    for heard in case.askers(session, one):
        heard.case_id = into.id
    one.settled_at, one.settled_by, one.merged_id = now, actor.id, into.id
    into.opened_at, into.due_at = min(one.opened_at, into.opened_at), min(one.due_at, into.due_at)
    into.stamp = new_number()
    errand.finish(session, one, actor, now)
    session.flush()
    event.add(session, actor, "case.merged", one.id, now, into=str(into.id))
    return into


def split(
    session: Session, matter: Case, numbers: Sequence[int], actor: Actor, now: datetime
) -> Case:
    """Take questions (by their numbers) out of a case into a new one, which keeps their clock.

    Raises Refused for a settled case, for numbers that are not in it, and where none would stay.
    """
    case.require_worker(session, actor)
    case.require_open(matter)
    asked = case.askers(session, matter)
    apart = [heard for heard in asked if heard.number in set(numbers)]
    if not apart or len(apart) != len(set(numbers)):
        raise Refused(
            f"这些编号的提问不在核实单{matter.number}里。 "
            f"Not all of these are questions of case {matter.number}: "
            "`linxun cases show` lists them."
        )
    if len(apart) == len(asked):
        raise Refused(
            "至少要留下一条提问。 At least one question must stay: split off the others instead."
        )
    made = case.start(session, apart[0], apart[0].text, "split off by staff", apart[0].at)
    made.due_at = min(made.due_at, matter.due_at)
    for heard in apart:
        heard.case_id, heard.state = made.id, State.WAITING
    matter.stamp = new_number()
    session.flush()
    event.add(session, actor, "case.split", matter.id, now, new=str(made.id), moved=len(apart))
    return made


def _same(session: Session, heard: Heard, home: str) -> Case | None:
    """Return the open case that asks the very same, of the same building."""
    query = select(Case).where(
        Case.community_id == heard.community_id,
        Case.settled_at.is_(None),
        Case.digest == heard.digest,
    )
    found = session.scalars(query.order_by(Case.number)).all()
    if not home:
        return found[0] if found else None
    homes = {one.id: _home(session, case.askers(session, one)[0]) for one in found}
    return next((one for one in found if homes[one.id] == home), None)


def _kin(session: Session, heard: Heard, home: str) -> Kin:
    """Look among the open cases in memory; a photo is the same as none but itself."""
    mine = heard.community_id
    came = select(File.id).where(File.community_id == mine, File.question_id == heard.id)
    if not heard.text or session.scalar(came.limit(1)) is not None:
        return Kin()
    return _synced(session).find(_words(heard), heard.at, home)


def _synced(session: Session) -> Pool:
    mine = store.community(session)
    rows = session.execute(
        select(Case.id, Case.stamp).where(Case.community_id == mine, Case.settled_at.is_(None))
    )
    pool = _POOLS.setdefault(mine, Pool(standing.zone(session)))
    pool.sync({str(one): stamp for one, stamp in rows}, lambda ids: _matters(session, ids))
    return pool


def _matters(session: Session, wanted: Sequence[str]) -> list[Matter]:
    """Return what is asked in these cases; what came with a file is not known by its words."""
    mine = store.community(session)
    filed = select(File.question_id).where(File.community_id == mine)
    query = (
        select(Case.id, Case.matter, Heard)
        .join(Heard, (Heard.community_id == mine) & (Heard.case_id == Case.id))
        .where(Case.community_id == mine, Case.id.in_([uuid.UUID(one) for one in wanted]))
        .where(Heard.id.not_in(filed))
        .order_by(Case.number, Heard.number)
    )
    found: dict[uuid.UUID, Matter] = {}
    for case_id, matter, heard in session.execute(query):
        if case_id not in found:
            first = ((matter, heard.at),)
            found[case_id] = Matter(str(case_id), first, _home(session, heard))
        wordings = (*found[case_id].wordings, (_words(heard), heard.at))
        found[case_id] = replace(found[case_id], wordings=wordings)
    return list(found.values())


def _words(heard: Heard) -> str:
    """Return what a question leaves to be checked: of a letter the points without an answer."""
    parts = heard.decision.get("parts") or ()
    points = [one["text"] for one in parts if one.get("course") != Course.ANSWER]
    return mask.mask("\n".join(points) or heard.text)


def _home(session: Session, heard: Heard) -> str:
    """Return the building that an asker calls ours; "" where a text does not, "?…" if unknown."""
    if not kinship.ours(heard.text):
        return ""
    steps = heard.area.strip("/").split("/")
    paths = ["/" + "".join(f"{step}/" for step in steps[:count]) for count in range(len(steps) + 1)]
    found = session.scalar(
        select(Place.path).where(
            Place.community_id == heard.community_id,
            Place.kind == PlaceKind.BUILDING,
            Place.path.in_(paths),
        )
    )
    return found or f"?{heard.id}"
