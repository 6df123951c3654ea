"""The rumor engine: what the fact base, the cases and the reports need beside the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _trends()
    _learning()
    _facts()
    _prepared()
    _cases()


def _facts() -> None:
    """A fact is signed by one and published by another; who stands behind it has a kind."""
    op.add_column("fact", sa.Column("published", sa.Integer(), nullable=False, server_default="0"))
    for column in (
        sa.Column("publisher", sa.String(length=24), nullable=False, server_default="unknown"),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("fact_version", column)
    op.create_table(
        "fact_link",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_fact_link")),
    )
    op.create_index("ix_fact_link_fact", "fact_link", ["community_id", "fact_id"])
    op.create_index("ix_fact_link_other", "fact_link", ["community_id", "other_id"])
    # what has answered so far goes on answering
    op.execute("UPDATE fact SET published = signed")
    op.execute("UPDATE fact SET state = 'published' WHERE state = 'signed'")
    op.execute("UPDATE fact_version SET published_at = signed_at")


def _prepared() -> None:
    """A fact is kept cut beside itself, encrypted, for residents' wordings are in it."""
    op.add_column("fact", sa.Column("prepared", sa.LargeBinary(), nullable=True))
    op.add_column(
        "fact", sa.Column("tokenizer", sa.String(length=16), nullable=False, server_default="")
    )
    op.create_index("ix_fact_tokenizer", "fact", ["community_id", "tokenizer"])
    op.drop_column("fact_version", "terms")
    op.drop_column("fact_version", "tokenizer")


def _trends() -> None:
    """What is asked about now is found by its time."""
    op.create_index("ix_question_at", "question", ["community_id", "at"])
    op.add_column("telling", sa.Column("mark", sa.String(length=24), nullable=True))
    op.add_column("telling", sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_telling_at", "telling", ["community_id", "at"])


def _learning() -> None:
    """What was learned of wordings can be taken back; answers are sampled and judged by staff."""
    for column in (
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("fact_variant", column)
    op.create_table(
        "fact_negative",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_fact_negative")),
        sa.UniqueConstraint(
            "community_id",
            "fact_id",
            "digest",
            name=op.f("uq_fact_negative_community_id_fact_id_digest"),
        ),
    )
    op.create_index("ix_fact_negative_digest", "fact_negative", ["community_id", "digest"])
    op.create_table(
        "answer_sample",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=True),
        sa.Column("good", sa.Boolean(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint(
            "community_id", "question_id", "fact_id", name=op.f("pk_answer_sample")
        ),
    )


def _cases() -> None:
    """A case has an owner, may go into another, and its askers hear that it is still open."""
    for column in (
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_id", sa.Uuid(), nullable=True),
        sa.Column("ruling", sa.LargeBinary(), nullable=True),
        sa.Column("stamp", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("case", column)
    op.add_column("question", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
