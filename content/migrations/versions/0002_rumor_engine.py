"""The rumor engine: what the fact base, the cases and the reports need beside the first tables."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
