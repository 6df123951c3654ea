"""Agreement: what stands beside a fact, and whether it may be published beside it."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import store
from content.place import Community
from verification import contradiction, shelf
from verification.contradiction import Near
from verification.fact import Fact, FactLink, LinkKind, Refused


class Contradicts(Refused):
    """Published facts say otherwise; the editor must link them or replace the older."""

    def __init__(self, sentence: str, others: tuple[Near, ...]) -> None:
        super().__init__(sentence)
        self.others = others


def links(session: Session, fact: Fact, kind: LinkKind) -> set[uuid.UUID]:
    """Return the facts that the editor has put beside a fact, or that it replaces."""
    if kind is LinkKind.BESIDE:
        return set(shelf.beside(session, fact.id).get(fact.id, ()))
    query = select(FactLink.other_id).where(
        FactLink.community_id == fact.community_id,
        FactLink.fact_id == fact.id,
        FactLink.kind == kind,
        FactLink.undone_at.is_(None),
    )
    return set(session.scalars(query))


def near(
    session: Session, fact: Fact, now: datetime, base: shelf.Base | None = None
) -> tuple[Near, ...]:
    """Return the published facts on the matter of a fact's signed (else newest) version."""
    if base is None:
        base = shelf.base(session)
    else:
        shelf.refresh(session, base)
    mine = session.get_one(Community, store.community(session))
    today = now.astimezone(ZoneInfo(mine.zone)).date()
    return contradiction.near(base.index, shelf.candidate(session, fact), today)


def clashes(
    session: Session, fact: Fact, now: datetime, base: shelf.Base | None = None
) -> tuple[Near, ...]:
    """Return the published facts that say otherwise and that no link has settled."""
    nearby = near(session, fact, now, base)
    if not any(one.contradicts for one in nearby):
        return ()
    settled = links(session, fact, LinkKind.BESIDE) | links(session, fact, LinkKind.REPLACES)
    return contradiction.against(nearby, {str(one) for one in settled})


def agree(session: Session, fact: Fact, now: datetime, base: shelf.Base | None = None) -> None:
    """Raise Contradicts where the editor has still to decide before a fact is published."""
    found = clashes(session, fact, now, base)
    if not found:
        return
    other = session.get_one(Fact, (fact.community_id, uuid.UUID(found[0].fact.id))).code
    raise Contradicts(
        f"和已发布的 {other} 矛盾：“{found[0].fact.claim}”。请编辑先决定："
        f"facts link {fact.code} {other}（两条并列），或 facts replace {fact.code} {other}。 "
        f"{other} is published and says otherwise: the editor links the two or replaces it.",
        found,
    )
