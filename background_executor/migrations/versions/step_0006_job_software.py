"""Which server_side a job runs, so that one that outlived an upgrade of the executor is shown."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("jobs", sa.Column("software", sa.Text))
