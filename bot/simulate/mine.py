"""A scenario with the committee's own people: only counts are read, never a name or a number."""

from collections import Counter
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from bot.simulate.scenario import Group, Scenario, ScenarioError
from content import store
from content.message import Kind
from content.people import Address, Consent, Contact, Need, Resident

_OLDER = frozenset({Need.ELDERLY, Need.BLIND, Need.NO_SMARTPHONE})
"""Who is told like the group with the most elderly people."""


def like(session: Session, base: Scenario) -> Scenario:
    """Return the scenario with as many people, needs and kinds of addresses as the database has.

    What people do stays as the scenario says: the database does not know it.
    """
    here = store.community(session)
    rows = session.execute(
        select(
            Resident.needs, *(_has(kind) for kind in _KINDS), _mobile_refused(), _contact()
        ).where(Resident.community_id == here, Resident.erased_at.is_(None))
    ).all()
    if not rows:
        raise ScenarioError("还没有居民。 There are no residents yet: import your list first.")
    older, younger = _behaving(base)
    groups = [
        _group(model, [row for row in rows if bool(row[0] & _OLDER) is is_older], len(rows))
        for model, is_older in ((older, True), (younger, False))
    ]
    kept = tuple(group for group in groups if group.share)
    return replace(base, name=f"{base.name}-like-mine", residents=len(rows), groups=kept)


def _behaving(base: Scenario) -> tuple[Group, Group]:
    """Return the groups whose behaviour is taken: the oldest, and the largest of the others."""
    older = max(base.groups, key=lambda group: group.needs.get(Need.ELDERLY, 0.0))
    others = [group for group in base.groups if group is not older] or [older]
    return older, max(others, key=lambda group: group.share)


def _group(model: Group, rows: list[Any], whole: int) -> Group:
    count = max(1, len(rows))
    needs = Counter(need for row in rows for need in row[0])
    chat, mobile, call, refused, contact = (
        sum(bool(row[at]) for row in rows) / count for at in range(1, 6)
    )
    return replace(
        model,
        share=len(rows) / whole,
        needs={need: number / count for need, number in needs.items()},
        chat=chat,
        mobile=mobile,
        # who can be called and has no mobile has a landline
        landline=max(0.0, call - mobile),
        contact=contact,
        opted_out=refused,
        wrong=model.wrong,
    )


_KINDS = (Kind.CHAT, Kind.SMS, Kind.CALL)


def _has(kind: Kind) -> Any:
    return exists().where(_own(), Address.kind == kind).label(f"has_{kind}")


def _mobile_refused() -> Any:
    refused = Address.consent == Consent.WITHDRAWN
    return exists().where(_own(), Address.kind == Kind.SMS, refused).label("refused")


def _contact() -> Any:
    mine = and_(Contact.community_id == Resident.community_id, Contact.resident_id == Resident.id)
    return exists().where(mine).label("contact")


def _own() -> Any:
    return and_(Address.community_id == Resident.community_id, Address.owner_id == Resident.id)
