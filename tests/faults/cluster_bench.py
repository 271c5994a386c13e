"""A site on the test cluster with its executor, and what a fault test checks at its end."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from background_executor import queries
from background_executor.commands import ResumeScan
from background_executor.config import load_config
from background_executor.jobs.successors import awaits_operator
from background_executor.records import (
    ENDED_JOB_STATES,
    ExecutorRecord,
    LinkState,
    ScanRecord,
)
from background_executor.scheduler import Scheduler
from background_executor.ssh import SshTransport
from background_executor.status import status_report
from tests.background_executor.bench import ROOT, Bench
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster

IDENTITY = "background_executor"
PATIENCE_S = 180.0
"""Nothing here takes so long on a machine that has time; a busy one may need it."""
LOOK_EVERY_S = 0.1


class TestClock:
    """Monotonic seconds that pass when a test says so: no waiting for the pace of connects."""

    __test__ = False

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class ClusterBench(Bench):
    """The executor of a site that is reached by SSH and runs SLURM, stepped by hand."""

    def __init__(
        self, cluster: RealCluster, settings: Path, *, scheduler: Scheduler | None = None
    ) -> None:
        self.cluster = cluster
        self.clock = TestClock()
        site = load_config(settings).site
        assert site.ssh is not None
        transport = SshTransport(site.ssh, call_timeout_s=site.call_timeout_s, clock=self.clock)
        super().__init__(settings, transport=transport, scheduler=scheduler)

    def step(self, seconds: float = 1.0) -> bool:
        """Let both clocks move on and do one turn."""
        self.clock.now_s += abs(seconds)
        return super().step(seconds)

    def until(
        self, condition: Callable[[], bool], seconds: float = 5.0, patience_s: float = PATIENCE_S
    ) -> None:
        """Step until something is so, and leave the cluster time in between."""
        give_up = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < give_up, self.words()
            self.step(seconds)
            time.sleep(LOOK_EVERY_S)

    def wait_for(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for something that happens while this executor does nothing."""
        give_up = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < give_up, self.words()
            time.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Cancel the jobs that are left, and give connection and store back."""
        for job in self.jobs_in_slurm():
            self.cluster.slurm.run("scancel", job)
        self.site.transport.close()
        self.store.close()

    def until_first_point(self, scan: ScanRecord) -> None:
        """Step until the first point of a scan is stored."""
        self.until(lambda: "stored" in self.states(scan))

    def word(self) -> ExecutorRecord:
        """Return what the executor last said of itself."""
        record = queries.executor(self.store, "here")
        assert record is not None
        return record

    def jobs_in_slurm(self, state: str = "all") -> list[str]:
        """Return the ids of all jobs that SLURM has under the names of our jobs."""
        names = [job.job for scan in queries.scans(self.store, "here") for job in self.jobs(scan)]
        if not names:
            return []
        argv = ["squeue", "-h", f"--states={state}", f"--name={','.join(names)}", "-o", "%i"]
        return self.cluster.slurm.run(*argv).stdout.split()

    def assert_survived(self, scan: ScanRecord, *, jobs: int | None = 1) -> None:
        """Check what must hold after every fault: one job per intent, each point once."""
        self.step(20)  # what was in the way before is asked for again
        assert self.is_complete(scan), self.words()
        self.assert_each_point_once(scan)
        records = self.jobs(scan)
        assert len(self.jobs_in_slurm()) == len(records), self.words()
        if jobs is not None:
            assert len(records) == jobs, self.words()
        # SLURM hears of the end of a job a little later than its journal tells.
        self.wait_for(lambda: self.jobs_in_slurm("PENDING,RUNNING,COMPLETING") == [])
        self.assert_status_is_true(scan)

    def assert_goes_on_when_asked(self, scan: ScanRecord) -> None:
        """Check that a scan asks what to do, submits nothing meanwhile, and ends well resumed."""
        self.until(lambda: awaits_operator(self.scan(scan), self.jobs(scan)))
        for _ in range(3):
            self.step(60)
        assert len(self.jobs_in_slurm()) == len(self.jobs(scan)) == 1
        self.behave(Behaviour())
        assert self.ask(ResumeScan(scan_id=scan.scan_id)).state == "done"
        self.until(lambda: self.is_complete(scan))
        self.assert_survived(scan, jobs=2)

    def assert_status_is_true(self, scan: ScanRecord, *, failed: int = 0) -> None:
        """Check that ``status`` says of a scan that is over what is so, and nothing worse."""
        report = status_report(self.config, self.store)
        assert report.executor is not None
        assert report.executor.link is LinkState.CONNECTED
        assert (report.executor.message, report.executor.link_message) == ("", "")
        (shown,) = (each for each in report.scans if each.scan_id == scan.scan_id)
        told = (shown.state, shown.message, shown.points_stored, shown.points_failed)
        assert told == ("complete", "", shown.points_planned - failed, failed)
        (job,) = (each for each in report.jobs if each.scan_id == scan.scan_id)
        assert job.state in ENDED_JOB_STATES


def run_executor(settings: Path) -> subprocess.Popen[bytes]:
    """Start the executor as a process of its own."""
    argv = [sys.executable, "-m", IDENTITY, "run", "--settings", str(settings)]
    log = (settings.parent / "executor.log").open("ab")
    with closing(log):
        return subprocess.Popen(argv, stdout=log, stderr=log, cwd=ROOT)
