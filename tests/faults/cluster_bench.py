"""A site on the test cluster with its executor, and what a fault test checks at its end."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from background_executor import queries
from background_executor.config import load_config
from background_executor.crash_points import VARIABLE
from background_executor.records import ScanRecord
from background_executor.scheduler import Scheduler
from background_executor.ssh import SshTransport
from tests.background_executor.bench import ROOT, Bench
from tests.cluster.cluster import RealCluster

IDENTITY = "background_executor"


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

    def close(self) -> None:
        """Cancel the jobs that are left, and give connection and store back."""
        for job in self.jobs_in_slurm():
            self.cluster.slurm.run("scancel", job)
        self.site.transport.close()
        self.store.close()

    def jobs_in_slurm(self, state: str = "all") -> list[str]:
        """Return the ids of all jobs that SLURM has under the names of our jobs."""
        names = [job.job for scan in queries.scans(self.store, "here") for job in self.jobs(scan)]
        if not names:
            return []
        argv = ["squeue", "-h", f"--states={state}", f"--name={','.join(names)}", "-o", "%i"]
        return self.cluster.slurm.run(*argv).stdout.split()

    def assert_survived(self, scan: ScanRecord, *, jobs: int | None = 1) -> None:
        """Check what must hold after every fault: one job per intent, each point once."""
        assert self.is_complete(scan), self.words()
        self.assert_each_point_once(scan)
        records = self.jobs(scan)
        assert len(self.jobs_in_slurm()) == len(records), self.words()
        if jobs is not None:
            assert len(records) == jobs, self.words()
        assert self.jobs_in_slurm("PENDING,RUNNING") == []


def run_executor(settings: Path, crash_at: str = "") -> subprocess.Popen[bytes]:
    """Start the executor as a process of its own, to die at a named moment."""
    environment = {**os.environ, VARIABLE: crash_at} if crash_at else dict(os.environ)
    argv = [sys.executable, "-m", IDENTITY, "run", "--settings", str(settings)]
    log = (settings.parent / "executor.log").open("ab")
    with closing(log):
        return subprocess.Popen(argv, stdout=log, stderr=log, env=environment, cwd=ROOT)
