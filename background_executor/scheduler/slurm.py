"""SLURM, from 20.02 on, by its stable text output: no JSON, no accounting needed.

A job's name on the cluster is our uuid; that is how it is found again when
nobody knows whether sbatch made it. ``--dependency=singleton`` keeps a second
job of that name from running beside the first, ``--no-requeue`` keeps SLURM
from starting one again behind our back.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from background_executor.config import SubmitSection
from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import ENDED_JOB_STATES, WAITING_JOB_STATES, JobState
from background_executor.scheduler import JOB_NUMBER, SCHEDULER_SAYS, JobScript, JobSighting
from background_executor.scheduler.elapsed import read_elapsed
from background_executor.scheduler.script import job_script
from background_executor.transport import CommandOutput

STATE_OF_WORD: Final[Mapping[str, JobState]] = {
    "PENDING": JobState.QUEUED,
    "CONFIGURING": JobState.QUEUED,
    "REQUEUED": JobState.QUEUED,
    "REQUEUE_FED": JobState.QUEUED,
    "POWER_UP_NODE": JobState.QUEUED,
    "EXPEDITING": JobState.QUEUED,
    "REQUEUE_HOLD": JobState.HELD,
    "RESV_DEL_HOLD": JobState.HELD,
    "SPECIAL_EXIT": JobState.HELD,
    "RUNNING": JobState.RUNNING,
    "COMPLETING": JobState.RUNNING,
    "RESIZING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.RUNNING,
    "SUSPENDED": JobState.RUNNING,
    "UPDATE_DB": JobState.RUNNING,
    "COMPLETED": JobState.COMPLETED,
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.FAILED,
    "BOOT_FAIL": JobState.NODE_FAIL,
    "NODE_FAIL": JobState.NODE_FAIL,
    "RECONFIG_FAIL": JobState.NODE_FAIL,
    "TIMEOUT": JobState.TIMEOUT,
    "DEADLINE": JobState.TIMEOUT,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "PREEMPTED": JobState.PREEMPTED,
    "CANCELLED": JobState.CANCELLED,
    "REVOKED": JobState.CANCELLED,
}
"""Every job state and state flag that SLURM documents.

References
----------
https://slurm.schedmd.com/job_state_codes.html
"""

STATE_OF_UNKNOWN_WORD: Final = JobState.RUNNING
"""A word of a later version keeps a job alive; its own end, or another word, ends it."""

_HOLDING_REASONS = ("JobHeldUser", "JobHeldAdmin", "DependencyNeverSatisfied")
"""Reasons of a pending job that do not pass by themselves."""

_MARK = "pmt|"
"""Begins every line of ours, so that a chatty login shell cannot be taken for an answer."""

_QUEUE_FORMAT = _MARK + "%i|%T|%M|%S|%N|%r|%j"
_QUEUE_HEADER = _MARK + "JOBID|STATE|TIME|START_TIME|NODELIST|REASON|NAME"

_TIMES_IN_UTC = ("TZ=UTC", "SLURM_TIME_FORMAT=standard")
"""Else times come in the login node's zone, which is not told, or as a profile there has them."""

_CANCEL_SCRIPT = 'exec scancel --user="$(id -un)" --name="$1" "$2"'
"""scancel knows no ``--me`` before 22.05; who we are there, the login node says itself."""

_YEARS = range(2000, 2200)
"""What lies at an end of the calendar cannot be shown in every zone, and no job starts there."""

_HISTORY = "now-7days"
_HISTORY_FORMAT = "JobIDRaw,State,ExitCode,Elapsed,NodeList,JobName"

_JOB_ID = re.compile(rf"({JOB_NUMBER.pattern})(;[\w.-]+)?")
_REFUSAL = re.compile(
    r"invalid (account|partition|qos|time|gres|constraint|feature|generic|reservation|wckey)"
    r"|requested node configuration is not available|requested time limit"
    r"|requested partition configuration not available|more processors requested than permitted"
    r"|memory specification can not be satisfied|access/permission denied|user not in group"
    r"|violates accounting/qos policy|unable to open file|unrecognized option|invalid option",
    re.IGNORECASE,
)
"""What sbatch says when it certainly made no job; anything else may have made one."""

_COMMAND_NOT_FOUND = 127


class SlurmScheduler:
    """Scheduler of a site that runs SLURM.

    Parameters
    ----------
    submit
        What the site's jobs ask for.
    python
        Interpreter of the deployed server_side on the cluster.
    """

    name = "slurm"

    def __init__(self, submit: SubmitSection, python: str) -> None:
        self._submit = submit
        self._python = python

    def script(self, job: JobScript) -> str:
        """Return the job script as the operator may read it before use."""
        wanted = [
            ("--partition", self._submit.partition),
            ("--account", self._submit.account),
            ("--time", self._submit.time_limit),
            ("--mem", self._submit.memory),
            ("--cpus-per-task", str(self._submit.cpus)),
        ]
        directives = [f"#SBATCH {option}={value}" for option, value in wanted if value is not None]
        return job_script(job, directives, self._submit, job.python or self._python)

    def submit_argv(self, job: JobScript) -> list[str]:
        """Return the command that makes the job.

        Paths stand here and not in the script, where SLURM would read them by
        rules of its own.
        """
        return [
            "sbatch",
            "--parsable",
            "--no-requeue",
            "--dependency=singleton",
            f"--job-name={job.job}",
            f"--output={_literal(str(job.log_file))}",
            "--open-mode=append",
            f"--chdir={job.work_folder}",
            str(job.script_file),
        ]

    def read_submit(self, output: CommandOutput) -> str:
        """Return the scheduler's id of the new job: digits, or it is no id.

        Raises
        ------
        SubmitRefusedError
            When sbatch said no and why.
        SubmitUnknownError
            At any other answer: the job may have been made all the same.
        """
        answer = _JOB_ID.fullmatch(output.stdout.strip())
        if output.exit_status == 0 and answer is not None:
            return answer[1]
        said = _last_words(output)
        if output.exit_status == _COMMAND_NOT_FOUND:
            raise SubmitRefusedError(f"no sbatch on the login node: {said}; is SLURM in its PATH?")
        if output.exit_status != 0 and _REFUSAL.search(output.stderr):
            raise SubmitRefusedError(f"sbatch refused the job: {said}; see [site.submit]")
        raise SubmitUnknownError(f"sbatch gave no job id: {said}")

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Return the one command that asks for all given jobs, by name.

        Ids are not asked for: squeue fails as a whole at one that SLURM has forgotten.
        """
        names = f"--name={','.join(jobs)}"
        options = ["--me", "--states=all", names, f"--format={_QUEUE_FORMAT}"]
        return ["env", *_TIMES_IN_UTC, "squeue", *options]

    def read_queue(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what is known by uuid.

        Of two jobs with one name the one that works, else the older, is told.

        Raises
        ------
        SchedulerError
            When squeue failed or its answer has no header: no answer is no empty queue.
        """
        lines = output.stdout.splitlines()
        if output.exit_status != 0 or _QUEUE_HEADER not in lines:
            raise SchedulerError(f"squeue gave no list of jobs: {_last_words(output)}")
        ours = [line for line in lines if line.startswith(_MARK) and line != _QUEUE_HEADER]
        return _one_per_name(_read_line(line) for line in ours)

    def history_argv(self, job: str) -> list[str]:
        """Return the command that asks the accounting, which outlives the queue's memory."""
        options = ["--noheader", "--allocations", "--parsable2", f"--starttime={_HISTORY}"]
        return ["sacct", *options, f"--name={job}", f"--format={_HISTORY_FORMAT}"]

    def read_history(self, output: CommandOutput) -> Mapping[str, JobSighting]:
        """Return what the accounting knows by uuid.

        Raises
        ------
        SchedulerError
            When sacct failed, as it does on sites without accounting.
        """
        if output.exit_status != 0:
            raise SchedulerError(f"sacct gave no answer: {_last_words(output)}")
        rows = [line.split("|", 5) for line in output.stdout.splitlines()]
        return _one_per_name(_read_history_row(row) for row in rows if len(row) == 6)

    def cancel_argv(self, scheduler_id: str, job: str) -> list[str]:
        """Return the command that ends exactly this job, by id and name together."""
        return ["sh", "-c", _CANCEL_SCRIPT, "sh", job, scheduler_id]


def _literal(path: str) -> str:
    """Write a path so that sbatch puts nothing of its own into it."""
    return path.replace("%", "%%")


def _last_words(output: CommandOutput) -> str:
    return (output.stderr.strip() or output.stdout.strip() or "empty answer")[-500:]


def _read_line(line: str) -> JobSighting:
    fields = line.removeprefix(_MARK).split("|", 6)
    if len(fields) != 7:
        raise SchedulerError(f"squeue's line has {len(fields)} fields, not 7: {line[:200]!r}")
    scheduler_id, word, run_time, starts_at, node, reason, name = fields
    state, message = _judge(word, reason)
    return JobSighting(
        job=name,
        scheduler_id=scheduler_id,
        state=state,
        word=word,
        message=message,
        node=node,
        # Of a job that runs, squeue says here when it began.
        expected_start=_read_utc(starts_at) if state in WAITING_JOB_STATES else None,
        run_time=None if state in WAITING_JOB_STATES else read_elapsed(run_time),
    )


def _read_history_row(row: Sequence[str]) -> JobSighting:
    scheduler_id, state, exit_code, run_time, node, name = row
    word = state.partition(" ")[0]  # "CANCELLED by 1000"
    said = "" if exit_code in ("0:0", "") else f"SLURM's accounting says {state}, exit {exit_code}"
    return JobSighting(
        job=name,
        scheduler_id=scheduler_id,
        state=STATE_OF_WORD.get(word, STATE_OF_UNKNOWN_WORD),
        word=state,
        message=said,
        node=node,
        run_time=read_elapsed(run_time),
    )


def _read_utc(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:  # "N/A", or a format that the site has chosen
        return None
    return moment if moment.year in _YEARS else None


def _judge(word: str, reason: str) -> tuple[JobState, str]:
    message = "" if reason in ("None", "(null)") else reason
    state = STATE_OF_WORD.get(word)
    if state is None:
        unknown = f"{SCHEDULER_SAYS} {word}, a word not known here {message}"
        return STATE_OF_UNKNOWN_WORD, unknown.strip()
    if state is JobState.QUEUED and any(holding in reason for holding in _HOLDING_REASONS):
        return JobState.HELD, message
    if state is JobState.RUNNING and word != "RUNNING":  # suspended, stopped, coming to its end
        return state, f"{SCHEDULER_SAYS} {word} {message}".strip()
    return state, message


def _rank(sighting: JobSighting) -> tuple[int, int]:
    """Order of preference among jobs of one name: working, waiting, ended; then the older."""
    if sighting.state is JobState.RUNNING:
        class_ = 0
    else:
        class_ = 2 if sighting.state in ENDED_JOB_STATES else 1
    return class_, int(sighting.scheduler_id)


def _one_per_name(sightings: Iterable[JobSighting]) -> dict[str, JobSighting]:
    numbered = [each for each in sightings if JOB_NUMBER.fullmatch(each.scheduler_id)]
    return {sighting.job: sighting for sighting in sorted(numbered, key=_rank, reverse=True)}
