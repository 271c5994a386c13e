"""sacct of a real slurmdbd: a job that the queue has forgotten still gets its true end."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.new_site.doctor import CheckState
from background_executor.new_site.way_checks import diagnose
from background_executor.records import ENDED_JOB_STATES, JobState
from tests.background_executor.bench import HANGS
from tests.cluster.accounting import PROGRAMS
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.daemon import marked_processes
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import ClusterBench

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

FORGET_S = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    if reason := why_not(PROGRAMS):
        pytest.skip(reason)
    with RealCluster(forget_s=FORGET_S, has_accounting=True) as running:
        yield running
    assert marked_processes(running.folder) == []


@pytest.fixture
def bench(cluster: RealCluster, tmp_path: Path) -> Iterator[ClusterBench]:
    made = ClusterBench(cluster, make_cluster_site(cluster, tmp_path))
    yield made
    made.close()


def squeue(cluster: RealCluster) -> str:
    return cluster.slurm.run("squeue", "-h", "--states=all").stdout


def begin_job(bench: ClusterBench) -> str:
    """Start a scan whose job hangs, and return the job's id in SLURM."""
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state is JobState.RUNNING)
    scheduler_id = bench.jobs(scan)[0].scheduler_id
    assert scheduler_id is not None
    return scheduler_id


def wait_until_forgotten(cluster: RealCluster) -> None:
    give_up = time.monotonic() + 90
    while squeue(cluster):
        assert time.monotonic() < give_up, squeue(cluster)
        time.sleep(0.5)


def kill_outright(cluster: RealCluster, scheduler_id: str) -> None:
    """Kill a job's process, as a node's out-of-memory killer does."""
    pids = cluster.slurm.run("scontrol", "listpids", scheduler_id).stdout.split("\n")[1:]
    for pid in {line.split()[0] for line in pids if line.strip()}:
        os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "state"), [("killed", JobState.FAILED), ("cancelled", JobState.CANCELLED)]
)
def test_a_job_that_ended_unseen_and_was_forgotten_has_its_true_end(
    bench: ClusterBench, cluster: RealCluster, end: str, state: JobState
) -> None:
    scheduler_id = begin_job(bench)
    # Nobody looks meanwhile, as when the operator's machine was off over night.
    if end == "killed":
        kill_outright(cluster, scheduler_id)
    else:
        cluster.slurm.run("scancel", "--signal=KILL", "--full", scheduler_id)
        cluster.slurm.run("scancel", scheduler_id)
    wait_until_forgotten(cluster)
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.jobs(scan)[0].state in ENDED_JOB_STATES, seconds=5)
    assert bench.jobs(scan)[0].state is state, bench.words()


def test_a_scan_goes_its_way_and_the_accounting_has_one_job_for_it(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(scan)
    (job,) = bench.jobs(scan)
    argv = ["sacct", "-n", "-X", "-P", f"--name={job.job}", "--format=JobIDRaw"]
    # slurmdbd is told of a job a little later than everybody else.
    bench.wait_for(lambda: cluster.slurm.run(*argv).stdout.strip() != "")
    assert cluster.slurm.run(*argv).stdout.split() == [job.scheduler_id]


def test_the_doctor_says_that_sacct_answers(bench: ClusterBench) -> None:
    found = {finding.check: finding for finding in diagnose(bench.config)}
    assert found["sacct"].state is CheckState.PASSED, found["sacct"]
