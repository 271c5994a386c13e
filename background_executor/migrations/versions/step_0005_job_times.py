"""What the scheduler says of a job's times: when it is to begin, and how long it ran."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns."""
    op.add_column("jobs", sa.Column("expected_start", sa.DateTime(timezone=True)))
    op.add_column("jobs", sa.Column("ran_s", sa.Float))
