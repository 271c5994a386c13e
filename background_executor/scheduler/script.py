"""The body of a job script, which is the same for every batch system, and its environment.

The only things in it that are not of our making are the site's own module and
activation lines, which are shell by intent, and paths, which are quoted. What
the job is to do stands in the order file.
"""

import shlex
from collections.abc import Iterable, Sequence

from background_executor.config import SchedulerName, SiteSection, SubmitSection
from background_executor.scheduler import JobScript

_APART = 'exec bash -lc "$0" bash "$@" 3>&1 >&2 4<&0 </dev/null'
_REJOINED = 'exec "$@" >&3 3>&- <&4 4<&-'
"""Profiles and modules print and read what they like: the command's own input and output, kept
apart meanwhile, stay as they are."""


def environment_lines(submit: SubmitSection) -> tuple[str, ...]:
    """Return the lines of the site's own that a job begins with, in a login shell."""
    return (*submit.module_lines, *submit.activate_lines)


def in_job_environment(site: SiteSection, argv: Sequence[str]) -> list[str]:
    """Return a command so that it runs in the environment of the site's jobs.

    An interpreter that was made from a module mostly does not even start without it. What
    the lines print comes with the command's errors.
    """
    if site.scheduler is SchedulerName.PROCESS:
        return list(argv)  # such a job has no environment but its launcher's
    script = "\n".join((*environment_lines(site.submit), _REJOINED))
    return ["bash", "-c", _APART, script, *argv]


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
