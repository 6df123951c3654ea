"""An official fact: its tables, its versions that never change, its variants."""

import datetime as dt
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Date, Index, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from content.base import Base, Identified, Instant, Owned, Secret, SecretBytes
from verification.view import Verdict


class Refused(ValueError):  # noqa: N818 - a rule says no; nothing has gone wrong
    """The rules of the fact base or of the desk do not allow it; the sentence says what to do."""


class FactState(StrEnum):
    """Whether a fact answers anybody: only a published one does."""

    DRAFT = "draft"
    SIGNED = "signed"
    """An expert vouches for it; somebody else has still to publish it."""
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Publisher(StrEnum):
    """What kind of publisher stands behind a fact; its name is the source."""

    GOVERNMENT = "government"
    EXPERT = "expert"
    MEDIA = "media"
    UNKNOWN = "unknown"


class LinkKind(StrEnum):
    """How the editor has settled that two facts speak of the same matter."""

    BESIDE = "beside"
    """Both stand and are told together: two publishers disagree, or say the same."""
    REPLACES = "replaces"
    """The first takes the place of the second as soon as it is published."""


class VariantState(StrEnum):
    """How it stands with what was learned of a wording: only what is accepted counts."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a fact says. `truth` is a full sentence; `date` is when it was found to be so.

    `valid_until` is the last day on which it holds, None for good; `area` is a place path or
    name, "" for everywhere; `expert` is what residents read: 青禾水务 管网工程师.
    """

    claim: str
    truth: str
    verdict: Verdict
    explanation: str = ""
    source: str = ""
    expert: str = ""
    date: dt.date | None = None
    valid_until: dt.date | None = None
    area: str = ""
    category: str = ""
    publisher: Publisher = Publisher.UNKNOWN
    variants: tuple[str, ...] = ()


class Fact(Identified, Base):
    """A fact as it stands; what it says is in its versions."""

    __tablename__ = "fact"

    code: Mapped[str] = mapped_column(String(64))
    """The id in the file it came from, else its own id: the same code is the same fact."""
    state: Mapped[FactState]
    latest: Mapped[int] = mapped_column(default=1)
    """The newest version, signed or not."""
    signed: Mapped[int] = mapped_column(default=0)
    """The newest version that an expert has signed; 0 before the first signature."""
    published: Mapped[int] = mapped_column(default=0)
    """The version that answers; 0 before the first is published."""
    changed: Mapped[int]
    """Counts the changes of the whole base, so that each process can follow them."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    prepared: Mapped[bytes | None] = mapped_column(SecretBytes("fact.prepared"), deferred=True)
    """What is published with its accepted variants, as `verification.prepared` has cut it."""
    tokenizer: Mapped[str] = mapped_column(String(16), default="")
    """The version of what cut `prepared`: of another one it is not used."""

    @property
    def waits(self) -> bool:
        """Whether a signed version waits for who publishes it."""
        return self.state is not FactState.WITHDRAWN and self.signed > self.published

    # two changes with one number cannot both commit: no process can miss the second
    __table_args__ = (
        UniqueConstraint("community_id", "code"),
        UniqueConstraint("community_id", "changed"),
    )


class FactVersion(Owned, Base):
    """What a fact says since one moment; only signature and publication are added later."""

    __tablename__ = "fact_version"

    fact_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    claim: Mapped[str]
    truth: Mapped[str]
    verdict: Mapped[Verdict]
    explanation: Mapped[str]
    source: Mapped[str]
    expert: Mapped[str]
    date: Mapped[dt.date | None] = mapped_column(Date)
    valid_until: Mapped[dt.date | None] = mapped_column(Date)
    area: Mapped[str]
    path: Mapped[str] = mapped_column(default="")
    """The place path of `area`, "" for everywhere; the area itself where it names no place here."""
    category: Mapped[str]
    publisher: Mapped[Publisher] = mapped_column(default=Publisher.UNKNOWN)
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[uuid.UUID | None]
    signed_at: Mapped[datetime | None] = mapped_column(Instant)
    signed_by: Mapped[uuid.UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    published_by: Mapped[uuid.UUID | None]


class FactVariant(Identified, Base):
    """Another wording of a claim; encrypted, for residents wrote some of them."""

    __tablename__ = "fact_variant"

    fact_id: Mapped[uuid.UUID]
    text: Mapped[str] = mapped_column(Secret("fact_variant.text"))
    digest: Mapped[str] = mapped_column(String(32))
    """The keyed hash of the normalised text."""
    state: Mapped[VariantState]
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[uuid.UUID | None]
    """None where a resident's choice proposed it."""
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was last rejected or taken back."""
    undone_by: Mapped[uuid.UUID | None]

    __table_args__ = (UniqueConstraint("community_id", "fact_id", "digest"),)


class FactLink(Identified, Base):
    """What the editor has said of two facts; undone, it is kept with who did so and when."""

    __tablename__ = "fact_link"

    fact_id: Mapped[uuid.UUID]
    other_id: Mapped[uuid.UUID]
    kind: Mapped[LinkKind]
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    undone_by: Mapped[uuid.UUID | None]


Index("ix_fact_tokenizer", Fact.community_id, Fact.tokenizer)
Index("ix_fact_link_fact", FactLink.community_id, FactLink.fact_id)
Index("ix_fact_link_other", FactLink.community_id, FactLink.other_id)
Index("ix_fact_variant_digest", FactVariant.community_id, FactVariant.digest)
