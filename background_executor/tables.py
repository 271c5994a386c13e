"""The tables of the store, as SQLAlchemy Core has them.

Only what writes and reads the store imports this file. The steps in
``migrations`` make these tables in a database; a test compares both.
Times are kept in UTC. Every row carries its site.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from background_executor import records
from background_executor.decisions.decision_records import DecisionKind, MoveAct, MoveState
from background_executor.following import PublicationState
from background_executor.imported import Provenance
from background_executor.judging.reference import ReferenceKind
from server_side.journal import EndReason
from server_side.scan import ScanKind

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """Aware moment, kept in UTC also where the database knows no zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC; a naive one is an error of the caller."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"moment {value} has no zone; the store takes aware moments only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back that SQLite drops."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _states(kind: type[StrEnum]) -> sa.Enum:
    """Keep a state by its value; the database only sees text."""
    return sa.Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


def _site() -> sa.Column[Any]:
    return sa.Column("site", sa.String(32), nullable=False)


def _scan_id() -> sa.Column[Any]:
    return sa.Column("scan_id", sa.String(12), sa.ForeignKey("scans.scan_id"), nullable=False)


def _provenance() -> sa.Column[Any]:
    measured = Provenance.MEASURED.value
    return sa.Column("provenance", _states(Provenance), nullable=False, server_default=measured)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, default="")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcTime, nullable=nullable)


def _number(name: str) -> sa.Column[Any]:
    """Key that rises and is never used twice."""
    return sa.Column(name, sa.Integer, primary_key=True, autoincrement=True)


changes = sa.Table(
    "changes",
    METADATA,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("counter", sa.BigInteger, nullable=False),
)

scans = sa.Table(
    "scans",
    METADATA,
    sa.Column("scan_id", sa.String(12), primary_key=True),
    _site(),
    sa.Column("kind", _states(ScanKind), nullable=False),
    sa.Column("serial_number", sa.String(32), nullable=False),
    sa.Column("slot", sa.Integer),
    sa.Column("state", _states(records.ScanState), nullable=False),
    _moment("started_at"),
    _moment("ended_at", nullable=True),
    _moment("updated_at"),
    _text("message"),
    sa.Column("plan", sa.Text, nullable=False),
    _provenance(),
    sa.Column("is_kept_aside", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "site", "kind", "started_at"),
)

jobs = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job", sa.String(36), primary_key=True),
    _site(),
    _scan_id(),
    sa.Column("claim", sa.String(36), nullable=False),
    sa.Column("state", _states(records.JobState), nullable=False),
    sa.Column("scheduler", sa.String(32), nullable=False),
    sa.Column("scheduler_id", sa.String(64)),
    sa.Column("submissions", sa.Integer, nullable=False, default=0),
    sa.Column("journal_offset", sa.BigInteger, nullable=False, default=0),
    sa.Column("journal_seq", sa.Integer, nullable=False, default=0),
    sa.Column("journal_closed", sa.Boolean, nullable=False, default=False),
    _text("message"),
    _text("node"),
    _moment("created_at"),
    _moment("started_at", nullable=True),
    _moment("ended_at", nullable=True),
    _moment("last_heard_at", nullable=True),
    sa.Column("end_reason", _states(EndReason)),
    _text("log_tail"),
    sa.Column("live", sa.Text),
    _moment("expected_start", nullable=True),
    sa.Column("ran_s", sa.Float),
    sa.Column("software", sa.Text),
    sa.Index(None, "scan_id", "created_at"),
    sa.Index(None, "site", "state"),
)

points = sa.Table(
    "points",
    METADATA,
    sa.Column("scan_id", sa.String(12), sa.ForeignKey("scans.scan_id"), primary_key=True),
    sa.Column("point", sa.String(32), primary_key=True),
    _site(),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("state", _states(records.PointState), nullable=False),
    sa.Column("take", sa.Integer),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    _text("error"),
    _moment("updated_at"),
    sa.Column("awaits_take", sa.Integer),
    _moment("awaits_since", nullable=True),
)

takes = sa.Table(
    "takes",
    METADATA,
    sa.Column("scan_id", sa.String(12), sa.ForeignKey("scans.scan_id"), primary_key=True),
    sa.Column("point", sa.String(32), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True, autoincrement=False),
    _site(),
    _text("folder"),
    _text("generation"),
    _moment("seen_at"),
)

publications = sa.Table(
    "publications",
    METADATA,
    sa.Column("scan_id", sa.String(12), sa.ForeignKey("scans.scan_id"), primary_key=True),
    sa.Column("point", sa.String(32), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    _site(),
    sa.Column("folder", sa.String(200), nullable=False),
    sa.Column("manifest_sha256", sa.String(64)),
    sa.Column("job", sa.String(36)),
    sa.Column("state", _states(PublicationState), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    _text("error"),
    _moment("seen_at"),
    _moment("next_try_at"),
    sa.Index(None, "site", "state"),
)

results = sa.Table(
    "results",
    METADATA,
    _number("result_id"),
    _site(),
    _scan_id(),
    sa.Column("point", sa.String(32), nullable=False),
    sa.Column("take", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    _moment("measured_at"),
    _moment("acquired_at", nullable=True),
    _moment("stored_at"),
    sa.Column("manifest_sha256", sa.String(64), nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    _provenance(),
    sa.UniqueConstraint("scan_id", "point", "take", "revision"),
    sqlite_autoincrement=True,
)

verdicts = sa.Table(
    "verdicts",
    METADATA,
    _number("verdict_id"),
    _site(),
    sa.Column("result_id", sa.Integer, sa.ForeignKey("results.result_id"), nullable=False),
    sa.Column("verdict", _states(records.Verdict), nullable=False),
    _text("summary"),
    _text("rule"),
    sa.Column("gain", sa.Float),
    sa.Column("gain_err", sa.Float),
    sa.Column("gain_method", sa.String(16)),
    sa.Column("gain_model", sa.String(64)),
    sa.Column("chi2", sa.Float),
    sa.Column("ndf", sa.Integer),
    _text("gain_missing"),
    sa.Column("checks", sa.Text, nullable=False),
    _moment("judged_at"),
    sa.Index(None, "result_id", "verdict_id"),
    sqlite_autoincrement=True,
)

decisions = sa.Table(
    "decisions",
    METADATA,
    _number("decision_id"),
    _site(),
    _scan_id(),
    sa.Column("point", sa.String(32), nullable=False),
    sa.Column("take", sa.Integer, nullable=False),
    sa.Column("decision", _states(DecisionKind)),
    _text("reason"),
    _text("comment"),
    _text("operator"),
    _moment("decided_at"),
    sa.Index(None, "scan_id", "point", "take", "decision_id"),
    sqlite_autoincrement=True,
)

events = sa.Table(
    "events",
    METADATA,
    _number("event_id"),
    _site(),
    _text("actor"),
    _text("subject"),
    _text("act"),
    _text("before"),
    _text("after"),
    _text("reason"),
    sa.Column("job", sa.String(36)),
    _moment("at"),
    sa.Index(None, "site", "at"),
    sa.Index(None, "subject"),
    sqlite_autoincrement=True,
)

moves = sa.Table(
    "moves",
    METADATA,
    _number("move_id"),
    _site(),
    _scan_id(),
    sa.Column("command_id", sa.Integer, nullable=False),
    sa.Column("act", _states(MoveAct), nullable=False),
    sa.Column("state", _states(MoveState), nullable=False),
    *(_text(name) for name in ("source", "target", "parts", "takes")),
    *(_text(name) for name in ("reason", "comment", "operator", "receipt", "message")),
    _moment("intended_at"),
    _moment("finished_at", nullable=True),
    sa.Index(None, "site", "state"),
    sa.Index(None, "scan_id", "move_id"),
    sqlite_autoincrement=True,
)

clean_ups = sa.Table(
    "clean_ups",
    METADATA,
    sa.Column("command_id", sa.Integer, primary_key=True, autoincrement=False),
    _site(),
    sa.Column("older_than_days", sa.Integer),
    sa.Column("folders", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    _text("kept"),
    _text("operator"),
    _moment("counted_at"),
    _moment("trashed_at", nullable=True),
    _moment("deleted_at", nullable=True),
)

commands = sa.Table(
    "commands",
    METADATA,
    _number("command_id"),
    _site(),
    sa.Column("kind", sa.String(32), nullable=False),
    _text("arguments"),
    _text("operator"),
    sa.Column("idempotency_key", sa.String(100), nullable=False),
    sa.Column("state", _states(records.CommandState), nullable=False),
    _text("answer"),
    _moment("asked_at"),
    _moment("claimed_at", nullable=True),
    _moment("answered_at", nullable=True),
    sa.UniqueConstraint("site", "idempotency_key"),
    sa.Index(None, "site", "state"),
    sqlite_autoincrement=True,
)

executors = sa.Table(
    "executors",
    METADATA,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("state", _states(records.ExecutorState), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    _text("message"),
    sa.Column("link", _states(records.LinkState), nullable=False),
    _text("link_message"),
    _moment("started_at"),
    _moment("beat_at"),
    _moment("synced_at", nullable=True),
)

reference_versions = sa.Table(
    "reference_versions",
    METADATA,
    _number("reference_id"),
    _site(),
    sa.Column("kind", _states(ReferenceKind), nullable=False),
    sa.Column("subject", sa.String(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    _text("comment"),
    _text("operator"),
    _moment("made_at"),
    sa.UniqueConstraint("site", "kind", "subject", "version"),
    sqlite_autoincrement=True,
)

acquisitions = sa.Table(
    "acquisitions",
    METADATA,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("folder", sa.String(200), primary_key=True),
    sa.Column("serial_number", sa.String(32), primary_key=True),
    sa.Column("kind", _states(ScanKind), primary_key=True),
    sa.Column("points", sa.Integer, nullable=False),
    _moment("modified_at"),
    _moment("seen_at"),
)

APPEND_ONLY = (events, results, verdicts, decisions, reference_versions)
"""Tables whose rows the database itself refuses to change or delete."""
