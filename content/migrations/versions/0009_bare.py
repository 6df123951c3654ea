"""Bare addresses: who is known by their number or chat alone is answered in their language."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("address", sa.Column("written", sa.String(length=24), nullable=True))
