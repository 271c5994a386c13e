"""The processes that a demo starts, and their end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
_GRACE_S = 10.0


@dataclass(frozen=True)
class Child:
    """One started process and where its words go."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 15) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Children:
    """Starts processes outside of the terminal's group and ends exactly these.

    Ctrl-C reaches only the demo itself, which then ends them in its own order.
    """

    def __init__(self, log_folder: Path) -> None:
        log_folder.mkdir(parents=True, exist_ok=True)
        self._log_folder = log_folder
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in reversed(self._children):
            end(child)

    def start(self, name: str, argv: Sequence[str], **environment: str) -> Child:
        """Start a process of the project's own interpreter."""
        log = self._log_folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=PROJECT,
                env={**os.environ, **environment},
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child


def end(child: Child) -> None:
    """End a process and what it started: politely, then not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if child.process.poll() is not None:
            return
        os.killpg(child.process.pid, sign)
        try:
            child.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def free_port(wanted: int) -> int:
    """Return the wanted port of this machine, or the next free one."""
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {wanted} and {wanted + 99}")


def wait_until_served(url: str, child: Child, timeout_s: float = 60.0) -> None:
    """Wait for a server's first answer.

    Raises
    ------
    ChildProcessError
        When it ended or did not answer in time; the message holds the end of its log.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if child.process.poll() is not None:
            raise ChildProcessError(f"the {child.name} ended at once:\n{child.tail()}")
        try:
            with urlopen(url, timeout=2.0):  # noqa: S310 - our own loopback address
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise ChildProcessError(
        f"the {child.name} did not answer at {url} in {timeout_s:.0f} s:\n{child.tail()}"
    )
