"""The official fact base: draft, sign, publish, change, withdraw."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from content import event, identity, place, store
from content.base import new_id
from content.event import Actor
from content.place import Community, PlaceError
from content.staff import Role
from verification import agreement, shelf
from verification import text as texts
from verification.fact import (
    Fact,
    FactState,
    FactVariant,
    FactVersion,
    LinkKind,
    Refused,
    Statement,
    VariantState,
)
from verification.view import Verdict

_GONE = "这条事实已撤回，请写新的。 This fact was withdrawn: write a new one instead."
_UNKNOWN = "没有这条事实。 There is no fact with this id: `linxun facts list` shows them."
_INCOMPLETE = "要有说法，还要有一句完整的真相。 A fact needs a claim and the truth as a sentence."
_NO_SOURCE = "要写明来源。 A fact needs its source: residents are told who says so."
_NO_VERDICT = "要有结论，不能是 unknown。 A fact needs a verdict; unknown is none."
_NO_EXPERT = "只有专家能签发和办结。 Only an expert can sign or settle: ask one of them."
_NO_PUBLISHER = "只有发布人能发布。 Only a publisher can publish: ask one of them."
_NO_RIGHT = "只有专家或发布人能撤回。 Only an expert or a publisher can withdraw: ask one of them."
_OWN = (
    "您签发的要由另一位来发布。 "
    "You have signed this yourself: somebody else must publish it, as with an alert."
)
_UNSIGNED = (
    "专家还没有签发，不能发布。 No expert has signed this: `linxun facts sign` comes before."
)
_CHANGED = (
    "签发的内容已经换过，请看新的再发布。 "
    "What is signed has changed since you were asked: look at the new text, then publish that."
)


def draft(
    session: Session, actor: Actor, statement: Statement, now: datetime, *, code: str = ""
) -> Fact:
    """Write a new fact; it answers nobody before it is signed by an expert, then published."""
    _complete(statement)
    made = new_id()
    fact = Fact(
        community_id=store.community(session),
        id=made,
        code=code or str(made),
        state=FactState.DRAFT,
        latest=0,
        signed=0,
        published=0,
        changed=_next(session),
    )
    session.add(fact)
    _write(session, fact, actor, statement, now)
    event.add(session, actor, "fact.drafted", fact.id, now)
    return fact


def change(
    session: Session, fact: Fact, actor: Actor, statement: Statement, now: datetime
) -> FactVersion:
    """Write a new version. The published one answers until the new one is published."""
    _complete(statement)
    if fact.state is FactState.WITHDRAWN:
        raise Refused(_GONE)
    version = _write(session, fact, actor, statement, now)
    event.add(session, actor, "fact.changed", fact.id, now, version=version.number)
    return version


def sign(session: Session, fact: Fact, actor: Actor, now: datetime) -> FactVersion:
    """Sign the newest version as an expert: it waits for who publishes. Twice is harmless.

    Raises Refused for who is no acting expert, and for a withdrawn fact.
    """
    return sign_all(session, [fact], actor, now)[0]


def sign_all(
    session: Session, wanted: Sequence[Fact], actor: Actor, now: datetime
) -> list[FactVersion]:
    """Sign the newest versions of many facts; the same as to sign each."""
    require_expert(session, actor)
    if any(fact.state is FactState.WITHDRAWN for fact in wanted):
        raise Refused(_GONE)
    versions = [current(session, fact, fact.latest) for fact in wanted]
    for fact, version in zip(wanted, versions, strict=True):
        if fact.signed == fact.latest:
            continue
        version.signed_at, version.signed_by = now, actor.id
        fact.signed = fact.latest
        if not fact.published:
            fact.state = FactState.SIGNED
        event.add(session, actor, "fact.signed", fact.id, now, version=version.number)
    session.flush()
    return versions


def publish(
    session: Session,
    fact: Fact,
    actor: Actor,
    now: datetime,
    *,
    version: int = 0,
    base: shelf.Base | None = None,
) -> FactVersion:
    """Publish what an expert has signed: from now on it answers. Twice is harmless.

    `version` is what the publisher was shown, 0 for whatever is signed; `base` holds the published
    facts, where the caller has them in memory. What the fact replaces is withdrawn with it. Raises
    Refused for who is no publisher or has signed it themselves, and for a fact that is unsigned or
    withdrawn; Contradicts where a published fact says otherwise. `settlement.publish` also tells
    who waits for it.
    """
    require_publisher(session, actor)
    if fact.state is FactState.WITHDRAWN:
        raise Refused(_GONE)
    if fact.signed == 0:
        raise Refused(_UNSIGNED)
    if version not in (0, fact.signed):
        raise Refused(_CHANGED)
    signed = current(session, fact, fact.signed)
    if not fact.waits:
        return signed
    if signed.signed_by == actor.id:
        raise Refused(_OWN)
    agreement.agree(session, fact, now, base)
    signed.published_at, signed.published_by = now, actor.id
    fact.state, fact.published = FactState.PUBLISHED, fact.signed
    touch(session, fact)
    event.add(session, actor, "fact.published", fact.id, now, version=signed.number)
    for other in agreement.links(session, fact, LinkKind.REPLACES):
        take_back(session, get(session, other), actor, now)
    return signed


def linked(session: Session, fact: Fact) -> list[FactVersion]:
    """Return the published versions of the facts that stand beside a fact, oldest first."""
    beside = [
        get(session, other) for other in sorted(agreement.links(session, fact, LinkKind.BESIDE))
    ]
    return [current(session, one) for one in beside if one.state is FactState.PUBLISHED]


def send_back(session: Session, fact: Fact, actor: Actor, now: datetime) -> None:
    """Give a signed version back to the experts as a publisher; what answers goes on answering."""
    require_publisher(session, actor)
    if not fact.waits:
        raise Refused(_UNSIGNED)
    returned, fact.signed = fact.signed, fact.published
    if not fact.published:
        fact.state = FactState.DRAFT
    session.flush()
    event.add(session, actor, "fact.returned", fact.id, now, version=returned)


def withdraw(session: Session, fact: Fact, actor: Actor, now: datetime) -> None:
    """Take a fact back as expert or publisher: it answers nobody any more; versions are kept."""
    require(session, actor, {Role.EXPERT, Role.PUBLISHER}, _NO_RIGHT)
    take_back(session, fact, actor, now)


def take_back(session: Session, fact: Fact, actor: Actor, now: datetime) -> None:
    """Mark a fact as withdrawn, whoever may decide so; twice is harmless."""
    if fact.state is FactState.WITHDRAWN:
        return
    fact.state, fact.withdrawn_at = FactState.WITHDRAWN, now
    touch(session, fact)
    event.add(session, actor, "fact.withdrawn", fact.id, now, version=fact.published)


def add_variant(
    session: Session, fact: Fact, wording: str, actor: Actor, now: datetime, *, accepted: bool
) -> FactVariant | None:
    """Add another wording; None when this fact has it already.

    One that staff write is `accepted` at once; one that a resident's choice suggests waits.
    """
    digest = store.digest(session, texts.settled(wording) or wording)
    mine = store.community(session)
    known = select(FactVariant.id).where(
        FactVariant.community_id == mine,
        FactVariant.fact_id == fact.id,
        FactVariant.digest == digest,
    )
    if session.scalar(known) is not None:
        return None
    made = FactVariant(
        community_id=mine,
        id=new_id(),
        fact_id=fact.id,
        text=wording,
        digest=digest,
        state=VariantState.ACCEPTED if accepted else VariantState.PROPOSED,
        made_at=now,
        made_by=actor.id,
        accepted_at=now if accepted else None,
        accepted_by=actor.id if accepted else None,
    )
    session.add(made)
    session.flush()
    if accepted:
        touch(session, fact)
    return made


def get(session: Session, fact_id: uuid.UUID) -> Fact:
    """Return a fact; raises Refused for an unknown id."""
    found = session.get(Fact, (store.community(session), fact_id))
    if found is None:
        raise Refused(_UNKNOWN)
    return found


def named(session: Session, name: str) -> Fact:
    """Return the fact with this code or id; raises Refused where there is none."""
    mine = store.community(session)
    found = session.scalar(select(Fact).where(Fact.community_id == mine, Fact.code == name))
    if found is not None:
        return found
    try:
        return get(session, uuid.UUID(name))
    except ValueError:
        raise Refused(_UNKNOWN) from None


def current(session: Session, fact: Fact, number: int | None = None) -> FactVersion:
    """Return version `number` of a fact; by default the published one, else the newest."""
    wanted = number or fact.published or fact.latest
    return session.get_one(FactVersion, (fact.community_id, fact.id, wanted))


def everything(session: Session, *, published: bool = False) -> Select[Fact, FactVersion]:
    """Select all facts with their newest (or published) version, in the order of their making."""
    number = Fact.published if published else Fact.latest
    joined = (FactVersion.fact_id == Fact.id) & (FactVersion.number == number)
    return (
        select(Fact, FactVersion)
        .join(FactVersion, (FactVersion.community_id == Fact.community_id) & joined)
        .where(Fact.community_id == store.community(session))
        .order_by(Fact.id)
    )


def wordings(session: Session, fact: Fact) -> list[FactVariant]:
    """Return the variants of a fact, oldest first."""
    query = select(FactVariant).where(
        FactVariant.community_id == fact.community_id, FactVariant.fact_id == fact.id
    )
    return list(session.scalars(query.order_by(FactVariant.id)))


def require_expert(session: Session, actor: Actor) -> None:
    """Raise Refused unless an acting expert acts."""
    require(session, actor, {Role.EXPERT}, _NO_EXPERT)


def require_publisher(session: Session, actor: Actor) -> None:
    """Raise Refused unless an acting publisher acts."""
    require(session, actor, {Role.PUBLISHER}, _NO_PUBLISHER)


def require(session: Session, actor: Actor, wanted: Collection[Role], refusal: str) -> None:
    """Raise Refused with a sentence unless who acts has one of the roles."""
    if actor.id is None or not identity.roles(session, actor.id) & set(wanted):
        raise Refused(refusal)


def unsigned(session: Session) -> list[Fact]:
    """Return the facts whose newest version waits for an expert, oldest first."""
    query = select(Fact).where(
        Fact.community_id == store.community(session),
        Fact.state != FactState.WITHDRAWN,
        Fact.latest > Fact.signed,
    )
    return list(session.scalars(query.order_by(Fact.id)))


def expired(session: Session, since: datetime, now: datetime) -> list[Fact]:
    """Return the published facts whose last day ended after `since`, oldest first."""
    zone = ZoneInfo(session.get_one(Community, store.community(session)).zone)
    query = (
        everything(session, published=True)
        .where(Fact.state == FactState.PUBLISHED)
        .where(FactVersion.valid_until < now.astimezone(zone).date())
        .where(FactVersion.valid_until >= since.astimezone(zone).date())
    )
    return [fact for fact, _ in session.execute(query)]


def waiting(session: Session) -> list[Fact]:
    """Return the facts with a signed version that waits for who publishes it, oldest first."""
    return list(session.scalars(_signed(session).order_by(Fact.id)))


def any_waiting(session: Session) -> bool:
    """Return whether a signed version waits for who publishes it."""
    return session.scalars(_signed(session).limit(1)).first() is not None


def _write(
    session: Session, fact: Fact, actor: Actor, statement: Statement, now: datetime
) -> FactVersion:
    said = asdict(statement)
    variants = said.pop("variants")
    fact.latest += 1
    version = FactVersion(
        community_id=fact.community_id,
        fact_id=fact.id,
        number=fact.latest,
        made_at=now,
        made_by=actor.id,
        path=_path(session, statement.area),
        **said,
    )
    session.add(version)
    session.flush()
    for wording in variants:
        add_variant(session, fact, wording, actor, now, accepted=True)
    return version


def _path(session: Session, area: str) -> str:
    """Return the path of an area; one that is not ours keeps its name and answers nobody here."""
    mine = store.community(session)
    if not area or area == session.get_one(Community, mine).name:
        return ""
    try:
        found = place.find(session, area)
    except PlaceError:
        found = None
    if found is None:
        return area
    return "" if found.path == "/" else found.path


def _signed(session: Session) -> Select[Fact]:
    return select(Fact).where(
        Fact.community_id == store.community(session),
        Fact.state != FactState.WITHDRAWN,
        Fact.signed > Fact.published,
    )


def _complete(statement: Statement) -> None:
    if not statement.claim.strip() or not statement.truth.strip():
        raise Refused(_INCOMPLETE)
    if not statement.source.strip():
        raise Refused(_NO_SOURCE)
    if statement.verdict is Verdict.UNKNOWN:
        raise Refused(_NO_VERDICT)


def touch(session: Session, fact: Fact) -> None:
    """Note that a fact has changed, so that every process follows."""
    fact.changed = _next(session)
    shelf.keep(session, fact)
    session.flush()


def _next(session: Session) -> int:
    mine = store.community(session)
    session.flush()
    last = session.scalar(select(func.max(Fact.changed)).where(Fact.community_id == mine))
    return (last or 0) + 1
