"""The test cluster: a real sshd and a real SLURM, as a context manager.

``with RealCluster() as cluster:`` starts it in a folder of its own under the
system's temporary folder (socket paths must be short) and leaves neither
processes nor files behind. ``python -m tests.cluster up`` starts the same for
playing with.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Self

from tests.cluster.accounting import AccountingServers
from tests.cluster.cgroups import CGROUPS, NO_CGROUPS, prepare_cgroups, remove_cgroups
from tests.cluster.daemon import MARK, DaemonError, marked_processes
from tests.cluster.slurm_servers import NO_ACCOUNTING, SlurmServers
from tests.cluster.ssh_server import SshServer
from tests.processes import end_processes, start_ticks

_PREFIX = "pmt-cluster-"
_OWNER_FILE = "owner"
_NO_OWNER = "none"

_PORTS = range(20_000, 32_000)
_PORTS_APART = 30

PROGRAMS = {
    "sshd": "openssh-server",
    "munged": "munge",
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "setpriv": "util-linux",
}


def why_not(more_programs: Mapping[str, str] | None = None) -> str:
    """Say why no cluster can be started here; empty when one can.

    Parameters
    ----------
    more_programs
        Needed beside the usual ones, with the Debian packages that bring them.
    """
    programs = {**PROGRAMS, **(more_programs or {})}
    if os.getuid() != 0:
        return "a real sshd and SLURM need root to start"
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {package for name, package in programs.items() if not shutil.which(name, path=search)}
    return f"Debian packages are missing: {', '.join(sorted(missing))}" if missing else ""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, all different.

    They lie below those that the kernel gives out by itself, and two processes
    that look at the same moment look in different places.
    """
    begin = os.getpid() * _PORTS_APART
    found: list[int] = []
    for step in range(len(_PORTS)):
        port = _PORTS[(begin + step) % len(_PORTS)]
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise DaemonError(f"no {count} ports of {_PORTS} are free on the loopback interface")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def sweep_abandoned() -> None:
    """Remove clusters whose owner was killed before it could stop them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            pid, ticks = (folder / _OWNER_FILE).read_text().split()
        except (OSError, ValueError):
            continue  # being made or removed at this moment
        if ticks != _NO_OWNER and start_ticks(int(pid)) != ticks:
            remove_cluster(folder)


def remove_cluster(folder: Path) -> None:
    """End whatever still runs of a cluster and remove its folder.

    Who it belonged to stands there until the rest is gone: what cannot be removed
    now, because a disk is mounted in it, is found again by the next sweep.
    """
    end_processes(partial(marked_processes, folder))
    remove_cgroups(folder)
    parts = [part for part in folder.glob("*") if part.is_dir()]
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)
    if not any(part.exists() for part in parts):
        shutil.rmtree(folder, ignore_errors=True)


class RealCluster:
    """One sshd and one SLURM node, and the folder in which the "site" keeps its data.

    Parameters
    ----------
    forget_s
        SLURM forgets an ended job after so many seconds.
    outlives_owner
        The cluster stays when the process that started it ends.
    has_accounting
        slurmdbd and MariaDB run too, so that sacct has answers.
    has_cgroups
        The kernel limits the memory of jobs.
    """

    def __init__(
        self,
        *,
        forget_s: int = 300,
        outlives_owner: bool = False,
        has_accounting: bool = False,
        has_cgroups: bool = False,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.folder.chmod(0o755)
        owner = os.getpid()
        ticks = _NO_OWNER if outlives_owner else start_ticks(owner)
        (self.folder / _OWNER_FILE).write_text(f"{owner} {ticks}")
        ssh_port, *slurm_ports = free_ports(5)
        mark = {MARK: str(self.folder)}
        slurm_folder = self.folder / "slurm"
        self._accounting = (
            AccountingServers(
                self.folder / "accounting",
                (slurm_ports[2], slurm_ports[3]),
                slurm_folder / "munge.socket",
                {**os.environ, **mark},
            )
            if has_accounting
            else None
        )
        self.slurm = SlurmServers(
            slurm_folder,
            (slurm_ports[0], slurm_ports[1]),
            mark,
            forget_s=forget_s,
            accounting=self._accounting.lines() if self._accounting else NO_ACCOUNTING,
            memory_limits=CGROUPS if has_cgroups else NO_CGROUPS,
        )
        self._has_cgroups = has_cgroups
        session = {**mark, "SLURM_CONF": str(self.slurm.config_file)}
        self.ssh = SshServer(self.folder / "ssh", ssh_port, session)
        self.base = self.folder / "site"

    def start(self) -> None:
        """Start everything; what was started is stopped again when a part fails."""
        sweep_abandoned()
        self.base.mkdir()
        try:
            self.ssh.prepare()
            self.ssh.start()
            self.slurm.prepare()
            if self._has_cgroups:
                prepare_cgroups(self.folder, self.slurm.folder / "cgroup.conf")
            self.slurm.start_munged()
            if self._accounting:
                self._accounting.prepare()
                self._accounting.start()
            self.slurm.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything and remove the folder."""
        self.slurm.stop()
        if self._accounting:
            self._accounting.stop()
        self.ssh.stop()
        remove_cluster(self.folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
