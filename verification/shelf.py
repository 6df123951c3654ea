"""Shelf: the facts that answer, held in memory and kept in step with the database."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import store
from verification.fact import (
    Fact,
    FactLink,
    FactState,
    FactVariant,
    FactVersion,
    LinkKind,
    VariantState,
)
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
    linked = beside(session) if rows else {}
    for fact, version in rows:
        if fact.state is FactState.PUBLISHED:
            base.index.add(view(version, variants.get(fact.id, ()), linked.get(fact.id)))
        else:
            base.index.remove(str(fact.id))
        base.watermark = fact.changed
    return len(rows)


def candidate(session: Session, fact: Fact) -> FactView:
    """Return the signed version of a fact, else its newest, as the index would see it."""
    number = fact.signed or fact.latest
    version = session.get_one(FactVersion, (fact.community_id, fact.id, number))
    accepted = select(FactVariant.text).where(
        FactVariant.community_id == fact.community_id,
        FactVariant.fact_id == fact.id,
        FactVariant.state == VariantState.ACCEPTED,
    )
    variants = tuple(session.scalars(accepted.order_by(FactVariant.id)))
    return view(version, variants, beside(session, fact.id).get(fact.id))


def view(
    version: FactVersion, variants: tuple[str, ...], linked: Iterable[uuid.UUID] | None = None
) -> FactView:
    """Return a version as the index and the decision see it; `linked` stand beside it."""
    return FactView(
        id=str(version.fact_id),
        claim=version.claim,
        variants=variants,
        truth=version.truth,
        verdict=version.verdict,
        valid_until=version.valid_until,
        area=version.path,
        date=version.date,
        linked=frozenset(str(other) for other in linked or ()),
    )


def beside(
    session: Session, fact_id: uuid.UUID | None = None
) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """Return which facts stand beside which, both ways; of one fact only where it is given."""
    query = select(FactLink.fact_id, FactLink.other_id).where(
        FactLink.community_id == store.community(session),
        FactLink.kind == LinkKind.BESIDE,
        FactLink.undone_at.is_(None),
    )
    if fact_id is not None:
        query = query.where((FactLink.fact_id == fact_id) | (FactLink.other_id == fact_id))
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for one, other in session.execute(query):
        found[one].add(other)
        found[other].add(one)
    return found


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
