"""Residents, their contacts and addresses, and staff: who may be reached, how, and who may act."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Dialect, Index, Integer, String, TypeDecorator, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified, Instant, Owned, Secret
from content.message import Kind, Spoken, Written


class Need(StrEnum):
    """What must be taken into account when a person is reached or helped."""

    ELDERLY = "elderly"
    DEAF = "deaf"
    BLIND = "blind"
    NO_SMARTPHONE = "no_smartphone"
    LIVES_ALONE = "lives_alone"
    MOBILITY = "mobility"

    @property
    def bit(self) -> int:
        """Return the bit under which it is stored in `resident.needs`."""
        return 1 << list(Need).index(self)


class Needs(TypeDecorator[frozenset[Need]]):
    """A set of needs in one integer, so that SQL can select and order by them."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: frozenset[Need] | int | None, dialect: Dialect) -> int:
        del dialect
        return value if isinstance(value, int) else sum(need.bit for need in value or ())

    def process_result_value(self, value: int | None, dialect: Dialect) -> frozenset[Need]:
        del dialect
        return frozenset(need for need in Need if (value or 0) & need.bit)


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


class Role(StrEnum):
    """What a member of staff may do."""

    AUTHOR = "author"
    VERIFIER = "verifier"
    EDITOR = "editor"
    PUBLISHER = "publisher"
    EXPERT = "expert"
    GRID_WORKER = "grid_worker"
    ADMIN = "admin"


class CredentialKind(StrEnum):
    """What proves who somebody is."""

    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    INVITATION = "invitation"
    RESIDENT_CODE = "resident_code"
    BUILDING_CODE = "building_code"


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

    __table_args__ = (UniqueConstraint("community_id", "owner_id", "kind", "digest"),)


class Staff(Identified, Base):
    """Somebody who acts for the committee, as themselves on every door."""

    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(Secret("staff.name"))
    title: Mapped[str] = mapped_column(default="")
    """What residents may read beside an answer: 青禾水务 管网工程师."""
    place_id: Mapped[uuid.UUID | None]
    """The grid a grid worker looks after."""
    left_at: Mapped[datetime | None] = mapped_column(Instant)


class StaffRole(Owned, Base):
    """One role of one member of staff."""

    __tablename__ = "staff_role"

    staff_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)


class Credential(Identified, Base):
    """A token, invitation or code; only its hash is kept."""

    __tablename__ = "credential"

    kind: Mapped[CredentialKind]
    subject_id: Mapped[uuid.UUID]
    """Staff for tokens and invitations, a resident or a building for codes."""
    hash: Mapped[str]
    """argon2 for tokens; the keyed hash for codes, which are looked up by it."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


Index("ix_resident_place", Resident.community_id, Resident.place_id)
Index("ix_contact_resident", Contact.community_id, Contact.resident_id, Contact.rank)
Index("ix_address_owner", Address.community_id, Address.owner_id, Address.kind, Address.rank)
Index("ix_address_digest", Address.community_id, Address.kind, Address.digest)
Index("ix_credential_hash", Credential.community_id, Credential.kind, Credential.hash)
