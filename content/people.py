"""Residents, their contacts, the addresses of everybody, and who is meant by an audience."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    Index,
    Integer,
    Select,
    String,
    UniqueConstraint,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    text,
    type_coerce,
    update,
)
from sqlalchemy import select as select_
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, store
from content.base import Base, Identified, Instant, Secret, new_id
from content.event import Actor
from content.message import Kind, Spoken, Written
from content.need import Need as Need  # noqa: PLC0414 - also known as people.Need
from content.need import Needs
from content.number import Number as Number  # noqa: PLC0414 - also known as people.Number
from content.number import read as read_number
from content.place import Place
from content.staff import Role as Role  # noqa: PLC0414 - also known as people.Role
from content.staff import Staff as Staff  # noqa: PLC0414 - also known as people.Staff
from content.staff import StaffRole as StaffRole  # noqa: PLC0414 - also known as people.StaffRole


class Consent(StrEnum):
    """Whether an address may be used: imported with a legal basis, agreed to, or refused."""

    GRANTED = "granted"
    ASSUMED = "assumed"
    WITHDRAWN = "withdrawn"


class OwnerKind(StrEnum):
    """Whose an address is, and what a recipient can be."""

    RESIDENT = "resident"
    CONTACT = "contact"
    STAFF = "staff"
    BARE = "bare"


class Told(StrEnum):
    """When a contact is told: after the resident could not be reached, or together with them."""

    AFTER = "after"
    WITH = "with"


class Resident(Identified, Base):
    """Somebody who lives here; `number` is the committee's own, for imports."""

    __tablename__ = "resident"

    number: Mapped[str | None]
    """The number in the committee's list; the same number is the same person at every import."""
    name: Mapped[str] = mapped_column(Secret("resident.name"))
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    """The household; for an unverified resident the building."""
    needs: Mapped[frozenset[Need]] = mapped_column(Needs, default=frozenset())
    written: Mapped[Written] = mapped_column(default=Written.HANS)
    spoken: Mapped[Spoken] = mapped_column(default=Spoken.MANDARIN)
    verified: Mapped[bool] = mapped_column(default=True)
    """Imported or linked by a personal code; False for who came by a building's code."""
    joined_at: Mapped[datetime] = mapped_column(Instant)
    erased_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("community_id", "number"),)


class Contact(Identified, Base):
    """Somebody to turn to when a resident cannot be reached, in order of `rank`."""

    __tablename__ = "contact"

    resident_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(Secret("contact.name"))
    relation: Mapped[str] = mapped_column(Secret("contact.relation"), default="")
    rank: Mapped[int] = mapped_column(default=0)
    told: Mapped[Told] = mapped_column(default=Told.AFTER)


class Address(Identified, Base):
    """A number or chat by which one owner can be reached, with the consent to use it.

    A mobile number is two rows, `sms` and `call`; a landline only `call`.
    """

    __tablename__ = "address"

    owner_kind: Mapped[OwnerKind]
    owner_id: Mapped[uuid.UUID]
    kind: Mapped[Kind]
    value: Mapped[str] = mapped_column(Secret("address.value"))
    """E.164 number, or chat id."""
    digest: Mapped[str] = mapped_column(String(32))
    rank: Mapped[int] = mapped_column(default=0)
    consent: Mapped[Consent]
    consent_at: Mapped[datetime] = mapped_column(Instant)
    consent_via: Mapped[str] = mapped_column(default="")
    """The door through which it was last given or withdrawn."""
    written: Mapped[Written | None]
    """The language of a bare address, as it was last spoken; a resident's stands with them."""

    __table_args__ = (UniqueConstraint("community_id", "owner_id", "kind", "digest"),)


# who has been erased stands in it too: an audience is counted without a look at the rows
Index("ix_resident_place", Resident.community_id, Resident.place_id, Resident.erased_at)
Index("ix_contact_resident", Contact.community_id, Contact.resident_id, Contact.rank)
# few are told at once: who they are is asked for each stretch of an audience
Index(
    "ix_contact_with",
    Contact.community_id,
    Contact.resident_id,
    sqlite_where=text("told = 'with'"),
    postgresql_where=text("told = 'with'"),
)
is_told_with = text("contact.told = 'with'")
"""SQL, to the letter of that index: a contact is told together with the resident."""
Index("ix_address_owner", Address.community_id, Address.owner_id, Address.kind, Address.rank)
Index("ix_address_digest", Address.community_id, Address.kind, Address.digest)


class PeopleError(ValueError):
    """Something about a person cannot be done; the sentence (Chinese, English) says what to do."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant: place paths, any of these needs, these written languages; empty means all."""

    places: tuple[str, ...] = ()
    needs: frozenset[Need] = frozenset()
    languages: frozenset[Written] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, the same for equal audiences."""
        return {
            "places": sorted(self.places),
            "needs": sorted(self.needs),
            "languages": sorted(self.languages),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Audience":
        """Undo `to_json`; raises ValueError for an unknown need or language."""
        return cls(
            tuple(data.get("places", ())),
            frozenset(Need(need) for need in data.get("needs", ())),
            frozenset(Written(language) for language in data.get("languages", ())),
        )


class AddressView(NamedTuple):
    """An address without its number: what routing needs."""

    id: uuid.UUID
    owner_id: uuid.UUID
    kind: Kind
    digest: str
    rank: int
    consent: Consent


@dataclass(frozen=True, slots=True)
class ContactView:
    """Somebody to turn to for a resident; their addresses are under `id`."""

    id: uuid.UUID
    resident_id: uuid.UUID
    rank: int
    name: str = field(repr=False)
    relation: str = field(repr=False)
    told: Told = Told.AFTER


number = read_number
"""A telephone number as people write it, read: see `content.number.read`."""

_BATCH = 5_000
"""Values in one IN list: SQLite takes 32,766 at most."""
_FRAIL = {Need.ELDERLY, Need.DEAF, Need.BLIND, Need.MOBILITY, Need.LIVES_ALONE}
_needs = type_coerce(Resident.needs, Integer)

# not `!= 0`: PostgreSQL takes its contrary for rare, and would sort everybody for each page
is_vulnerable = _needs.bitwise_and(sum(need.bit for need in _FRAIL)) > 0
"""SQL: who needs more time or help."""
vulnerable = case((is_vulnerable, 0), else_=1)
"""SQL: 0 for who needs more time or help, 1 for everybody else; the outbox is ordered by it."""


def select(session: Session, audience: Audience) -> Select[uuid.UUID]:
    """Return the query for the ids of the residents whom `audience` means."""
    found = select_(Resident.id).where(
        Resident.community_id == store.community(session), Resident.erased_at.is_(None)
    )
    if audience.places:
        within = (Place.path.startswith(path, autoescape=True) for path in audience.places)
        found = found.where(
            Resident.place_id.in_(
                select_(Place.id).where(
                    Place.community_id == store.community(session), or_(*within)
                )
            )
        )
    if audience.needs:
        found = found.where(_needs.bitwise_and(sum(need.bit for need in audience.needs)) != 0)
    if audience.languages:
        found = found.where(Resident.written.in_(audience.languages))
    return found


def count(session: Session, audience: Audience) -> int:
    """Return how many residents `audience` means."""
    return (
        session.scalar(select_(func.count()).select_from(select(session, audience).subquery())) or 0
    )


def addresses(
    session: Session, owner_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[AddressView]]:
    """Return the addresses of each owner by rank; owners without any are absent."""
    found: dict[uuid.UUID, list[AddressView]] = defaultdict(list)
    columns = select_(
        Address.id,
        Address.owner_id,
        Address.kind,
        Address.digest,
        Address.rank,
        Address.consent,
    ).where(Address.community_id == store.community(session))
    for batch in batched(owner_ids):
        rows = columns.where(Address.owner_id.in_(batch)).order_by(Address.rank, Address.id)
        for row in session.execute(rows):
            found[row.owner_id].append(AddressView(*row))
    return dict(found)


def contacts(
    session: Session, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[ContactView]]:
    """Return the contacts of each resident by rank; residents without any are absent."""
    found: dict[uuid.UUID, list[ContactView]] = defaultdict(list)
    columns = select_(
        *(Contact.id, Contact.resident_id, Contact.rank),
        *(Contact.name, Contact.relation, Contact.told),
    ).where(Contact.community_id == store.community(session))
    for batch in batched(resident_ids):
        rows = columns.where(Contact.resident_id.in_(batch)).order_by(Contact.rank, Contact.id)
        for row in session.execute(rows):
            found[row.resident_id].append(ContactView(*row))
    return dict(found)


Owner = tuple[OwnerKind, uuid.UUID, uuid.UUID]
"""Whose a number or chat is: (owner kind, owner id, address id)."""


def owners(session: Session, kind: Kind, value: str) -> list[Owner]:
    """Return whose this number or chat id is."""
    # sorted here: asked for in order, SQLite would walk through everybody's addresses by their key
    rows = session.execute(_owners, _given(session, kind, value)).all()
    return sorted(((row.owner_kind, row.owner_id, row.id) for row in rows), key=itemgetter(2))


def add_address(
    session: Session,
    owner_kind: OwnerKind,
    owner_id: uuid.UUID,
    kind: Kind,
    value: str,
    now: datetime,
    *,
    rank: int = 0,
    consent: Consent = Consent.ASSUMED,
    via: str = "",
) -> uuid.UUID:
    """Add an address (E.164 or chat id) unless its owner has it, and return its id.

    An opt-out belongs to the number: who shares one that was withdrawn starts withdrawn.
    """
    known = session.execute(_owners, _given(session, kind, value)).all()
    for row in known:
        if row.owner_id == owner_id:
            return uuid.UUID(str(row.id))
    if any(row.consent is Consent.WITHDRAWN for row in known):
        consent = Consent.WITHDRAWN
    address = Address(
        community_id=store.community(session),
        id=new_id() if owner_kind is not OwnerKind.BARE else owner_id,
        owner_kind=owner_kind,
        owner_id=owner_id,
        kind=kind,
        value=value,
        digest=store.digest(session, value),
        rank=rank,
        consent=consent,
        consent_at=now,
        consent_via=via,
    )
    session.add(address)
    session.flush()
    moved(session)
    return address.id


def moved(session: Session) -> None:
    """Note that addresses came or went in this transaction: what was read of owners is old."""
    session.info["addresses"] = changes(session) + 1


def changes(session: Session) -> int:
    """Return how often addresses came or went in this transaction."""
    found: int = session.info.get("addresses", 0)
    return found


def set_consent(
    session: Session,
    kind: Kind,
    value: str,
    consent: Consent,
    via: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Record an opt-in or opt-out for every owner of the address; return how many there are."""
    found = owners(session, kind, value)
    session.execute(
        update(Address).where(_same).values(consent=consent, consent_at=now, consent_via=via),
        _given(session, kind, value),
    )
    for _, owner_id, address_id in found:
        data = {"via": kind, "address_id": str(address_id)}
        event.add(session, actor, f"consent.{consent}", owner_id, now, **data)
    return len(found)


def value(session: Session, address_id: uuid.UUID) -> str:
    """Return the number or chat id; raises PeopleError when it has been erased."""
    address = session.get(Address, (store.community(session), address_id))
    if address is None:
        raise PeopleError("这个联系方式已经删除。 This address has been erased.")
    return address.value


def forgotten(session: Session, listed: str) -> str:
    """Return what stands in place of an erased person's number: it can be compared, not read."""
    return f"x{store.digest(session, f'number:{listed}')}"


def batched(ids: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut ids, or paths, into lists that fit into one statement."""
    rest = iter(ids)
    while batch := list(islice(rest, _BATCH)):
        yield batch


_same = and_(
    Address.community_id == bindparam("here"),
    Address.kind == bindparam("of_kind"),
    Address.digest == bindparam("of_digest"),
)
_owners = select_(Address.owner_kind, Address.owner_id, Address.id, Address.consent).where(_same)


def _given(session: Session, kind: Kind, value: str) -> dict[str, object]:
    here, digest = store.community(session), store.digest(session, value)
    return {"here": here, "of_kind": kind, "of_digest": digest}
