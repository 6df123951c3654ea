"""The rumor engine: what the fact base, the cases and the reports need beside the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _trends()
    _facts()


def _facts() -> None:
    """A fact is signed by one and published by another; who stands behind it has a kind."""
    op.add_column("fact", sa.Column("published", sa.Integer(), nullable=False, server_default="0"))
    for column in (
        sa.Column("publisher", sa.String(length=24), nullable=False, server_default="unknown"),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("fact_version", column)
    # what has answered so far goes on answering
    op.execute("UPDATE fact SET published = signed")
    op.execute("UPDATE fact SET state = 'published' WHERE state = 'signed'")
    op.execute("UPDATE fact_version SET published_at = signed_at")


def _trends() -> None:
    """What is asked about now is found by its time."""
    op.create_index("ix_question_at", "question", ["community_id", "at"])
