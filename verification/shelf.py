"""Shelf: the facts that answer, held in memory and kept in step with the database."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from content import store
from verification import prepared
from verification.fact import (
    Fact,
    FactLink,
    FactState,
    FactVariant,
    FactVersion,
    LinkKind,
    VariantState,
)
from verification.index import Index
from verification.view import FactView, Mark

RENEWED = 100
"""Facts that are cut anew in one transaction: a fraction of a second."""
_FETCHED = 1000


@dataclass(slots=True)
class Base:
    """The published facts in memory, and the number of the last change that they hold."""

    index: Index = field(default_factory=Index)
    watermark: int = 0


def base(session: Session) -> Base:
    """Build the index of all published facts; done once when a process starts.

    Nothing is cut, for each fact has its prepared form beside it. Only what another version
    has cut is cut once more, in memory; `renew` stores it so.
    """
    made = Base()
    refresh(session, made)
    return made


def refresh(session: Session, base: Base) -> int:
    """Bring `base` up to what any process has committed; return how many facts changed."""
    seen: list[int] = []
    gone: list[str] = []
    base.index.load(_answering(session, base.watermark, seen, gone))
    for fact_id in gone:
        base.index.remove(fact_id)
    base.watermark = max(seen, default=base.watermark)
    return len(seen)


def _answering(
    session: Session, after: int, seen: list[int], gone: list[str]
) -> Iterator[tuple[str, Mark, bytes]]:
    """Yield what answers of all that has changed; note the changes seen and what is gone."""
    links: Mapping[uuid.UUID, set[uuid.UUID]] = {}
    for row in _changed(session, after):
        links = links if seen else beside(session)
        seen.append(row.changed)
        if row.state is not FactState.PUBLISHED:
            gone.append(str(row.id))
            continue
        linked = frozenset(map(str, links.get(row.id, ())))
        mark = Mark(row.verdict, row.valid_until, row.path, row.date, linked)
        yield str(row.id), mark, _form(session, row)


def _changed(session: Session, after: int) -> Iterable[Row[Any]]:
    """Select what has changed after a number, in the order of the changes."""
    query = (
        select(
            Fact.id, Fact.changed, Fact.state, Fact.prepared, Fact.tokenizer, Fact.published,
            FactVersion.verdict, FactVersion.valid_until, FactVersion.path, FactVersion.date,
        )
        .outerjoin(
            FactVersion,
            (FactVersion.community_id == Fact.community_id)
            & (FactVersion.fact_id == Fact.id)
            & (FactVersion.number == Fact.published),
        )
        .where(Fact.community_id == store.community(session), Fact.changed > after)
        .order_by(Fact.changed)
    )  # fmt: skip
    return session.execute(query.execution_options(yield_per=_FETCHED))


def _form(session: Session, row: Row[Any]) -> bytes:
    """Return the prepared form of a fact, cut now where the stored one is of another version."""
    if row.prepared is not None and row.tokenizer == prepared.version():
        stored: bytes = row.prepared
        return stored
    return _cut(session, row.id, row.published)


def keep(session: Session, fact: Fact) -> None:
    """Store the prepared form of what a fact answers, none of one that answers nobody.

    To be called whenever that changes.
    """
    if fact.state is not FactState.PUBLISHED:
        fact.prepared, fact.tokenizer = None, ""
        return
    fact.prepared = _cut(session, fact.id, fact.published)
    fact.tokenizer = prepared.version()


def renew(session: Session, limit: int = RENEWED) -> int:
    """Store the forms of up to `limit` facts that another version has cut; return how many.

    Called until nothing is left when the program starts, for an update may cut differently.
    """
    now = prepared.version()
    query = select(Fact).where(
        Fact.community_id == store.community(session),
        # two ranges of the index, where "is not" would read every fact
        (Fact.tokenizer < now) | (Fact.tokenizer > now),
        Fact.state == FactState.PUBLISHED,
    )
    stale = session.scalars(query.limit(limit)).all()
    for fact in stale:
        keep(session, fact)
    session.flush()
    return len(stale)


def candidate(session: Session, fact: Fact) -> FactView:
    """Return the signed version of a fact, else its newest, as the index would see it."""
    version, variants = _said(session, fact.id, fact.signed or fact.latest)
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


def _cut(session: Session, fact_id: uuid.UUID, number: int) -> bytes:
    return prepared.prepare(view(*_said(session, fact_id, number)))


def _said(session: Session, fact_id: uuid.UUID, number: int) -> tuple[FactVersion, tuple[str, ...]]:
    """Return one version of a fact and its accepted variants."""
    mine = store.community(session)
    version = session.get_one(FactVersion, (mine, fact_id, number))
    accepted = select(FactVariant.text).where(
        FactVariant.community_id == mine,
        FactVariant.fact_id == fact_id,
        FactVariant.state == VariantState.ACCEPTED,
    )
    return version, tuple(session.scalars(accepted.order_by(FactVariant.id)))


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
