"""Who was told which version of a fact, so that a correction finds them all."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Uuid, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import store
from content.base import Base, Instant, Owned


class Mark(StrEnum):
    """What an asker says of an answer."""

    USEFUL = "useful"
    NOT_MINE = "not_mine"


class Telling(Owned, Base):
    """What one asker has been told of one fact."""

    __tablename__ = "telling"

    question_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    fact_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    address_id: Mapped[uuid.UUID]
    version: Mapped[int]
    """The version that the asker knows now."""
    withdrawn: Mapped[bool] = mapped_column(default=False)
    """Whether they have heard that it was withdrawn."""
    at: Mapped[datetime] = mapped_column(Instant)
    mark: Mapped[Mark | None]
    """What the asker last said of it."""
    marked_at: Mapped[datetime | None] = mapped_column(Instant)


Index("ix_telling_fact", Telling.community_id, Telling.fact_id)
Index("ix_telling_at", Telling.community_id, Telling.at)


def keep(
    session: Session,
    question_id: uuid.UUID,
    address_id: uuid.UUID | None,
    fact_id: uuid.UUID,
    version: int,
    now: datetime,
) -> None:
    """Keep that an asker is told a version; nothing for who cannot be reached again."""
    if address_id is None:
        return
    session.merge(
        Telling(
            community_id=store.community(session),
            question_id=question_id,
            fact_id=fact_id,
            address_id=address_id,
            version=version,
            withdrawn=False,
            at=now,
        )
    )
    session.flush()


def outdated(session: Session, fact_id: uuid.UUID, version: int, *, gone: bool) -> list[Telling]:
    """Return who knows another version, or not yet that the fact is `gone`; newest first."""
    stale = Telling.withdrawn.is_(False) if gone else Telling.version != version
    query = select(Telling).where(
        Telling.community_id == store.community(session), Telling.fact_id == fact_id, stale
    )
    return list(session.scalars(query.order_by(Telling.question_id.desc())))


def told(session: Session, fact_id: uuid.UUID) -> int:
    """Return how many addresses have been told a fact, in whichever version."""
    query = select(func.count(func.distinct(Telling.address_id))).where(
        Telling.community_id == store.community(session), Telling.fact_id == fact_id
    )
    return session.scalar(query) or 0


def unaware(session: Session, fact_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Telling]]:
    """Return, for each of these facts, who has not heard that it does not hold any more."""
    query = select(Telling).where(
        Telling.community_id == store.community(session),
        Telling.fact_id.in_(list(fact_ids)),
        Telling.withdrawn.is_(False),
    )
    found: defaultdict[uuid.UUID, list[Telling]] = defaultdict(list)
    for one in session.scalars(query.order_by(Telling.question_id.desc())):
        found[one.fact_id].append(one)
    return found


def counts(session: Session) -> dict[uuid.UUID, int]:
    """Return how many addresses have been told each fact that anybody was told."""
    query = (
        select(Telling.fact_id, func.count(func.distinct(Telling.address_id)).label("addresses"))
        .where(Telling.community_id == store.community(session))
        .group_by(Telling.fact_id)
    )
    return {row.fact_id: row.addresses for row in session.execute(query)}


def of(session: Session, question_id: uuid.UUID) -> list[Telling]:
    """Return what the asker of a question was told."""
    query = select(Telling).where(
        Telling.community_id == store.community(session), Telling.question_id == question_id
    )
    return list(session.scalars(query.order_by(Telling.fact_id)))
