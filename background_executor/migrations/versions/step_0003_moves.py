"""Acts on the server, retakes that are waited for, scans kept aside, local clean-ups."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and columns."""
    _add_columns()
    _create_moves()
    _create_clean_ups()


def _add_columns() -> None:
    kept = sa.Column("is_kept_aside", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("scans", kept)
    op.add_column("points", sa.Column("awaits_take", sa.Integer))
    op.add_column("points", _moment("awaits_since"))


def _create_moves() -> None:
    op.create_table(
        "moves",
        sa.Column("move_id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("scan_id", sa.String(12), nullable=False),
        sa.Column("command_id", sa.Integer, nullable=False),
        sa.Column("act", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        *(_text(name) for name in ("source", "target", "parts", "takes")),
        *(_text(name) for name in ("reason", "comment", "operator", "receipt", "message")),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        _moment("finished_at"),
        sa.PrimaryKeyConstraint("move_id", name="pk_moves"),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.scan_id"], name="fk_moves_scan_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_moves_site_state", "moves", ["site", "state"])
    op.create_index("ix_moves_scan_id_move_id", "moves", ["scan_id", "move_id"])


def _create_clean_ups() -> None:
    op.create_table(
        "clean_ups",
        sa.Column("command_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("older_than_days", sa.Integer),
        sa.Column("folders", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        _text("kept"),
        _text("operator"),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        _moment("trashed_at"),
        _moment("deleted_at"),
        sa.PrimaryKeyConstraint("command_id", name="pk_clean_ups"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True))
