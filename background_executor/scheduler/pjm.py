"""PJM (Fujitsu's batch system, as on Sukap): pjsub, pjstat, pjdel.

Written from published descriptions and sample outputs; not yet run on a real
PJM site, see ``docs/new-site.md``. PJM has no ``singleton``: a second job of
one order finds the first one's claim and ends.

References
----------
Fugaku user guide, "Displaying a job status" and "Checking when a job ends
abnormally" (R-CCS); Open OnDemand's adapter for the Fujitsu Technical
Computing Suite, for ``pjstat --data`` and its states.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from background_executor.config import SubmitSection
from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import ENDED_JOB_STATES, WAITING_JOB_STATES, JobState
from background_executor.scheduler import JOB_NUMBER, SCHEDULER_SAYS, JobScript, JobSighting
from background_executor.scheduler.elapsed import read_elapsed
from background_executor.scheduler.script import job_script
from background_executor.transport import CommandOutput

STATE_OF_WORD: Final[Mapping[str, JobState]] = {
    "ACC": JobState.QUEUED,
    "QUE": JobState.QUEUED,
    "RNA": JobState.QUEUED,
    "RNP": JobState.RUNNING,
    "RUN": JobState.RUNNING,
    "RNE": JobState.RUNNING,
    "RNO": JobState.RUNNING,
    "SPP": JobState.RUNNING,
    "SPD": JobState.RUNNING,
    "RSM": JobState.RUNNING,
    "EXT": JobState.COMPLETED,
    "CCL": JobState.CANCELLED,
    "RJT": JobState.FAILED,
    "HLD": JobState.HELD,
    "ERR": JobState.HELD,
}
"""Every state that pjstat knows; how an ``EXT`` or ``CCL`` ended says its PJM code."""

STATE_OF_UNKNOWN_WORD: Final = JobState.RUNNING
"""A word of a later version keeps a job alive; its own end, or another word, ends it."""

STATE_OF_CODE: Final[Mapping[str, JobState]] = {
    "0": JobState.COMPLETED,
    "1": JobState.CANCELLED,
    "6": JobState.CANCELLED,
    "7": JobState.TIMEOUT,
    "8": JobState.CANCELLED,
    "9": JobState.NODE_FAIL,
    "11": JobState.TIMEOUT,
    "12": JobState.OUT_OF_MEMORY,
    "18": JobState.PREEMPTED,
    "20": JobState.NODE_FAIL,
    "23": JobState.OUT_OF_MEMORY,
    "25": JobState.NODE_FAIL,
}
"""What the job manager's exit code ("PJM CODE") means; any other one is a failure."""

_NAME_PREFIX = "pmt-"
"""A PJM job name does not begin with a digit, as a uuid may."""

_CHOSEN = "jid,jnam,st,pc,rsn,sdt,elp"
_FIELDS = 7
_LAST_LINE = "pmt-end"
_QUEUE_SCRIPT = (
    f"pjstat --data --choose={_CHOSEN} && pjstat -H --data --choose={_CHOSEN} && echo {_LAST_LINE}"
)
"""Jobs that live, then those that ended; an answer without the last line is none."""

_CANCEL_SCRIPT = (
    'pjstat --data --choose=jid,jnam "$1" | tr -d \' \' | grep -qE "^,$1,$2(,|\\$)" && pjdel "$1"'
)
"""pjdel knows ids only: the name is looked at first."""

_SUBMITTED = re.compile(r"\[INFO\] PJM 0000 pjsub Job (\d+) submitted\.")
_REFUSAL = re.compile(r"\[ERR\.\] PJM \d+ pjsub (?!.*(?:timed out|communication|internal error))")
_COMMAND_NOT_FOUND = 127


class PjmScheduler:
    """Scheduler of a site that runs PJM.

    Parameters
    ----------
    submit
        What the site's jobs ask for; ``partition`` is PJM's resource group.
    python
        Interpreter of the deployed server_side on the cluster.
    """

    name = "pjm"

    def __init__(self, submit: SubmitSection, python: str) -> None:
        self._submit = submit
        self._python = python

    def script(self, job: JobScript) -> str:
        """Return the job script as the operator may read it before use."""
        wanted = [
            ("-L rscgrp", self._submit.partition),
            ("-g", self._submit.account),
            ("-L elapse", _elapse(self._submit.time_limit)),
            ("-L node-mem", _memory(self._submit.memory)),
            ("-L vnode-core", str(self._submit.cpus)),
        ]
        directives = [_directive(option, value) for option, value in wanted if value is not None]
        return job_script(
            job, ["#PJM --norestart", *directives], self._submit, job.python or self._python
        )

    def submit_argv(self, job: JobScript) -> list[str]:
        """Return the command that makes the job."""
        log = ["-j", "-o", str(job.log_file)]
        return ["pjsub", "-N", _NAME_PREFIX + job.job, *log, str(job.script_file)]

    def read_submit(self, output: CommandOutput) -> str:
        """Return the scheduler's id of the new job: digits, or it is no id.

        Raises
        ------
        SubmitRefusedError
            When pjsub said no and why.
        SubmitUnknownError
            At any other answer: the job may have been made all the same.
        """
        submitted = _SUBMITTED.search(output.stdout)
        if output.exit_status == 0 and submitted is not None:
            return submitted[1]
        said = _last_words(output)
        if output.exit_status == _COMMAND_NOT_FOUND:
            raise SubmitRefusedError(f"no pjsub on the login node: {said}; is PJM in its PATH?")
        if output.exit_status != 0 and _REFUSAL.search(output.stderr):
            raise SubmitRefusedError(f"pjsub refused the job: {said}; see [site.submit]")
        raise SubmitUnknownError(f"pjsub gave no job id: {said}")

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Return the one command that asks for our jobs; ``read_queue`` knows them by name."""
        return ["sh", "-c", _QUEUE_SCRIPT]

    def read_queue(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what is known by uuid.

        Raises
        ------
        SchedulerError
            When pjstat failed or its answer was cut short.
        """
        lines = output.stdout.splitlines()
        if output.exit_status != 0 or lines[-1:] != [_LAST_LINE]:
            raise SchedulerError(f"pjstat gave no list of jobs: {_last_words(output)}")
        rows = [line.split(",") for line in lines if line.startswith(",")]
        return _one_per_name(_read_row(row) for row in rows if _is_ours(row))

    def history_argv(self, job: str) -> list[str]:  # noqa: ARG002
        """Return no command: what ``pjstat -H`` remembers is in every answer already."""
        return []

    def read_history(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Refuse: nothing was asked.

        Raises
        ------
        SchedulerError
            Always.
        """
        raise SchedulerError(f"PJM was not asked for its memory: {output.stdout[:100]!r}")

    def cancel_argv(self, scheduler_id: str, job: str) -> list[str]:
        """Return the command that ends exactly this job, by id and name together."""
        return ["sh", "-c", _CANCEL_SCRIPT, "sh", scheduler_id, _NAME_PREFIX + job]


def _directive(option: str, value: str) -> str:
    return f"#PJM {option}={value}" if option.startswith("-L") else f"#PJM {option} {value}"


def _elapse(time_limit: str) -> str:
    """Write ``[days-]hours:minutes:seconds`` without days, which PJM does not have."""
    days, _, clock = time_limit.rpartition("-")
    hours, minutes_and_seconds = clock.split(":", 1)
    return f"{int(days or 0) * 24 + int(hours)}:{minutes_and_seconds}"


def _memory(amount: str) -> str:
    """Write SLURM's ``8G``, or MB where no unit stands, as PJM's ``8Gi``."""
    return f"{amount}Mi" if amount.isdigit() else f"{amount}i"


def _last_words(output: CommandOutput) -> str:
    return (output.stderr.strip() or output.stdout.strip() or "empty answer")[-500:]


def _is_ours(row: Sequence[str]) -> bool:
    is_job = len(row) > _FIELDS and JOB_NUMBER.fullmatch(row[1].strip()) is not None
    return is_job and row[2].startswith(_NAME_PREFIX)


def _read_row(row: Sequence[str]) -> JobSighting:
    # The lines of --data begin with a column that marks the header.
    scheduler_id, name, word, code, reason, starts_at, run_time = (
        field.strip() for field in row[1 : _FIELDS + 1]
    )
    state = STATE_OF_WORD.get(word)
    message = "" if reason == "-" else reason
    if state is None:
        message = f"{SCHEDULER_SAYS} {word}, a word not known here {message}".strip()
    elif state in (JobState.COMPLETED, JobState.CANCELLED) and code.isdigit():
        state = STATE_OF_CODE.get(code, JobState.FAILED)
        message = message if code == "0" else f"PJM code {code} {message}".strip()
    elif state in WAITING_JOB_STATES and starts_at != "-":
        # Its zone is the site's and not told: it is shown as it came.
        message = f"{message}, expected start {starts_at}".removeprefix(", ")
    return JobSighting(
        job=name.removeprefix(_NAME_PREFIX),
        scheduler_id=scheduler_id,
        state=state or STATE_OF_UNKNOWN_WORD,
        word=word,
        message=message,
        run_time=None if state in WAITING_JOB_STATES else read_elapsed(run_time),
    )


def _one_per_name(sightings: Iterable[JobSighting]) -> dict[str, JobSighting]:
    """Keep, of jobs with one name, one that lives, else the oldest."""

    def rank(sighting: JobSighting) -> tuple[bool, int]:
        return sighting.state in ENDED_JOB_STATES, int(sighting.scheduler_id)

    return {sighting.job: sighting for sighting in sorted(sightings, key=rank, reverse=True)}
