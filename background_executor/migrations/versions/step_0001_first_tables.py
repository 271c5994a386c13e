"""First tables: scans, jobs, points, takes, results, judgements, audit, commands."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from background_executor.migrations.guards import refuse_changes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("events", "results", "verdicts", "decisions")


def upgrade() -> None:
    """Make the tables, the first count of changes, and the guards of the append-only ones."""
    _create_counter()
    _create_scans()
    _create_jobs()
    _create_points()
    _create_publications()
    _create_results()
    _create_verdicts()
    _create_decisions()
    _create_events()
    _create_commands()
    _create_state_of_site()
    for table in APPEND_ONLY:
        refuse_changes(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _name(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _real(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, autoincrement=True, nullable=False)


def _of_scan(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["scan_id"], ["scans.scan_id"], name=f"fk_{table}_scan_id")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _create_counter() -> None:
    changes = op.create_table(
        "changes",
        sa.Column("row", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        _key("changes", "row"),
    )
    op.bulk_insert(changes, [{"row": 1, "counter": 0}])


def _create_scans() -> None:
    op.create_table(
        "scans",
        _name("scan_id", 12),
        _name("site", 32),
        _name("kind", 24),
        _name("serial_number", 32),
        _integer("slot"),
        _name("state", 24),
        _moment("started_at"),
        _moment("ended_at", nullable=True),
        _moment("updated_at"),
        _text("message"),
        _text("plan"),
        _key("scans", "scan_id"),
    )
    _index("scans", "site", "kind", "started_at")


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        _name("job", 36),
        _name("site", 32),
        _name("scan_id", 12),
        _name("claim", 36),
        _name("state", 24),
        _name("scheduler", 32),
        _name("scheduler_id", 64, nullable=True),
        _integer("submissions"),
        sa.Column("journal_offset", sa.BigInteger, nullable=False),
        _integer("journal_seq"),
        sa.Column("journal_closed", sa.Boolean, nullable=False),
        _text("message"),
        _text("node"),
        _moment("created_at"),
        _moment("started_at", nullable=True),
        _moment("ended_at", nullable=True),
        _moment("last_heard_at", nullable=True),
        _name("end_reason", 24, nullable=True),
        _text("log_tail"),
        sa.Column("live", sa.Text),
        _key("jobs", "job"),
        _of_scan("jobs"),
    )
    _index("jobs", "scan_id", "created_at")
    _index("jobs", "site", "state")


def _create_points() -> None:
    op.create_table(
        "points",
        _name("scan_id", 12),
        _name("point", 32),
        _name("site", 32),
        _integer("ordinal"),
        _name("state", 24),
        _integer("take", nullable=True),
        _integer("tries"),
        _text("error"),
        _moment("updated_at"),
        _key("points", "scan_id", "point"),
        _of_scan("points"),
    )
    op.create_table(
        "takes",
        _name("scan_id", 12),
        _name("point", 32),
        sa.Column("take", sa.Integer, autoincrement=False, nullable=False),
        _name("site", 32),
        _text("folder"),
        _text("generation"),
        _moment("seen_at"),
        _key("takes", "scan_id", "point", "take"),
        _of_scan("takes"),
    )


def _create_publications() -> None:
    op.create_table(
        "publications",
        _name("scan_id", 12),
        _name("point", 32),
        sa.Column("take", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        _name("site", 32),
        _name("folder", 200),
        _name("manifest_sha256", 64, nullable=True),
        _name("job", 36, nullable=True),
        _name("state", 24),
        _integer("tries"),
        _text("error"),
        _moment("seen_at"),
        _moment("next_try_at"),
        _key("publications", "scan_id", "point", "take", "revision"),
        _of_scan("publications"),
    )
    _index("publications", "site", "state")


def _create_results() -> None:
    op.create_table(
        "results",
        _number("result_id"),
        _name("site", 32),
        _name("scan_id", 12),
        _name("point", 32),
        _integer("take"),
        _integer("revision"),
        _moment("measured_at"),
        _moment("acquired_at", nullable=True),
        _moment("stored_at"),
        _name("manifest_sha256", 64),
        _text("folder"),
        _text("document"),
        _key("results", "result_id"),
        _of_scan("results"),
        sa.UniqueConstraint(
            "scan_id", "point", "take", "revision", name="uq_results_scan_id_point_take_revision"
        ),
        sqlite_autoincrement=True,
    )


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        _number("verdict_id"),
        _name("site", 32),
        _integer("result_id"),
        _name("verdict", 24),
        _text("summary"),
        _text("rule"),
        _real("gain"),
        _real("gain_err"),
        _name("gain_method", 16, nullable=True),
        _name("gain_model", 64, nullable=True),
        _real("chi2"),
        _integer("ndf", nullable=True),
        _text("gain_missing"),
        _text("checks"),
        _moment("judged_at"),
        _key("verdicts", "verdict_id"),
        sa.ForeignKeyConstraint(["result_id"], ["results.result_id"], name="fk_verdicts_result_id"),
        sqlite_autoincrement=True,
    )
    _index("verdicts", "result_id", "verdict_id")


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        _number("decision_id"),
        _name("site", 32),
        _name("scan_id", 12),
        _name("point", 32),
        _integer("take"),
        _name("decision", 24, nullable=True),
        _text("reason"),
        _text("comment"),
        _text("operator"),
        _moment("decided_at"),
        _key("decisions", "decision_id"),
        _of_scan("decisions"),
        sqlite_autoincrement=True,
    )
    _index("decisions", "scan_id", "point", "take", "decision_id")


def _create_events() -> None:
    op.create_table(
        "events",
        _number("event_id"),
        _name("site", 32),
        *[_text(name) for name in ("actor", "subject", "act", "before", "after", "reason")],
        _name("job", 36, nullable=True),
        _moment("at"),
        _key("events", "event_id"),
        sqlite_autoincrement=True,
    )
    _index("events", "site", "at")
    _index("events", "subject")


def _create_commands() -> None:
    op.create_table(
        "commands",
        _number("command_id"),
        _name("site", 32),
        _name("kind", 32),
        _text("arguments"),
        _text("operator"),
        _name("idempotency_key", 100),
        _name("state", 24),
        _text("answer"),
        _moment("asked_at"),
        _moment("claimed_at", nullable=True),
        _moment("answered_at", nullable=True),
        _key("commands", "command_id"),
        sa.UniqueConstraint("site", "idempotency_key", name="uq_commands_site_idempotency_key"),
        sqlite_autoincrement=True,
    )
    _index("commands", "site", "state")


def _create_state_of_site() -> None:
    op.create_table(
        "executors",
        _name("site", 32),
        _name("state", 24),
        _integer("pid"),
        _text("host"),
        _name("version", 64),
        _text("message"),
        _name("link", 24),
        _text("link_message"),
        _moment("started_at"),
        _moment("beat_at"),
        _moment("synced_at", nullable=True),
        _key("executors", "site"),
    )
    op.create_table(
        "acquisitions",
        _name("site", 32),
        _name("folder", 200),
        _name("serial_number", 32),
        _name("kind", 24),
        _integer("points"),
        _moment("modified_at"),
        _moment("seen_at"),
        _key("acquisitions", "site", "folder", "serial_number", "kind"),
    )
