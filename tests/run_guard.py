"""What a test run started ends with it, however it ends: also after kill -9 of pytest.

``guard_this_process`` marks all that this process starts from now on, and
leaves a small process behind that waits for its end and then ends what bears
the mark, removes its test clusters and takes its small disks out::

    python -m tests.run_guard PID MARK
"""

import contextlib
import os
import select
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.cluster.cluster import sweep_abandoned
from tests.faults.small_disk import unmount_small_disks
from tests.processes import end_processes, processes_with, start_ticks

VARIABLE = "PMT_TEST_RUN"
ROOT = Path(__file__).parents[1]
LIMIT_S = 30.0


def guard_this_process() -> subprocess.Popen[bytes]:
    """Let nothing that this process starts outlive it, and return the guard."""
    pid = os.getpid()
    mark = f"{pid}-{start_ticks(pid)}"  # process ids are used again
    # The guard itself bears no mark, or the guard of who started this process would end it.
    unmarked = {name: value for name, value in os.environ.items() if name != VARIABLE}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.run_guard", str(pid), mark],
        cwd=ROOT,
        env=unmarked,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.environ[VARIABLE] = mark
    return process


def guard(pid: int, mark: str) -> None:
    """Wait for the end of a process and tidy up after it."""
    with contextlib.suppress(ProcessLookupError):  # gone already
        descriptor = os.pidfd_open(pid)
        if mark == f"{pid}-{start_ticks(pid)}":
            select.select([descriptor], [], [])
    end_processes(partial(processes_with, VARIABLE, mark), LIMIT_S)
    unmount_small_disks(pid)
    sweep_abandoned()


if __name__ == "__main__":
    guard(int(sys.argv[1]), sys.argv[2])
