"""SLURM that hangs, dies, lies or ends our jobs; each time the real one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from background_executor.commands import ResumeScan
from background_executor.records import ENDED_JOB_STATES, JobRecord, JobState, LinkState, ScanRecord
from background_executor.scheduler import JobScript
from background_executor.scheduler.slurm import SlurmScheduler
from background_executor.successors import awaits_operator
from server_side.journal import EndReason
from tests.background_executor.bench import HANGS, WAITS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.cluster.slurm_servers import SlurmServers
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
DEAF = replace(HANGS, deaf=True)


def newest_job(bench: ClusterBench, scan: ScanRecord) -> JobRecord:
    return bench.jobs(scan)[0]


def newest(bench: ClusterBench, scan: ScanRecord) -> JobState:
    return newest_job(bench, scan).state


def has_grown(path: Path, size: int) -> bool:
    return path.stat().st_size > size


def begins(bench: ClusterBench, scan: ScanRecord) -> None:
    """Step until the first point of a scan is stored."""
    bench.until(lambda: "stored" in bench.states(scan))


def harm(slurm: SlurmServers, fault: str) -> None:
    """Let the controller hang, or kill it."""
    slurm.slurmctld.pause() if fault == "hangs" else slurm.slurmctld.kill()


def mend(bench: ClusterBench, fault: str) -> None:
    """Bring the controller back, and wait until it has answered what was asked meanwhile."""
    slurm = bench.cluster.slurm
    slurm.slurmctld.resume() if fault == "hangs" else slurm.start_slurmctld()
    bench.wait_for(lambda: slurm.asks("squeue"))


def goes_on_when_asked(bench: ClusterBench, scan: ScanRecord) -> None:
    """Check that a scan asks what to do, submits nothing meanwhile, and ends well when resumed."""
    bench.until(lambda: awaits_operator(bench.scan(scan), bench.jobs(scan)))
    for _ in range(3):
        bench.step(60)
    assert len(bench.jobs_in_slurm()) == len(bench.jobs(scan)) == 1
    bench.behave(Behaviour())
    assert bench.ask(ResumeScan(scan_id=scan.scan_id)).state == "done"
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)


class FaultySlurm(SlurmScheduler):
    """The real SLURM behind an sbatch or squeue that goes wrong so many times."""

    def __init__(self, real: SlurmScheduler, script: str, times: int, *, on_submit: bool) -> None:
        self.__dict__.update(real.__dict__)
        self._script = script
        self._on_submit = on_submit
        self.times_left = times

    def _spoil(self, argv: list[str], applies: bool) -> list[str]:
        if not applies or self.times_left == 0:
            return argv
        self.times_left -= 1
        return ["sh", "-c", self._script, "sh", *argv]

    def submit_argv(self, job: JobScript) -> list[str]:
        return self._spoil(super().submit_argv(job), self._on_submit)

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:
        return self._spoil(super().queue_argv(jobs, scheduler_ids), not self._on_submit)


def spoil(bench: ClusterBench, script: str, times: int, *, on_submit: bool) -> FaultySlurm:
    """Put a fault between the executor and SLURM."""
    scheduler = bench.site.scheduler
    assert isinstance(scheduler, SlurmScheduler)
    faulty = FaultySlurm(scheduler, script, times, on_submit=on_submit)
    bench.site = replace(bench.site, scheduler=faulty)
    bench.restart()
    return faulty


@pytest.mark.parametrize("fault", ["hangs", "is dead"])
def test_a_controller_that_fails_during_submission_costs_no_job_and_doubles_none(
    bench: ClusterBench, cluster: RealCluster, fault: str
) -> None:
    harm(cluster.slurm, fault)
    try:
        scan = bench.start_scan()
        assert newest(bench, scan) is JobState.SUBMIT_UNKNOWN
        bench.step(5)
        assert newest(bench, scan) is JobState.SUBMIT_UNKNOWN
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
    begins(bench, scan)
    bench.until(lambda: newest(bench, scan) is JobState.RUNNING)
    harm(cluster.slurm, fault)
    try:
        bench.step(40)
        assert newest(bench, scan) is JobState.RUNNING
        assert "squeue" in bench.word().message
        assert bench.word().link is LinkState.CONNECTED
    finally:
        mend(bench, fault)
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


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
    begins(bench, scan)
    while faulty.times_left > 0:
        bench.step(40)
        assert newest(bench, scan) not in ENDED_JOB_STATES
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_a_job_that_slurm_has_forgotten_and_that_goes_on_writing_is_not_lost(
    bench: ClusterBench,
) -> None:
    faulty = spoil(bench, '"$@" | head -n 1', 1000, on_submit=False)
    bench.behave(WAITS)
    scan = bench.start_scan()
    begins(bench, scan)
    journal = Path(bench.layout(scan).journal_file(newest_job(bench, scan).job))
    for _ in range(6):
        size = journal.stat().st_size
        bench.wait_for(partial(has_grown, journal, size))
        bench.step(20)
        assert newest(bench, scan) is JobState.RUNNING
    faulty.times_left = 0
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


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
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    (job,) = bench.jobs(scan)
    assert job.state is JobState.FAILED
    assert "the last thing that the job printed" in job.log_tail
    goes_on_when_asked(bench, scan)


def test_a_job_without_memory_stops_and_asks(bench: ClusterBench) -> None:
    hungry = "import time; a = bytearray(600_000_000); time.sleep(30)"
    python = Path(bench.config.site.python)
    text = python.read_text()
    python.write_text(text.replace("-m tests.background_executor.fake_job", f"-c '{hungry}'"))
    scan = bench.start_scan()
    bench.until(lambda: newest(bench, scan) in ENDED_JOB_STATES)
    python.write_text(text)
    (job,) = bench.jobs(scan)
    assert job.state in (JobState.FAILED, JobState.OUT_OF_MEMORY)
    assert "memory" in job.log_tail
    goes_on_when_asked(bench, scan)


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
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.PREEMPTED


def test_a_job_over_its_time_limit_has_a_successor(
    bench: ClusterBench, cluster: RealCluster
) -> None:
    bench.behave(DEAF)
    scan = bench.start_scan()
    begins(bench, scan)
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
    begins(bench, scan)
    bench.behave(Behaviour())
    cluster.slurm.take_node_down()
    try:
        bench.until(lambda: newest(bench, scan) is not JobState.RUNNING)
    finally:
        cluster.slurm.bring_node_back()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
    assert bench.jobs(scan)[1].state is JobState.NODE_FAIL


def test_a_watcher_that_leaves_before_its_limit_has_a_successor(bench: ClusterBench) -> None:
    bench.behave(Behaviour(publish=1, end="last_word", reason=EndReason.TIME_LIMIT))
    scan = bench.start_scan()
    begins(bench, scan)
    bench.behave(Behaviour())
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)
