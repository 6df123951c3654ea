"""What people may ask of us, over all rooms: to see what is held, to be forgotten."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from content import people, privacy
from content.event import Actor
from content.message import Kind
from verification import memory


def held(session: Session, resident_id: uuid.UUID) -> dict[str, Any]:
    """Return everything that is held about one person, as JSON."""
    told = privacy.export(session, resident_id)
    return told | {"questions": memory.export(session, _addresses(session, resident_id))}


def erase(session: Session, resident_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Forget a person and the questions they have asked."""
    # the questions are found by the addresses, which go last
    memory.erase(session, _addresses(session, resident_id))
    privacy.erase(session, resident_id, actor, now)


def forget(session: Session, kind: Kind, value: str, actor: Actor, now: datetime) -> int:
    """Forget a number or chat and what was asked from it; return how many it belonged to.

    Imported residents stay without it, for it may be a relative's; who was known by it alone is
    erased.
    """
    memory.erase(session, [one for _, _, one in people.owners(session, kind, value)])
    return privacy.forget(session, kind, value, actor, now)


def redact(session: Session, now: datetime) -> int:
    """Delete what was kept long enough, once a day: raw messages and texts of questions."""
    return privacy.redact(session, now) + memory.redact(session, now - privacy.RETENTION)


def _addresses(session: Session, resident_id: uuid.UUID) -> list[uuid.UUID]:
    return [one.id for one in people.addresses(session, [resident_id]).get(resident_id, [])]
