"""Every read of the store, as functions that return records.

A single record that is not there is None; a list may be empty. Each function
sees one whole state of the store, whatever is written meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from background_executor import reading, records, selections, tables
from background_executor.acquisition_record import AcquisitionRecord
from background_executor.audit import EventFilter, event_select
from background_executor.commands import Command
from background_executor.following import (
    LONGEST_RETRY,
    FollowedJobRecord,
    PublicationRecord,
    PublicationState,
)
from background_executor.hv_curve_record import HvCurveRecord
from background_executor.imported import ImportedRecord, Provenance
from background_executor.judging.curve import make_hv_curve
from background_executor.judging.health import HealthSettings
from background_executor.judging.reference import ReferenceKind, ReferenceRecord
from background_executor.records import ENDED_JOB_STATES, ScanState
from background_executor.scan_filter import ALL_SCANS, ScanFilter, scan_conditions
from background_executor.store import Store
from server_side.scan import Point, ScanKind

Select = sa.Select[Any]

_scans, _points, _results = tables.scans.c, tables.points.c, tables.results.c
_jobs, _commands = tables.jobs.c, tables.commands.c

_ANSWERED = (records.CommandState.DONE, records.CommandState.REFUSED)


def change_counter(store: Store) -> int:
    """Return a number that rises when there is something new to show; a heartbeat is not."""
    with store.reading() as connection:
        return int(connection.execute(sa.select(tables.changes.c.counter)).scalar_one())


def executor(store: Store, site: str) -> records.ExecutorRecord | None:
    """Return the executor's last word about itself, or None before its first start."""
    statement = sa.select(tables.executors).where(tables.executors.c.site == site)
    row = _first(store, statement)
    return row and reading.to_executor(row)


def scans(
    store: Store, site: str, limit: int | None = 50, *, wanted: ScanFilter = ALL_SCANS
) -> tuple[records.ScanRecord, ...]:
    """Return the scans of a site that a filter lets through, newest first; all without limit."""
    of_site = (_scans.site == site, *scan_conditions(wanted))
    rows = _all(store, selections.scan_select().where(*of_site).limit(limit))
    return tuple(reading.to_scan(row) for row in rows)


def count_scans(store: Store, site: str, wanted: ScanFilter = ALL_SCANS) -> int:
    """Return how many scans of a site a filter lets through."""
    of_site = (_scans.site == site, *scan_conditions(wanted))
    row = _first(store, sa.select(sa.func.count()).select_from(tables.scans).where(*of_site))
    return int((row and row[0]) or 0)


def scan_ids(store: Store, site: str, state: ScanState) -> tuple[str, ...]:
    """Return which measured scans of a site are in a state."""
    statement = sa.select(_scans.scan_id).where(
        _scans.site == site, _scans.state == state, _scans.provenance == Provenance.MEASURED
    )
    return tuple(row.scan_id for row in _all(store, statement.order_by(_scans.scan_id)))


def running_scans(store: Store, site: str) -> tuple[records.ScanRecord, ...]:
    """Return the scans of a site that wait for points."""
    statement = selections.scan_select().where(
        _scans.site == site, _scans.state == ScanState.RUNNING
    )
    return tuple(reading.to_scan(row) for row in _all(store, statement))


def scan(store: Store, scan_id: str) -> records.ScanRecord | None:
    """Return a scan."""
    row = _first(store, selections.scan_select().where(_scans.scan_id == scan_id))
    return row and reading.to_scan(row)


def current_scan(
    store: Store,
    site: str,
    kind: ScanKind,
    slot: int | None = None,
    serial_number: str | None = None,
) -> records.ScanRecord | None:
    """Return the newest scan of a kind, of a slot, a PMT or both; none archived or imported."""
    statement = selections.scan_select().where(
        _scans.site == site,
        _scans.kind == kind,
        _scans.state != ScanState.ARCHIVED,
        _scans.provenance == Provenance.MEASURED,
    )
    if slot is not None:
        statement = statement.where(_scans.slot == slot)
    if serial_number is not None:
        statement = statement.where(_scans.serial_number == serial_number)
    row = _first(store, statement.limit(1))
    return row and reading.to_scan(row)


def points(store: Store, scan_id: str) -> tuple[records.PointRecord, ...]:
    """Return the points of a scan in the order of its plan, with what is known of each."""
    return tuple(
        reading.to_point(row)
        for row in _all(store, selections.point_select(), {"scan_id": scan_id})
    )


def result(store: Store, result_id: int) -> records.ResultRecord | None:
    """Return one stored result."""
    row = _first(store, selections.result_select().where(_results.result_id == result_id))
    return row and reading.to_result(row, store.results_folder)


def results_of_point(store: Store, scan_id: str, point: Point) -> tuple[records.ResultRecord, ...]:
    """Return all takes and revisions of a point, newest first."""
    statement = (
        selections.result_select()
        .where(_results.scan_id == scan_id, _results.point == point.name)
        .order_by(_results.take.desc(), _results.revision.desc())
    )
    rows = _all(store, statement)
    return tuple(reading.to_result(row, store.results_folder) for row in rows)


def imported_results_of_point(
    store: Store, scan_id: str, point: Point
) -> tuple[ImportedRecord, ...]:
    """Return what old trees hold of a point, newest date first."""
    statement = (
        sa.select(tables.results)
        .where(_results.scan_id == scan_id, _results.point == point.name)
        .where(_results.provenance == Provenance.IMPORTED)
        .order_by(_results.measured_at.desc(), _results.take.desc(), _results.revision.desc())
    )
    rows = _all(store, statement)
    return tuple(reading.to_imported(row, store.results_folder) for row in rows)


def imported_results_of_pmt(
    store: Store, site: str, kind: ScanKind, serial_number: str
) -> tuple[ImportedRecord, ...]:
    """Return what old trees hold of a PMT in all scans of a kind."""
    statement = (
        sa.select(tables.results)
        .join(tables.scans, _scans.scan_id == _results.scan_id)
        .where(_scans.site == site, _scans.kind == kind, _scans.serial_number == serial_number)
        .where(_results.provenance == Provenance.IMPORTED)
    )
    rows = _all(store, statement)
    return tuple(reading.to_imported(row, store.results_folder) for row in rows)


def imported_result(store: Store, result_id: int) -> ImportedRecord | None:
    """Return one imported result."""
    statement = sa.select(tables.results).where(
        _results.result_id == result_id, _results.provenance == Provenance.IMPORTED
    )
    row = _first(store, statement)
    return row and reading.to_imported(row, store.results_folder)


def hv_curve(store: Store, scan_id: str, health: HealthSettings) -> HvCurveRecord | None:
    """Return the gain curve of an HV check as far as it is measured; None for another scan."""
    found = scan(store, scan_id)
    if found is None or found.kind is not ScanKind.HV:
        return None
    return make_hv_curve(found, points(store, scan_id), health)


def jobs(store: Store, scan_id: str) -> tuple[records.JobRecord, ...]:
    """Return the jobs of a scan, newest first."""
    statement = sa.select(tables.jobs).where(_jobs.scan_id == scan_id)
    rows = _all(store, statement.order_by(_jobs.created_at.desc(), _jobs.job))
    return tuple(reading.to_job(row) for row in rows)


def open_jobs(store: Store, site: str) -> tuple[FollowedJobRecord, ...]:
    """Return the jobs to follow: not ended, or with a journal that is not read to its end."""
    is_open = _jobs.state.not_in(ENDED_JOB_STATES) | ~_jobs.journal_closed
    statement = sa.select(tables.jobs).where(_jobs.site == site, is_open)
    rows = _all(store, statement.order_by(_jobs.created_at, _jobs.job))
    return tuple(reading.to_followed_job(row) for row in rows)


def cursor(store: Store, job: str) -> int:
    """Return how many bytes of a job's journal were applied; 0 for an unknown job."""
    row = _first(store, sa.select(_jobs.journal_offset).where(_jobs.job == job))
    return 0 if row is None else int(row.journal_offset)


def waiting_publications(store: Store, site: str, now: datetime) -> tuple[PublicationRecord, ...]:
    """Return the published folders that are to be fetched now, oldest first.

    One that is due later than any is ever put off was noted by a clock that was set back since.
    """
    columns = tables.publications.c
    statement = sa.select(tables.publications).where(
        columns.site == site,
        columns.state == PublicationState.WAITING,
        (columns.next_try_at <= now) | (columns.next_try_at > now + LONGEST_RETRY),
    )
    rows = _all(store, statement.order_by(columns.seen_at, columns.scan_id, columns.point))
    return tuple(reading.to_publication(row) for row in rows)


def commands(store: Store, site: str, limit: int = 50) -> tuple[records.CommandRecord, ...]:
    """Return what was asked of a site's executor, newest first."""
    statement = sa.select(tables.commands).where(_commands.site == site)
    rows = _all(store, statement.order_by(_commands.command_id.desc()).limit(limit))
    return tuple(reading.to_command(row) for row in rows)


def open_commands(store: Store, site: str) -> tuple[records.CommandRecord, ...]:
    """Return what was asked of a site's executor and has no answer yet, oldest first."""
    statement = sa.select(tables.commands).where(
        _commands.site == site, _commands.state.not_in(_ANSWERED)
    )
    rows = _all(store, statement.order_by(_commands.command_id))
    return tuple(reading.to_command(row) for row in rows)


def command(store: Store, command_id: int) -> records.CommandRecord | None:
    """Return one command and its answer."""
    row = _first(store, sa.select(tables.commands).where(_commands.command_id == command_id))
    return row and reading.to_command(row)


def newest_answered(store: Store, site: str, wish: Command, operator: str) -> int:
    """Return the number of an operator's newest answered command for the same; 0 for none."""
    statement = sa.select(sa.func.max(_commands.command_id)).where(
        _commands.site == site,
        _commands.kind == wish.kind,
        _commands.arguments == wish.model_dump_json(),
        _commands.operator == operator,
        _commands.state.in_(_ANSWERED),
    )
    row = _first(store, statement)
    return int((row and row[0]) or 0)


def events(
    store: Store, site: str, filters: EventFilter | None = None, limit: int | None = 200
) -> tuple[records.EventRecord, ...]:
    """Return the lines of the audit that a filter lets through, newest first; all without limit."""
    statement = event_select(site, filters or EventFilter()).limit(limit)
    return tuple(reading.to_event(row) for row in _all(store, statement))


def references(store: Store, site: str) -> tuple[ReferenceRecord, ...]:
    """Return every version of every reference of a site, newest first."""
    columns = tables.reference_versions.c
    statement = sa.select(tables.reference_versions).where(columns.site == site)
    rows = _all(store, statement.order_by(columns.reference_id.desc()))
    return tuple(reading.to_reference(row) for row in rows)


def reference_for(
    store: Store, site: str, serial_number: str, pmt_type: str
) -> ReferenceRecord | None:
    """Return the reference in force for a PMT: its own before its type's; None without one."""
    columns = tables.reference_versions.c
    own = (columns.kind == ReferenceKind.PMT) & (columns.subject == serial_number)
    of_type = (columns.kind == ReferenceKind.TYPE) & (columns.subject == pmt_type)
    statement = sa.select(tables.reference_versions).where(columns.site == site, own | of_type)
    row = _first(store, statement.order_by(of_type, columns.version.desc()).limit(1))
    return row and reading.to_reference(row)


def acquisitions(store: Store, site: str) -> tuple[AcquisitionRecord, ...]:
    """Return the acquisitions on the server that could be processed, newest first."""
    columns = tables.acquisitions.c
    statement = sa.select(tables.acquisitions).where(columns.site == site)
    order = (columns.modified_at.desc(), columns.folder, columns.serial_number)
    return tuple(reading.to_acquisition(row) for row in _all(store, statement.order_by(*order)))


def _all(
    store: Store, statement: Select, values: Mapping[str, object] | None = None
) -> list[reading.Row]:
    with store.reading() as connection:
        return list(connection.execute(statement, values))


def _first(store: Store, statement: Select) -> reading.Row | None:
    with store.reading() as connection:
        return connection.execute(statement).first()
