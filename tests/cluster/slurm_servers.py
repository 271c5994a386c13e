"""A real SLURM of one node, without systemd: munged, slurmctld and slurmd on own ports.

It differs from a site's only in its patience: nodes are given up and jobs are
killed after seconds instead of minutes, so that tests see these things happen.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.cgroups import NO_CGROUPS
from tests.cluster.daemon import START_LIMIT_S, Daemon, DaemonError

PARTITION = "physical"
URGENT_PARTITION = "urgent"
"""Its jobs push those of the other partition aside."""

NO_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
"""As on many sites: sacct has no answer."""

_CONFIG = """\
ClusterName=pmttest
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
{memory_limits}
{accounting}
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
ReturnToService=2
DefMemPerCPU=200
MinJobAge={forget_s}
KillWait=3
MessageTimeout=10
SlurmdTimeout=60
UnkillableStepTimeout=180
OverTimeLimit=0
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 Port={slurmd_port} CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName={partition} Nodes={node} Default=YES MaxTime=7-0 State=UP PriorityTier=1
PartitionName={urgent} Nodes={node} MaxTime=7-0 State=UP PriorityTier=10
"""


class SlurmServers:
    """munged, slurmctld and slurmd of one node."""

    def __init__(
        self,
        folder: Path,
        ports: tuple[int, int],
        environment: Mapping[str, str],
        *,
        forget_s: int,
        accounting: str = NO_ACCOUNTING,
        memory_limits: str = NO_CGROUPS,
    ) -> None:
        self.folder = folder
        self.node = socket.gethostname().split(".")[0]
        self.config_file = folder / "slurm.conf"
        self._ctld_port, self._slurmd_port = ports
        self._forget_s = forget_s
        self._accounting = accounting
        self._memory_limits = memory_limits
        self.environment = {**os.environ, **environment, "SLURM_CONF": str(self.config_file)}
        self._munged = self._daemon("munged", self._munged_argv())
        self.slurmctld = self._daemon("slurmctld", ["/usr/sbin/slurmctld", "-D", "-i"])
        self.slurmd = self._daemon("slurmd", ["/usr/sbin/slurmd", "-D", "-N", self.node])

    def _daemon(self, name: str, argv: list[str]) -> Daemon:
        return Daemon(name, argv, self.folder / f"{name}.log", self.environment)

    def _munged_argv(self) -> list[str]:
        drop_rights = ["setpriv", "--reuid=munge", "--regid=munge", "--init-groups"]
        files = {
            "socket": "munge.socket",
            "key-file": "munge/key",
            "pid-file": "munge/pid",
            "log-file": "munge/log",
            "seed-file": "munge/seed",
        }
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        return [*drop_rights, "/usr/sbin/munged", "--foreground", "--force", *options]

    def prepare(self) -> None:
        """Make folders, munge key and configuration."""
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        for path in (self.folder / "munge", key, self.folder):
            shutil.chown(path, "munge", "munge")
        self.config_file.write_text(
            _CONFIG.format(
                folder=self.folder,
                node=self.node,
                ctld_port=self._ctld_port,
                slurmd_port=self._slurmd_port,
                forget_s=self._forget_s,
                accounting=self._accounting,
                memory_limits=self._memory_limits,
                partition=PARTITION,
                urgent=URGENT_PARTITION,
            )
        )

    @property
    def munge_socket(self) -> Path:
        """Where munged is asked."""
        return self.folder / "munge.socket"

    def start_munged(self) -> None:
        """Start munged alone; nothing else works before it."""
        self._munged.start(self.munge_socket.exists)

    def start(self) -> None:
        """Start controller and node, each when the one before answers; munged must run."""
        self.start_slurmctld()
        self.start_slurmd()

    def start_slurmctld(self) -> None:
        """Start the controller alone."""
        self.slurmctld.start(lambda: self.asks("scontrol", "ping") and self._controller_is_up())

    @property
    def job_state_file(self) -> Path:
        """What the controller knows of all jobs when it is started again."""
        return self.folder / "state" / "job_state"

    def save_state(self, job: str) -> None:
        """Wait until the controller has written down what it knows of a job.

        It does so every few seconds at best, and what it has not written is lost when it is
        killed: it would start a job that runs a second time, or end it as a stranger's.
        """
        asked_at = time.time()
        self.run("scontrol", "update", f"JobId={job}", "Comment=to be saved")
        saved = self.job_state_file
        give_up = time.monotonic() + START_LIMIT_S
        while not (saved.exists() and saved.stat().st_mtime > asked_at):
            if time.monotonic() > give_up:
                raise DaemonError(f"slurmctld did not write {saved} in {START_LIMIT_S:g} s")
            time.sleep(0.1)

    def start_slurmd(self) -> None:
        """Start the node's daemon alone and wait until the node takes jobs."""
        self.slurmd.start(self.node_is_idle)

    def stop(self) -> None:
        """End the jobs and all three servers."""
        if self.config_file.exists() and self._controller_is_up():
            self.asks("scancel", "--user=root")
        for daemon in (self.slurmctld, self.slurmd, self._munged):
            daemon.stop()

    def asks(self, *argv: str) -> bool:
        """Run one of SLURM's commands here; tell whether it succeeded."""
        return self.run(*argv).returncode == 0

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run one of SLURM's commands here."""
        return subprocess.run(
            argv, capture_output=True, text=True, env=self.environment, timeout=60, check=False
        )

    def node_is_idle(self) -> bool:
        """Tell whether the node takes jobs."""
        return self.run("sinfo", "-h", "-o", "%T").stdout.split()[:1] in (["idle"], ["mixed"])

    def drain_node(self) -> None:
        """Let the node take no more jobs."""
        self.asks("scontrol", "update", f"NodeName={self.node}", "State=DRAIN", "Reason=test")

    def take_node_down(self) -> None:
        """Let the node fail, as a crash of it would end: its jobs are given up at once."""
        self.slurmd.kill()
        self.asks("scontrol", "update", f"NodeName={self.node}", "State=DOWN", "Reason=test")

    def bring_node_back(self) -> None:
        """Start the node's daemon, when it does not run, and let the node take jobs again."""
        if self.slurmd.is_running:
            self.resume_node()
        else:
            self.slurmd.start(self.resume_node)

    def resume_node(self) -> bool:
        """Take the node back into service, whatever it was taken out for; tell whether it is."""
        if self.node_is_idle():
            return True
        self.asks("scontrol", "update", f"NodeName={self.node}", "State=RESUME")
        return self.node_is_idle()

    def _controller_is_up(self) -> bool:
        return " is UP" in self.run("scontrol", "ping").stdout
