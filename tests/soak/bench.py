"""The site of a soak: its executor a process of its own, its line and cluster open to faults."""

import json
import signal
import subprocess
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from background_executor import instance
from background_executor.commands import Command
from background_executor.config import load_config
from tests.background_executor.fake_job import BEHAVIOUR_FILE, Behaviour
from tests.cluster.cluster import RealCluster
from tests.cluster.line import Line
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import run_executor

SITE = "here"
SECOND_REFUSES_S = 120.0
PACE_S = 0.4
"""Between two points of a scan: slow enough that a fault mostly finds a job at work."""


@dataclass(frozen=True)
class Footprint:
    """What a process holds at one moment."""

    memory_mb: float
    threads: int
    open_files: int

    @classmethod
    def of(cls, pid: int) -> "Footprint | None":
        """Look at a process; None when it is gone."""
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return None
        found = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" not in found:  # it died at this moment
            return None
        return cls(int(found["VmRSS"].split()[0]) / 1024, int(found["Threads"]), files)


class SoakBench:
    """A site on the test cluster, its executor, and what may happen to them."""

    def __init__(self, cluster: RealCluster, line: Line, folder: Path, points: list[str]) -> None:
        self.cluster = cluster
        self.line = line
        self.folder = folder
        self.settings = make_cluster_site(
            cluster, folder, port=line.port, points=tuple(points), poll_s=0.5
        )
        self.config = load_config(self.settings)
        self.store = self.config.open_store()
        behaviour = json.dumps(asdict(Behaviour(pace_s=PACE_S)))
        Path(self.config.site.raw_base, BEHAVIOUR_FILE).write_text(behaviour)
        self.lives: list[list[Footprint]] = []
        """What each life of the executor held, moment by moment."""
        self.executor = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.lives.append([])
        return run_executor(self.settings)

    def look_at_executor(self) -> None:
        """Note what the executor holds; it may only end when a fault ends it."""
        status = self.executor.poll()
        if status is not None:
            log = (self.folder / "executor.log").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"the executor ended by itself with {status}:\n{log}")
        found = Footprint.of(self.executor.pid)
        if found is not None:
            self.lives[-1].append(found)

    def kill_executor(self) -> None:
        """End the executor as a power cut would, and start another."""
        self.executor.send_signal(signal.SIGKILL)
        self.executor.wait()
        self.executor = self._start()

    def restart_executor(self) -> None:
        """Ask the executor to end, and start another."""
        self.end_executor()
        self.executor = self._start()

    def end_executor(self) -> None:
        """Ask the executor to end and wait for it."""
        self.executor.terminate()
        self.executor.wait(60)

    def start_second_executor(self) -> bool:
        """Start a second executor, which must refuse to work; False while the first begins."""
        holder = instance.holder(self.config)
        if holder is None or holder.pid != self.executor.pid:
            return False  # the first is still on its way up: either may win
        second = run_executor(self.settings)
        try:
            status = second.wait(SECOND_REFUSES_S)
        finally:
            second.kill()
        if status == 0:
            raise RuntimeError("a second executor of the site worked beside the first")
        return True

    def ask(self, command: Command) -> None:
        """Ask the executor for something, as the page does."""
        self.store.enqueue(SITE, command, "soak", str(uuid.uuid4()))

    def jobs_at_work(self) -> list[str]:
        """Return the ids of our jobs that SLURM runs now."""
        argv = ["squeue", "-h", "--states=RUNNING", "--partition=physical", "-o", "%i"]
        return self.cluster.slurm.run(*argv).stdout.split()

    def give_node_back(self) -> bool:
        """Do as a site's administrator when SLURM took the node out; tell whether it had."""
        slurm = self.cluster.slurm
        return "drain" in slurm.run("sinfo", "-h", "-o", "%T").stdout and slurm.resume_node()

    def slurm_jobs_by_name(self) -> dict[str, int]:
        """Count the jobs that SLURM was given, by our names."""
        found = self.cluster.slurm.run("squeue", "-h", "--states=all", "-o", "%j").stdout.split()
        return {name: found.count(name) for name in found}

    def close(self) -> None:
        """End the executor and give the store back."""
        if self.executor.poll() is None:
            self.end_executor()
        self.store.close()
