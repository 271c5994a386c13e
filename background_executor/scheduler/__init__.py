"""Batch systems as text: what to run and what the answers mean, without a connection.

One file per system. The executor runs ``*_argv`` through the transport and
hands the output to the matching ``read_*``. How to add one: README.md here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol, Self

from background_executor.records import JobState
from background_executor.transport import CommandOutput
from server_side.layout import ScanLayout

JOB_NUMBER = re.compile(r"[0-9]{1,18}")
"""How batch systems number jobs; what else stands in its place is no job."""
SCHEDULER_SAYS = "the scheduler says"
"""Begins the message of a job that is there and does not plainly run; over with the next word."""


@dataclass(frozen=True)
class JobScript:
    """What a scheduler needs to make a job."""

    job: str
    """Our uuid, which is the job's name on the cluster too."""
    script_file: PurePosixPath
    order_file: PurePosixPath
    log_file: PurePosixPath
    work_folder: PurePosixPath
    python: str = ""
    """Interpreter of the version that the job is to run; empty for the one of settings."""

    @classmethod
    def of(cls, layout: ScanLayout, job: str) -> Self:
        """Return what a scan's folder has for a job."""
        return cls(
            job=job,
            script_file=layout.script_file(job),
            order_file=layout.job_file(job),
            log_file=layout.log_file(job),
            work_folder=layout.scan_folder,
        )


@dataclass(frozen=True)
class JobSighting:
    """What the scheduler says of one job."""

    job: str
    scheduler_id: str
    state: JobState
    word: str
    """The scheduler's own word for the state."""
    message: str = ""
    node: str = ""
    expected_start: datetime | None = None
    """The scheduler's estimate, of a job that waits."""
    run_time: timedelta | None = None
    """How long it has run; None where that is not told."""


class Scheduler(Protocol):
    """One batch system."""

    name: str

    def script(self, job: JobScript) -> str:
        """Return the job script as the operator may read it before use."""

    def submit_argv(self, job: JobScript) -> list[str]:
        """Return the command that makes the job."""

    def read_submit(self, output: CommandOutput) -> str:
        """Return the scheduler's id of the new job, or raise ``SubmitUnknownError``."""

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:
        """Return the one command that asks for the given jobs, by our uuids or by ids."""

    def read_queue(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what is known by uuid; a failed query raises, it is no empty answer."""

    def history_argv(self, job: str) -> list[str]:
        """Return the command that asks for a job that the queue has forgotten; empty for none."""

    def read_history(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what is remembered by uuid; a site without a memory raises."""

    def cancel_argv(self, scheduler_id: str, job: str) -> list[str]:
        """Return the command that ends exactly this job, by id and name together."""
