"""What a test run started is gone when the run is, whatever ended it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import why_not
from tests.cluster.daemon import marked_processes
from tests.processes import start_ticks
from tests.run_guard import VARIABLE

PATIENCE_S = 120.0
ROOT = Path(__file__).parents[1]

A_RUN_WITH_A_DETACHED_CHILD = """
import signal, subprocess, sys
from tests.run_guard import guard_this_process
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell lets it be ignored
guard = guard_this_process()
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, flush=True)
sys.stdin.read()
"""
A_RUN_WITH_A_CLUSTER = """
import sys, time
from pathlib import Path
from tests.cluster.cluster import RealCluster
from tests.faults.small_disk import mount_small_disk
from tests.run_guard import guard_this_process
guard = guard_this_process()
with RealCluster() as cluster, mount_small_disk(cluster.base / "small", "1M"):
    pid = cluster.base / "job.pid"
    job = f"echo $$ > {pid}.part && mv {pid}.part {pid} && sleep 600"
    cluster.slurm.run("sbatch", "--output=/dev/null", f"--wrap={job}")
    while not pid.exists():  # squeue says RUNNING before the first process of a job is there
        time.sleep(0.1)
    print(cluster.folder, pid.read_text().strip(), flush=True)
    sys.stdin.read()
"""


def start_run(code: str) -> subprocess.Popen[str]:
    unmarked = {name: value for name, value in os.environ.items() if name != VARIABLE}
    argv = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=unmarked
    )


def first_line(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    return run.stdout.readline().strip()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_detached_child_ends_with_the_run(number: signal.Signals) -> None:
    with start_run(A_RUN_WITH_A_DETACHED_CHILD) as run:
        child = int(first_line(run))
        assert start_ticks(child)
        run.send_signal(number)
        run.wait(PATIENCE_S)
        wait_until(lambda: not start_ticks(child), "the child outlives the run")


def test_a_run_that_ends_by_itself_leaves_nothing_either() -> None:
    with start_run(A_RUN_WITH_A_DETACHED_CHILD) as run:
        child = int(first_line(run))
        run.communicate()
        assert run.returncode == 0
        wait_until(lambda: not start_ticks(child), "the child outlives the run")


@pytest.mark.cluster
def test_a_killed_run_leaves_no_cluster_no_job_and_no_mount() -> None:
    if reason := why_not():
        pytest.skip(reason)
    with start_run(A_RUN_WITH_A_CLUSTER) as run:
        name, job = first_line(run).split()
        folder = Path(name)
        assert int(job) in marked_processes(folder)
        run.kill()
        run.wait()
    wait_until(lambda: not folder.exists(), "the cluster's folder is there still")
    assert marked_processes(folder) == []
    assert str(folder) not in Path("/proc/mounts").read_text()
