"""Jobs that SLURM ends, that fail, or that leave by themselves; each time in the real one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from background_executor.jobs.successors import awaits_operator
from background_executor.records import ENDED_JOB_STATES, JobState
from server_side.journal import EndReason
from tests.background_executor.bench import HANGS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

DEAF = replace(HANGS, deaf=True)


def test_a_watcher_that_left_because_nothing_came_is_followed_when_there_is_work(
    bench: ClusterBench,
) -> None:
    bench.behave(Behaviour(publish=1, end="last_word", reason=EndReason.IDLE))
    scan = bench.start_scan()
    bench.until(lambda: awaits_operator(bench.scan(scan), bench.jobs(scan)))
    bench.step(70)
    assert len(bench.jobs(scan)) == 1
    bench.behave(Behaviour())
    stamp = f"{scan.started_at + timedelta(hours=9, minutes=1):%Y%m%d_%H%M%S}"
    point = Path(bench.config.site.raw_base, f"wavedump_output_{stamp}", scan.serial_number)
    (point / "wavesave_theta10_phi0").mkdir(parents=True)
    (point / "wavesave_theta10_phi0" / "wave2.txt").write_text("events")
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    bench.assert_survived(scan, jobs=2)


def test_a_job_that_is_killed_stops_and_asks_with_the_end_of_its_log(bench: ClusterBench) -> None:
    bench.behave(replace(HANGS, end="killed"))
    scan = bench.start_scan()
    bench.until(lambda: bench.newest_job(scan).state in ENDED_JOB_STATES)
    (job,) = bench.jobs(scan)
    assert job.state is JobState.FAILED
    assert "the last thing that the job printed" in job.log_tail
    bench.assert_goes_on_when_asked(scan)


@pytest.mark.parametrize("deaf", [True, False], ids=["killed hard", "ended by SIGTERM"])
def test_a_job_that_is_pushed_aside_has_a_successor(
    bench: ClusterBench, cluster: RealCluster, deaf: bool
) -> None:
    bench.behave(replace(HANGS, deaf=deaf))
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.behave(Behaviour())
    urgent = ["sbatch", "--parsable", "--partition=urgent", "--ntasks=8", "--mem-per-cpu=10"]
    pushed = cluster.slurm.run(*urgent, "--output=/dev/null", "--wrap=sleep 1")
    assert pushed.returncode == 0, pushed.stderr
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.PREEMPTED


def test_a_job_over_its_time_limit_has_a_successor(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(DEAF)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.behave(Behaviour())
    update = ["scontrol", "update", f"JobId={bench.jobs_in_slurm()[0]}", "EndTime=now+1"]
    assert cluster.slurm.asks(*update)
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.TIMEOUT


def test_a_node_that_goes_down_and_comes_back_costs_no_point(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(DEAF)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.behave(Behaviour())
    cluster.slurm.take_node_down()
    try:
        bench.until(lambda: bench.newest_job(scan).state is not JobState.RUNNING)
    finally:
        cluster.slurm.bring_node_back()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.NODE_FAIL


def test_a_watcher_that_leaves_before_its_limit_has_a_successor(bench: ClusterBench) -> None:
    bench.behave(Behaviour(publish=1, end="last_word", reason=EndReason.TIME_LIMIT))
    scan = bench.start_scan()
    bench.until_first_point(scan)
    bench.behave(Behaviour())
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
