"""Jobs that nobody wants any more, because their scan was stopped or archived."""

from datetime import datetime

from background_executor import queries
from background_executor.following import FollowedJobRecord
from background_executor.records import JobState, ScanState
from background_executor.site import Site


def is_unwanted(site: Site, job: FollowedJobRecord) -> bool:
    """Tell whether the scan of a job was stopped or archived since."""
    scan = queries.scan(site.store, job.record.scan_id)
    return scan is None or scan.state in (ScanState.STOPPED, ScanState.ARCHIVED)


def note_never_asked(site: Site, job: FollowedJobRecord, now: datetime) -> None:
    """End an intent that was never put to the scheduler: there is nothing on the server."""
    with site.store.writing(now) as writer:
        message = "its scan was stopped before it was asked for"
        writer.advance_job(job.record.job, JobState.CANCELLED, message=message)
        writer.close_journal(job.record.job)
