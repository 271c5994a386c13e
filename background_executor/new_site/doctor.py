"""Is this site ready? One check after the other, each failure with what to do about it.

The checks use the same connection, commands and folders as the executor does,
and leave nothing behind. A check whose ground is missing is not made, and said
so. Checks of the way to the server are in ``way_checks``.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from background_executor.config import SchedulerName, SiteSection
from background_executor.errors import RemoteFileError, TransportError
from background_executor.new_site.deployed import version_mismatch
from background_executor.scheduler import JobScript, Scheduler
from background_executor.scheduler.script import run_in_job_environment
from background_executor.transport import CommandOutput, Transport

FREE_SPACE_GB = 5.0
"""ROOT files and results of one scan of 21 points take about 2 GB."""
CLOCK_TOLERANCE_S = 5.0
SPARE_UUID = "00000000-0000-4000-8000-000000000000"


class CheckState(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    """All is well."""
    FAILED = "failed"
    """It must be mended before the site can be used."""
    REMARK = "remark"
    """The site can be used; the operator should know."""
    NOT_MADE = "not made"
    """Something before it failed, or it does not apply."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    state: CheckState
    found: str
    fix: str = ""
    """What to do; only where something is to be done."""

    def line(self) -> str:
        """Return it as the command line prints it, which sets a second line in."""
        text = f"{self.state.value:9} {self.check}: {self.found}"
        return f"{text}\n        -> {self.fix}" if self.fix else text


@dataclass(frozen=True)
class Patient:
    """What the checks are made on."""

    site: SiteSection
    transport: Transport
    scheduler: Scheduler

    def run(self, *argv: str, stdin: bytes | None = None) -> CommandOutput:
        """Run a command on the server."""
        return self.transport.run(argv, timeout_s=self.site.call_timeout_s, stdin=stdin)


Check = Callable[[Patient], Finding]


def examine(patient: Patient) -> Iterator[Finding]:
    """Make every check of a server that answers, in order."""
    for name, check in CHECKS.items():
        try:
            yield check(patient)
        except RemoteFileError as error:
            fix = "try 'ssh' with a command from a terminal here, such as 'ssh HOST true'"
            yield Finding(name, CheckState.FAILED, str(error), fix)
        except TransportError as error:
            fix = "look at the connection, then run doctor again"
            yield Finding(name, CheckState.FAILED, f"no answer: {error}", fix)


def _check_shell(patient: Patient) -> Finding:
    greeting = patient.run("true").greeting
    if not greeting:
        return Finding("login shell", CheckState.PASSED, "silent")
    return Finding(
        "login shell",
        CheckState.REMARK,
        f"it prints {len(greeting)} characters before every command ({greeting[:60]!r}); they are "
        "passed over, and cost time",
        "let ~/.bashrc on the server print only when it is interactive: [[ $- == *i* ]] && ...",
    )


_TRY_TO_WRITE = (
    # An empty file would not notice a quota that is used up.
    'mkdir -p -- "$1" && t=$(mktemp -- "$1/.doctor-XXXXXXXX") || exit 1; '
    'head -c 1000000 /dev/zero >"$t" && sync -- "$t"; s=$?; rm -f -- "$t"; exit "$s"'
)


def _check_base_folder(patient: Patient) -> Finding:
    base = str(patient.site.base_folder)
    output = patient.run("sh", "-c", _TRY_TO_WRITE, "sh", base)
    if output.exit_status == 0:
        return Finding("base folder", CheckState.PASSED, f"{base} is writable")
    return Finding(
        "base folder",
        CheckState.FAILED,
        f"cannot write below {base}: {_said(output)}",
        "let site.base_folder name a folder of yours on the cluster's shared file system, with "
        "some of your quota left",
    )


def _check_space(patient: Patient) -> Finding:
    output = patient.run("df", "-Pk", str(patient.site.base_folder))
    fields = output.stdout.splitlines()[-1:] or [""]
    match = re.search(r"\s(\d+)\s+\d+%", fields[0])
    if output.exit_status != 0 or match is None:
        fix = "let site.base_folder name a folder that 'df -Pk' on the login node can tell of"
        return Finding("free space", CheckState.FAILED, f"df says: {_said(output)}", fix)
    free_gb = int(match[1]) / 1e6
    if free_gb >= FREE_SPACE_GB:
        return Finding("free space", CheckState.PASSED, f"{free_gb:.0f} GB")
    return Finding(
        "free space",
        CheckState.FAILED,
        f"{free_gb:.1f} GB; a scan needs about 2 GB",
        "remove what is not needed, ask for a larger quota, or choose another site.base_folder",
    )


def _check_python(patient: Patient) -> Finding:
    argv = [patient.site.python, "-c", "import sys; print(*sys.version_info[:3])"]
    output = run_in_job_environment(
        patient.transport, patient.site, argv, timeout_s=patient.site.call_timeout_s
    )
    version = tuple(int(word) for word in output.stdout.split() if word.isdigit())
    if output.exit_status == 0 and version >= (3, 11):
        return Finding("Python", CheckState.PASSED, ".".join(map(str, version)))
    found = ".".join(map(str, version)) or _said(output)
    return Finding(
        "Python",
        CheckState.FAILED,
        f"{patient.site.python}: {found}",
        "run 'python -m background_executor deploy' (with --base-python when 'python3' there is "
        "older than 3.11) and let site.python name the interpreter that it prints; one made from "
        "a module needs its line in site.submit.module_lines",
    )


def _check_server_side(patient: Patient) -> Finding:
    try:
        difference = version_mismatch(patient.site, patient.transport)
    except RemoteFileError as error:
        difference = str(error)
    if not difference:
        return Finding("server_side", CheckState.PASSED, "the version that stands here")
    fix = "run 'python -m background_executor deploy'"
    return Finding("server_side", CheckState.FAILED, difference, fix)


_PROGRAMS = {
    SchedulerName.SLURM: ("sbatch", "squeue", "scancel"),
    SchedulerName.PJM: ("pjsub", "pjstat", "pjdel"),
    SchedulerName.PROCESS: (),
}


def _check_programs(patient: Patient) -> Finding:
    missing = [
        name
        for name in _PROGRAMS[patient.site.scheduler]
        if patient.run("sh", "-c", 'command -v -- "$1"', "sh", name).exit_status != 0
    ]
    name = f"commands of {patient.site.scheduler.value}"
    if not missing:
        return Finding(name, CheckState.PASSED, "found")
    return Finding(
        name,
        CheckState.FAILED,
        f"not found: {', '.join(missing)}",
        "put their folder into PATH in ~/.bashrc on the server, above its test for interactive "
        "shells; or correct site.scheduler",
    )


def _check_queue(patient: Patient) -> Finding:
    queue = patient.scheduler.queue_argv([SPARE_UUID], [])
    output = patient.run(*queue)
    if output.exit_status == 0:
        return Finding("queue", CheckState.PASSED, "it answers")
    fix = "try the same command on the login node; tell the site when its scheduler is down"
    return Finding("queue", CheckState.FAILED, f"{queue[0]} says: {_said(output)}", fix)


def _check_submission(patient: Patient) -> Finding:
    """Let SLURM say whether it would take a job with the site's partition, account and limits."""
    name = "partition and account"
    if patient.site.scheduler is not SchedulerName.SLURM:
        return Finding(name, CheckState.NOT_MADE, "only SLURM can be asked without a job")
    base = patient.site.base_folder
    order = PurePosixPath(base / "order.json")
    job = JobScript(SPARE_UUID, base / "job.sh", order, base / "log.txt", base)
    script = patient.scheduler.script(job).encode()
    output = patient.run("sbatch", "--test-only", stdin=script)
    if output.exit_status == 0:
        return Finding(name, CheckState.PASSED, _said(output).removeprefix("sbatch: "))
    fix = "correct [site.submit]; 'sinfo' and 'sacctmgr show associations user=$USER' list both"
    return Finding(name, CheckState.FAILED, _said(output), fix)


def _check_accounting(patient: Patient) -> Finding:
    if patient.site.scheduler is not SchedulerName.SLURM:
        return Finding("sacct", CheckState.NOT_MADE, "only for SLURM")
    output = patient.run("sacct", "--noheader", "--allocations", "--format=JobID")
    if output.exit_status == 0:
        return Finding("sacct", CheckState.PASSED, "it answers")
    return Finding("sacct", CheckState.REMARK, f"not needed: {_said(output)}")


def _check_raw_data(patient: Patient) -> Finding:
    raw = str(patient.site.raw_base)
    output = patient.run("sh", "-c", 'cd -- "$1" && ls >/dev/null', "sh", raw)
    if output.exit_status == 0:
        return Finding("raw data", CheckState.PASSED, f"{raw} is readable")
    return Finding(
        "raw data",
        CheckState.FAILED,
        f"cannot read {raw}: {_said(output)}",
        "let site.raw_base name the folder that holds the acquisitions, and ask its owner for "
        "read access",
    )


def _check_clock(patient: Patient) -> Finding:
    before = time.time()
    output = patient.run("date", "+%s.%N")
    middle, half_s = (before + time.time()) / 2, (time.time() - before) / 2
    try:
        difference_s = float(output.stdout) - middle
    except ValueError:
        fix = "see why 'date +%s.%N' on the login node gives no number: GNU's date is wanted"
        return Finding("clock", CheckState.FAILED, f"date says: {_said(output)}", fix)
    found = f"the server is {difference_s:+.1f} s from here (± {half_s:.1f} s)"
    if abs(difference_s) - half_s <= CLOCK_TOLERANCE_S:
        return Finding("clock", CheckState.PASSED, found)
    fix = "set the clock of this machine by NTP: ages and the start of a scan depend on it"
    return Finding("clock", CheckState.FAILED, found, fix)


def _said(output: CommandOutput) -> str:
    return (output.stderr.strip() or output.stdout.strip() or "nothing")[-300:]


CHECKS: dict[str, Check] = {
    "login shell": _check_shell,
    "base folder": _check_base_folder,
    "free space": _check_space,
    "Python": _check_python,
    "server_side": _check_server_side,
    "commands": _check_programs,
    "queue": _check_queue,
    "partition and account": _check_submission,
    "sacct": _check_accounting,
    "raw data": _check_raw_data,
    "clock": _check_clock,
}
"""Checks of a server that answers, in the order in which they are made."""
