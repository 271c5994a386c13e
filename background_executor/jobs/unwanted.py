"""Jobs that nobody wants any more: of scans that were stopped or archived, or want no retake.

They are asked to end, by a file, and cancelled when they do not heed it.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from background_executor import queries
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.following import FollowedJobRecord, job_name
from background_executor.records import ENDED_JOB_STATES, JobState, ScanState
from background_executor.rounds import Rounds
from background_executor.site import Site

log = logging.getLogger(__name__)

STOP_GRACE = timedelta(seconds=30)
"""How long a job may take to heed its stop file before it is cancelled."""
CANCEL_EVERY = timedelta(seconds=15)


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


def write_stop_file(site: Site, job: FollowedJobRecord, reason: str, now: datetime) -> None:
    """Tell a job to end; one that works looks for this file between any two of its acts."""
    path = site.layout(job.record.scan_id).stop_file(job.record.job)
    site.transport.write(path, f"{reason}\n".encode())
    with site.store.writing(now) as writer:
        writer.note_job_act(job.record.job, "job asked to end", f"by {path.name}: {reason}")


class UnwantedJobs:
    """Ends them, and remembers what each was asked already.

    The memory may be lost: after a restart each is asked once more.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: Rounds[FollowedJobRecord] = Rounds(site.timeout_s, job_name)
        self._stop_asked: set[str] = set()
        self._cancelled_at: dict[str, datetime] = {}

    def end(self, jobs: Iterable[FollowedJobRecord], now: datetime) -> None:
        """Ask the jobs of stopped scans to end, and cancel those that do not heed.

        Raises
        ------
        TransportError
            When the server could not be asked, or refused something or hung for one of them.
        """
        unwanted = [
            job
            for job in jobs
            if job.record.state not in ENDED_JOB_STATES and is_unwanted(self._site, job)
        ]
        self._rounds.do(unwanted, lambda job: self._end_one(job, now), now)

    def _end_one(self, job: FollowedJobRecord, now: datetime) -> None:
        if job.record.state is JobState.INTENT:
            note_never_asked(self._site, job, now)
            return
        trouble: RemoteFileError | NoAnswerError | None = None
        try:
            self._ask_to_end(job, now)
        # A disk that is full or hangs must not make a job unstoppable.
        except (RemoteFileError, NoAnswerError) as error:
            trouble = error
        self._cancel_after_grace(job, now)
        if trouble is not None:
            raise trouble

    def _ask_to_end(self, job: FollowedJobRecord, now: datetime) -> None:
        """Write the stop file of a job whose scan was stopped, once."""
        if job.record.job not in self._stop_asked:
            write_stop_file(self._site, job, "the scan was stopped", now)
            self._stop_asked.add(job.record.job)

    def _cancel_after_grace(self, job: FollowedJobRecord, now: datetime) -> None:
        """Cancel a job that had time to heed; a waiting job has nothing to finish."""
        name, scheduler_id = job.record.job, job.record.scheduler_id
        first = self._cancelled_at.get(name)
        scan = queries.scan(self._site.store, job.record.scan_id)
        stopped_at = scan.ended_at if scan is not None and scan.ended_at is not None else now
        had_time = job.record.state is not JobState.RUNNING or _is_over(now, stopped_at, STOP_GRACE)
        is_due = first is None or _is_over(now, first, CANCEL_EVERY)
        if scheduler_id is None or not had_time or not is_due:
            return
        self._cancelled_at[name] = now
        argv = self._site.scheduler.cancel_argv(scheduler_id, name)
        output = self._site.transport.run(argv, timeout_s=self._site.timeout_s)
        said = (output.stdout or output.stderr).strip()
        with self._site.store.writing(now) as writer:
            writer.note_job_act(name, "job cancel asked", f"{scheduler_id}: {said}"[:2000])
        log.info("Job %s is cancelled: %s", name, said)


def _is_over(now: datetime, since: datetime, patience: timedelta) -> bool:
    """Tell whether a while has passed; one that begins ahead of a clock set back has, too."""
    return not timedelta(0) <= now - since < patience
