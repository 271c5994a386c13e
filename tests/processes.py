"""Processes told apart by what stands in their environment, and ended each by its id.

A job of SLURM, a detached executor and a server outlive whoever started them,
and may have a session and a parent of their own. What they inherit is the
environment: a variable in it says which test run or test cluster they are of.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


class StrayProcessError(Exception):
    """A process that was killed does not end."""


def start_ticks(pid: int) -> str:
    """Return when a process started, in clock ticks from boot; empty when it is gone or dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def processes_with(variable: str, value: str) -> list[int]:
    """Return the living processes that were started with a variable in their environment."""
    wanted = f"{variable}={value}".encode()
    return [pid for pid in _all_processes() if wanted in _environment(pid) and pid != os.getpid()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it ended while we looked, or it is not ours to read


def processes_bound_below(folder: Path) -> list[int]:
    """Return the processes that hold a socket with a name below a folder, be it removed or not."""
    sockets = [line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text().splitlines()]
    wanted = {
        f"socket:[{inode}]"
        for *_, inode, name in (fields for fields in sockets if len(fields) == 8)
        if Path(name).is_relative_to(folder)
    }
    return [pid for pid in _all_processes() if wanted & _open_files(pid)]


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _open_files(pid: int) -> set[str]:
    try:
        return {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()  # it ended while we looked, or it is not ours to read


def end_processes(find: Callable[[], list[int]], limit_s: float = 5.0) -> None:
    """Kill what is found, each process by its id, until nothing is found any more.

    Raises
    ------
    StrayProcessError
        When that takes longer than it may.
    """
    deadline = time.monotonic() + limit_s
    while pids := find():
        if time.monotonic() > deadline:
            raise StrayProcessError(f"processes {pids} do not end")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
