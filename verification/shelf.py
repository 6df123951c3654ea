"""Shelf: the facts that answer, held in memory and kept in step with the database."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import store
from verification.fact import Fact, FactState, FactVariant, FactVersion, VariantState
from verification.index import FactView, Index


@dataclass(slots=True)
class Base:
    """The published facts in memory, and the number of the last change that they hold."""

    index: Index = field(default_factory=Index)
    watermark: int = 0


def base(session: Session) -> Base:
    """Build the index of all published facts; done once when a process starts."""
    made = Base()
    refresh(session, made)
    return made


def refresh(session: Session, base: Base) -> int:
    """Bring `base` up to what any process has committed; return how many facts changed."""
    mine = store.community(session)
    changed = (
        select(Fact, FactVersion)
        .outerjoin(
            FactVersion,
            (FactVersion.community_id == Fact.community_id)
            & (FactVersion.fact_id == Fact.id)
            & (FactVersion.number == Fact.published),
        )
        .where(Fact.community_id == mine, Fact.changed > base.watermark)
        .order_by(Fact.changed)
    )
    rows = session.execute(changed).all()
    variants = _variants(session, base.watermark) if rows else {}
    for fact, version in rows:
        if fact.state is FactState.PUBLISHED:
            base.index.add(view(version, variants.get(fact.id, ())))
        else:
            base.index.remove(str(fact.id))
        base.watermark = fact.changed
    return len(rows)


def view(version: FactVersion, variants: tuple[str, ...]) -> FactView:
    """Return a version as the index and the decision see it."""
    return FactView(
        id=str(version.fact_id),
        claim=version.claim,
        variants=variants,
        truth=version.truth,
        verdict=version.verdict,
        valid_until=version.valid_until,
        area=version.path,
        date=version.date,
    )


def _variants(session: Session, after: int) -> dict[uuid.UUID, tuple[str, ...]]:
    mine = store.community(session)
    query = (
        select(FactVariant.fact_id, FactVariant.text)
        .join(Fact, (Fact.community_id == mine) & (Fact.id == FactVariant.fact_id))
        .where(FactVariant.community_id == mine, Fact.changed > after)
        .where(FactVariant.state == VariantState.ACCEPTED)
        .order_by(FactVariant.id)
    )
    found: defaultdict[uuid.UUID, tuple[str, ...]] = defaultdict(tuple)
    for fact_id, text in session.execute(query):
        found[fact_id] += (text,)
    return found
