"""Who acts for the committee, in which roles, and what proves it: tables without rules."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified, Instant, Owned, Secret


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


Index("ix_credential_hash", Credential.community_id, Credential.kind, Credential.hash)
