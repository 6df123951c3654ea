"""Profile: how many residents are alike in needs, languages and the ways to reach them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, func
from sqlalchemy import select as select_
from sqlalchemy.orm import Session

from content import people, store
from content.message import Kind, Spoken, Written
from content.people import Address, Audience, Consent, Contact, Need, Resident

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


def count(session: Session, audience: Audience) -> Counter[Profile]:
    """Count the audience by profile, in the database: a few hundred of them at any size."""
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
        .where(Resident.id.in_(people.select(session, audience)))
        .subquery()
    )
    found: Counter[Profile] = Counter()
    rows: Any = session.execute(select_(*each.c, func.count()).group_by(*each.c))
    for needs, written, spoken, rank, own, theirs, many in rows:
        who = Profile(needs, written, spoken, rank == 0, _kinds(own), _kinds(theirs))
        found[who] += many
    return found


def beside(session: Session, audience: Audience) -> Counter[Profile]:
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
        .where(Resident.id.in_(people.select(session, audience)))
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
