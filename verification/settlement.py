"""Settlement: what an expert rules and another publishes reaches everyone who asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import event, store, task
from content.event import Actor
from content.notice import NoticeKind
from content.task import TaskKind
from verification import (
    agreement,
    answer,
    case,
    correction,
    errand,
    facts,
    link,
    reply,
    shelf,
    standing,
    telling,
    text,
)
from verification.case import Case
from verification.fact import Fact, FactState, FactVersion, LinkKind, Refused, Statement
from verification.slots import Polarity

_VARIANT = 200
"""Characters: a longer question makes no variant of a claim."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The fact that settles a case; `told` counts the addresses told at once.

    Where the fact `waits`, they are told when somebody else publishes it.
    """

    fact: Fact
    told: int = 0

    @property
    def waits(self) -> bool:
        return self.fact.waits


def settle(
    session: Session, matter: Case, actor: Actor, ruling: Fact | Statement, now: datetime
) -> Settled:
    """Settle a case as an expert, by a fact or a new statement, which becomes a signed fact.

    A fact that answers already answers this case at once; any other waits for who publishes it.
    What was asked becomes a variant, so that the next one who asks it is answered; where it denies
    what the claim says, it is only proposed. Raises Refused for who is no expert, a settled case,
    and a fact that may not be told.
    """
    facts.require_expert(session, actor)
    if matter.settled_at is not None:
        raise Refused(
            f"核实单{matter.number}已经办完，请改它的事实。 "
            f"Case {matter.number} is settled: change its fact, and everyone is corrected."
        )
    fact = ruling if isinstance(ruling, Fact) else facts.draft(session, actor, ruling, now)
    if fact.published == 0:
        sign(session, [fact], actor, now)
    version = facts.current(session, fact, fact.published or fact.signed)
    if fact.state is FactState.WITHDRAWN or not standing.current(session, version, now):
        raise Refused(
            "这条事实已撤回或过期，请用有效的。 "
            "This fact is withdrawn or out of date: settle with a current one."
        )
    if matter.matter.strip() and len(matter.matter) <= _VARIANT:
        same = _denies(matter.matter) == _denies(version.claim)
        facts.add_variant(session, fact, matter.matter, actor, now, accepted=same)
    matter.fact_id = fact.id
    errand.finish(session, matter, actor, now)
    event.add(session, actor, "case.ruled", matter.id, now, fact=str(fact.id))
    told = _answered(session, fact, version, actor, now) if fact.published else 0
    return Settled(fact, told)


def sign(
    session: Session, wanted: Sequence[Fact], actor: Actor, now: datetime
) -> list[FactVersion]:
    """Sign facts as an expert, and call the publishers to them: by one task, however many."""
    before = {fact.id for fact in wanted if fact.signed == fact.latest}
    signed = facts.sign_all(session, wanted, actor, now)
    fresh = [fact for fact in wanted if fact.id not in before]
    _called_off(session, fresh, "changed", actor, now)
    if len(fresh) == 1:
        note = _note(signed[wanted.index(fresh[0])])
        task.add(session, TaskKind.PUBLISH, actor, now, subject_id=fresh[0].id, note=note)
    elif fresh:
        task.add(session, TaskKind.PUBLISH, actor, now, note=f"{len(fresh)}条事实")
    return signed


def publish(
    session: Session,
    fact: Fact,
    actor: Actor,
    now: datetime,
    *,
    version: int = 0,
    base: shelf.Base | None = None,
) -> int:
    """Publish what another has signed; return how many addresses are told.

    Everyone who waits for it is answered, and who was told otherwise is corrected, by this fact or
    by one that it replaces. Takes and raises what `facts.publish` takes and raises.
    """
    made = facts.publish(session, fact, actor, now, version=version, base=base)
    _called_off(session, [fact], "published", actor, now)
    told = _answered(session, fact, made, actor, now) + correction.correct(session, fact, now)
    for other in sorted(agreement.links(session, fact, LinkKind.REPLACES)):
        told += correction.replace(session, facts.get(session, other), made, now)
    return told


def replace(session: Session, fact: Fact, other: Fact, actor: Actor, now: datetime) -> int:
    """Let a fact take the place of another; return how many are corrected.

    Nobody is told before the fact is published.
    """
    link.replace(session, fact, other, actor, now)
    if fact.state is not FactState.PUBLISHED:
        return 0
    return correction.replace(session, other, facts.current(session, fact), now)


def withdraw(session: Session, fact: Fact, actor: Actor, now: datetime) -> int:
    """Take a fact back; who was told it hears so. Return how many.

    What waited for it to be published goes back to the experts.
    """
    facts.withdraw(session, fact, actor, now)
    _called_off(session, [fact], "withdrawn", actor, now)
    _released(session, fact, now)
    return correction.correct(session, fact, now)


def send_back(session: Session, fact: Fact, actor: Actor, now: datetime) -> None:
    """Give what is signed back to the experts, as the publisher who will not publish it."""
    facts.send_back(session, fact, actor, now)
    _called_off(session, [fact], "returned", actor, now)
    _released(session, fact, now)


def told(session: Session, fact: Fact) -> int:
    """Return how many addresses would hear of a change: all that were told this fact."""
    return telling.told(session, fact.id)


def waiting(session: Session, fact: Fact) -> list[Case]:
    """Return the cases that wait for a fact to be published, oldest first."""
    query = select(Case).where(
        Case.community_id == store.community(session),
        Case.fact_id == fact.id,
        Case.settled_at.is_(None),
    )
    return list(session.scalars(query.order_by(Case.number)))


def _answered(
    session: Session, fact: Fact, version: FactVersion, actor: Actor, now: datetime
) -> int:
    """Tell a version to everyone whose case waits for it, and close the cases."""
    count = 0
    for matter in waiting(session, fact):
        count += _answer(session, matter, fact, version, now)
        case.close(session, matter, fact.id, actor, now)
    return count


def _released(session: Session, fact: Fact, now: datetime) -> None:
    """Let the cases that wait for a fact wait for an expert again."""
    for matter in waiting(session, fact):
        matter.fact_id = None
        errand.page(session, matter, now)


def _answer(session: Session, matter: Case, fact: Fact, version: FactVersion, now: datetime) -> int:
    waits = [heard for heard in case.askers(session, matter) if heard.address_id is not None]
    addresses = [heard.address_id for heard in waits if heard.address_id is not None]
    beside = reply.others(session, fact, now)
    fields = answer.fact(version, others=beside)
    texts = answer.same(fields, [heard.language for heard in waits])
    sent = answer.send(
        session, NoticeKind.ANSWER, texts, addresses, now, subject_id=version.fact_id
    )
    for heard in waits:
        heard.notice_id = sent
        for one in (version, *beside):
            telling.keep(session, heard.id, heard.address_id, one.fact_id, one.number, now)
    return len(set(addresses))


def _called_off(
    session: Session, gone: Sequence[Fact], outcome: str, actor: Actor, now: datetime
) -> None:
    """Close the tasks that called the publishers to facts; the last fact closes those to many."""
    ids = {fact.id for fact in gone}
    for one in task.waiting(session, TaskKind.PUBLISH):
        about_many = one.subject_id is None
        if one.subject_id in ids or (about_many and not facts.any_waiting(session)):
            task.done(session, one.id, outcome, actor, now)


def _note(version: FactVersion) -> str:
    return f"{version.claim}\n{version.truth}"


def _denies(words: str) -> bool:
    return text.normalise(words).polarity is Polarity.DENIED
