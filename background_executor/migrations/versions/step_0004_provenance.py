"""Scans read from old trees, which know no slot; append-only tables guarded against REPLACE."""

import sqlalchemy as sa
from alembic import op

from background_executor.migrations.guards import refuse_replacing

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY_OF_RESULT = ("scan_id", "point", "take", "revision")
_KEY_OF_REFERENCE = ("site", "kind", "subject", "version")


def upgrade() -> None:
    """Make the columns and the guards."""
    for table in ("scans", "results"):
        column = sa.Column("provenance", sa.String(24), nullable=False, server_default="measured")
        op.add_column(table, column)
    _let_scans_have_no_slot()
    refuse_replacing("events", ("event_id",))
    refuse_replacing("verdicts", ("verdict_id",))
    refuse_replacing("decisions", ("decision_id",))
    refuse_replacing("results", ("result_id",), _KEY_OF_RESULT)
    refuse_replacing("reference_versions", ("reference_id",), _KEY_OF_REFERENCE)


def _let_scans_have_no_slot() -> None:
    if op.get_context().dialect.name != "sqlite":
        op.alter_column("scans", "slot", existing_type=sa.Integer, nullable=True)
        return
    # SQLite cannot change a column; making the table anew would break what refers to it.
    op.add_column("scans", sa.Column("slot_or_none", sa.Integer))
    op.execute("UPDATE scans SET slot_or_none = slot")
    op.drop_column("scans", "slot")
    op.alter_column("scans", "slot_or_none", new_column_name="slot")
