"""SLURM that hangs, dies or lies when it is asked; each time the real one."""

from functools import partial
from pathlib import Path

import pytest

from background_executor.records import ENDED_JOB_STATES, JobState, LinkState
from tests.background_executor.bench import WAITS
from tests.cluster.cluster import RealCluster
from tests.cluster.slurm_servers import SlurmServers
from tests.faults.cluster_bench import ClusterBench
from tests.faults.faulty_slurm import spoil

pytestmark = pytest.mark.cluster

TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"


def has_grown(path: Path, size: int) -> bool:
    return path.stat().st_size > size


def harm(slurm: SlurmServers, fault: str) -> None:
    """Let the controller hang, or kill it."""
    slurm.slurmctld.pause() if fault == "hangs" else slurm.slurmctld.kill()


def mend(bench: ClusterBench, fault: str) -> None:
    """Bring the controller back, and wait until it has answered what was asked meanwhile."""
    slurm = bench.cluster.slurm
    slurm.slurmctld.resume() if fault == "hangs" else slurm.start_slurmctld()
    bench.wait_for(lambda: slurm.asks("squeue"))


@pytest.mark.parametrize("fault", ["hangs", "is dead"])
def test_a_controller_that_fails_during_submission_costs_no_job_and_doubles_none(
    bench: ClusterBench, cluster: RealCluster, fault: str
) -> None:
    harm(cluster.slurm, fault)
    try:
        scan = bench.start_scan()
        assert bench.newest_job(scan).state is JobState.SUBMIT_UNKNOWN
        bench.step(5)
        assert bench.newest_job(scan).state is JobState.SUBMIT_UNKNOWN
    finally:
        mend(bench, fault)
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


@pytest.mark.parametrize("fault", ["hangs", "is dead"])
def test_a_controller_that_fails_while_a_job_runs_changes_nothing(
    bench: ClusterBench, cluster: RealCluster, fault: str
) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.until(lambda: bench.newest_job(scan).state is JobState.RUNNING)
    cluster.slurm.save_state(bench.jobs_in_slurm()[0])
    harm(cluster.slurm, fault)
    try:
        bench.step(40)
        assert bench.newest_job(scan).state is JobState.RUNNING
        assert "squeue" in bench.word().message
        assert bench.word().link is LinkState.CONNECTED
    finally:
        mend(bench, fault)
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_a_job_that_a_forgetful_controller_starts_twice_measures_once(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(WAITS)
    cluster.slurm.drain_node()
    scan = bench.start_scan()
    bench.until(lambda: bench.newest_job(scan).state is JobState.QUEUED)
    cluster.slurm.save_state(bench.jobs_in_slurm()[0])
    job_waits = cluster.slurm.job_state_file.read_bytes()
    bench.wait_for(cluster.slurm.resume_node)
    bench.until_first_point(scan)
    harm(cluster.slurm, "is dead")
    cluster.slurm.job_state_file.write_bytes(job_waits)
    mend(bench, "is dead")
    printed = Path(bench.layout(scan).log_file(bench.newest_job(scan).job))
    bench.wait_for(lambda: cluster.slurm.resume_node() and "a duplicate" in printed.read_text())
    bench.let_go()
    bench.until(lambda: cluster.slurm.resume_node() and bench.is_complete(scan))
    bench.assert_survived(scan, jobs=None)


@pytest.mark.parametrize(
    "script",
    [f'"$@" >/dev/null; echo "{TIMED_OUT}" >&2; exit 1', f'echo "{TIMED_OUT}" >&2; exit 1'],
    ids=["the job exists", "there is no job"],
)
def test_an_sbatch_that_times_out_makes_one_job_in_the_end(
    bench: ClusterBench, script: str
) -> None:
    spoil(bench, script, 1, on_submit=True)
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


@pytest.mark.parametrize("script", ["exit 1", "true", "echo nonsense"])
def test_a_squeue_that_fails_ends_no_job(bench: ClusterBench, script: str) -> None:
    faulty = spoil(bench, script, 5, on_submit=False)
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    while faulty.times_left > 0:
        bench.step(40)
        assert bench.newest_job(scan).state not in ENDED_JOB_STATES
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_a_job_that_slurm_has_forgotten_and_that_goes_on_writing_is_not_lost(
    bench: ClusterBench,
) -> None:
    faulty = spoil(bench, '"$@" | head -n 1', 1000, on_submit=False)
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    journal = Path(bench.layout(scan).journal_file(bench.newest_job(scan).job))
    for _ in range(6):
        size = journal.stat().st_size
        bench.wait_for(partial(has_grown, journal, size))
        bench.step(20)
        assert bench.newest_job(scan).state is JobState.RUNNING
    faulty.times_left = 0
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
