"""Homes: a shared number rings once, members are called apart, contacts are told with them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("along", sa.String(length=32), nullable=True))
    op.add_column("attempt", sa.Column("home", sa.Uuid(), nullable=True))
    op.add_column(
        "contact",
        sa.Column("told", sa.String(length=24), nullable=False, server_default="after"),
    )
    beside = sa.text("told = 'with'")
    op.create_index(
        "ix_contact_with",
        "contact",
        ["community_id", "resident_id"],
        sqlite_where=beside,
        postgresql_where=beside,
    )
    shared, rings = sa.text("along IS NOT NULL"), sa.text("home IS NOT NULL")
    op.create_index(
        "ix_attempt_along",
        "attempt",
        ["community_id", "along"],
        sqlite_where=shared,
        postgresql_where=shared,
    )
    op.create_index(
        "ix_attempt_home",
        "attempt",
        ["community_id", "home", "started_at"],
        sqlite_where=rings,
        postgresql_where=rings,
    )
