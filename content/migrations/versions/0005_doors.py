"""Doors: what workers found there, with notes and photos; when a task was last told as late."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knock",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("found", sa.String(length=24), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("door", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("undo", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_knock")),
    )
    op.create_index("ix_knock_notice", "knock", ["community_id", "notice_id", "recipient_id"])
    op.create_index("ix_knock_recipient", "knock", ["community_id", "recipient_id"])
    op.create_table(
        "knock_file",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("knock_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_knock_file")),
    )
    op.create_index("ix_knock_file_knock", "knock_file", ["community_id", "knock_id"])
    op.add_column("task", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
