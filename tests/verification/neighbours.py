"""Neighbours who ask: residents of numbered buildings with a chat each, and what they were told."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from content import people, place, store
from content.message import Kind
from content.people import OwnerKind, Resident
from content.place import Place
from verification import case, joining, telling
from verification.case import Case, Heard, Question


def resident(session: Session, building: int, room: int, now: datetime) -> uuid.UUID:
    """Let somebody move in; return the id of their chat."""
    home = place.ensure(session, f"{building}-1-{room}")
    who = Resident(
        community_id=store.community(session),
        number=f"{building}-{room}",
        name=f"{building}号楼居民{room}",
        place_id=home.id,
        joined_at=now,
    )
    session.add(who)
    session.flush()
    chat = f"{building:04}{room:04}"
    return people.add_address(session, OwnerKind.RESIDENT, who.id, Kind.CHAT, chat, now)


def asks(
    session: Session,
    chat: uuid.UUID,
    now: datetime,
    *,
    fact: uuid.UUID | None = None,
    text: str = "水厂怎么了",
) -> Heard:
    """Let somebody ask in private; with a fact they are told it, else nothing is done yet."""
    owner = session.get_one(people.Address, (store.community(session), chat)).owner_id
    lives = session.get_one(Resident, (store.community(session), owner)).place_id
    area = session.get_one(Place, (store.community(session), lives)).path
    heard = case.record(session, Question(text, chat, area=area), text, now)
    if fact is not None:
        telling.keep(session, heard.id, chat, fact, 1, now)
        heard.state = case.State.ANSWERED
    return heard


def case_of(session: Session, heard: Heard, now: datetime) -> Case:
    """Take a question down as a case, or join the one that there is."""
    return joining.attach(session, heard, "nobody knows", now)[0]
