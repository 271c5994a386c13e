"""What is told of a job in the real SLURM: why it waits, where it runs, what it printed."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from background_executor.records import JobState, ScanRecord
from background_executor.status import status_json, status_report, status_text
from dashboard.views.slots import show_work
from tests.background_executor.bench import HANGS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster


@pytest.fixture
def bench(cluster: RealCluster, tmp_path: Path) -> Iterator[ClusterBench]:
    made = ClusterBench(cluster, make_cluster_site(cluster, tmp_path))
    yield made
    made.close()


@pytest.fixture
def full_node(cluster: RealCluster) -> Iterator[str]:
    """A job of somebody else that leaves no core for ours."""
    argv = ["sbatch", "--parsable", "--time=5", "--cpus-per-task=8", "--output=/dev/null"]
    blocker = cluster.slurm.run(*argv, "--wrap", "sleep 300").stdout.strip()
    assert blocker.isdigit()
    yield blocker
    cluster.slurm.run("scancel", blocker)


def words(bench: ClusterBench) -> str:
    return status_text(status_report(bench.config, bench.store))


def state(bench: ClusterBench, scan: ScanRecord) -> JobState:
    return bench.jobs(scan)[0].state


def test_a_waiting_job_tells_its_reason_and_start_a_running_one_its_node_time_and_log(
    bench: ClusterBench, cluster: RealCluster, full_node: str
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: " queued: Resources, expected start 20" in words(bench))
    waiting = bench.jobs(scan)[0]
    job_id = waiting.scheduler_id
    soon = datetime.now(UTC) + timedelta(minutes=6)  # the blocker's limit is five
    assert waiting.expected_start is not None
    assert datetime.now(UTC) < waiting.expected_start < soon
    page = show_work(waiting, "Asia/Tokyo", datetime.now(UTC))
    assert page.text.startswith("job queued: Resources, expected start 20")
    assert page.text.endswith("JST")
    assert f"  job {job_id} queued: " in words(bench)

    cluster.slurm.run("scancel", full_node)
    bench.until(lambda: bench.jobs(scan)[0].node == cluster.slurm.node)
    assert f"job {job_id} running on {cluster.slurm.node} for 0:" in words(bench)
    assert "expected start" not in words(bench)

    Path(bench.layout(scan).stop_file(bench.jobs(scan)[0].job)).touch()
    bench.until(lambda: "the last thing that the job printed" in bench.jobs(scan)[0].log_tail)
    assert "    | the last thing that the job printed" in words(bench)


def test_a_run_time_is_what_slurm_counts_and_not_since_somebody_looked(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].scheduler_id is not None)
    name = bench.jobs(scan)[0].job
    bench.wait_for(lambda: "RUNNING" in asked(cluster, "%T", name))
    time.sleep(8)  # nobody looks meanwhile

    bench.wait_for(lambda: turn_now(bench) and run_time_s(bench, scan) > 7)
    counted_s = float(asked(cluster, "%M", name).rpartition(":")[2])
    assert abs(run_time_s(bench, scan) - counted_s) < 5
    (told,) = json.loads(status_json(status_report(bench.config, bench.store)))["jobs"]
    assert told["run_time_s"] == pytest.approx(counted_s, abs=5)
    assert (told["node"], told["expected_start"]) == (cluster.slurm.node, None)

    view = show_work(bench.jobs(scan)[0], "Asia/Tokyo", datetime.now(UTC))
    assert view.place.startswith(f"job on {cluster.slurm.node} for ")


def test_a_suspended_job_is_told_of_as_such_until_it_goes_on(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: state(bench, scan) is JobState.RUNNING)
    job_id = bench.jobs(scan)[0].scheduler_id
    assert job_id is not None

    cluster.slurm.run("scontrol", "suspend", job_id)
    bench.until(lambda: "the scheduler says SUSPENDED" in words(bench))
    assert state(bench, scan) is JobState.RUNNING

    cluster.slurm.run("scontrol", "resume", job_id)
    bench.until(lambda: "SUSPENDED" not in words(bench))
    assert f"job {job_id} running" in words(bench)


def turn_now(bench: ClusterBench) -> bool:
    """Do a turn by the clock on the wall, which SLURM counts by, too."""
    bench.now = datetime.now(UTC) - timedelta(seconds=1)
    return bench.step(1.0)


def asked(cluster: RealCluster, field: str, name: str) -> str:
    argv = ("squeue", "-h", "--states=all", f"--name={name}", "-o", field)
    return cluster.slurm.run(*argv).stdout.strip()


def run_time_s(bench: ClusterBench, scan: ScanRecord) -> float:
    ran = bench.jobs(scan)[0].run_time(datetime.now(UTC))
    return 0.0 if ran is None else ran.total_seconds()


def test_a_running_job_is_read_while_it_prints(bench: ClusterBench) -> None:
    bench.behave(Behaviour(pace_s=0.1))
    scan = bench.start_scan()
    bench.until(lambda: state(bench, scan) is JobState.RUNNING)
    log = Path(bench.layout(scan).log_file(bench.jobs(scan)[0].job))
    with log.open("a") as file:
        file.write("as long as it runs\n" + "x" * 5000 + "\nits newest words\n")
    bench.until(lambda: "its newest words" in bench.jobs(scan)[0].log_tail)
    assert len(bench.jobs(scan)[0].log_tail) <= 4000
    bench.until(lambda: bench.is_complete(scan))
