"""Profile: how many residents are alike in needs, languages and the ways to reach them.

Also how often the phone rings for them: a number is called once for all who share it.
"""

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    and_,
    case,
    exists,
    func,
    literal,
    type_coerce,
    union_all,
)
from sqlalchemy import select as select_
from sqlalchemy.orm import Session

from content import meant, people, store
from content.message import Kind, Spoken, Written
from content.people import Address, Audience, Consent, Contact, Need, Resident
from content.place import Place, PlaceKind

_DIGITS = 1_000
_KINDS = (Kind.CHAT, Kind.SMS, Kind.CALL)
_MOST = {Kind.CHAT: 1, Kind.SMS: 1, Kind.CALL: 2}
"""One is as good as many, but for the second number that can be called."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Residents who are told alike. Addresses whose consent was withdrawn are left out."""

    needs: frozenset[Need]
    written: Written
    spoken: Spoken
    vulnerable: bool
    own: tuple[Kind, ...]
    """The kinds of their own addresses."""
    contacts: tuple[Kind, ...]
    """The kinds by which their contacts can be reached."""


class Rings(NamedTuple):
    """How often phones ring for some people, each called once."""

    numbers: int
    """Who shares a number is called together."""
    apart: tuple[int, ...]
    """How many of them are the second number of their home, the third, ...: they wait."""


def count(
    session: Session, audience: Audience, replaces: uuid.UUID | None = None
) -> Counter[Profile]:
    """Count the audience by profile, in the database: a few hundred of them at any size.

    replaces: the alert that is updated; who was tried about it is counted too.
    """
    contacts = select_(Contact.id).where(
        Contact.community_id == store.community(session), Contact.resident_id == Resident.id
    )
    columns = (
        Resident.needs,
        Resident.written,
        Resident.spoken,
        people.vulnerable.label("rank"),
        _ways(session, Address.owner_id == Resident.id).label("own"),
        _ways(session, Address.owner_id.in_(contacts.correlate(Resident))).label("theirs"),
    )
    each = (
        select_(*columns)
        .where(Resident.community_id == store.community(session))
        .where(Resident.id.in_(meant.ids(session, audience, replaces)))
        .subquery()
    )
    found: Counter[Profile] = Counter()
    rows: Any = session.execute(select_(*each.c, func.count()).group_by(*each.c))
    for needs, written, spoken, rank, own, theirs, many in rows:
        who = Profile(needs, written, spoken, rank == 0, _kinds(own), _kinds(theirs))
        found[who] += many
    return found


def rings(
    session: Session,
    audience: Audience,
    whom: Collection[Profile],
    replaces: uuid.UUID | None = None,
) -> Rings:
    """Count the numbers of those of an audience who are alike `whom`, each with their first one."""
    own = and_(
        Address.community_id == store.community(session),
        Address.owner_id == Resident.id,
        Address.consent != Consent.WITHDRAWN,
    )
    first = (
        select_(Address.digest)
        .where(own, Address.kind == Kind.CALL)
        .order_by(Address.rank, Address.id)
        .limit(1)
        .correlate(Resident)
        .scalar_subquery()
    )
    alike = type_coerce(Resident.needs, Integer) * 4
    for kind, worth in _ALIKE.items():
        has = exists(select_(literal(1)).where(own, Address.kind == kind))
        alike += case((has.correlate(Resident), worth), else_=0)
    # who is known by their building only is nobody's housemate
    home = case((Place.kind == PlaceKind.HOUSEHOLD, Place.id), else_=Resident.id)
    there = and_(Place.community_id == Resident.community_id, Place.id == Resident.place_id)
    each = (
        select_(home.label("home"), first.label("number"))
        .select_from(Resident)
        .join(Place, there)
        .where(Resident.community_id == store.community(session))
        .where(Resident.id.in_(meant.ids(session, audience, replaces)))
        .where(alike.in_({_alike(who) for who in whom}))
        .distinct()
        .cte()
    )
    homes = select_(func.count().label("ring")).select_from(each).group_by(each.c.home).subquery()
    query: Any = union_all(
        select_(literal(0), func.count(each.c.number.distinct())),
        select_(homes.c.ring, func.count()).group_by(homes.c.ring),
    )
    found: dict[int, int] = dict(session.execute(query).all())
    numbers, later = found.pop(0), range(2, max(found, default=0) + 1)
    return Rings(numbers, tuple(sum(found[n] for n in found if n >= nth) for nth in later))


_ALIKE = {Kind.CHAT: 2, Kind.SMS: 1}
"""What besides their needs decides how somebody who can be called is told first."""


def _alike(who: Profile) -> int:
    ways = sum(worth for kind, worth in _ALIKE.items() if kind in who.own)
    return sum(need.bit for need in who.needs) * 4 + ways


def beside(
    session: Session, audience: Audience, replaces: uuid.UUID | None = None
) -> Counter[Profile]:
    """Count the contacts who are told together with the audience, by the ways to reach them."""
    columns = (
        Resident.written,
        Resident.spoken,
        people.vulnerable.label("rank"),
        _ways(session, Address.owner_id == Contact.id, Contact).label("ways"),
    )
    theirs = and_(Contact.community_id == Resident.community_id, Contact.resident_id == Resident.id)
    each = (
        select_(*columns)
        .join(Contact, theirs)
        .where(Resident.community_id == store.community(session), people.is_told_with)
        .where(Resident.id.in_(meant.ids(session, audience, replaces)))
        .subquery()
    )
    found: Counter[Profile] = Counter()
    rows: Any = session.execute(select_(*each.c, func.count()).group_by(*each.c))
    for written, spoken, rank, ways, many in rows:
        found[Profile(frozenset(), written, spoken, rank == 0, (), _kinds(ways))] += many
    return found


def _ways(
    session: Session, whose: ColumnElement[bool], of: type[Resident | Contact] = Resident
) -> ScalarSelect[int]:
    """Count somebody's addresses, three digits for each kind: one look into the index."""
    worth = {kind: _DIGITS**at for at, kind in enumerate(_KINDS)}
    one = case(worth, value=Address.kind, else_=0)
    return (
        select_(func.coalesce(func.sum(one), 0))
        .where(Address.community_id == store.community(session), whose)
        .where(Address.consent != Consent.WITHDRAWN)
        .correlate(of)
        .scalar_subquery()
    )


def _kinds(ways: int) -> tuple[Kind, ...]:
    found: tuple[Kind, ...] = ()
    for kind in _KINDS:
        ways, many = divmod(ways, _DIGITS)
        found += (kind,) * min(many, _MOST[kind])
    return found
