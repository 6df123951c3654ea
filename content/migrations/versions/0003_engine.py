"""The delivery engine: what is due in one index, repeats that say so, duties with one holder."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _deliveries()
    _attempts()
    op.drop_index("ix_resident_place", "resident")
    op.create_index("ix_resident_place", "resident", ["community_id", "place_id", "erased_at"])
    unfinished = sa.text("cursor IS NOT NULL")
    op.create_index(
        "ix_notice_growing",
        "notice",
        ["community_id", "made_at"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "lease",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "name", name=op.f("pk_lease")),
    )


def _deliveries() -> None:
    """Priority: severity x 10, + 2 after the first contact, + 1 for who is not vulnerable."""
    op.execute("UPDATE delivery SET priority = priority - 4 WHERE priority % 10 = 5")
    op.execute("UPDATE delivery SET priority = priority + 2 WHERE first_at IS NOT NULL")
    is_open = sa.text("state = 'open'")
    op.drop_index("ix_delivery_due", "delivery")
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["community_id", "kind", "priority", "next_at"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _attempts() -> None:
    under_way, asked_by_id = sa.text("closed_at IS NULL"), sa.text("kind != 'chat'")
    op.add_column(
        "attempt", sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    # of two open attempts to one number, which there should not be, the older one is lost track of
    op.execute(
        "UPDATE attempt SET closed_at = deadline WHERE closed_at IS NULL AND EXISTS (SELECT 1 FROM "
        "attempt AS newer WHERE newer.community_id = attempt.community_id AND newer.sender = "
        "attempt.sender AND newer.digest = attempt.digest AND newer.id > attempt.id "
        "AND newer.closed_at IS NULL)"
    )
    op.drop_index("ix_attempt_open", "attempt")
    op.create_index(
        "ix_attempt_open",
        "attempt",
        ["community_id", "sender", "digest"],
        unique=True,
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    op.drop_index("ix_attempt_provider", "attempt")
    op.create_index(
        "ix_attempt_provider",
        "attempt",
        ["community_id", "provider_id"],
        sqlite_where=asked_by_id,
        postgresql_where=asked_by_id,
    )
