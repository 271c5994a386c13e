"""The body of a job script, which is the same for every batch system.

The only things in it that are not of our making are the site's own module and
activation lines, which are shell by intent, and paths, which are quoted. What
the job is to do stands in the order file.
"""

import shlex
from collections.abc import Iterable

from background_executor.config import SubmitSection
from background_executor.scheduler import JobScript


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
        *submit.module_lines,
        *submit.activate_lines,
        f"export OMP_NUM_THREADS={submit.cpus} TF_NUM_INTRAOP_THREADS={submit.cpus}",
        # The batch system's signals reach the watcher itself, and its status is the job's.
        f"exec {watch}",
    ]
    return "\n".join(lines) + "\n"
