"""What the desk remembers of who asked: shown to them, forgotten for them, redacted in time."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from content import store
from content.base import new_number
from verification.case import Case, File, Heard, State
from verification.telling import Telling


def export(session: Session, address_ids: Iterable[uuid.UUID]) -> list[dict[str, Any]]:
    """Return the questions asked from these addresses, as JSON."""
    rows = session.scalars(select(Heard).where(_from(session, address_ids)).order_by(Heard.id))
    return [
        {"number": row.number, "at": row.at.isoformat(), "text": row.text, "state": row.state}
        for row in rows
    ]


def erase(session: Session, address_ids: Iterable[uuid.UUID]) -> int:
    """Forget who asked and what they wrote and sent; the question stays as a count."""
    wanted = list(address_ids)
    here = Telling.community_id == store.community(session)
    session.execute(delete(Telling).where(here, Telling.address_id.in_(wanted)))
    # the words of an open case are in memory too: with another stamp they are read anew
    asked = select(Heard.case_id).where(_from(session, wanted), Heard.case_id.is_not(None))
    session.execute(
        update(Case)
        .where(Case.community_id == store.community(session), Case.id.in_(asked))
        .values(stamp=new_number())
    )
    return _blank(session, _from(session, wanted), address_id=None)


def redact(session: Session, before: datetime) -> int:
    """Delete the texts and files of questions asked before then that wait for nothing.

    Who asked stays, so that a later correction reaches them.
    """
    old = (
        (Heard.community_id == store.community(session))
        & (Heard.at < before)
        & (Heard.state != State.WAITING)
        & (Heard.digest != "")
    )
    return _blank(session, old)


def _from(session: Session, address_ids: Iterable[uuid.UUID]) -> ColumnElement[bool]:
    here = Heard.community_id == store.community(session)
    return here & Heard.address_id.in_(list(address_ids))


def _blank(session: Session, which: ColumnElement[bool], **more: Any) -> int:
    asked = list(session.scalars(select(Heard.id).where(which)))
    here = store.community(session)
    session.execute(delete(File).where(File.community_id == here, File.question_id.in_(asked)))
    session.execute(
        update(Heard)
        .where(Heard.community_id == here, Heard.id.in_(asked))
        .values(text="", digest="", decision={}, **more)
    )
    return len(asked)
