"""The body of a job script, which is the same for every batch system, and its environment.

The only things in it that are not of our making are the site's own module and
activation lines, which are shell by intent, and paths, which are quoted. What
the job is to do stands in the order file.
"""

import shlex
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from background_executor.config import SchedulerName, SiteSection, SubmitSection
from background_executor.scheduler import JobScript
from background_executor.transport import CommandOutput, Transport

_APART = 'exec bash -lc "$0" bash "$@" 4<&0 </dev/null'
_REJOINED = 'exec "$@" <&4 4<&-'
"""Profiles and modules read what they like: the command's own input is kept apart meanwhile.

Its output is not: what a profile leaves running, such as an agent, would hold a copy of
it open, and the command would never seem to end.
"""


def environment_lines(submit: SubmitSection) -> tuple[str, ...]:
    """Return the lines of the site's own that a job begins with, in a login shell."""
    return (*submit.module_lines, *submit.activate_lines)


def run_in_job_environment(
    transport: Transport,
    site: SiteSection,
    argv: Sequence[str],
    *,
    timeout_s: float,
    stdin: bytes | None = None,
) -> CommandOutput:
    """Run a command in the environment of the site's jobs.

    An interpreter that was made from a module mostly does not even start without it. What
    profile and module lines print comes with the greeting.

    Raises
    ------
    UnreachableError
        When it does not end in time, or the connection does before it.
    """
    if site.scheduler is SchedulerName.PROCESS:
        # Such a job has no environment but its launcher's.
        return transport.run(argv, timeout_s=timeout_s, stdin=stdin)
    mark = f"pmt-{uuid.uuid4().hex}"
    script = "\n".join((*environment_lines(site.submit), f"echo {mark}", _REJOINED))
    wrapped = ["bash", "-c", _APART, script, *argv]
    output = transport.run(wrapped, timeout_s=timeout_s, stdin=stdin)
    before, has_begun, own = output.stdout.partition(f"{mark}\n")
    if not has_begun:
        return output
    return replace(output, stdout=own, greeting=output.greeting + before)


def job_script(
    job: JobScript, directives: Iterable[str], submit: SubmitSection, python: str
) -> str:
    """Write a job script.

    Parameters
    ----------
    directives
        Lines for the batch system, such as ``#SBATCH --mem=8G``.
    submit
        Gives the site's module and activation lines, and how many cores to use.
    python
        Interpreter of the deployed server_side.
    """
    watch = shlex.join([python, "-m", "server_side", "watch", str(job.order_file)])
    lines = [
        # A login shell: only there do many sites define "module".
        "#!/bin/bash -l",
        *directives,
        f"# Job {job.job}: what it is to do stands in the file named in the last line.",
        *environment_lines(submit),
        f"export OMP_NUM_THREADS={submit.cpus} TF_NUM_INTRAOP_THREADS={submit.cpus}",
        # The batch system's signals reach the watcher itself, and its status is the job's.
        f"exec {watch}",
    ]
    return "\n".join(lines) + "\n"
