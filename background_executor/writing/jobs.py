"""Jobs: the intent before anything is asked, then every state until their last word."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from background_executor import tables
from background_executor.following import PublicationState
from background_executor.records import ENDED_JOB_STATES, JobState
from background_executor.states import JOB_TRANSITIONS, check_transition
from background_executor.writing.transaction import Transaction
from server_side.journal import LiveProgress

_NEXT = timedelta(microseconds=1)
RUN_TIME_TOLERANCE = timedelta(seconds=3)
"""Schedulers count whole seconds, and their answers take a while to come."""


class JobWriting(Transaction):
    """Changes of jobs and of how far their journals were read."""

    def add_job(self, job: str, scan_id: str, claim: str, scheduler: str, reason: str = "") -> None:
        """Add the intent to submit a job; commit it before the scheduler is asked."""
        if self.find(tables.jobs, {"job": job}) is not None:
            return
        scan = self.get(tables.scans, {"scan_id": scan_id})
        values = {
            "job": job,
            "site": scan.site,
            "scan_id": scan_id,
            "claim": claim,
            "state": JobState.INTENT,
            "scheduler": scheduler,
            "created_at": self._after_all_known(scan_id),
            "message": reason,
        }
        self.insert(tables.jobs, values)
        self.add_event(
            scan.site,
            "executor",
            f"job {job}",
            "job intent",
            after=JobState.INTENT.value,
            reason=reason,
            job=job,
        )

    def _after_all_known(self, scan_id: str) -> datetime:
        """Return now, or later: no clock set back makes a job older than what led to it."""
        jobs, results = tables.jobs.c, tables.results.c
        known = (
            sa.select(sa.func.max(jobs.created_at)).where(jobs.scan_id == scan_id),
            sa.select(sa.func.max(results.stored_at)).where(results.scan_id == scan_id),
        )
        found = [self.select(statement).scalar_one() for statement in known]
        moments: list[datetime] = [moment for moment in found if moment is not None]
        return max([self.now, *(moment + _NEXT for moment in moments)])

    def advance_job(
        self,
        job: str,
        state: JobState,
        *,
        message: str | None = None,
        scheduler_id: str | None = None,
        node: str | None = None,
        log_tail: str | None = None,
    ) -> None:
        """Move a job to a state, and note what else was learnt.

        Raises
        ------
        StoreError
            When the job is unknown, or may not move there.
        """
        row = self.get(tables.jobs, {"job": job})
        moved = check_transition(f"job {job}", JOB_TRANSITIONS, row.state, state)
        self.describe_job(
            job, message=message, scheduler_id=scheduler_id, node=node, log_tail=log_tail
        )
        if not moved:
            return
        values: dict[str, object] = {"state": state}
        if state is JobState.SUBMITTING:
            values["submissions"] = row.submissions + 1
        if state is JobState.RUNNING and row.started_at is None:
            values["started_at"] = self.now
        if state in ENDED_JOB_STATES:
            values |= {"ended_at": self.now, "live": None}
        self.update(tables.jobs, {"job": job}, values)
        self.add_move(row.site, f"job {job}", row.state, state, reason=message or "", job=job)

    def describe_job(
        self,
        job: str,
        *,
        message: str | None = None,
        scheduler_id: str | None = None,
        node: str | None = None,
        log_tail: str | None = None,
    ) -> None:
        """Note what was learnt of a job without moving it; None leaves a field as it is."""
        given = {
            "message": message,
            "scheduler_id": scheduler_id,
            "node": node,
            "log_tail": log_tail,
        }
        row = self.get(tables.jobs, {"job": job})
        known = row._asdict()
        news = {
            name: value
            for name, value in given.items()
            if value is not None and value != known[name]
        }
        if not news:
            return
        self.update(tables.jobs, {"job": job}, news)
        if "scheduler_id" in news:
            ids = {"before": row.scheduler_id or "", "after": str(scheduler_id)}
            self.add_event(row.site, "executor", f"job {job}", "job id known", **ids, job=job)

    def expect_job(self, job: str, expected_start: datetime | None) -> None:
        """Note when a job that waits is to begin; one that had begun was put back."""
        known = self.get(tables.jobs, {"job": job})
        if (known.expected_start, known.started_at) != (expected_start, None):
            news = {"expected_start": expected_start, "started_at": None}
            self.update(tables.jobs, {"job": job}, news)

    def time_job(self, job: str, run_time: timedelta) -> None:
        """Note how long a job has been running, by the scheduler's count.

        It is kept as the moment when it began, which does not change with
        every look: only more than a scheduler's second or two moves it.
        """
        known = self.get(tables.jobs, {"job": job})
        began = self.now - run_time
        news: dict[str, object] = {}
        if known.started_at is None or abs(known.started_at - began) > RUN_TIME_TOLERANCE:
            news["started_at"] = began
        if known.expected_start is not None:
            news["expected_start"] = None
        if news:
            self.update(tables.jobs, {"job": job}, news)

    def note_run_time(self, job: str, run_time: timedelta) -> None:
        """Note how long a job ran in all, as the scheduler counted."""
        self.update(tables.jobs, {"job": job}, {"ran_s": run_time.total_seconds()})

    def note_software(self, job: str, software: str) -> None:
        """Note which server_side a job is made with."""
        self.update(tables.jobs, {"job": job}, {"software": software}, quiet=True)

    def note_job_act(self, job: str, act: str, after: str) -> None:
        """Write into the audit what was done to a job on the server."""
        site = self.get(tables.jobs, {"job": job}).site
        self.add_event(site, "executor", f"job {job}", act, after=after, job=job)

    def hear_job(self, job: str, at: datetime) -> None:
        """Note when a job last gave a sign of life, by its own clock but never in the future."""
        row = self.get(tables.jobs, {"job": job})
        heard_at = min(at, self.now)
        if row.last_heard_at is None or heard_at > row.last_heard_at:
            self.update(tables.jobs, {"job": job}, {"last_heard_at": heard_at}, quiet=True)

    def set_live(self, job: str, live: LiveProgress | None) -> None:
        """Replace the progress of the point in hand."""
        text = None if live is None else live.model_dump_json()
        if self.get(tables.jobs, {"job": job}).live != text:
            self.update(tables.jobs, {"job": job}, {"live": text})
        if live is not None:
            self.hear_job(job, live.at)

    def set_cursor(self, job: str, offset: int, seq: int) -> None:
        """Note how far a journal was applied; in one transaction with what it changed."""
        self.get(tables.jobs, {"job": job})
        values = {"journal_offset": offset, "journal_seq": seq}
        self.update(tables.jobs, {"job": job}, values, quiet=True)

    def close_journal(self, job: str) -> None:
        """Note that nothing more is expected of a journal."""
        self.get(tables.jobs, {"job": job})
        self.update(tables.jobs, {"job": job}, {"journal_closed": True}, quiet=True)

    def reset_cursors(self, site: str) -> None:
        """Have every journal of a site read again from its start, and refused folders tried again.

        Nothing is deleted; what is known already changes nothing when it is read again.
        """
        journal = {"journal_offset": 0, "journal_seq": 0, "journal_closed": False}
        self.update(tables.jobs, {"site": site}, journal)
        refused = {"site": site, "state": PublicationState.REFUSED}
        again = {"state": PublicationState.WAITING, "next_try_at": self.now, "tries": 0}
        count = self.update(tables.publications, refused, again)
        after = f"journals from their start; {count} refused folders are tried again"
        self.add_event(site, "executor", f"site {site}", "read again", after=after)
