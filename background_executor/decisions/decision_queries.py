"""Reads of the store about decisions: takes, their history, acts on the server, clean-ups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from background_executor import reading, selections, tables
from background_executor.decisions.decision_commands import SeenScan
from background_executor.decisions.decision_records import (
    FINISHED_MOVE_STATES,
    DecisionKind,
    DecisionRecord,
    MoveRecord,
    PastDecision,
)
from background_executor.following import PublicationState
from background_executor.imported import Provenance
from background_executor.records import GainRecord, ScanRecord, ScanState, VerdictRecord
from background_executor.store import Store
from background_executor.writing.moves import PARTS, TAKES
from server_side.result import PointResult
from server_side.scan import Point, ScanKind, Take, parse_point

_moves, _takes, _results = tables.moves.c, tables.takes.c, tables.results.c
_decisions, _publications, _scans = tables.decisions.c, tables.publications.c, tables.scans.c

Rows = list[sa.Row[Any]]


@dataclass(frozen=True)
class TakeRecord:
    """One take of a point, with its newest result and what was decided about it."""

    scan_id: str
    point: Point
    take: int
    result_id: int | None
    revision: int | None
    """Of the newest result."""
    revisions: int
    """How many results there are."""
    gain: GainRecord | None
    gain_missing: str
    verdict: VerdictRecord | None
    decision: DecisionRecord | None
    measured_at: datetime | None
    raw_folder: str
    is_coming: bool
    """A published folder of it was not fetched yet."""


@dataclass(frozen=True)
class CleanUpRecord:
    """One count of the local copies that may go, and what became of it."""

    command_id: int
    site: str
    older_than_days: int | None
    folders: int
    size_bytes: int
    kept: str
    """Which copies stay, and why."""
    operator: str
    counted_at: datetime
    trashed_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class StoredFolder:
    """A published folder as it was stored."""

    scan_id: str
    take: Take
    folder: str
    manifest_sha256: str
    result_id: int
    copy: str
    """Its local copy, relative to the store's results."""
    root_file: str | None


@dataclass(frozen=True)
class FlaggedFolder:
    """A stored folder of a take that is flagged."""

    scan_id: str
    point: str
    take: int
    folder: str
    manifest_sha256: str


def takes_of_point(store: Store, scan_id: str, point: Point) -> tuple[TakeRecord, ...]:
    """Return all takes of a point, newest first; those of old trees by their dates."""
    rows = _all(store, _take_select(scan_id).where(_takes.point == point.name))
    return tuple(_to_take(row) for row in rows)


def takes_of_scan(store: Store, scan_id: str) -> tuple[TakeRecord, ...]:
    """Return all takes of all points of a scan, by point, newest first."""
    return tuple(_to_take(row) for row in _all(store, _take_select(scan_id)))


def decisions_of_point(store: Store, scan_id: str, point: Point) -> tuple[PastDecision, ...]:
    """Return the whole history of the decisions about a point, newest first."""
    statement = sa.select(tables.decisions).where(
        _decisions.scan_id == scan_id, _decisions.point == point.name
    )
    rows = _all(store, statement.order_by(_decisions.decision_id.desc()))
    return tuple(_to_past_decision(row) for row in rows)


def moves_in_progress(store: Store, site: str) -> tuple[MoveRecord, ...]:
    """Return the acts on the server that are not finished, oldest first."""
    statement = sa.select(tables.moves).where(
        _moves.site == site, _moves.state.not_in(FINISHED_MOVE_STATES)
    )
    return tuple(_to_move(row) for row in _all(store, statement.order_by(_moves.move_id)))


def unfinished_move(store: Store, site: str, move_id: int) -> MoveRecord:
    """Return an act that is not finished as it is now."""
    (move,) = (each for each in moves_in_progress(store, site) if each.move_id == move_id)
    return move


def moves(store: Store, site: str, limit: int = 50) -> tuple[MoveRecord, ...]:
    """Return the acts on the server, newest first."""
    statement = sa.select(tables.moves).where(_moves.site == site)
    rows = _all(store, statement.order_by(_moves.move_id.desc()).limit(limit))
    return tuple(_to_move(row) for row in rows)


def moves_of_scan(store: Store, scan_id: str) -> tuple[MoveRecord, ...]:
    """Return the acts on the server about a scan, newest first: its receipts."""
    statement = sa.select(tables.moves).where(_moves.scan_id == scan_id)
    return tuple(_to_move(row) for row in _all(store, statement.order_by(_moves.move_id.desc())))


def seen_scan(store: Store, scan_id: str) -> SeenScan | None:
    """Return what a command about a scan must say that its asker saw; None for no scan."""
    of_scan = tables.decisions.c.scan_id == scan_id
    decision = sa.select(sa.func.max(_decisions.decision_id)).where(of_scan).scalar_subquery()
    result = sa.select(sa.func.max(_results.result_id)).where(_results.scan_id == scan_id)
    verdict = (
        sa.select(sa.func.max(tables.verdicts.c.verdict_id))
        .join(tables.results, _results.result_id == tables.verdicts.c.result_id)
        .where(_results.scan_id == scan_id)
    )
    points = tables.points.c
    failures = sa.select(sa.func.count()).where(points.scan_id == scan_id, points.error != "")
    statement = sa.select(
        _scans.state,
        decision.label("decision_id"),
        result.scalar_subquery().label("result_id"),
        verdict.scalar_subquery().label("verdict_id"),
        failures.scalar_subquery().label("failures"),
    ).where(_scans.scan_id == scan_id)
    rows = _all(store, statement)
    if not rows:
        return None
    (row,) = rows
    return SeenScan(
        state=row.state.value,
        decision_id=row.decision_id or 0,
        result_id=row.result_id or 0,
        verdict_id=row.verdict_id or 0,
        failures=row.failures,
    )


def previous_scan(store: Store, site: str, kind: ScanKind, serial_number: str) -> ScanRecord | None:
    """Return the newest ended scan of a kind and PMT that is neither archived nor kept aside."""
    statement = selections.scan_select().where(
        _scans.site == site,
        _scans.kind == kind,
        _scans.serial_number == serial_number,
        _scans.state.in_([ScanState.COMPLETE, ScanState.STOPPED]),
        ~_scans.is_kept_aside,
        _scans.provenance == Provenance.MEASURED,
    )
    rows = _all(store, statement.limit(1))
    return reading.to_scan(rows[0]) if rows else None


def stored_folders(store: Store, scan_id: str) -> tuple[StoredFolder, ...]:
    """Return every published folder of a scan that was fetched, verified and stored."""
    same = sa.and_(
        *(_publications[name] == _results[name] for name in ("scan_id", "point", "take")),
        _publications.revision == _results.revision,
    )
    statement = (
        sa.select(tables.results, _publications.folder.label("published"))
        .select_from(tables.results)
        .join(tables.publications, same)
        .where(_results.scan_id == scan_id)
        .order_by(_results.point, _results.take, _results.revision)
    )
    return tuple(_to_stored_folder(row) for row in _all(store, statement))


def flagged_takes(store: Store, scan_id: str) -> frozenset[tuple[str, int]]:
    """Return point and number of the takes of a scan that are flagged."""
    taken = (take for take in takes_of_scan(store, scan_id) if take.decision is not None)
    return frozenset(
        (take.point.name, take.take)
        for take in taken
        if take.decision is not None and take.decision.decision is DecisionKind.FLAGGED
    )


def has_waiting_publications(store: Store, scan_id: str) -> bool:
    """Tell whether a published folder of a scan is still to be fetched."""
    statement = sa.select(_publications.folder).where(
        _publications.scan_id == scan_id, _publications.state == PublicationState.WAITING
    )
    return bool(_all(store, statement.limit(1)))


def flagged_folders(store: Store, site: str) -> tuple[FlaggedFolder, ...]:
    """Return the stored folders of the flagged takes of measured scans out of the archive."""
    other = tables.decisions.alias()
    of_take = (other.c[name] == _decisions[name] for name in ("scan_id", "point", "take"))
    last = sa.select(sa.func.max(other.c.decision_id)).where(*of_take)
    keys = ("scan_id", "point", "take")
    statement = (
        sa.select(*(_results[name] for name in (*keys, "manifest_sha256")), _publications.folder)
        .select_from(tables.decisions)
        .join(tables.results, sa.and_(*(_decisions[name] == _results[name] for name in keys)))
        .join(
            tables.publications,
            sa.and_(*(_publications[name] == _results[name] for name in (*keys, "revision"))),
        )
        .join(tables.scans, _scans.scan_id == _decisions.scan_id)
        .where(_decisions.site == site, _decisions.decision == DecisionKind.FLAGGED)
        .where(_decisions.decision_id == last.correlate(tables.decisions).scalar_subquery())
        .where(_scans.state != ScanState.ARCHIVED, _scans.provenance == Provenance.MEASURED)
        .order_by(_results.scan_id, _results.point, _results.take, _results.revision)
    )
    return tuple(FlaggedFolder(**row._asdict()) for row in _all(store, statement))


def clean_ups(store: Store, site: str) -> tuple[CleanUpRecord, ...]:
    """Return the counts of local copies and what became of them, newest first."""
    columns = tables.clean_ups.c
    statement = sa.select(tables.clean_ups).where(columns.site == site)
    rows = _all(store, statement.order_by(columns.command_id.desc()))
    return tuple(CleanUpRecord(**row._asdict()) for row in rows)


def _take_select(scan_id: str) -> sa.Select[Any]:
    """Select takes with their newest result, its verdict and the decision in force."""
    inner = tables.results.alias()
    newest = (
        sa.select(inner.c.result_id)
        .where(*_same_take(inner), inner.c.scan_id == scan_id)
        .order_by(inner.c.revision.desc())
        .limit(1)
        .correlate(tables.takes)
        .scalar_subquery()
    )
    history = tables.decisions.alias()
    last = sa.select(sa.func.max(history.c.decision_id)).where(*_same_take(history))
    folders = tables.publications.alias()
    coming = sa.select(sa.func.count()).where(
        *_same_take(folders), folders.c.state == PublicationState.WAITING
    )
    count = sa.select(sa.func.count()).where(*_same_take(inner))
    columns = ("decision_id", "decision", "reason", "comment", "operator", "decided_at")
    return (
        sa.select(
            tables.takes,
            *(_results[name] for name in ("result_id", "revision", "measured_at")),
            *selections.verdict_columns(),
            *(_decisions[name] for name in columns),
            count.correlate(tables.takes).scalar_subquery().label("revisions"),
            coming.correlate(tables.takes).scalar_subquery().label("coming"),
        )
        .select_from(tables.takes)
        .outerjoin(tables.results, _results.result_id == newest)
        .outerjoin(tables.verdicts, selections.newest_verdict())
        .outerjoin(
            tables.decisions,
            _decisions.decision_id == last.correlate(tables.takes).scalar_subquery(),
        )
        .where(_takes.scan_id == scan_id)
        .order_by(_takes.point, _date_of_imported().desc(), _takes.take.desc())
    )


def _date_of_imported() -> sa.ColumnElement[Any]:
    """Return what orders the takes of old trees: their numbers only tell which was read first."""
    is_imported = _results.provenance == Provenance.IMPORTED
    return sa.case((is_imported, _results.measured_at), else_=None)


def _same_take(table: sa.FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(table.c[name] == _takes[name] for name in ("scan_id", "point", "take"))


def _to_take(row: sa.Row[Any]) -> TakeRecord:
    return TakeRecord(
        scan_id=row.scan_id,
        point=parse_point(row.point),
        take=row.take,
        result_id=row.result_id,
        revision=row.revision,
        revisions=row.revisions,
        gain=reading.to_gain(row),
        gain_missing=row.gain_missing or "",
        verdict=reading.to_verdict(row),
        decision=reading.to_decision(row),
        measured_at=row.measured_at,
        raw_folder=row.folder,
        is_coming=bool(row.coming),
    )


def _to_past_decision(row: sa.Row[Any]) -> PastDecision:
    return PastDecision(
        decision_id=row.decision_id,
        take=row.take,
        decision=row.decision,
        reason=row.reason,
        comment=row.comment,
        operator=row.operator,
        decided_at=row.decided_at,
    )


def _to_move(row: sa.Row[Any]) -> MoveRecord:
    values = row._asdict() | {
        "parts": PARTS.validate_json(row.parts),
        "takes": TAKES.validate_json(row.takes),
    }
    return MoveRecord(**values)


def _to_stored_folder(row: sa.Row[Any]) -> StoredFolder:
    result = PointResult.model_validate_json(row.document)
    return StoredFolder(
        scan_id=row.scan_id,
        take=result.take,
        folder=row.published,
        manifest_sha256=row.manifest_sha256,
        result_id=row.result_id,
        copy=row.folder,
        root_file=result.provenance.root_file,
    )


def _all(store: Store, statement: sa.Select[Any], values: Mapping[str, Any] | None = None) -> Rows:
    with store.reading() as connection:
        return list(connection.execute(statement, values))
