"""What the scheduler says of our jobs, and what follows from it.

One question for all jobs. No answer changes nothing. A job that is not in an
answer has not succeeded: one that was asked for and never seen is asked for
again, and one that was seen is lost, both only after it was missing for a
while in which it wrote nothing. A job's own last word, in its journal, counts
more than the scheduler's.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from background_executor import queries
from background_executor.errors import NoAnswerError, RemoteFileError, SchedulerError
from background_executor.following import FollowedJobRecord, job_name
from background_executor.jobs.submit import submit
from background_executor.jobs.unwanted import is_unwanted, write_stop_file
from background_executor.records import ENDED_JOB_STATES, WAITING_JOB_STATES, JobState
from background_executor.rounds import Rounds
from background_executor.scheduler import SCHEDULER_SAYS, JobSighting
from background_executor.site import Site
from background_executor.sync import follow_journal
from background_executor.writing.journal import FOREIGN_STOP
from server_side.journal import EndReason

log = logging.getLogger(__name__)

ABSENCE_PATIENCE = timedelta(seconds=30)
"""How long a job may be missing from answers before that is believed."""
SUBMIT_DIES_AFTER = timedelta(seconds=15)
"""So long after its time-out the command that asked for a job is certainly gone on the server."""
MIN_ABSENCES = 3
"""In so many answers it must be missing too: a clock that jumps is not patience."""
MAX_SUBMISSIONS = 3
LOG_TAIL_BYTES = 4000

_ASKED_FOR = (JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN)
_MAY_LIVE_ON = (JobState.LOST, JobState.NODE_FAIL)
"""Ends that are believed of a job that nobody saw end: its node may only be cut off."""


@dataclass
class Absence:
    """How long a job has been missing from the scheduler's answers."""

    since: datetime
    journal_seq: int
    """Lines that its journal had then: one that goes on writing is not gone."""
    answers: int = 0


class JobQueue:
    """Asks for all our jobs at once and remembers since when one is missing.

    The memory may be lost: after a restart the patience begins anew.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: Rounds[FollowedJobRecord] = Rounds(site.timeout_s, job_name)
        self._absences: dict[str, Absence] = {}

    def look(self, jobs: Iterable[FollowedJobRecord], now: datetime) -> None:
        """Ask the scheduler once for all jobs that were asked for and have not ended.

        Raises
        ------
        TransportError
            When the server could not be asked, or refused something or hung for one of them;
            what is seen of the others is noted all the same, now or after the next answer.
        SchedulerError
            When the answer is no answer.
        """
        wanted = [job for job in jobs if _is_with_scheduler(job)]
        if not wanted:
            return
        seen = self._ask(wanted)
        for name in (n for n, each in seen.items() if each.state not in ENDED_JOB_STATES):
            self._absences.pop(name, None)
        self._rounds.do(wanted, lambda job: self._note(job, seen.get(job.record.job), now), now)

    def _note(self, job: FollowedJobRecord, sighting: JobSighting | None, now: datetime) -> None:
        """Note what one answer says of a job, or that it does not name it."""
        if sighting is None:
            self._miss(job, now)
        elif sighting.state in ENDED_JOB_STATES:
            self._see_end(job, sighting, now)
        else:
            self._see(job, sighting, now)

    def _ask(self, jobs: Sequence[FollowedJobRecord]) -> dict[str, JobSighting]:
        uuids = [job.record.job for job in jobs]
        ids = [job.record.scheduler_id for job in jobs if job.record.scheduler_id is not None]
        argv = self._site.scheduler.queue_argv(uuids, ids)
        output = self._site.transport.run(argv, timeout_s=self._site.timeout_s)
        return dict(self._site.scheduler.read_queue(output))

    def _see(self, job: FollowedJobRecord, sighting: JobSighting, now: datetime) -> None:
        name, news = job.record.job, sighting.message
        is_outdated = job.record.message.startswith(SCHEDULER_SAYS)
        has_moved = sighting.state is not job.record.state
        with self._site.store.writing(now) as writer:
            if sighting.state in WAITING_JOB_STATES:
                writer.expect_job(name, sighting.expected_start)
            elif sighting.run_time is not None:
                writer.time_job(name, sighting.run_time)
            writer.advance_job(
                name,
                sighting.state,
                scheduler_id=sighting.scheduler_id or None,
                node=sighting.node or None,
                message=news if news or has_moved or is_outdated else None,
            )

    def _see_end(self, job: FollowedJobRecord, sighting: JobSighting, now: datetime) -> None:
        """Note that a job ended; without a last word of its own, success is not believed."""
        if sighting.state is not JobState.COMPLETED:
            message = sighting.message or f"{SCHEDULER_SAYS} {sighting.word}"
            self._end(job, sighting.state, message, now, sighting.run_time)
        elif job.record.end_reason is EndReason.STOPPED:
            self._end(job, JobState.LOST, f"it {FOREIGN_STOP}, and ended", now)
        elif self._is_missing_long(job, now):
            message = f"{SCHEDULER_SAYS} {sighting.word}, but its journal does not say so"
            self._end(job, JobState.LOST, message, now)

    def _miss(self, job: FollowedJobRecord, now: datetime) -> None:
        if not self._is_missing_long(job, now):
            return
        remembered = self._ask_history(job)
        if remembered is not None and remembered.state in ENDED_JOB_STATES:
            self._see_end(job, remembered, now)
        elif remembered is None and job.record.state in _ASKED_FOR and not self._has_begun(job):
            self._ask_again(job, now)
        else:
            message = "the scheduler does not know it any more, and it left no last word"
            self._end(job, JobState.LOST, message, now)

    def _ask_history(self, job: FollowedJobRecord) -> JobSighting | None:
        """Ask what outlives the queue's memory; None where a site has none, or it says nothing."""
        argv = self._site.scheduler.history_argv(job.record.job)
        if not argv:
            return None
        output = self._site.transport.run(argv, timeout_s=self._site.timeout_s)
        try:
            return self._site.scheduler.read_history(output).get(job.record.job)
        except SchedulerError as error:
            log.info("Job %s is not in the queue, and: %s", job.record.job, error)
            return None

    def _is_missing_long(self, job: FollowedJobRecord, now: datetime) -> bool:
        absence = self._absences.get(job.record.job)
        if absence is None or job.journal_seq > absence.journal_seq:
            absence = Absence(now, job.journal_seq)
            self._absences[job.record.job] = absence
        absence.since = min(absence.since, now)  # the clock may have been set back
        absence.answers += 1
        patience = ABSENCE_PATIENCE
        if job.record.state in _ASKED_FOR:
            ask_s = timedelta(seconds=self._site.timeout_s)
            patience = max(patience, ask_s + SUBMIT_DIES_AFTER)
        return absence.answers >= MIN_ABSENCES and now - absence.since >= patience

    def _has_begun(self, job: FollowedJobRecord) -> bool:
        """Tell whether the job itself left a trace, whatever the scheduler says."""
        layout = self._site.layout(job.record.scan_id)
        traces = (layout.claim_folder(job.claim), layout.journal_file(job.record.job))
        return any(self._site.transport.exists(trace) for trace in traces)

    def _ask_again(self, job: FollowedJobRecord, now: datetime) -> None:
        self._absences.pop(job.record.job, None)
        if is_unwanted(self._site, job):
            self._end(job, JobState.CANCELLED, "it was never made, and its scan was stopped", now)
        elif job.submissions >= MAX_SUBMISSIONS:
            message = f"asked for {job.submissions} times and never made: {job.record.message}"
            self._end(job, JobState.FAILED, message, now)
        else:
            log.info("Job %s is nowhere; it is asked for again.", job.record.job)
            submit(self._site, job.record.scan_id, job.record.job, now)

    def _end(
        self,
        job: FollowedJobRecord,
        state: JobState,
        message: str,
        now: datetime,
        run_time: timedelta | None = None,
    ) -> None:
        """End a job by the scheduler's word, unless its journal has a last word of its own."""
        name = job.record.job
        follow_journal(self._site, job, now)
        current = {
            record.job: record for record in queries.jobs(self._site.store, job.record.scan_id)
        }
        if current[name].state in ENDED_JOB_STATES:
            return
        if state in _MAY_LIVE_ON:
            self._tell_to_end(job, now)
        tail = self._log_tail(job)
        with self._site.store.writing(now) as writer:
            writer.advance_job(name, state, message=message, log_tail=tail)
            if run_time is not None:
                writer.note_run_time(name, run_time)
        self._absences.pop(name, None)
        log.info("Job %s ended: %s, %s.", name, state.value, message)

    def _tell_to_end(self, job: FollowedJobRecord, now: datetime) -> None:
        """Let a job that comes back after all leave the work to its successor.

        It is no condition: claims and renames keep two jobs of one scan apart.
        """
        try:
            # A write would make the folder of a scan that was moved away.
            if self._site.transport.exists(self._site.layout(job.record.scan_id).scan_folder):
                write_stop_file(self._site, job, "it was believed lost", now)
        except (RemoteFileError, NoAnswerError) as error:
            log.warning("Job %s cannot be told to end if it lives on: %s", job.record.job, error)

    def _log_tail(self, job: FollowedJobRecord) -> str | None:
        """Return the end of what the job printed; without one the job ends all the same."""
        path = self._site.layout(job.record.scan_id).log_file(job.record.job)
        argv = ["tail", "-c", str(LOG_TAIL_BYTES), str(path)]
        try:
            return self._site.transport.run(argv, timeout_s=self._site.timeout_s).stdout
        except NoAnswerError as error:
            log.warning("What job %s printed cannot be read: %s", job.record.job, error)
            return None


def _is_with_scheduler(job: FollowedJobRecord) -> bool:
    return job.record.state is not JobState.INTENT and job.record.state not in ENDED_JOB_STATES
