"""Jobs that nobody wants any more: of scans that were stopped or archived, or want no retake."""

from datetime import datetime

from background_executor import queries
from background_executor.following import FollowedJobRecord
from background_executor.records import JobState, ScanState
from background_executor.site import Site


def is_unwanted(site: Site, job: FollowedJobRecord) -> bool:
    """Tell whether the scan of a job was stopped or archived since, or its retakes taken back."""
    scan = queries.scan(site.store, job.record.scan_id)
    if scan is None or scan.state in (ScanState.STOPPED, ScanState.ARCHIVED):
        return True
    if scan.state is not ScanState.COMPLETE or scan.ended_at is None:
        return False
    # A retake that is taken back leaves the end that the scan had before: its job would wait
    # for data until its time is over, and take those of the next PMT for them.
    return job.record.created_at > scan.ended_at


def note_never_asked(site: Site, job: FollowedJobRecord, now: datetime) -> None:
    """End an intent that was never put to the scheduler: there is nothing on the server."""
    with site.store.writing(now) as writer:
        message = "its scan was stopped before it was asked for"
        writer.advance_job(job.record.job, JobState.CANCELLED, message=message)
        writer.close_journal(job.record.job)
