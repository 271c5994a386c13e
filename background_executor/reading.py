"""From rows of the store to the records that pages and command line see."""

from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from background_executor.acquisition_record import AcquisitionRecord
from background_executor.decisions.decision_records import DecisionRecord
from background_executor.following import FollowedJobRecord, PublicationRecord
from background_executor.imported import (
    ImportedPlan,
    ImportedRecord,
    ImportedResult,
    Provenance,
)
from background_executor.judging.reference import ReferenceContent, ReferenceRecord
from background_executor.records import (
    CommandRecord,
    EventRecord,
    ExecutorRecord,
    GainRecord,
    JobRecord,
    PointRecord,
    ResultRecord,
    ScanRecord,
    ScanState,
    VerdictRecord,
)
from background_executor.writing.results import CHECKS
from server_side.journal import LiveProgress
from server_side.result import PointResult
from server_side.scan import ScanPlan, Take, parse_point

Row = sa.Row[Any]


def to_scan(row: Row) -> ScanRecord:
    """Read a scan; the row also holds the counts and first and last result of its points."""
    return ScanRecord(
        scan_id=row.scan_id,
        site=row.site,
        kind=row.kind,
        serial_number=row.serial_number,
        slot=row.slot,
        state=row.state,
        plan=_to_plan(row),
        started_at=row.started_at,
        ended_at=row.ended_at,
        message=row.message,
        points_stored=row.stored,
        points_failed=row.failed,
        points_planned=row.planned,
        seconds_left=_seconds_left(row),
        updated_at=max(row.updated_at, row.points_updated_at),
        is_kept_aside=row.is_kept_aside,
    )


def _to_plan(row: Row) -> ScanPlan | ImportedPlan:
    if row.provenance is Provenance.IMPORTED:
        return ImportedPlan.model_validate_json(row.plan)
    return ScanPlan.model_validate_json(row.plan)


def _seconds_left(row: Row) -> float | None:
    """Estimate from the mean time between results; from the start of the scan for the first."""
    if row.state is not ScanState.RUNNING or not row.measured_points:
        return None
    first: datetime = row.first_stored_at
    last: datetime = row.last_stored_at
    steps = int(row.measured_points) - 1
    begin: datetime = first if steps else row.started_at
    remaining = int(row.planned - row.stored - row.failed)
    return (last - begin).total_seconds() / max(steps, 1) * remaining


def to_point(row: Row) -> PointRecord:
    """Read a point with its newest take's newest result, verdict and decision."""
    return PointRecord(
        scan_id=row.scan_id,
        point=parse_point(row.point),
        state=row.state,
        takes=row.takes,
        take=row.take,
        revision=row.revision,
        result_id=row.result_id,
        gain=to_gain(row),
        gain_missing=row.gain_missing or "",
        verdict=to_verdict(row),
        decision=to_decision(row),
        error=row.error,
        tries=row.tries,
        measured_at=row.measured_at,
        acquired_at=row.acquired_at,
        stored_at=row.stored_at,
        updated_at=row.updated_at,
        awaits_take=row.awaits_take,
        awaits_since=row.awaits_since,
        last_decision_id=row.last_decision_id or 0,
        newest_take=row.take,
        is_coming=bool(row.coming),
    )


def to_gain(row: Row) -> GainRecord | None:
    """Read the gain of the verdict in force, or None where there is none."""
    if row.gain is None:
        return None
    return GainRecord(
        gain=row.gain,
        gain_err=row.gain_err,
        method=row.gain_method,
        model=row.gain_model,
        chi2=row.chi2,
        ndf=row.ndf,
    )


def to_verdict(row: Row) -> VerdictRecord | None:
    """Read the verdict in force, or None where nothing was judged yet."""
    if row.verdict is None:
        return None
    return VerdictRecord(
        verdict=row.verdict,
        summary=row.summary,
        rule=row.rule,
        checks=CHECKS.validate_json(row.checks),
        judged_at=row.judged_at,
    )


def to_decision(row: Row) -> DecisionRecord | None:
    """Read the decision in force, or None where there is none."""
    if row.decision is None:
        return None
    return DecisionRecord(
        decision=row.decision,
        reason=row.reason,
        comment=row.comment,
        operator=row.operator,
        decided_at=row.decided_at,
        decision_id=row.decision_id,
    )


def to_result(row: Row, results_folder: Path) -> ResultRecord:
    """Read a stored result with all its numbers."""
    return ResultRecord(
        result_id=row.result_id,
        scan_id=row.scan_id,
        result=PointResult.model_validate_json(row.document),
        folder=results_folder / row.folder,
        manifest_sha256=row.manifest_sha256,
        verdict=to_verdict(row),
        stored_at=row.stored_at,
    )


def to_imported(row: Row, results_folder: Path) -> ImportedRecord:
    """Read an imported result."""
    return ImportedRecord(
        result_id=row.result_id,
        scan_id=row.scan_id,
        result=ImportedResult.model_validate_json(row.document),
        folder=results_folder / row.folder,
        manifest_sha256=row.manifest_sha256,
        stored_at=row.stored_at,
    )


def to_job(row: Row) -> JobRecord:
    """Read a job as pages show it."""
    return JobRecord(
        job=row.job,
        scan_id=row.scan_id,
        state=row.state,
        scheduler=row.scheduler,
        scheduler_id=row.scheduler_id,
        message=row.message,
        node=row.node,
        end_reason=row.end_reason,
        log_tail=row.log_tail,
        created_at=row.created_at,
        expected_start=row.expected_start,
        started_at=row.started_at,
        ran_s=row.ran_s,
        ended_at=row.ended_at,
        last_heard_at=row.last_heard_at,
        live=None if row.live is None else LiveProgress.model_validate_json(row.live),
        software=row.software,
    )


def to_followed_job(row: Row) -> FollowedJobRecord:
    """Read a job as the executor follows it."""
    return FollowedJobRecord(
        record=to_job(row),
        claim=row.claim,
        submissions=row.submissions,
        journal_offset=row.journal_offset,
        journal_seq=row.journal_seq,
        journal_closed=row.journal_closed,
    )


def to_publication(row: Row) -> PublicationRecord:
    """Read a published folder that the executor has heard of."""
    take = Take(point=parse_point(row.point), take=row.take, revision=row.revision)
    return PublicationRecord(
        scan_id=row.scan_id,
        take=take,
        folder=row.folder,
        manifest_sha256=row.manifest_sha256,
        job=row.job,
        state=row.state,
        tries=row.tries,
        error=row.error,
        seen_at=row.seen_at,
        next_try_at=row.next_try_at,
    )


def to_command(row: Row) -> CommandRecord:
    """Read a command and its answer."""
    return CommandRecord(
        command_id=row.command_id,
        site=row.site,
        kind=row.kind,
        arguments=row.arguments,
        operator=row.operator,
        state=row.state,
        answer=row.answer,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
    )


def to_event(row: Row) -> EventRecord:
    """Read a line of the audit."""
    return EventRecord(**row._asdict())


def to_executor(row: Row) -> ExecutorRecord:
    """Read the executor's word about itself."""
    return ExecutorRecord(**row._asdict())


def to_reference(row: Row) -> ReferenceRecord:
    """Read one version of a reference with its spectra."""
    values = row._asdict()
    content = ReferenceContent.model_validate_json(values.pop("content"))
    return ReferenceRecord(content=content, **values)


def to_acquisition(row: Row) -> AcquisitionRecord:
    """Read an acquisition that could be processed."""
    values = row._asdict()
    del values["site"]
    return AcquisitionRecord(**values)
