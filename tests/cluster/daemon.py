"""One server process of the test cluster: started, watched, stopped and found again when it strays.

Every process of a cluster carries ``PMT_TEST_CLUSTER=<its folder>`` in its
environment; what is left over after the daemons ended (job steps, commands) is
told from everybody else's processes by that mark. sshd and slurmstepd write
their titles over their environment: servers are also known by process id and
start time, in a file beside their log, and job steps by the socket that each
has in the node's spool folder.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.processes import processes_bound_below, processes_with, start_ticks

MARK = "PMT_TEST_CLUSTER"
START_LIMIT_S = 120.0
PID_SUFFIX = ".started"


class DaemonError(Exception):
    """A server of the test cluster did not start or ended by itself."""


class Daemon:
    """A server that runs in the foreground of its own session, its output in a file."""

    def __init__(
        self, name: str, argv: Sequence[str], log_file: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._argv = list(argv)
        self.log_file = log_file
        self._environment = dict(environment)
        self._pid_file = log_file.with_suffix(PID_SUFFIX)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id while it runs."""
        if self._process is None:
            raise DaemonError(f"{self.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool], limit_s: float = START_LIMIT_S) -> None:
        """Start it and wait until it answers."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._pid_file.write_text(f"{self.pid} {start_ticks(self.pid)}")
        deadline = time.monotonic() + limit_s
        while not is_ready():
            status = self._process.poll()
            if status is not None or time.monotonic() > deadline:
                self.kill()
                what = f"ended with {status}" if status is not None else f"not up in {limit_s} s"
                raise DaemonError(f"{self.name} {what}:\n{self._log_tail()}")
            time.sleep(0.05)

    def stop(self, limit_s: float = 5.0) -> None:
        """Ask it to end; kill it when it does not."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait(limit_s)
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """Let it hang: it keeps its port and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        os.kill(self.pid, signal.SIGCONT)

    def _log_tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:]


def marked_processes(folder: Path) -> list[int]:
    """Return the ids of the living processes of a cluster."""
    steps = processes_bound_below(folder)
    return list({*_servers(folder), *steps, *processes_with(MARK, str(folder))})


def _servers(folder: Path) -> list[int]:
    """Return the servers that still run, by the files they were noted in."""
    found = []
    for file in folder.rglob(f"*{PID_SUFFIX}"):
        pid, _, ticks = file.read_text().partition(" ")
        if ticks and start_ticks(int(pid)) == ticks:
            found.append(int(pid))
    return found
