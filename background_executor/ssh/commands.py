"""Run one command over a channel: write it, feed it, read it, and know when it is over.

The server hands a command to the user's login shell, which may be any: it may
read quotes by rules of its own, and print a greeting before the command's
first byte. So a line is written that sh, csh and fish read alike, and what the
command gives begins behind a mark.
"""

import contextlib
import re
import select
import shlex
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import paramiko

from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.transport import CommandOutput

OUTPUT_LIMIT_BYTES = 64 << 20
_CHUNK = 1 << 16
_LONGEST_WAIT_S = 0.5
"""Ends of channels do not always wake a waiter."""


_MARKED = 'echo "$0"; echo "$0" >&2; exec "$@"'
_ENCODED = 'eval "$(printf %b "$0")"'
_READ_DIFFERENTLY = re.compile(r"[\n!\\]")
"""What stands for itself between quotes in sh, but not in csh or fish."""


@dataclass(frozen=True)
class CommandLine:
    """A command as the login shell gets it."""

    text: str
    mark: bytes
    """The line that comes before the first byte of the command's output and of its errors."""


def write_command(argv: Sequence[str]) -> CommandLine:
    """Write a command so that its arguments arrive as they are, whichever shell reads them."""
    mark = f"pmt-{uuid.uuid4().hex}"
    line = shlex.join(["sh", "-c", _MARKED, mark, *argv])
    if _READ_DIFFERENTLY.search(line):
        escaped = re.sub(r"[\n!\\']", lambda found: f"\\0{ord(found[0]):03o}", line)
        line = f"sh -c {shlex.quote(_ENCODED)} '{escaped}'"
    return CommandLine(line, mark.encode() + b"\n")


@dataclass(frozen=True)
class Heartbeat:
    """How a line on which a long command says nothing is asked whether it lives."""

    every_s: float
    ask: Callable[[], None]
    """Raises where the line is dead."""


class RemoteCommand:
    """A command that runs on the other end of a channel."""

    def __init__(self, channel: paramiko.Channel, mark: bytes, stdin: bytes | None) -> None:
        self._channel = channel
        self._mark = mark
        self._to_send = stdin or b""
        self._stdout: list[bytes] = []
        self._stderr: list[bytes] = []
        self._received = 0
        if not self._to_send:
            channel.shutdown_write()

    def wait(self, timeout_s: float, what: str, heartbeat: Heartbeat) -> CommandOutput:
        """Wait for the end and return what the command gave; a line that dies meanwhile is noticed.

        Raises
        ------
        UnreachableError
            When it does not end in time, or the connection does before it.
        RemoteFileError
            When the login shell ended without running it.
        """
        heard_at = time.monotonic()
        deadline = heard_at + timeout_s
        while not self._is_over():
            if self._move_bytes():
                heard_at = time.monotonic()
                continue
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise UnreachableError(
                    f"no answer within {timeout_s:g} s from {what!r}; it will be asked again"
                )
            if time.monotonic() - heard_at > heartbeat.every_s:
                heartbeat.ask()
                heard_at = time.monotonic()
            select.select([self._channel], [], [], min(left_s, _LONGEST_WAIT_S))
        status = self._channel.recv_exit_status()
        if status < 0:
            raise UnreachableError(f"the connection ended while {what!r} was running")
        return self._output(status)

    def _output(self, status: int) -> CommandOutput:
        """Part what the login shell printed from what the command did."""
        stdout, stderr = b"".join(self._stdout), b"".join(self._stderr)
        greeting, began, output = stdout.partition(self._mark)
        if not began:
            raise never_begun(status, _text(stdout + stderr))
        before, found, errors = stderr.partition(self._mark)
        if not found:
            before, errors = b"", stderr
        return CommandOutput(status, _text(output), _text(errors), _text(greeting + before))

    def _is_over(self) -> bool:
        channel = self._channel
        if channel.recv_ready() or channel.recv_stderr_ready():
            return False
        return channel.exit_status_ready() and bool(channel.eof_received or channel.closed)

    def _move_bytes(self) -> bool:
        """Take and give what can be without waiting; tell whether that was anything."""
        received = self._receive()
        if self._to_send and self._channel.send_ready():
            self._send()
            return True
        return received

    def _receive(self) -> bool:
        before = self._received
        if self._channel.recv_ready():
            self._stdout.append(self._channel.recv(_CHUNK))
            self._received += len(self._stdout[-1])
        if self._channel.recv_stderr_ready():
            self._stderr.append(self._channel.recv_stderr(_CHUNK))
            self._received += len(self._stderr[-1])
        if self._received > OUTPUT_LIMIT_BYTES:
            raise RemoteFileError(f"a command gave more than {OUTPUT_LIMIT_BYTES} bytes")
        return self._received > before

    def _send(self) -> None:
        try:
            self._to_send = self._to_send[self._channel.send(self._to_send[:_CHUNK]) :]
        except OSError:  # the command ended without reading all of it: its status says why
            self._to_send = b""
        if not self._to_send:
            with contextlib.suppress(OSError):
                self._channel.shutdown_write()


def never_begun(status: int, said: str) -> RemoteFileError:
    """Return the error of a command that the login shell did not run."""
    words = said.strip()[-300:] or "nothing"
    return RemoteFileError(
        f"the login shell on the server ended with status {status} and ran no command; it said: "
        f"{words}. Look whether 'ssh' runs a command there, such as 'ssh HOST true'"
    )


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
