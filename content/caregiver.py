"""When somebody's contact is told: after the resident could not be reached, or with them."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from content import event, people, store
from content.event import Actor
from content.people import Contact, Told


def tell(
    session: Session, resident_id: uuid.UUID, rank: int, told: Told, actor: Actor, now: datetime
) -> bool:
    """Say when the contact of this rank (from 1) is told; False where there is none."""
    known = people.contacts(session, [resident_id]).get(resident_id, [])
    if rank > len(known):
        return False
    one = session.get_one(Contact, (store.community(session), known[rank - 1].id))
    one.told = told
    event.add(session, actor, "contact.told", resident_id, now, contact=str(one.id), told=told)
    return True
