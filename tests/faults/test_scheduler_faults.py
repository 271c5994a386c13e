"""SLURM that hangs, dies, lies or ends our jobs; each time the real one."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from background_executor.records import ENDED_JOB_STATES, JobState, ScanRecord
from background_executor.scheduler import JobScript
from background_executor.scheduler.slurm import SlurmScheduler
from server_side.journal import EndReason
from tests.background_executor.bench import HANGS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
DEAF = replace(HANGS, deaf=True)


def newest(bench: ClusterBench, scan: ScanRecord) -> JobState:
    return bench.jobs(scan)[0].state


def begins(bench: ClusterBench, scan: ScanRecord) -> None:
    """Step until the first point of a scan is stored."""
    bench.until(lambda: "stored" in bench.states(scan))


class FaultySlurm(SlurmScheduler):
    """The real SLURM behind an sbatch or squeue that goes wrong so many times."""

    def __init__(self, bench_settings: SlurmScheduler, script: str, times: int) -> None:
        self.__dict__.update(bench_settings.__dict__)
        self._script, self._times = script, times
        self.on_submit = True

    def _spoil(self, argv: list[str], applies: bool) -> list[str]:
        if not applies or self._times == 0:
            return argv
        self._times -= 1
        return ["sh", "-c", self._script, "sh", *argv]

    def submit_argv(self, job: JobScript) -> list[str]:
        return self._spoil(super().submit_argv(job), self.on_submit)

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:
        return self._spoil(super().queue_argv(jobs, scheduler_ids), not self.on_submit)


def spoil(bench: ClusterBench, script: str, times: int, *, on_submit: bool) -> None:
    """Put a fault between the executor and SLURM."""
    scheduler = bench.site.scheduler
    assert isinstance(scheduler, SlurmScheduler)
    faulty = FaultySlurm(scheduler, script, times)
    faulty.on_submit = on_submit
    bench.site = replace(bench.site, scheduler=faulty)
    bench.restart()


@pytest.mark.parametrize("fault", ["hangs", "is dead"])
def test_a_controller_that_fails_during_submission_costs_no_job_and_doubles_none(
    bench: ClusterBench, cluster: RealCluster, fault: str
) -> None:
    slurm = cluster.slurm
    slurm.slurmctld.pause() if fault == "hangs" else slurm.slurmctld.kill()
    try:
        scan = bench.start_scan()
        assert newest(bench, scan) is JobState.SUBMIT_UNKNOWN
        bench.step(5)
        assert newest(bench, scan) is JobState.SUBMIT_UNKNOWN
    finally:
        slurm.slurmctld.resume() if fault == "hangs" else slurm.start_slurmctld()
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan)


@pytest.mark.parametrize("fault", ["hangs", "is dead"])
def test_a_controller_that_fails_while_a_job_runs_changes_nothing(
    bench: ClusterBench, cluster: RealCluster, fault: str
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    begins(bench, scan)
    bench.until(lambda: newest(bench, scan) is JobState.RUNNING)
    slurm = cluster.slurm
    slurm.slurmctld.pause() if fault == "hangs" else slurm.slurmctld.kill()
    try:
        for _ in range(2):
            bench.step(40)
            assert newest(bench, scan) is JobState.RUNNING
    finally:
        slurm.slurmctld.resume() if fault == "hangs" else slurm.start_slurmctld()
    bench.behave(Behaviour())
    Path(bench.layout(scan).stop_file(bench.jobs(scan)[0].job)).touch()
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    assert newest(bench, scan) is JobState.COMPLETED
    assert len(bench.jobs_in_slurm()) == 1


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
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan)


@pytest.mark.parametrize("script", ["exit 1", "true", "echo nonsense"])
def test_a_squeue_that_fails_ends_no_job(bench: ClusterBench, script: str) -> None:
    spoil(bench, script, 5, on_submit=False)
    bench.behave(HANGS)
    scan = bench.start_scan()
    begins(bench, scan)
    for _ in range(6):
        bench.step(40)
        assert newest(bench, scan) not in ENDED_JOB_STATES
    Path(bench.layout(scan).stop_file(bench.jobs(scan)[0].job)).touch()
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    assert len(bench.jobs_in_slurm()) == 1


def test_a_job_that_is_killed_stops_and_asks_with_the_end_of_its_log(bench: ClusterBench) -> None:
    bench.behave(replace(HANGS, end="killed"))
    scan = bench.start_scan()
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    for _ in range(5):
        bench.step(60)
    (job,) = bench.jobs(scan)
    assert job.state is JobState.FAILED
    assert "the last thing that the job printed" in job.log_tail
    assert bench.scan(scan).message
    assert bench.states(scan).count("stored") == 1
    assert len(bench.jobs_in_slurm()) == 1


def test_a_job_without_memory_stops_and_asks(bench: ClusterBench) -> None:
    hungry = "import time; a = bytearray(600_000_000); time.sleep(30)"
    python = Path(bench.config.site.python)
    text = python.read_text()
    python.write_text(text.replace("-m tests.background_executor.fake_job", f"-c '{hungry}'"))
    scan = bench.start_scan()
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    for _ in range(5):
        bench.step(60)
    (job,) = bench.jobs(scan)
    assert job.state in (JobState.FAILED, JobState.OUT_OF_MEMORY)
    assert "memory" in job.log_tail
    assert bench.scan(scan).message
    assert len(bench.jobs_in_slurm()) == 1


@pytest.mark.parametrize("deaf", [True, False], ids=["killed hard", "ended by SIGTERM"])
def test_a_job_that_is_pushed_aside_has_a_successor(
    bench: ClusterBench, cluster: RealCluster, deaf: bool
) -> None:
    bench.behave(replace(HANGS, deaf=deaf))
    scan = bench.start_scan()
    begins(bench, scan)
    bench.behave(Behaviour())
    urgent = ["sbatch", "--parsable", "--partition=urgent", "--ntasks=8", "--mem-per-cpu=10"]
    pushed = cluster.slurm.run(*urgent, "--output=/dev/null", "--wrap=sleep 1")
    assert pushed.returncode == 0, pushed.stderr
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.PREEMPTED


@pytest.mark.slow
def test_a_job_over_its_time_limit_has_a_successor(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(DEAF)
    scan = bench.start_scan()
    begins(bench, scan)
    bench.behave(Behaviour())
    update = ["scontrol", "update", f"JobId={bench.jobs_in_slurm()[0]}", "TimeLimit=1"]
    assert cluster.slurm.asks(*update)
    give_up = time.monotonic() + 150
    while newest(bench, scan) is JobState.RUNNING and time.monotonic() < give_up:
        bench.step(1)
        time.sleep(0.5)
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.TIMEOUT


@pytest.mark.slow
def test_a_node_that_goes_down_and_comes_back_costs_no_point(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(DEAF)
    scan = bench.start_scan()
    begins(bench, scan)
    bench.behave(Behaviour())
    cluster.slurm.slurmd.kill()
    try:
        give_up = time.monotonic() + 120
        while newest(bench, scan) is JobState.RUNNING and time.monotonic() < give_up:
            bench.step(1)
            time.sleep(0.5)
    finally:
        cluster.slurm.start_slurmd()
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.NODE_FAIL


def test_a_watcher_that_leaves_before_its_limit_has_a_successor(bench: ClusterBench) -> None:
    bench.behave(Behaviour(publish=1, end="last_word", reason=EndReason.TIME_LIMIT))
    scan = bench.start_scan()
    begins(bench, scan)
    bench.behave(Behaviour())
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_survived(scan, jobs=2)
