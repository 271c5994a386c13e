"""Make jobs: one for each intent, whatever dies when.

The intent, with the job's uuid, is in the store before anything is asked. The
store says ``submitting`` before the scheduler is asked, so that an intent was
certainly never submitted, and everything later may have been: then
``job_queue`` asks before anything is submitted again.
"""

import logging
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from background_executor import queries
from background_executor.config import SchedulerName, SiteConfig, TransportName
from background_executor.crash_points import CrashPoint, reach
from background_executor.errors import (
    ExecutorError,
    RemoteFileError,
    SubmitRefusedError,
    SubmitUnknownError,
    UnreachableError,
)
from background_executor.following import FollowedJobRecord, job_name
from background_executor.jobs.unwanted import is_unwanted, note_never_asked
from background_executor.new_site.deployed import interpreter_now, version_here, version_mismatch
from background_executor.records import JobState
from background_executor.rounds import Rounds
from background_executor.site import Site
from server_side.order import AwaitedTake, JobOrder

log = logging.getLogger(__name__)


class Intents:
    """Submits every job that was decided on and never asked for, and is wanted still."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: Rounds[FollowedJobRecord] = Rounds(site.timeout_s, job_name)

    def submit(self, jobs: Iterable[FollowedJobRecord], now: datetime) -> None:
        """Submit those that are among the jobs.

        Raises
        ------
        TransportError
            When the server could not be asked, or refused something or hung for one of them.
        """
        intents = [job for job in jobs if job.record.state is JobState.INTENT]
        self._rounds.do(intents, lambda job: _submit_intent(self._site, job, now), now)


def _submit_intent(site: Site, job: FollowedJobRecord, now: datetime) -> None:
    """Submit one, unless its scan was stopped while it waited for the line."""
    if is_unwanted(site, job):
        note_never_asked(site, job, now)
    else:
        submit(site, job.record.scan_id, job.record.job, now)


def submit(site: Site, scan_id: str, job: str, now: datetime) -> None:
    """Ask the scheduler for a job; without an answer the job is ``submit_unknown``.

    Only for an intent, or for a job that was looked for and is nowhere.

    Raises
    ------
    TransportError
        When the server could not be asked; what was noted tells the next turn what to do.
    """
    python = _interpreter(site)
    write_job_files(site, scan_id, job, python)
    reach(CrashPoint.FILES_WRITTEN)
    with site.store.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
        writer.note_software(job, version_here().name)  # no other one is submitted
    reach(CrashPoint.SUBMITTING_COMMITTED)
    try:
        scheduler_id = _ask_for_job(site, scan_id, job)
    except (SubmitUnknownError, UnreachableError) as error:
        _note_unknown(site, job, error, now)
        if isinstance(error, UnreachableError):
            raise
        return
    except SubmitRefusedError as error:
        _note_refusal(site, job, error, now)
        return
    reach(CrashPoint.SUBMITTED)
    with site.store.writing(now) as writer:
        writer.advance_job(job, JobState.QUEUED, scheduler_id=scheduler_id, message="")
    reach(CrashPoint.SUBMIT_RECORDED)
    log.info("Job %s is job %s of the scheduler.", job, scheduler_id)


def _note_unknown(site: Site, job: str, error: ExecutorError, now: datetime) -> None:
    message = f"{error}. It will be asked whether the job was made all the same"
    log.warning("Job %s: %s", job, message)
    with site.store.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMIT_UNKNOWN, message=message)


def _note_refusal(site: Site, job: str, error: ExecutorError, now: datetime) -> None:
    log.warning("Job %s was refused: %s", job, error)
    with site.store.writing(now) as writer:
        writer.advance_job(job, JobState.FAILED, message=str(error))
        writer.close_journal(job)


def _interpreter(site: Site) -> str:
    """Return what is to run a job: no server_side but ours, which this interpreter has."""
    section = site.config.site
    if section.transport is TransportName.LOCAL and section.python == sys.executable:
        return section.python
    python = interpreter_now(section, site.transport)
    # Asked by its version's folder: the link may be set anew at any moment.
    mismatch = version_mismatch(section.model_copy(update={"python": python}), site.transport)
    if mismatch:
        raise RemoteFileError(mismatch)
    return python


def write_job_files(site: Site, scan_id: str, job: str, python: str) -> None:
    """Write plan, order and script of a job; written again they are the same."""
    plan, layout = site.plan(scan_id), site.layout(scan_id)
    order = JobOrder(
        job=job,
        claim=job,
        base_folder=str(site.config.site.base_folder),
        raw_base=str(site.config.site.raw_base),
        plan=plan,
        awaited=_awaited_takes(site, scan_id),
        flag_folder=site.config.site.flag_folder,
        time_limit_s=time_limit_s(site.config),
    )
    script = replace(site.job_script(scan_id, job), python=python)
    site.transport.write(layout.plan_file, plan.model_dump_json(indent=1).encode())
    site.transport.write(script.order_file, order.model_dump_json(indent=1).encode())
    site.transport.write(script.script_file, site.scheduler.script(script).encode())


def _awaited_takes(site: Site, scan_id: str) -> tuple[AwaitedTake, ...]:
    """Return the retakes that were asked for and have no data yet."""
    return tuple(
        AwaitedTake(point=point.point, take=point.awaits_take, asked_at=point.awaits_since)
        for point in queries.points(site.store, scan_id)
        if point.awaits_take is not None and point.awaits_since is not None
    )


def _ask_for_job(site: Site, scan_id: str, job: str) -> str:
    argv = site.scheduler.submit_argv(site.job_script(scan_id, job))
    return site.scheduler.read_submit(site.transport.run(argv, timeout_s=site.timeout_s))


def time_limit_s(config: SiteConfig) -> float | None:
    """Return how long a job may run, or None where no scheduler ends it."""
    if config.site.scheduler is SchedulerName.PROCESS:
        return None
    days, _, clock = config.site.submit.time_limit.rpartition("-")
    hours, minutes, seconds = (int(part) for part in re.split(":", clock))
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)
