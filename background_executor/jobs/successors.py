"""What becomes of a scan whose job has ended: done, another job, or a question.

Decided anew in each turn from what the store says, so that it does not matter
when the executor died. A question is answered by stopping the scan or by
``resume-scan``; a job that left because nothing came is followed by another
when ``idle_scans`` finds new raw data.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.records import (
    ENDED_JOB_STATES,
    JobRecord,
    JobState,
    PointRecord,
    PointState,
    ScanRecord,
    ScanState,
)
from background_executor.site import Site
from background_executor.writing import StoreWriter
from background_executor.writing.scans import RESUMED, scan_subject
from server_side.journal import EndReason

log = logging.getLogger(__name__)

MAX_IN_A_ROW = 3
"""So many successors are tried without a new result between them."""

INTERRUPTED = frozenset({JobState.TIMEOUT, JobState.NODE_FAIL, JobState.PREEMPTED, JobState.LOST})
"""Ends that say nothing against trying again."""

_SETTLED = (PointState.STORED, PointState.FAILED)
_NEEDS_NO_JOB = (*_SETTLED, PointState.PUBLISHED)


def settle_scans(site: Site, now: datetime, listed_at: Mapping[str, datetime]) -> bool:
    """Complete the scans that have all their points, and see to those without a job.

    Parameters
    ----------
    listed_at
        When the published folders of each scan were last listed. Points that no journal
        line told of are not missing before they were looked for.

    Returns
    -------
    True when a sweep is wanted before anything is decided.
    """
    wants_sweep = False
    for scan in queries.running_scans(site.store, site.name):
        points = queries.points(site.store, scan.scan_id)
        jobs = queries.jobs(site.store, scan.scan_id)
        if _has_all_there_will_be(points, jobs):
            _complete(site, scan, now)
        elif lacks_job(points, jobs):
            if _is_swept_since(listed_at.get(scan.scan_id), jobs[0], now):
                _go_on_without_job(site, scan, jobs, points, now)
            else:
                wants_sweep = True
    return wants_sweep


def _has_all_there_will_be(points: Sequence[PointRecord], jobs: Sequence[JobRecord]) -> bool:
    """Tell whether every point has its outcome; a job at work tries failed points once more."""
    if all(point.state is PointState.STORED for point in points):
        return True
    return all(point.state in _SETTLED for point in points) and _have_ended(jobs)


def lacks_job(points: Sequence[PointRecord], jobs: Sequence[JobRecord]) -> bool:
    """Tell whether points are left and every job has ended."""
    is_work_left = any(point.state not in _NEEDS_NO_JOB for point in points)
    return is_work_left and bool(jobs) and _have_ended(jobs)


def awaits_operator(scan: ScanRecord, jobs: Sequence[JobRecord]) -> bool:
    """Tell whether a scan asks what to do: its message is the question, and no job is left.

    Parameters
    ----------
    jobs
        All jobs of the scan.
    """
    has_question = scan.state is ScanState.RUNNING and bool(scan.message)
    return has_question and bool(jobs) and _have_ended(jobs)


def add_successor(writer: StoreWriter, scan: ScanRecord, scheduler: str, reason: str) -> None:
    """Add the intent of another job; the question that the scan may have put is answered."""
    name = str(uuid.uuid4())
    writer.add_job(name, scan.scan_id, name, scheduler, reason)
    writer.set_scan_message(scan.scan_id, "")


def _have_ended(jobs: Sequence[JobRecord]) -> bool:
    return all(job.state in ENDED_JOB_STATES for job in jobs)


def _is_swept_since(swept_at: datetime | None, last: JobRecord, now: datetime) -> bool:
    """Tell whether folders were listed after a job's end; what lies ahead of now proves nothing."""
    if swept_at is None or last.ended_at is None:
        return False
    # What was listed in this very turn was listed after every end that is known.
    return swept_at == now or last.ended_at <= swept_at <= now


def _complete(site: Site, scan: ScanRecord, now: datetime) -> None:
    with site.store.writing(now) as writer:
        writer.set_scan_state(scan.scan_id, ScanState.COMPLETE, "executor")
    log.info("Scan %s of %s is complete.", scan.scan_id, scan.serial_number)


def _go_on_without_job(
    site: Site,
    scan: ScanRecord,
    jobs: Sequence[JobRecord],
    points: Sequence[PointRecord],
    now: datetime,
) -> None:
    last = jobs[0]
    if retaken := _retakes_since(last, points):
        with site.store.writing(now) as writer:
            reason = f"a retake was asked for: {', '.join(retaken)}"
            add_successor(writer, scan, site.scheduler.name, reason)
        return
    in_a_row = successors_in_a_row(jobs, points, _resumed_at(site, scan))
    question = question_after(last, in_a_row)
    with site.store.writing(now) as writer:
        if question:
            writer.set_scan_message(scan.scan_id, question)
        else:
            reason = f"goes on after job {last.job}, which ended: {_end_of(last)}"
            add_successor(writer, scan, site.scheduler.name, reason)


def _retakes_since(last: JobRecord, points: Sequence[PointRecord]) -> list[str]:
    """Return the points whose retake was asked for after a job was made: it may not know them.

    A job that ended because nothing was wanted knows none that is waited for now, also where
    a clock that was set back has the retake before the job.
    """
    was_told_to_end = last.state is JobState.COMPLETED and last.end_reason is EndReason.STOPPED
    return [
        point.point.name
        for point in points
        if point.awaits_since is not None
        and (was_told_to_end or point.awaits_since > last.created_at)
    ]


def question_after(last: JobRecord, in_a_row: int) -> str:
    """Return what the operator is to be asked after a job's end; empty when another may follow."""
    advice = "look at the end of the job's log, then resume the scan or stop it"
    if last.state in INTERRUPTED or last.end_reason is EndReason.TIME_LIMIT:
        if in_a_row < MAX_IN_A_ROW:
            return ""
        return f"{in_a_row + 1} jobs in a row ended without a result ({_end_of(last)}): {advice}"
    if last.end_reason is EndReason.IDLE:
        return (
            "nothing new came for a long time and the job has left: another one follows as soon "
            "as there are new raw data; stop the scan when none will come"
        )
    return f"points are missing and the job has ended ({_end_of(last)}): {advice}"


def successors_in_a_row(
    jobs: Sequence[JobRecord], points: Sequence[PointRecord], resumed_at: datetime | None
) -> int:
    """Count the successors since the last result, or since the operator last asked to go on.

    The first job of a scan is none, nor is the one that the operator asked for.
    """
    heard = [point.stored_at for point in points if point.stored_at is not None]
    newest = max([*heard, *([resumed_at] if resumed_at else [])], default=None)
    return sum(1 for job in jobs[:-1] if newest is None or job.created_at > newest)


def _resumed_at(site: Site, scan: ScanRecord) -> datetime | None:
    """Return when the operator last asked to go on with a scan, as the audit has it."""
    asked = EventFilter(subject=scan_subject(scan.scan_id), act=RESUMED)
    found = queries.events(site.store, site.name, asked, limit=1)
    return found[0].at if found else None


def _end_of(job: JobRecord) -> str:
    word = job.state.value.replace("_", " ")
    return f"{word}, {job.message}" if job.message else word
