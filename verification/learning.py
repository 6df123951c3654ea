"""Learning: wordings that find a fact, wordings that do not mean it; staff decide, and can undo."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Index, String, UniqueConstraint, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, identity, mask, store
from content.base import Base, Identified, Instant, Secret, new_id
from content.event import Actor, Door
from content.message import Kind as Channel
from content.staff import Role
from verification import facts, judgement, match, replay, shelf, standing, telling
from verification import text as texts
from verification.case import Heard, State
from verification.fact import FactVariant, Refused, VariantState
from verification.index import Candidate
from verification.match import Decision, Outcome
from verification.replay import Replay
from verification.telling import Mark

DECIDE = frozenset({Role.EXPERT, Role.VERIFIER, Role.PUBLISHER})
"""Who decides on what was learned."""
_LONGEST = 500
"""Characters of a question that are kept with what was learned of it."""
_DOORS = {Channel.CHAT: Door.CHAT, Channel.SMS: Door.SMS, Channel.CALL: Door.PHONE}
_UNKNOWN = "没有这条学到的说法。 There is no such lesson: `linxun rumors learned list` shows them."
_NO_RIGHT = (
    "只有专家、核实或发布人员能决定。 Only an expert, a verifier or a publisher decides on what "
    "was learned: ask one of them."
)


class FactNegative(Identified, Base):
    """A wording that does not mean a fact, though the desk took it for that."""

    __tablename__ = "fact_negative"

    fact_id: Mapped[uuid.UUID]
    text: Mapped[str] = mapped_column(Secret("fact_negative.text"))
    digest: Mapped[str] = mapped_column(String(32))
    """The keyed hash of what the text says without its noise, as questions have it."""
    times: Mapped[int]
    """How many questions in these words were not meant so."""
    state: Mapped[VariantState]
    made_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was last rejected or taken back."""
    undone_by: Mapped[uuid.UUID | None]

    __table_args__ = (UniqueConstraint("community_id", "fact_id", "digest"),)


Index("ix_fact_negative_digest", FactNegative.community_id, FactNegative.digest)


class Lesson(StrEnum):
    """What is learned: a wording means a fact, or it does not."""

    MEANS = "means"
    MEANS_NOT = "means_not"


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing that was learned, with the fact and who decided; numbers in `text` are covered."""

    id: uuid.UUID
    lesson: Lesson
    state: VariantState
    text: str
    code: str
    claim: str
    times: int
    made_at: datetime
    accepted_at: datetime | None
    accepted_by: uuid.UUID | None
    undone_at: datetime | None
    undone_by: uuid.UUID | None


def not_meant(session: Session, heard: Heard, now: datetime) -> None:
    """Take down that an asker meant none of what they were told or shown: it is proposed to staff.

    Call it before the question becomes a case. A letter of several points teaches nothing, for it
    is not known which of them was meant.
    """
    told = [row.fact_id for row in telling.of(session, heard.id)]
    if heard.state is State.ANSWERED:
        _mark(session, heard, Mark.NOT_MINE, now)
    if not heard.text or not heard.digest or heard.decision.get("parts"):
        return
    shown = heard.decision.get("shown", []) if heard.state is State.ASKED_BACK else told
    for fact_id in shown:
        _propose(session, heard, uuid.UUID(str(fact_id)), now)
    session.flush()


def useful(session: Session, heard: Heard, now: datetime) -> None:
    """Take down that an answer was useful to its asker."""
    _mark(session, heard, Mark.USEFUL, now)


def refused(session: Session, digest: str) -> set[uuid.UUID]:
    """Return the facts that a wording does not mean, as staff have accepted."""
    query = select(FactNegative.fact_id).where(
        FactNegative.community_id == store.community(session),
        FactNegative.digest == digest,
        FactNegative.state == VariantState.ACCEPTED,
    )
    return set(session.scalars(query))


def lessons(session: Session, now: datetime, zone: ZoneInfo) -> judgement.Revise:
    """Return what puts the accepted negative pairs over decisions."""
    mine = store.community(session)
    some = select(literal(1)).where(
        FactNegative.community_id == mine, FactNegative.state == VariantState.ACCEPTED
    )
    if session.scalar(some.limit(1)) is None:
        return judgement.as_it_is

    def revise(claim: str, decision: Decision) -> Decision:
        digest = store.digest(session, judgement.digest_of(claim, now, zone))
        return without(decision, {str(one) for one in refused(session, digest)})

    return revise


def without(decision: Decision, gone: Collection[str]) -> Decision:
    """Return a decision that neither answers with these facts nor offers them.

    What remains is asked about at most: it was not the likeliest.
    """
    kept = tuple(one for one in decision.candidates if not _is(one, gone))
    if kept == decision.candidates:
        return decision
    first = next(one for one in decision.candidates if _is(one, gone))
    if decision.outcome is Outcome.ANSWER:
        likely = (one for one in decision.ranked if one.probability >= match.DEFAULT.ask)
        kept = tuple(one for one in likely if not _is(one, gone))[: match.OFFERED]
    return replace(
        decision,
        outcome=Outcome.ASK if kept else Outcome.CASE,
        candidates=kept,
        why=f"{'ask' if kept else 'case'} (learned: {first.fact.id} is not meant): {decision.why}",
        veto="learned",
        differing=(),
        debunk=False,
    )


def everything(session: Session, state: VariantState | None = None) -> list[Learned]:
    """Return what residents have taught, or what of it is in this state, oldest first.

    Wordings that staff wrote themselves are no lessons, unless they were taken back.
    """
    mine = store.community(session)
    negatives = select(FactNegative).where(FactNegative.community_id == mine)
    variants = select(FactVariant).where(
        FactVariant.community_id == mine,
        FactVariant.made_by.is_(None) | FactVariant.undone_at.is_not(None),
    )
    rows: list[FactNegative | FactVariant] = [
        *session.scalars(variants),
        *session.scalars(negatives),
    ]
    wanted = [row for row in rows if state in (None, row.state)]
    return [_learned(session, row) for row in sorted(wanted, key=lambda row: row.id)]


def get(session: Session, name: str) -> FactNegative | FactVariant:
    """Return what was learned by its id; raises Refused for an unknown one."""
    mine = store.community(session)
    try:
        wanted = uuid.UUID(name)
    except ValueError:
        raise Refused(_UNKNOWN) from None
    found = session.get(FactNegative, (mine, wanted)) or session.get(FactVariant, (mine, wanted))
    if found is None:
        raise Refused(_UNKNOWN)
    return found


def accept(session: Session, row: FactNegative | FactVariant, actor: Actor, now: datetime) -> None:
    """Let it count: the wording finds its fact, or is never answered with it again.

    The opposite lesson of the same words is rejected by it.
    """
    _may(session, actor)
    if row.state is VariantState.ACCEPTED:
        return
    row.accepted_at, row.accepted_by = now, actor.id
    _move(session, row, VariantState.ACCEPTED, "accepted", actor, now)
    opposite = _opposite(session, row, now)
    if opposite is not None:
        reject(session, opposite, actor, now)


def reject(session: Session, row: FactNegative | FactVariant, actor: Actor, now: datetime) -> None:
    """Let it not count, and not be proposed again."""
    _may(session, actor)
    if row.state is not VariantState.REJECTED:
        row.undone_at, row.undone_by = now, actor.id
        _move(session, row, VariantState.REJECTED, "rejected", actor, now)


def undo(session: Session, row: FactNegative | FactVariant, actor: Actor, now: datetime) -> None:
    """Take a decision back: it is a proposal again, and what it rejected stands as before."""
    _may(session, actor)
    if row.state is VariantState.PROPOSED:
        return
    opposite = _opposite(session, row, now) if row.state is VariantState.ACCEPTED else None
    row.undone_at, row.undone_by = now, actor.id
    _move(session, row, VariantState.PROPOSED, "undone", actor, now)
    if opposite is not None and _gave_way(opposite, row):
        before = VariantState.ACCEPTED if opposite.accepted_at else VariantState.PROPOSED
        _move(session, opposite, before, "restored", actor, now)


def _gave_way(opposite: FactNegative | FactVariant, row: FactNegative | FactVariant) -> bool:
    """Return whether one lesson was rejected by the acceptance of the other."""
    rejected = opposite.state is VariantState.REJECTED
    return rejected and opposite.undone_at == row.accepted_at


def tried(session: Session, base: shelf.Base, row: FactNegative | FactVariant) -> Replay:
    """Return which past questions a wording would have answered that its fact has not.

    Nothing for a wording that does not mean its fact, or whose fact answers nobody.
    """
    shelf.refresh(session, base)
    view = base.index.get(str(row.fact_id))
    if view is None or isinstance(row, FactNegative):
        return Replay(0)
    asked, zone = replay.past(session), standing.zone(session)
    before = replay.run(base.index, [view.id], asked, zone)
    after = replay.trial(session, base, replace(view, variants=(*view.variants, row.text)))
    return Replay(after.asked, tuple(hit for hit in after.hits if hit not in before.hits))


def _move(
    session: Session,
    row: FactNegative | FactVariant,
    state: VariantState,
    what: str,
    actor: Actor,
    now: datetime,
) -> None:
    lesson = "variant" if isinstance(row, FactVariant) else "negative"
    row.state = state
    if isinstance(row, FactVariant):
        facts.touch(session, facts.get(session, row.fact_id))
    event.add(session, actor, f"{lesson}.{what}", row.fact_id, now, lesson=str(row.id))
    session.flush()


def _opposite(
    session: Session, row: FactNegative | FactVariant, now: datetime
) -> FactNegative | FactVariant | None:
    """Return the lesson that the same words mean the fact, where this one says they do not."""
    mine = store.community(session)
    if isinstance(row, FactNegative):
        digest = store.digest(session, texts.settled(row.text) or row.text)
        return session.scalar(
            select(FactVariant).where(
                FactVariant.community_id == mine,
                FactVariant.fact_id == row.fact_id,
                FactVariant.digest == digest,
            )
        )
    said = judgement.digest_of(row.text, now, standing.zone(session))
    return session.scalar(
        select(FactNegative).where(
            FactNegative.community_id == mine,
            FactNegative.fact_id == row.fact_id,
            FactNegative.digest == store.digest(session, said),
        )
    )


def _may(session: Session, actor: Actor) -> None:
    if actor.id is None or not identity.roles(session, actor.id) & DECIDE:
        raise Refused(_NO_RIGHT)


def _propose(session: Session, heard: Heard, fact_id: uuid.UUID, now: datetime) -> None:
    query = select(FactNegative).where(
        FactNegative.community_id == heard.community_id,
        FactNegative.fact_id == fact_id,
        FactNegative.digest == heard.digest,
    )
    known = session.scalar(query)
    if known is not None:
        known.times += 1
        return
    made = FactNegative(
        community_id=heard.community_id,
        id=new_id(),
        fact_id=fact_id,
        text=mask.mask(heard.text)[:_LONGEST],
        digest=heard.digest,
        times=1,
        state=VariantState.PROPOSED,
        made_at=now,
    )
    session.add(made)
    actor = Actor(_DOORS.get(heard.channel, Door.HOUSE))
    event.add(session, actor, "negative.proposed", fact_id, now, lesson=str(made.id))


def _mark(session: Session, heard: Heard, mark: Mark, now: datetime) -> None:
    """Keep one mark for each fact that the asker was told, the last one they gave."""
    for row in telling.of(session, heard.id):
        if row.mark is not mark:
            row.mark, row.marked_at = mark, now
            actor = Actor(_DOORS.get(heard.channel, Door.HOUSE))
            event.add(session, actor, "answer.marked", row.fact_id, now, mark=str(mark))
    session.flush()


def _is(one: Candidate, gone: Collection[str]) -> bool:
    """Return whether a candidate is refused, or judges the same claim as one that is."""
    return one.fact.id in gone or not one.fact.linked.isdisjoint(gone)


def _learned(session: Session, row: FactNegative | FactVariant) -> Learned:
    fact = facts.get(session, row.fact_id)
    means = isinstance(row, FactVariant)
    return Learned(
        id=row.id,
        lesson=Lesson.MEANS if means else Lesson.MEANS_NOT,
        state=row.state,
        text=mask.mask(row.text),
        code=fact.code,
        claim=facts.current(session, fact).claim,
        times=1 if isinstance(row, FactVariant) else row.times,
        made_at=row.made_at,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )
