"""Others beside us: the user's own jobs, a second executor, a clock that jumps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan, StopScan
from background_executor.records import ENDED_JOB_STATES, JobState, ScanRecord
from server_side.scan import Slot
from tests.background_executor.bench import HANGS, WAITS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.faults.cluster_bench import PATIENCE_S, ClusterBench, run_executor

pytestmark = pytest.mark.cluster


@pytest.fixture
def strangers(cluster: RealCluster) -> Iterator[list[str]]:
    """Ids of jobs of the same user that a test starts; they are cancelled after it."""
    ids: list[str] = []
    yield ids
    for scheduler_id in ids:
        cluster.slurm.run("scancel", scheduler_id)


def start_stranger(cluster: RealCluster, name: str) -> str:
    argv = ["sbatch", "--parsable", f"--job-name={name}", "--mem=10", "--output=/dev/null"]
    return cluster.slurm.run(*argv, "--wrap=sleep 300").stdout.strip()


def test_other_jobs_with_similar_names_are_never_touched(
    bench: ClusterBench, cluster: RealCluster, strangers: list[str]
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    (job,) = bench.jobs(scan)
    names = [job.job[:-1], job.job + "x", job.job[:8], "pmt", "sh", job.job.upper() + "1"]
    strangers += [start_stranger(cluster, name) for name in names]
    bench.until_first_point(scan)
    bench.behave(Behaviour(deaf=True))
    answer = bench.ask(StopScan(scan_id=scan.scan_id, reason="the laser is off"))
    assert answer.state == "done"
    bench.until(lambda: bench.newest_job(scan).state in ENDED_JOB_STATES)
    bench.until(lambda: bench.jobs_in_slurm("PENDING,RUNNING") == [])
    alive = cluster.slurm.run("squeue", "-h", "--states=PENDING,RUNNING", "-o", "%i").stdout
    assert set(strangers) <= set(alive.split())
    assert_stopped_with_one_job(bench, scan)


def assert_stopped_with_one_job(bench: ClusterBench, scan: ScanRecord) -> None:
    """Check that a scan was stopped, with its one job and what that had published."""
    assert bench.scan(scan).state == "stopped"
    (job,) = bench.jobs(scan)
    assert job.state in (JobState.COMPLETED, JobState.CANCELLED)  # heeded the wish, or was made to
    assert len(bench.jobs_in_slurm()) == 1
    assert bench.states(scan).count("stored") == 1
    (result,) = queries.results_of_point(bench.store, scan.scan_id, scan.plan.points[0])
    assert result.folder.is_dir()


def test_a_deaf_job_is_cancelled_and_nothing_else(
    bench: ClusterBench, cluster: RealCluster, strangers: list[str]
) -> None:
    bench.behave(Behaviour(publish=1, end="hang", deaf=True))
    scan = bench.start_scan()
    strangers.append(start_stranger(cluster, bench.jobs(scan)[0].job[:-1] + "z"))
    bench.until_first_point(scan)
    bench.ask(StopScan(scan_id=scan.scan_id))
    bench.until(lambda: bench.newest_job(scan).state in ENDED_JOB_STATES)
    bench.wait_for(lambda: bench.jobs_in_slurm("RUNNING,COMPLETING") == [])
    assert strangers[0] in cluster.slurm.run("squeue", "-h", "-o", "%i").stdout.split()
    assert_stopped_with_one_job(bench, scan)
    assert bench.jobs(scan)[0].state is JobState.CANCELLED


def test_of_two_executors_one_works(bench: ClusterBench, settings_file: Path) -> None:
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    both = [run_executor(settings_file) for _ in range(2)]
    try:
        bench.wait_for(lambda: any(one.poll() is not None for one in both))
        (loser,) = [one for one in both if one.poll() is not None]
        assert loser.returncode == 1
        assert "runs already" in (settings_file.parent / "executor.log").read_text()
    finally:
        for one in both:
            one.terminate()
            one.wait(PATIENCE_S)
    bench.restart()
    bench.until(lambda: len(queries.scans(bench.store, "here")) == 1)
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_clock_that_jumps_an_hour_loses_nothing(bench: ClusterBench, jump_s: float) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.step(jump_s)
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
