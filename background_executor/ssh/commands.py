"""Run one command over a channel: feed it, read it, and know when it is over."""

import contextlib
import select
import time

import paramiko

from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.transport import CommandOutput

OUTPUT_LIMIT_BYTES = 64 << 20
_CHUNK = 1 << 16
_LONGEST_WAIT_S = 0.5
"""Ends of channels do not always wake a waiter."""


class RemoteCommand:
    """A command that runs on the other end of a channel."""

    def __init__(self, channel: paramiko.Channel, stdin: bytes | None) -> None:
        self._channel = channel
        self._to_send = stdin or b""
        self._stdout: list[bytes] = []
        self._stderr: list[bytes] = []
        self._received = 0
        if not self._to_send:
            channel.shutdown_write()

    def wait(self, timeout_s: float, what: str) -> CommandOutput:
        """Wait for the end and return what the command gave.

        Raises
        ------
        UnreachableError
            When it does not end in time, or the connection does before it.
        """
        deadline = time.monotonic() + timeout_s
        while not self._is_over():
            if self._move_bytes():
                continue
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise UnreachableError(
                    f"no answer within {timeout_s:g} s from {what!r}; it will be asked again"
                )
            select.select([self._channel], [], [], min(left_s, _LONGEST_WAIT_S))
        status = self._channel.recv_exit_status()
        if status < 0:
            raise UnreachableError(f"the connection ended while {what!r} was running")
        return CommandOutput(status, _text(self._stdout), _text(self._stderr))

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


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")
