"""What each line of a job's journal changes in the store."""

from background_executor import tables
from background_executor.records import ENDED_JOB_STATES, WAITING_JOB_STATES, JobState, PointState
from background_executor.states import JOB_TRANSITIONS, POINT_TRANSITIONS
from background_executor.writing.imports import ImportWriting
from background_executor.writing.jobs import JobWriting
from background_executor.writing.moves import MoveWriting
from background_executor.writing.references import ReferenceWriting
from background_executor.writing.scans import is_in_hand
from background_executor.writing.sites import SiteWriting
from background_executor.writing.transaction import point_subject
from server_side.journal import (
    DataSeen,
    EndReason,
    Idle,
    JobEnd,
    JobStart,
    JournalLine,
    LiveProgress,
    PointFailed,
    PointPublished,
)
from server_side.scan import Point

_WORKING = ("reading", "fitting", "publishing")


FOREIGN_STOP = "was told to stop, not by this executor"


class StoreWriter(MoveWriting, ImportWriting, JobWriting, SiteWriting, ReferenceWriting):
    """Everything that may be changed in the store, within one transaction."""

    def apply_line(self, job: str, line: JournalLine) -> None:
        """Do all that a journal line means; a line that was applied before changes nothing."""
        row = self.get(tables.jobs, {"job": job})
        self.hear_job(job, line.at)
        if isinstance(line, JobStart):
            scheduler_id = row.scheduler_id or line.scheduler_job or None
            # Why it waited, and how long it was to, is over.
            message = "" if row.state in WAITING_JOB_STATES else None
            self.describe_job(job, node=line.host, scheduler_id=scheduler_id, message=message)
            self._hear_version(job, row.software, line.software_version)
            self._follow_job(job, JobState.RUNNING, None)
        elif isinstance(line, DataSeen):
            self.add_data(row.scan_id, line.point, line.take, line.folder, line.generation)
        elif isinstance(line, PointPublished):
            self.add_publication(row.scan_id, line.take, line.folder, line.manifest_sha256, job)
        elif isinstance(line, PointFailed):
            self._hear_failure(job, row.scan_id, line)
        elif isinstance(line, Idle) and row.state not in ENDED_JOB_STATES:
            self.describe_job(job, message=f"waits for {line.waiting_for} more points")
        elif isinstance(line, JobEnd):
            self._end_job(job, line)

    def add_data(self, scan_id: str, point: Point, take: int, folder: str, generation: str) -> None:
        """Note raw data of a take; a take that is new opens its point again."""
        key = {"scan_id": scan_id, "point": point.name, "take": take}
        is_new = self.find(tables.takes, key) is None
        self.upsert_take(scan_id, point, take, folder, generation)
        row = self.get(tables.points, {"scan_id": scan_id, "point": point.name})
        if is_new and row.take == take and PointState.ACQUIRING in POINT_TRANSITIONS[row.state]:
            self.advance_point(scan_id, point, PointState.ACQUIRING, error="", tries=0)

    def add_failure(
        self, scan_id: str, point: Point, take: int, attempt: int, error: str, *, final: bool
    ) -> None:
        """Note a failed try at a take; the last one fails the point, unless a result is there.

        A result stays valid, with the error beside it: newer data of its take could not be read.
        """
        self.upsert_take(scan_id, point, take)
        key = {"scan_id": scan_id, "point": point.name}
        row = self.get(tables.points, key)
        if not is_in_hand(row, take):
            return
        has_result = self.find(tables.publications, key | {"take": take}) is not None
        state = PointState.FAILED if final and not has_result else row.state
        self.advance_point(scan_id, point, state, error=error, tries=attempt)

    def _hear_version(self, job: str, software: str | None, number: str) -> None:
        """Note the version that a job says, unless more than that is known of the same one."""
        if software is None or not software.startswith(f"{number}-"):
            self.note_software(job, number)

    def _hear_failure(self, job: str, scan_id: str, line: PointFailed) -> None:
        """Write a failed try into the audit, and note it; one that stands there is an old one."""
        told = f"take {line.take}, try {line.attempt}, line {line.seq} of the journal"
        subject, act = point_subject(scan_id, line.point.name), "analysis failed"
        key = {"subject": subject, "act": act, "after": told, "job": job}
        if self.find(tables.events, key) is not None:
            return
        site = self.get(tables.jobs, {"job": job}).site
        self.add_event(site, "executor", subject, act, after=told, reason=line.error, job=job)
        self.add_failure(scan_id, line.point, line.take, line.attempt, line.error, final=line.final)

    def set_live(self, job: str, live: LiveProgress | None) -> None:
        """Replace the progress of the point in hand, and move that point to processing."""
        heard_at = self.get(tables.jobs, {"job": job}).last_heard_at
        super().set_live(job, live)
        if live is None or live.point is None or live.stage not in _WORKING:
            return
        key = {"scan_id": self.get(tables.jobs, {"job": job}).scan_id, "point": live.point.name}
        row = self.get(tables.points, key)
        if row.awaits_take is not None:
            return
        waiting = (PointState.EXPECTED, PointState.ACQUIRING)
        # Progress that is older than the job's last line may be that of the try that failed.
        is_news = heard_at is None or min(live.at, self.now) > heard_at
        tried_again = row.state is PointState.FAILED and live.take == row.take and is_news
        if tried_again or (row.state in waiting and live.take in (None, row.take)):
            self.advance_point(row.scan_id, live.point, PointState.PROCESSING, job=job)

    def note_foreign_stop(self, job: str) -> None:
        """Note that others told a job to stop; what its end is called, the scheduler says."""
        row = self.get(tables.jobs, {"job": job})
        if row.state in ENDED_JOB_STATES or row.end_reason is EndReason.STOPPED:
            return
        self.describe_job(job, message=FOREIGN_STOP)
        self.update(tables.jobs, {"job": job}, {"end_reason": EndReason.STOPPED})
        self.add_event(
            row.site, "executor", f"job {job}", "job told to stop", reason=FOREIGN_STOP, job=job
        )

    def _end_job(self, job: str, line: JobEnd) -> None:
        row = self.get(tables.jobs, {"job": job})
        has_failed = line.reason is EndReason.FAILED
        message = line.message or f"ended: {line.reason.value}"
        self._follow_job(job, JobState.FAILED if has_failed else JobState.COMPLETED, message)
        if row.end_reason is not line.reason:
            self.update(tables.jobs, {"job": job}, {"end_reason": line.reason})
        self.close_journal(job)

    def _follow_job(self, job: str, state: JobState, message: str | None) -> None:
        """Move a job on its own word, unless something stronger was heard before."""
        before = self.get(tables.jobs, {"job": job}).state
        if before is JobState.INTENT:
            # Its claim proves that the scheduler was asked.
            self.advance_job(job, JobState.SUBMITTING)
            before = JobState.SUBMITTING
        is_over = before in ENDED_JOB_STATES and before is not JobState.LOST
        if not is_over and state in JOB_TRANSITIONS[before]:
            self.advance_job(job, state, message=message)
