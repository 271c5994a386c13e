"""Jobs as detached processes of the server, for sites and demos without a batch system.

Text only: ``server_side.job.process_launcher`` does the work there. A job is
named by our uuid and by process id with start time, so that neither a
recycled id nor a process with a similar name is ever taken for it.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import PurePosixPath

from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import JobState
from background_executor.scheduler import JobScript, JobSighting
from background_executor.transport import CommandOutput
from server_side.layout import PROCESSES_FOLDER

LAUNCHER = "server_side.job.process_launcher"
LAST_LINE = "end"
"""An answer without it was cut short and says nothing."""

STATE_OF_WORD: Mapping[str, JobState] = {
    "running": JobState.RUNNING,
    "cancelled": JobState.CANCELLED,
    "vanished": JobState.LOST,
}
"""What the launcher's words mean; ``exited`` is told apart by its status."""

_JOB_ID = re.compile(r"\d+-\d+")
_NO_LAUNCHER = re.compile(r"No module named '?server_side\b")


class ProcessScheduler:
    """Scheduler of a site whose jobs are its own processes."""

    name = "process"

    def __init__(
        self, python: str, base_folder: PurePosixPath, *, kill_after_s: float = 10.0
    ) -> None:
        self._launcher = [python, "-m", LAUNCHER]
        self._python = python
        self._folder = str(base_folder / PROCESSES_FOLDER)
        self._kill_after_s = kill_after_s

    def script(self, job: JobScript) -> str:
        """Return the job script as the operator may read it before use."""
        command = [job.python or self._python, "-m", "server_side", "watch", str(job.order_file)]
        return (
            "#!/bin/sh\n"
            f"# Job {job.job}. What it is to do stands in the file named below.\n"
            f"exec {shlex.join(command)}\n"
        )

    def submit_argv(self, job: JobScript) -> list[str]:
        """Return the command that makes the job; asked twice, it makes one all the same."""
        files = ["--script", str(job.script_file), "--log", str(job.log_file)]
        place = ["--folder", self._folder, "--work-folder", str(job.work_folder)]
        return [*self._launcher, "submit", *place, *files, job.job]

    def read_submit(self, output: CommandOutput) -> str:
        """Return the job's id: process id and start time.

        Raises
        ------
        SubmitRefusedError
            When the interpreter has no launcher, so that certainly no job was made.
        SubmitUnknownError
            When the launcher gave no id for another reason.
        """
        answer = output.stdout.strip()
        if output.exit_status != 0 and _NO_LAUNCHER.search(output.stderr):
            raise SubmitRefusedError(
                f"the interpreter {self._python} has no server_side: let site.python in the "
                "settings name the one of the virtual environment it was installed into"
            )
        if output.exit_status != 0 or _JOB_ID.fullmatch(answer) is None:
            raise SubmitUnknownError(
                "the launcher gave no job id: " + (output.stderr.strip() or repr(answer))[-500:]
            )
        return answer

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Return the one command that asks for all given jobs; the uuids are enough."""
        return [*self._launcher, "queue", "--folder", self._folder, *jobs]

    def read_queue(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what is known by uuid."""
        lines = output.stdout.splitlines()
        if output.exit_status != 0 or not lines or lines[-1] != LAST_LINE:
            raise SchedulerError(
                "the launcher gave no list of jobs: "
                + (output.stderr.strip() or output.stdout.strip() or "empty answer")[-500:]
            )
        return {sighting.job: sighting for sighting in map(_read_line, lines[:-1])}

    def history_argv(self, job: str) -> list[str]:  # noqa: ARG002
        """Return no command: the launcher forgets no process."""
        return []

    def read_history(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Refuse: nothing was asked.

        Raises
        ------
        SchedulerError
            Always.
        """
        raise SchedulerError(f"the launcher was not asked for its memory: {output.stdout[:100]!r}")

    def cancel_argv(self, scheduler_id: str, job: str) -> list[str]:
        """Return the command that ends exactly this job, by id and name together."""
        grace = ["--grace-s", f"{self._kill_after_s:g}"]
        return [
            *self._launcher,
            "cancel",
            "--folder",
            self._folder,
            "--id",
            scheduler_id,
            *grace,
            job,
        ]


def _read_line(line: str) -> JobSighting:
    fields = line.split("|")
    if len(fields) != 5:
        raise SchedulerError(f"the launcher's line has {len(fields)} fields, not 5: {line[:200]!r}")
    job, scheduler_id, word, detail, run_time = fields
    state, message = _read_word(word, detail)
    # Of one that has ended, only how long ago it began is told.
    try:
        ran = timedelta(seconds=float(run_time)) if run_time and state is JobState.RUNNING else None
    except (ValueError, OverflowError):
        raise SchedulerError(f"the launcher's run time {run_time!r} is no number of s") from None
    return JobSighting(job, scheduler_id, state, word=word, message=message, run_time=ran)


def _read_word(word: str, detail: str) -> tuple[JobState, str]:
    if word == "exited":
        return _read_exit_status(detail)
    try:
        return STATE_OF_WORD[word], detail
    except KeyError:
        raise SchedulerError(f"the launcher's word {word!r} is not known here") from None


def _read_exit_status(text: str) -> tuple[JobState, str]:
    if text == "0":
        return JobState.COMPLETED, ""
    if text.startswith("-"):
        return JobState.FAILED, f"ended by signal {text[1:]}"
    return JobState.FAILED, f"ended with exit status {text}"
