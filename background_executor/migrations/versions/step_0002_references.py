"""References: versions of the certified-good spectra that points are compared to."""

import sqlalchemy as sa
from alembic import op

from background_executor.migrations.guards import refuse_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and its guard."""
    op.create_table(
        "reference_versions",
        sa.Column("reference_id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reference_id", name="pk_reference_versions"),
        sa.UniqueConstraint(
            "site",
            "kind",
            "subject",
            "version",
            name="uq_reference_versions_site_kind_subject_version",
        ),
        sqlite_autoincrement=True,
    )
    refuse_changes("reference_versions")
