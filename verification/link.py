"""Links: the editor says that two facts stand side by side, or that one replaces the other."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from content import event
from content.base import new_id
from content.event import Actor
from content.staff import Role
from verification import facts
from verification.fact import Fact, FactLink, FactState, LinkKind, Refused

_EDITORS = frozenset({Role.EDITOR, Role.EXPERT, Role.PUBLISHER})
_NO_RIGHT = "只有编辑、专家或发布人能关联。 Only an editor, expert or publisher can link facts."
_ITSELF = "一条事实不能和自己关联。 A fact cannot be linked with itself: give two ids."
_NONE = "这两条没有关联。 These two are not linked: `linxun facts show` lists the links."
_GONE = "已撤回的不能关联。 A withdrawn fact cannot be linked: give one that stands."


def beside(session: Session, fact: Fact, other: Fact, actor: Actor, now: datetime) -> FactLink:
    """Let two facts stand side by side: both are told, and neither stops the other."""
    return _add(session, fact, other, LinkKind.BESIDE, actor, now)


def replace(session: Session, fact: Fact, other: Fact, actor: Actor, now: datetime) -> FactLink:
    """Let a fact take the place of another: at once if it answers, else when it is published.

    `settlement.replace` also tells who was told the other.
    """
    added = _add(session, fact, other, LinkKind.REPLACES, actor, now)
    if fact.state is FactState.PUBLISHED:
        facts.withdraw(session, other, actor, now)
    return added


def undo(session: Session, fact: Fact, other: Fact, actor: Actor, now: datetime) -> None:
    """Take a link back, whichever way it was made; what was withdrawn by it stays withdrawn."""
    facts.require(session, actor, _EDITORS, _NO_RIGHT)
    found = _between(session, fact, other)
    if not found:
        raise Refused(_NONE)
    for one in found:
        one.undone_at, one.undone_by = now, actor.id
    _touched(session, fact, other)
    event.add(session, actor, "fact.unlinked", fact.id, now, other=str(other.id))


def _add(
    session: Session, fact: Fact, other: Fact, kind: LinkKind, actor: Actor, now: datetime
) -> FactLink:
    facts.require(session, actor, _EDITORS, _NO_RIGHT)
    if fact.id == other.id:
        raise Refused(_ITSELF)
    if FactState.WITHDRAWN in (fact.state, other.state):
        raise Refused(_GONE)
    known = _between(session, fact, other)
    for one in known:
        if one.kind is kind and (kind is LinkKind.BESIDE or one.fact_id == fact.id):
            return one
        one.undone_at, one.undone_by = now, actor.id
    added = FactLink(
        community_id=fact.community_id,
        id=new_id(),
        fact_id=fact.id,
        other_id=other.id,
        kind=kind,
        made_at=now,
        made_by=actor.id,
    )
    session.add(added)
    _touched(session, fact, other)
    event.add(session, actor, "fact.linked", fact.id, now, other=str(other.id), how=kind)
    return added


def _between(session: Session, fact: Fact, other: Fact) -> list[FactLink]:
    forth = (FactLink.fact_id == fact.id) & (FactLink.other_id == other.id)
    back = (FactLink.fact_id == other.id) & (FactLink.other_id == fact.id)
    query = select(FactLink).where(
        FactLink.community_id == fact.community_id, or_(forth, back), FactLink.undone_at.is_(None)
    )
    return list(session.scalars(query.order_by(FactLink.id)))


def _touched(session: Session, *changed: Fact) -> None:
    for fact in changed:
        facts.touch(session, fact)
